"""Two arrays of one shape, element by element and block by block."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from legacy_weights.hashing import canonical_blocks
from legacy_weights.streams import pairs
from legacy_weights.tree import AnyArray, Array

_PIECE = 1 << 17  # elements worked on at once


@dataclass(frozen=True, slots=True)
class Values:
    """How the values of two arrays differ.

    Parameters
    ----------
    count : int
        How many elements differ: by a bit, byte order apart; of different dtypes, as numbers.
    size : int
        Of how many.
    largest : int or float, optional
        The largest absolute difference, exact between integers; None if there is no number.
    relative : float, optional
        The largest difference relative to the larger of the two magnitudes.
    at : tuple of int
        The index of the largest difference; without one, of the first element that differs.
    nans : int
        How many elements are NaN in one array only.
    """

    count: int
    size: int
    largest: float | None
    relative: float | None
    at: tuple[int, ...]
    nans: int


def comparable(first: Array, second: Array) -> bool:
    """Tell whether values can be compared: the shape is one, and the dtype, or both are numbers."""
    same = first.dtype.newbyteorder("<") == second.dtype.newbyteorder("<")
    numbers = {first.dtype.kind, second.dtype.kind} <= set("biufc")
    return first.shape == second.shape and (same or numbers)


def compare(first: Array, second: Array) -> Values | None:
    """Return how the values of two comparable arrays differ; None if they do not.

    NaN equals NaN of the same bits, and 0.0 is not -0.0.
    """
    found = _Found(first)
    place = 0
    for left, right in pairs(first, second):
        for start in range(0, len(left), _PIECE):
            here, there = left[start : start + _PIECE], right[start : start + _PIECE]
            differ = _differ(here, there)
            if differ is not None and differ.any():
                found.add(place + start, np.flatnonzero(differ), here[differ], there[differ])
        place += len(left)
    return found.values()


class _Found:
    """What differs, so far."""

    def __init__(self, array: Array) -> None:
        self._array = array
        self._count = self._nans = self._place = 0
        self._largest: int | float | None = None
        self._relative: float | None = None

    def add(self, start: int, places: AnyArray, here: AnyArray, there: AnyArray) -> None:
        """Take elements that differ, at `places` after `start`."""
        if not self._count:
            self._place = start + int(places[0])
        self._count += len(here)
        if here.dtype.kind not in "biufc" or there.dtype.kind not in "biufc":
            return
        apart, magnitude = _apart(here, there)
        told = ~np.isnan(apart) if apart.dtype.kind == "f" else np.ones(len(apart), bool)
        self._nans += int(np.count_nonzero(_isnan(here) != _isnan(there)))
        if not told.any():
            return
        places, apart, magnitude = places[told], apart[told], magnitude[told]
        best = int(apart.argmax())
        largest = apart[best].item() if apart.dtype.kind == "u" else float(apart[best])
        if self._largest is None or largest > self._largest:
            self._largest, self._place = largest, start + int(places[best])
        relative = _relative(apart, magnitude)
        self._relative = relative if self._relative is None else max(self._relative, relative)

    def values(self) -> Values | None:
        """Return the outcome."""
        if not self._count:
            return None
        return Values(
            self._count,
            self._array.size,
            self._largest,
            self._relative,
            tuple(map(int, np.unravel_index(self._place, self._array.shape))),
            self._nans,
        )


def _differ(here: AnyArray, there: AnyArray) -> AnyArray | None:
    """Return which elements differ; None if none does."""
    little = here.dtype.newbyteorder("<")
    if little != there.dtype.newbyteorder("<"):
        both = np.result_type(here, there)
        left, right = here.astype(both), there.astype(both)
        return np.asarray((left != right) & ~(_isnan(left) & _isnan(right)))
    bits = _bits(here), _bits(there)
    if bits[0] == bits[1]:
        return None
    unequal = np.frombuffer(bits[0], np.uint8) != np.frombuffer(bits[1], np.uint8)
    return np.asarray(unequal.reshape(-1, here.dtype.itemsize).any(axis=1))


def _bits(values: AnyArray) -> bytes:
    return b"".join(canonical_blocks(values))


def _apart(here: AnyArray, there: AnyArray) -> tuple[AnyArray, AnyArray]:
    """Return the absolute differences, and the larger magnitudes."""
    kinds = here.dtype.kind + there.dtype.kind
    if kinds in ("ii", "uu", "bb"):
        wide: Any = np.int64 if kinds == "ii" else np.uint64
        left, right = here.astype(wide), there.astype(wide)
        # Modulo 2**64, the larger less the smaller is the difference, however far they are apart.
        apart = np.maximum(left, right).view(np.uint64) - np.minimum(left, right).view(np.uint64)
        floats = np.maximum(np.abs(left.astype(np.float64)), np.abs(right.astype(np.float64)))
        return apart, floats
    both = np.result_type(here, there, np.float64)
    left, right = here.astype(both), there.astype(both)
    with np.errstate(all="ignore"):
        return np.abs(left - right), np.maximum(np.abs(left), np.abs(right))


def _relative(apart: AnyArray, magnitude: AnyArray) -> float:
    with np.errstate(all="ignore"):
        ratio = apart.astype(np.result_type(apart, np.float64)) / magnitude
    ratio = np.where(apart == 0, 0, np.where(np.isinf(magnitude), np.inf, ratio))
    return float(ratio.max())


def _isnan(values: AnyArray) -> AnyArray:
    if values.dtype.kind in "fc":
        return np.asarray(np.isnan(values))
    return np.zeros(values.shape, bool)
