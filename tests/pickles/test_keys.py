import math
import pickle
import sys

import numpy as np
import pytest
from bombs import PRIME, integer
from revive import load, revive

from legacy_weights.errors import LimitError


def test_python_hashes_numbers_as_this_module_believes():
    assert sys.hash_info.modulus == PRIME
    assert hash(PRIME - 1) == PRIME - 1
    assert hash(PRIME) == 0


@pytest.mark.parametrize("protocol", range(6))
def test_large_dictionaries_of_many_kinds_of_keys(protocol):
    tables = [
        dict.fromkeys(range(2500)),
        {-number: None for number in range(2500)},
        {f"w{number}": number for number in range(2500)},
        {(number, str(number)): None for number in range(2500)},
        {number * 2**64 + number: None for number in range(3000)},
        {number / 7: None for number in range(3000)},
        {tuple(range(number, number + 20)): None for number in range(2000)},
        {(("a", (number,)), -1): None for number in range(3000)},
    ]
    assert revive(load(pickle.dumps(tables, protocol))) == tables


def test_an_image_is_a_key():
    image = tuple(range(32 * 32 * 3))
    assert load(pickle.dumps({image: 1}, 2)) == {image: 1}


def test_hashes_that_python_gives_alike():
    # -1 and -2 have one hash in CPython: a grid of them is no attack
    grid = {(x, y, z): 0 for x in (-1, -2) for y in (-1, -2) for z in range(400)}
    assert load(pickle.dumps(grid, 2)) == grid


def colliding(count):
    return b"".join(integer(number * PRIME) + b"N" for number in range(1, count))


def test_few_keys_of_one_hash_are_read_and_many_refused():
    assert len(load(b"}(" + colliding(1000) + b"u.")) == 999
    with pytest.raises(LimitError, match="same hash"):
        load(b"}(" + colliding(2100) + b"u.")
    with pytest.raises(LimitError, match="same hash"):
        load(
            b"}"
            + b"".join(b"(" + colliding(700)[:1] * 0 + b"u" for _ in "ab")
            + b"("
            + colliding(2100)
            + b"u."
        )


def test_complex_numbers_of_one_hash():
    # hash(complex(re, im)) is hash(re) + 1000003 * hash(im)
    keys = [complex(-1000003.0 * number, number) for number in range(1, 3000)]
    assert len(set(map(hash, keys))) == 1
    with pytest.raises(LimitError, match="same hash"):
        load(pickle.dumps(dict.fromkeys(keys), 2))


def test_numpy_scalars_are_keys():
    array = np.array([(1, 2.5)], dtype="i4,f8")
    array.flags.writeable = False
    void = array[0]
    table = {np.float64(1.5): 1, np.int32(7): 2, np.str_("x"): 3, np.datetime64("2012-09-04"): 4}
    found = load(pickle.dumps(table, 2))
    assert found == table
    assert load(b"}" + pickle.dumps(void, 2)[2:-1] + b"K\x01s.") == {void: 1}


@pytest.mark.parametrize(
    "form", [integer, lambda key: b"L1" + b"0" * round(math.log10(key)) + b"\n"]
)
def test_integers_up_to_a_limit_are_keys(form):
    small, large = 10**4800, 10**6000  # 15,946 and 19,932 bits
    assert load(b"}" + form(small) + b"Ns" + form(small) + b"\x85Ns.") == {
        small: None,
        (small,): None,
    }
    for key in (b"", b"\x85", b"\x85\x85"):
        with pytest.raises(LimitError, match="bits"):
            load(b"}" + form(large) + key + b"Ns.")
    # where it is no key, it harms nobody
    assert load(b"(" + form(large) + b"}K\x01K\x02s}K\x03\x85K\x04st.") == (
        large,
        {1: 2},
        {(3,): 4},
    )
