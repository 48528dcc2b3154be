import array
import datetime
import pickle
from collections import Counter, OrderedDict, defaultdict, deque, namedtuple
from decimal import Decimal
from fractions import Fraction
from uuid import UUID

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from revive import load, revive, same

from legacy_weights.errors import DamagedError
from legacy_weights.pickles import Machine
from legacy_weights.pickles.objects import ABSENT, Instance

ENCODE = b"c_codecs\nencode\n"
ARRAY = b"carray\narray\n"


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize(
    "value",
    [
        OrderedDict([("z", 1), ("a", [2])]),
        OrderedDict(),
        Counter("abracadabra"),
        defaultdict(list, a=[1]),
        deque([1, 2, 3]),
        deque([1, 2, 3], 5),
        Decimal("1.50"),
        Decimal("NaN"),
        Fraction(-3, 7),
        datetime.date(2012, 9, 4),
        datetime.datetime(2012, 9, 4, 12, 30, 10, 255),
        datetime.time(12, 30, 0, 5),
        datetime.timedelta(-1, 3, 7),
        UUID("12345678-1234-5678-1234-567812345678"),
        slice(1, None, 2),
        range(0, 10, 3),
        complex(1.5, -0.0),
        complex(float("inf"), 0),
        b"",
        bytearray(),
        bytearray(b"\x00\xe9\xff"),
    ],
    ids=repr,
)
def test_values_of_the_standard_library(protocol, value):
    found = revive(load(pickle.dumps([value, value], protocol)))
    assert str(found) == str([value, value])
    assert type(found[0]) is type(value)


def test_a_namedtuple_is_a_record_of_its_fields():
    point = namedtuple("Point", "x y")
    globals()["Point"] = point
    point.__qualname__ = "Point"
    found = load(pickle.dumps(point(1, 2.5), 2))
    assert (found.cls.name, found.args) == ("Point", (1, 2.5))


@settings(max_examples=30)
@given(st.binary(max_size=100))
@pytest.mark.parametrize("protocol", [0, 1, 2])
def test_bytes_by_python_3_in_protocols_that_have_none(protocol, raw):
    machine = Machine(pickle.dumps(raw, protocol))
    assert machine.load() == raw
    assert machine.python3 == bool(raw)


@pytest.mark.parametrize(
    ("arguments", "value"),
    [
        (b"X\x02\0\0\0\xc3\xa9X\x06\0\0\0latin1", b"\xe9"),
        (b"X\x02\0\0\0\xc3\xa9U\x07latin-1", b"\xe9"),
        (b"X\x02\0\0\0\xc3\xa9U\x05utf-8", b"\xc3\xa9"),
        (b"X\x01\0\0\0aU\x05ascii", b"a"),
    ],
)
def test_encoded_text(arguments, value):
    assert load(ENCODE + arguments + b"\x86R.") == value


def test_one_text_in_two_encodings():
    data = b"(" + ENCODE + b"q\1X\x02\0\0\0\xc3\xa9q\2U\6latin1\x86R"
    data += b"h\1h\2U\5utf-8\x86R" + ARRAY + b"U\1uh\2\x86Rt."
    latin, utf, array_ = load(data)
    assert (latin, utf) == (b"\xe9", b"\xc3\xa9")
    assert array_.value.tolist() == ["é"]


@pytest.mark.parametrize(
    "arguments",
    [
        *(b")", b"X\1\0\0\0a\x85", b"U\1aU\6latin1\x86", b"X\1\0\0\0aU\3hex\x86"),
        *(b"X\1\0\0\0aU\5bz2_c\x86", b"X\1\0\0\0aN\x86", b"X\1\0\0\0aU\5utf-8U\6strict\x87"),
    ],
)
def test_other_encodings_stay_records(arguments):
    found = load(ENCODE + arguments + b"R.")
    assert type(found) is Instance
    assert found.value is ABSENT


def test_text_that_an_encoding_lacks():
    with pytest.raises(DamagedError):
        load(ENCODE + b"X\3\0\0\0\xe2\x82\xacU\6latin1\x86R.")


@pytest.mark.parametrize(
    "data",
    [
        b"c__builtin__\ncomplex\n(U\x011K\1tR.",
        b"c__builtin__\ncomplex\nK\1\x85R.",
        b"c__builtin__\nbytes\nU\1x\x85R.",
        b"c__builtin__\nbytearray\nM\xe8\x03\x85R.",
        b"c__builtin__\nbytearray\nX\1\0\0\0aU\3hex\x86R.",
        b"ccopy_reg\n_reconstructor\n)R.",
        b"ccopy_reg\n_reconstructor\n(U\1xNNtR.",
        b"ccopy_reg\n__newobj__\n)R.",
        b"ccopy_reg\n__newobj__\nU\1x\x85R.",
        ARRAY + b")R.",
        ARRAY + b"(K\1]tR.",
        ARRAY + b"(U\1x]tR.",
        ARRAY + b"(U\1dNtR.",
        ARRAY + b"(U\1i](F1.5\netR.",
        ARRAY + b"(U\1d](]etR.",
        ARRAY + b"(U\1d](U\x011etR.",
        ARRAY + b"(U\1c](U\2abetR.",
        ARRAY + b"(U\1u](X\2\0\0\0abetR.",
        ARRAY + b"(U\1dU\7seven..tR.",
        b"carray\n_array_reconstructor\n)R.",
    ],
)
def test_other_arguments_stay_records(data):
    found = load(data)
    assert type(found) is Instance
    assert found.value is ABSENT
    assert found.args is not None


