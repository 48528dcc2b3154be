"""Statistics against values that were computed by hand or by Python's own library."""

import math
import statistics as stdlib
import tracemalloc

import numpy as np
import pytest

from legacy_weights.tools.statistics import statistics
from legacy_weights.tree import Array


def of(values):
    return statistics(Array.of(np.asarray(values)))


def test_by_hand():
    found = of(np.array([2.0, 4, 4, 4, 5, 5, 7, 9]))
    assert (found.minimum, found.maximum, found.mean, found.std) == (2, 9, 5, 2)
    # Parts of 0.7, from 2 on.
    assert found.histogram == (1, 0, 3, 0, 2, 0, 0, 1, 0, 1)
    assert (found.zeros, found.nans, found.infinities) == (0, 0, 0)


def test_nan_and_infinity_are_counted_and_left_out_of_the_mean():
    found = of(np.array([0.0, -0.0, np.nan, np.inf, -np.inf, 1, 3], "f4"))
    assert (found.zeros, found.nans, found.infinities) == (2, 1, 2)
    assert (found.minimum, found.maximum) == (-math.inf, math.inf)
    assert (found.mean, found.span) == (1.0, (0.0, 3.0))
    assert sum(found.histogram) == 4


@pytest.mark.parametrize("dtype", ["<f2", ">f4", "<f8", "<g", "i1", ">u2", "<i8"])
def test_many_against_the_standard_library(dtype):
    values = np.random.default_rng(1).integers(-100 if dtype[-2] != "u" else 0, 100, 300_000)
    values = values.astype(dtype)
    found = of(values)
    plain = [float(value) for value in values]
    assert found.mean == pytest.approx(stdlib.fmean(plain), rel=1e-12)
    assert found.std == pytest.approx(stdlib.pstdev(plain), rel=1e-12)
    assert found.zeros == plain.count(0.0)
    assert (found.minimum, found.maximum) == (min(plain), max(plain))


def test_a_small_deviation_beside_a_large_mean():
    values = 1e9 + np.tile([-1.0, 1.0], 300_000)
    assert of(values).std == pytest.approx(1.0, rel=1e-9)


def test_the_ends_of_float64():
    largest = np.finfo("f8").max
    found = of(np.array([largest, -largest, largest, -largest]))
    assert found.mean == 0
    assert found.std == pytest.approx(largest)
    assert found.histogram == (2, 0, 0, 0, 0, 0, 0, 0, 0, 2)
    assert of(np.array([5e-324, 5e-324])).mean == 5e-324
    ends = of(np.array([1.0, np.nextafter(1.0, 2)]))
    assert sum(ends.histogram) == 2


def test_integers_have_exact_ends():
    found = of(np.array([2**63 - 1, -(2**63)], "i8"))
    assert (found.minimum, found.maximum) == (-(2**63), 2**63 - 1)


def test_others():
    assert of(np.array([3 + 4j, 0])).maximum == 5
    assert of(np.array([True, False, True])).mean == pytest.approx(2 / 3)
    assert of(np.array(["text"])) is None
    empty = of(np.zeros((0, 3)))
    assert (empty.count, empty.mean, empty.minimum, empty.histogram) == (0, None, None, ())
    alike = of(np.full(7, -2.5))
    assert (alike.mean, alike.std, alike.histogram) == (-2.5, 0, ())
    assert of(np.array([np.nan])).minimum is None


def test_memory_is_bounded():
    values = np.zeros(30_000_000, "i1")
    array = Array.of(values)
    tracemalloc.start()
    statistics(array)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10_000_000
