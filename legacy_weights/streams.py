"""An array, some megabytes at a time: however large it is, it is never in memory whole."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import numpy as np

from legacy_weights.errors import in_file
from legacy_weights.hashing import blocks, canonical_blocks
from legacy_weights.tree import AnyArray, Array


def elements(array: Array) -> Iterator[AnyArray]:
    """Yield the elements of an array in C order.

    Parameters
    ----------
    array : Array

    Yields
    ------
    ndarray, shape (n,)
        Of the array's dtype, some megabytes; good until the next one is asked for.  Nothing, if
        there is no element or the elements have no bytes.
    """
    size = array.dtype.itemsize
    if not array.nbytes:
        return
    if array.stream is None:
        for block in blocks(array.load()):
            yield np.frombuffer(block, array.dtype)
        return
    rest = b""  # of an element that a block divides
    for block in array.stream():
        whole = memoryview(rest + bytes(block)) if rest else block
        end = len(whole) - len(whole) % size
        if end:
            yield np.frombuffer(whole[:end], array.dtype)
        rest = bytes(whole[end:])


def pairs(first: Array, second: Array) -> Iterator[tuple[AnyArray, AnyArray]]:
    """Yield the elements of two arrays of one shape side by side, the same number of each."""
    left, right = elements(first), elements(second)
    here: AnyArray = np.empty(0, first.dtype)
    there: AnyArray = np.empty(0, second.dtype)
    while True:
        here = here if len(here) else next(left, here)
        there = there if len(there) else next(right, there)
        count = min(len(here), len(there))
        if not count:
            return
        yield here[:count], there[:count]
        here, there = here[count:], there[count:]


def sha256(array: Array) -> str:
    """Return what :func:`legacy_weights.hashing.sha256` does, of an array that is not loaded."""
    digest = hashlib.sha256()
    for part in elements(array):
        for block in canonical_blocks(part):
            digest.update(block)
    return digest.hexdigest()


def of_file(array: Array, file: str) -> Array:
    """Return an array whose errors name the file that it comes from."""

    def load() -> AnyArray:
        with in_file(file):
            return array.load()

    def stream() -> Iterator[memoryview]:
        with in_file(file):
            for part in elements(array):
                yield part.view(np.uint8).data

    return Array(array.dtype, array.shape, load, array.fortran, stream)