def test_new_style_instances_of_protocols_0_and_1():
    found = load(b"ccopy_reg\n_reconstructor\n(cx\nY\nc__builtin__\nobject\nNtR}U\1aK\5sb.")
    assert (found.cls_name, found.args, found.base) == ("x.Y", (), ABSENT)
    assert found.state == {b"a": 5}
    found = load(b"ccopy_reg\n_reconstructor\n(cx\nY\nc__builtin__\nlist\n](K\1etR.")
    assert (found.cls_name, found.base) == ("x.Y", [1])
    # a subclass that is called like a type this module knows keeps its value, too
    found = load(b"ccopy_reg\n_reconstructor\n(c__builtin__\nbytes\nc__builtin__\nbytes\nU\1xtR.")
    assert found.base == b"x"


def test_new_style_instances_by_name():
    found = load(b"ccopy_reg\n__newobj__\n(cx\nY\nK\1K\2tR.")
    assert (found.cls_name, found.args) == ("x.Y", (1, 2))
    assert load(b"ccopyreg\n__newobj__\n(cbuiltins\ncomplex\nK\1K\2tR.") == 1 + 2j


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize(
    ("code", "items"),
    [
        *[(code, [0, 1, 100]) for code in "bBhHiIlLqQ"],
        *[(code, [0.5, -1.25, 3.0]) for code in "fd"],
        *[("d", []), ("f", [1e300])],
    ],
)
def test_arrays_by_cpython(protocol, code, items):
    value = array.array(code, items)
    found = load(pickle.dumps(value, protocol))
    assert found.value.tobytes() == value.tobytes()
    assert found.value.dtype == np.asarray(value).dtype


@pytest.mark.parametrize(
    ("data", "value"),
    [
        # Python 2.7 writes a list, earlier ones a string
        (b"(U\1d](F1.5\nK\2etR.", np.array([1.5, 2.0])),
        (b"(U\1f](F1.5\netR.", np.array([1.5], "f4")),
        (b"(U\1l](I-1\netR.", np.array([-1], "i8")),
        (b"(U\1c](U\1aU\1\0U\1betR.", np.array([b"a", b"", b"b"], "S1")),
        (b"(U\1u](X\2\0\0\0\xc3\xa9etR.", np.array(["é"])),
        (b"(U\1cU\3abctR.", np.array([b"a", b"b", b"c"])),
        (b"(U\1hU\4\1\0\2\0tR.", np.array([1, 2], "<i2")),
        (b"(U\1hU\0tR.", np.array([], "<i2")),
        (b"(X\1\0\0\0d]tR.", np.array([])),
    ],
)
def test_arrays_of_python_2_by_hand(data, value):
    assert same(load(ARRAY + data).value, value)


@pytest.mark.parametrize(
    ("form", "expected"),
    [(0, "u1"), (1, "i1"), (3, ">u2"), (5, ">i2"), (13, ">i8"), (15, ">f4"), (16, "<f8")],
)
def test_machine_formats_are_those_of_cpython(form, expected):
    raw = bytes(range(16))
    rebuilt = array._array_reconstructor(array.array, np.dtype(expected).char, form, raw)
    data = pickle.dumps((array._array_reconstructor, array.array, "d", form, raw), 3)
    names, kind, code, number, payload = load(data)
    found = load(
        b"carray\n_array_reconstructor\n(carray\narray\nX\1\0\0\0dK"
        + bytes([number])
        + b"C\x10"
        + payload
        + b"tR."
    )
    assert (names.dotted, kind.dotted, code) == ("array._array_reconstructor", "array.array", "d")
    assert found.value.dtype == np.dtype(expected)
    assert found.value.tolist() == rebuilt.tolist()


def test_a_part_of_an_element():
    with pytest.raises(DamagedError, match="part of an element"):
        load(b"carray\n_array_reconstructor\n(carray\narray\nX\1\0\0\0dK\x10C\3abctR.")


def test_integers_that_do_not_fit():
    with pytest.raises(DamagedError):
        load(ARRAY + b"(U\1b](M\xe8\3etR.")


@pytest.mark.parametrize("module", ["numpy", "numpy.core.multiarray", "numpy._core.multiarray"])
def test_the_module_of_numpy_may_move(module):
    value = np.float64(1.5)
    data = pickle.dumps(value, 2).replace(b"numpy._core.multiarray", module.encode())
    assert load(data) == value


@pytest.mark.parametrize("module", ["numpyx", "xnumpy", "os", "Numpy"])
def test_other_modules_are_not_numpy(module):
    data = b"c" + module.encode() + b"\ndtype\nU\2f8\x85R."
    assert load(data).value is ABSENT
