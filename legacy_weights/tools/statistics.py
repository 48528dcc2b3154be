"""What the values of an array are like, in two passes over its blocks."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from legacy_weights.streams import elements
from legacy_weights.tree import AnyArray, Array

BINS = 10
_KINDS = "biufc"
_PIECE = 1 << 17  # numbers worked on at once: a megabyte of float64
_TINY, _HUGE = 1e-140, 1e140  # beyond, the square of a float64 is nothing or infinite


@dataclass(frozen=True, slots=True)
class Statistics:
    """What the numbers of an array are like; of complex ones, their magnitudes.

    Parameters
    ----------
    count : int
    zeros, nans, infinities : int
        How many there are of each.
    minimum, maximum : int or float, optional
        Of all but NaN; exact for integers.  None if there is no such number.
    mean, std : float, optional
        Of the finite numbers, in float64; `std` divides by their count.  None if there is none.
    histogram : tuple of int
        How many finite numbers fall into each of `BINS` equal parts of `span`, the upper end
        included; empty unless there are two different ones.
    span : (float, float), optional
        The least and the largest finite number.
    """

    count: int
    zeros: int
    nans: int
    infinities: int
    minimum: float | None
    maximum: float | None
    mean: float | None
    std: float | None
    histogram: tuple[int, ...]
    span: tuple[float, float] | None


def statistics(array: Array) -> Statistics | None:
    """Return what the numbers of an array are like; None if it holds no numbers."""
    if array.dtype.kind not in _KINDS:
        return None
    first = _Counts()
    for values in _numbers(array):
        first.add(values)
    if first.span is None:
        mean = std = None
        histogram: tuple[int, ...] = ()
    else:
        second = _Moments(*first.span)
        for values in _numbers(array):
            second.add(_finite(values))
        mean, std = second.mean, second.std
        histogram = tuple(second.histogram.tolist())
    return Statistics(
        array.size,
        first.zeros,
        first.nans,
        first.infinities,
        first.minimum,
        first.maximum,
        mean,
        std,
        histogram,
        first.span,
    )


class _Counts:
    """The first pass: ends and counts, without rounding."""

    def __init__(self) -> None:
        self.zeros = self.nans = self.infinities = 0
        self.minimum: Any = None
        self.maximum: Any = None
        self.span: tuple[float, float] | None = None

    def add(self, values: AnyArray) -> None:
        """Take a block."""
        self.zeros += values.size - int(np.count_nonzero(values))
        if values.dtype.kind == "f":
            nan = np.isnan(values)
            self.nans += int(np.count_nonzero(nan))
            self.infinities += int(np.count_nonzero(np.isinf(values)))
            values = values[~nan]
        if not values.size:
            return
        least, most = _plain(values.min()), _plain(values.max())
        self.minimum = least if self.minimum is None else min(self.minimum, least)
        self.maximum = most if self.maximum is None else max(self.maximum, most)
        finite = _finite(values)
        if finite.size:
            ends = float(finite.min()), float(finite.max())
            known = self.span or ends
            self.span = min(known[0], ends[0]), max(known[1], ends[1])


class _Moments:
    """The second pass: mean, deviation and histogram of finite numbers between two ends.

    Notes
    -----
    Blocks are merged as by T. F. Chan, G. H. Golub and R. J. LeVeque, "Updating formulae and a
    pairwise algorithm for computing sample variances" (1979).
    """

    def __init__(self, least: float, most: float) -> None:
        largest = max(abs(least), abs(most))
        self._scale = largest if largest and not _TINY < largest < _HUGE else 1.0
        self._least, self._width = least / self._scale, (most / self._scale - least / self._scale)
        self._count, self._mean, self._squares = 0, 0.0, 0.0
        self.histogram = np.zeros(BINS if self._width > 0 else 0, np.int64)

    def add(self, values: AnyArray) -> None:
        """Take the finite numbers of a block."""
        if not values.size:
            return
        scaled = values / self._scale
        mean = float(scaled.mean())
        total = self._count + values.size
        apart = mean - self._mean
        self._squares += float(np.square(scaled - mean).sum())
        self._squares += apart * apart * self._count * values.size / total
        self._mean += apart * values.size / total
        self._count = total
        if self.histogram.size:
            places = ((scaled - self._least) / self._width * BINS).astype(np.intp)
            self.histogram += np.bincount(np.clip(places, 0, BINS - 1), minlength=BINS)

    @property
    def mean(self) -> float:
        """The mean."""
        return self._mean * self._scale

    @property
    def std(self) -> float:
        """The standard deviation."""
        return math.sqrt(self._squares / self._count) * self._scale


def _numbers(array: Array) -> Iterator[AnyArray]:
    """Yield the numbers of an array, the magnitudes of complex ones, `_PIECE` at a time."""
    for block in elements(array):
        for start in range(0, block.size, _PIECE):
            values = block[start : start + _PIECE]
            if values.dtype.kind == "c":
                with np.errstate(over="ignore", invalid="ignore"):
                    yield np.abs(values)
            else:
                yield values.view(np.uint8) if values.dtype.kind == "b" else values


def _plain(value: Any) -> int | float:
    return int(value) if isinstance(value, np.integer) else float(value)


def _finite(values: AnyArray) -> AnyArray:
    """Return the numbers that are finite in float64."""
    with np.errstate(over="ignore"):
        floats = values.astype(np.float64)
    return floats[np.isfinite(floats)]
