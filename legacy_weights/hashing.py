"""SHA-256 of arrays and files.

The hash of an array is that of its values in C order, little endian, without gaps between the
elements.  It does not depend on how a file or a machine lays the array out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np

from legacy_weights.tree import AnyArray

if TYPE_CHECKING:
    from typing_extensions import Buffer

BLOCK = 1 << 22
"""Bytes handled at once: enough to keep call costs away, little enough to stay in a cache."""


def blocks(array: AnyArray) -> Iterator[memoryview]:
    """Yield the bytes of an array's elements in C order, as they are in memory.

    Parameters
    ----------
    array : numpy.ndarray
        Of any dtype but object, any shape, any layout.

    Yields
    ------
    memoryview
        Whole elements of at most `BLOCK` bytes (or one element, if that is larger).  A C-contiguous
        array is not copied.
    """
    for part in _parts(np.asarray(array)):
        flat = part.reshape(-1).view(np.uint8).data
        step = max(1, BLOCK // part.itemsize) * part.itemsize
        for start in range(0, len(flat), step):
            yield flat[start : start + step]


def canonical_blocks(array: AnyArray) -> Iterator[memoryview]:
    """Yield the bytes of an array's values in C order, little endian.

    Parameters
    ----------
    array : numpy.ndarray
        Of any dtype but object, any shape, any layout.  ``U`` arrays are little-endian code
        points, datetimes their 64-bit integers; in structured arrays each field is little
        endian and the gaps between fields are kept.

    Yields
    ------
    memoryview
        As of :func:`blocks`; an array that is little endian and C-contiguous is not copied.
    """
    array = np.asarray(array)
    if is_little_endian(array.dtype):
        yield from blocks(array)
        return
    for block in blocks(array):
        copy = bytearray(block)
        _to_little_endian(np.frombuffer(copy, array.dtype))
        yield memoryview(copy)


def contiguous(array: AnyArray) -> AnyArray:
    """Return an array in C order, with the gaps of structured elements; itself if it is so.

    An array in Fortran order is copied 64 columns at a time, so that the lines of memory that
    these touch stay in the cache: that takes an eighth of the time of one large copy.
    """
    if array.flags.c_contiguous:
        return array
    if array.dtype.names is not None:
        # As plain bytes: NumPy copies structured elements field by field and loses the gaps.
        return contiguous(array.view(np.dtype((np.void, array.itemsize)))).view(array.dtype)
    copy = np.empty(array.shape, array.dtype)
    is_fortran = abs(array.strides[-1]) > abs(array.strides[0])
    columns = 64 if is_fortran else array.shape[-1]
    for start in range(0, array.shape[-1], columns):
        part = np.s_[..., start : start + columns]
        copy[part] = array[part]
    return copy


def sha256(array: AnyArray) -> str:
    """Return the SHA-256 of an array's values, hexadecimal (see :func:`canonical_blocks`)."""
    digest = hashlib.sha256()
    for block in canonical_blocks(array):
        digest.update(block)
    return digest.hexdigest()


def sha256_file(source: str | PathLike[str] | Buffer) -> str:
    """Return the SHA-256, hexadecimal, of a file or of a buffer such as a memory map."""
    if isinstance(source, str | PathLike):
        with open(source, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    return hashlib.sha256(source).hexdigest()


def is_little_endian(dtype: np.dtype[Any]) -> bool:
    """Tell whether values of this dtype are hashed as they are in memory."""
    if dtype.subdtype is not None:
        return is_little_endian(dtype.subdtype[0])
    if dtype.names is not None:
        return all(is_little_endian(dtype[name]) for name in dtype.names)
    return dtype.newbyteorder("<") == dtype


def _parts(array: AnyArray) -> Iterator[AnyArray]:
    """Yield C-contiguous arrays that follow each other in C order."""
    if array.size == 0 or array.dtype.itemsize == 0:
        return
    if array.flags.c_contiguous or array.nbytes <= BLOCK:
        yield contiguous(array)
        return
    rows = max(1, BLOCK // (array.nbytes // len(array)))
    for start in range(0, len(array), rows):
        part = array[start : start + rows]
        yield from _parts(part[0] if rows == 1 and part.ndim > 1 else part)


def _to_little_endian(values: AnyArray) -> None:
    """Swap the bytes of `values`, its big-endian fields only, in place."""
    if values.dtype.names is None:
        if not is_little_endian(values.dtype):
            values.byteswap(inplace=True)
        return
    fields: Any = values.dtype.fields
    # Two names may stand for one field; swapping it twice would undo it.
    for name in {fields[name][:2]: name for name in values.dtype.names}.values():
        _to_little_endian(values[name])
