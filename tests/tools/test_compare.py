"""Differences of arrays against values computed by hand."""

import math
import tracemalloc

import numpy as np
import pytest
from hierarchy.samples import leaf, tree

from legacy_weights.hierarchy import open_file, write
from legacy_weights.tools.compare import Values, comparable, compare
from legacy_weights.tree import Array


def of(first, second):
    first, second = Array.of(np.asarray(first)), Array.of(np.asarray(second))
    assert comparable(first, second)
    return compare(first, second)


def test_by_hand():
    found = of([[1.0, 2, 3], [4, 5, 6]], [[1, 2.5, 3], [4, 5, 4.5]])
    assert found == Values(2, 6, 1.5, 0.25, (1, 2), 0)
    assert of(np.asfortranarray([[1.0, 2], [3, 4]]), [[1.0, 2], [3, 4]]) is None


def test_bits_count():
    assert of([0.0], [-0.0]) == Values(1, 1, 0.0, 0.0, (0,), 0)
    other = np.array([0x7FF8000000000001], "u8").view("f8")
    assert of([np.nan, np.inf], [np.nan, np.inf]) is None
    assert of([np.nan], other) == Values(1, 1, None, None, (0,), 0)


def test_nan_and_infinity():
    assert of([1.0, np.nan, 3], [np.nan, np.nan, 4]) == Values(2, 3, 1.0, 0.25, (2,), 1)
    assert of([np.inf, 1], [-np.inf, 1]) == Values(1, 2, math.inf, math.inf, (0,), 0)
    assert of([np.inf], [0.0]) == Values(1, 1, math.inf, math.inf, (0,), 0)


def test_integers_are_exact():
    top = 2**63 - 1
    assert of(np.array([top]), np.array([top - 1])).largest == 1
    assert of(np.array([top]), np.array([-top - 1])).largest == 2**64 - 1
    assert of(np.array([0], "u8"), np.array([2**64 - 1], "u8")).largest == 2**64 - 1
    assert of([True, False], [False, False]) == Values(1, 2, 1, 1.0, (0,), 0)
    assert of(np.array([200], "u1"), np.array([100], "u1")) == Values(1, 1, 100, 0.5, (0,), 0)


def test_other_dtypes():
    assert of(np.array([1.5], ">f8"), np.array([1.5], "<f8")) is None
    assert of(np.array([1.5, np.nan], "f4"), np.array([1.5, np.nan], "f8")) is None
    rounded = of(np.array([0.1], "f4"), np.array([0.1], "f8"))
    assert rounded.largest == abs(float(np.float32(0.1)) - 0.1)
    assert of([1, 2], [1.0, 2.5]) == Values(1, 2, 0.5, 0.2, (1,), 0)
    assert of([3 + 4j], [0j]) == Values(1, 1, 5.0, 1.0, (0,), 0)


def test_what_is_no_number():
    assert of(["a", "b"], ["a", "c"]) == Values(1, 2, None, None, (1,), 0)
    kind = [("x", ">i4"), ("y", "f8")]
    first, second = np.array([(1, 2.0)], kind), np.array([(1, 3.0)], kind)
    assert of(first, second) == Values(1, 1, None, None, (0,), 0)
    assert of(first, first) is None
    assert of(np.zeros(3, "U0"), np.zeros(3, "U0")) is None
    assert of(np.zeros((0, 3)), np.zeros((0, 3))) is None
    assert not comparable(Array.of(np.array(["a"])), Array.of(np.zeros(1)))
    assert not comparable(Array.of(np.zeros((1, 2))), Array.of(np.zeros(2)))


def test_a_scalar():
    assert of(1.0, 2.0) == Values(1, 1, 1.0, 0.5, (), 0)


@pytest.mark.parametrize("place", [0, 131_071, 131_072, 3_000_000, 4_999_999])
def test_the_place_in_a_large_array(place):
    second = np.zeros((5, 1_000_000), "f2")
    second.flat[place] = 2
    found = of(np.zeros((5, 1_000_000), "f8"), second)
    assert (found.count, found.largest) == (1, 2)
    assert found.at == divmod(place, 1_000_000)


def test_large_arrays_are_never_whole_in_memory(tmp_path):
    for name in "ab":
        values = np.full(10_000_000, ord(name) * 1.0)
        write(tree(leaf("/snapshots/model/a", values)), tmp_path / name)
    with open_file(tmp_path / "a") as first, open_file(tmp_path / "b") as second:
        tracemalloc.start()
        found = compare(*(file.arrays()["/snapshots/model/a"] for file in (first, second)))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert found == Values(10_000_000, 10_000_000, 1.0, 1 / 98, (0,), 0)
    assert peak < 40_000_000
