"""What HDF5 by PyTables cannot hold as it is, and the form in which it is kept instead.

==============================  ==========================================================
array                           kept as
==============================  ==========================================================
bool                            uint8
``U`` text                      uint32 code points, one more axis
datetime64, timedelta64         int64
structured, void                uint8, one more axis
``S`` text with a NUL inside    uint8, one more axis (HDF5 ends a string at its first NUL)
``S`` of no length              uint8, one more axis
big-endian long double          uint8, one more axis
rank above 32 (after the above)  the same, in one dimension
==============================  ==========================================================

Everything else is kept as it is, byte order included.  In every form the bytes of the dataset are
those of the array in C order, so that a file can be compared and hashed without restoring.
"""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np

from legacy_weights.errors import DamagedError, WriteError
from legacy_weights.hashing import blocks, contiguous
from legacy_weights.tree import AnyArray

_MAX_RANK = 32
_SIMPLE = re.compile(
    r"\|b1|\|[iu]1|[<>][iu][248]|[<>]f(2|4|8|12|16)|[<>]c(8|16|24|32)"
    r"|\|[SV][0-9]{1,9}|[<>|]U[0-9]{1,9}|[<>][mM]8(\[[0-9]{0,9}[A-Za-z]{1,2}\])?"
)
_KINDS = "biufcSUVMm"
_DEEPEST = 32


def form(
    dtype: np.dtype[Any], shape: tuple[int, ...], *, opaque: bool = False
) -> tuple[np.dtype[Any], tuple[int, ...]]:
    """Return the dtype and shape in which an array is kept.

    Parameters
    ----------
    dtype : numpy.dtype
    shape : tuple of int
    opaque : bool
        Whether an ``S`` array is kept as bytes (see :func:`is_opaque`).
    """
    kept: np.dtype[Any]
    inner: tuple[int, ...]
    kind, size = dtype.kind, dtype.itemsize
    if kind not in _KINDS:
        raise WriteError(f"arrays of dtype {dtype} cannot be kept")
    if kind == "b":
        kept, inner = np.dtype(np.uint8), ()
    elif kind in "mM":
        kept, inner = np.dtype(np.int64).newbyteorder(dtype.byteorder), ()
    elif kind == "U":
        kept, inner = np.dtype(np.uint32).newbyteorder(dtype.byteorder), (size // 4,)
    elif kind == "V" or opaque or size == 0 or _is_foreign_long_double(dtype):
        kept, inner = np.dtype(np.uint8), (size,)
    else:
        kept, inner = dtype, ()
    shape = (*shape, *inner)
    if len(shape) > _MAX_RANK:
        length = 1
        for side in shape:
            length *= side
        shape = (length,)
    return kept, shape


def forms(
    dtype: np.dtype[Any], shape: tuple[int, ...]
) -> list[tuple[np.dtype[Any], tuple[int, ...]]]:
    """Return every form in which an array of this dtype and shape may be found."""
    found = [form(dtype, shape)]
    if dtype.kind == "S":
        found.append(form(dtype, shape, opaque=True))
    return found


def is_opaque(array: AnyArray) -> bool:
    """Tell whether an ``S`` array has an element that HDF5 would cut: a NUL before another byte."""
    if array.dtype.kind != "S" or array.dtype.itemsize < 2:
        return False
    width = array.dtype.itemsize
    for block in blocks(array):
        letters = np.frombuffer(block, np.uint8).reshape(-1, width)
        if ((letters[:, :-1] == 0) & (letters[:, 1:] != 0)).any():
            return True
    return False


def store(array: AnyArray, *, opaque: bool = False) -> AnyArray:
    """Return an array in the form in which it is kept; a view wherever that is possible."""
    kept, shape = form(array.dtype, array.shape, opaque=opaque)
    if array.dtype == kept and array.shape == shape:
        return array
    if array.size == 0 or array.dtype.itemsize == 0:
        return np.empty(shape, kept)
    if array.dtype.itemsize != kept.itemsize or array.ndim > _MAX_RANK:
        array = contiguous(array).reshape(-1)
    return array.view(kept).reshape(shape)


def restore(
    kept: AnyArray, dtype: np.dtype[Any], shape: tuple[int, ...], *, fortran: bool = False
) -> AnyArray:
    """Undo :func:`store`: return the array of this dtype, shape and memory order."""
    if kept.size == 0:
        return np.ndarray(shape, dtype, order="F" if fortran else "C")
    array = np.ascontiguousarray(kept).reshape(-1).view(dtype).reshape(shape)
    if not fortran:
        return array
    if dtype.kind == "V":
        void = np.dtype((np.void, dtype.itemsize))
        return np.asfortranarray(array.view(void)).view(dtype)
    return np.asfortranarray(array)


def dtype_text(dtype: np.dtype[Any]) -> str:
    """Return a dtype as text: ``<f8``, or JSON if it is structured.

    The JSON of a structured dtype has ``names``, ``formats``, ``offsets``, ``itemsize`` and, where
    they say something, ``titles``, ``aligned`` and ``record``; a field that is an array itself
    is ``{"base", "shape"}``.
    """
    described = _describe(dtype)
    return described if isinstance(described, str) else json.dumps(described)


def parse_dtype(text: str) -> np.dtype[Any]:
    """Return the dtype that :func:`dtype_text` wrote.

    Raises
    ------
    DamagedError
        The text is of no dtype that this package writes.
    """
    try:
        if not text.startswith("{"):
            return _build(text)
        return _build(json.loads(text))
    except (ValueError, TypeError, KeyError, RecursionError, OverflowError) as error:
        raise DamagedError(f"{text[:80]!r} is no dtype") from error


def _is_foreign_long_double(dtype: np.dtype[Any]) -> bool:
    real = dtype.itemsize // (2 if dtype.kind == "c" else 1)
    return dtype.kind in "fc" and real > 8 and not dtype.isnative


def _describe(dtype: np.dtype[Any]) -> Any:
    if dtype.subdtype is not None:
        base, shape = dtype.subdtype
        return {"base": _describe(base), "shape": list(shape)}
    if dtype.names is None:
        if dtype.kind not in _KINDS:
            raise WriteError(f"arrays of dtype {dtype} cannot be kept")
        return dtype.str
    table: Any = dtype.fields
    fields = [table[name] for name in dtype.names]
    titles = [field[2] if len(field) > 2 else None for field in fields]
    if not all(title is None or isinstance(title, str) for title in titles):
        raise WriteError(f"a dtype with titles that are no text cannot be kept: {titles}")
    described: dict[str, Any] = {
        "names": list(dtype.names),
        "formats": [_describe(field[0]) for field in fields],
        "offsets": [field[1] for field in fields],
        "itemsize": dtype.itemsize,
    }
    if any(title is not None for title in titles):
        described["titles"] = titles
    if dtype.isalignedstruct:
        described["aligned"] = True
    if issubclass(dtype.type, np.record):
        described["record"] = True
    return described


def _build(described: Any, depth: int = 0) -> np.dtype[Any]:
    if depth > _DEEPEST:
        raise ValueError("nested too deeply")
    if isinstance(described, str):
        if not _SIMPLE.fullmatch(described):
            raise ValueError(described)
        return np.dtype(described)
    if set(described) == {"base", "shape"}:
        shape = tuple(_whole(side) for side in described["shape"])
        return np.dtype((_build(described["base"], depth + 1), shape))
    names = described["names"]
    if not all(isinstance(name, str) for name in names):
        raise TypeError("names")
    fields: Any = {
        "names": names,
        "formats": [_build(part, depth + 1) for part in described["formats"]],
        "offsets": [_whole(offset) for offset in described["offsets"]],
        "itemsize": _whole(described["itemsize"]),
    }
    if "titles" in described:
        if not all(title is None or isinstance(title, str) for title in described["titles"]):
            raise TypeError("titles")
        fields["titles"] = described["titles"]
    dtype: np.dtype[Any] = np.dtype(fields, align=described.get("aligned") is True)
    return np.dtype((np.record, dtype)) if described.get("record") is True else dtype


def _whole(value: Any) -> int:
    if type(value) is not int or not 0 <= value < 1 << 31:
        raise TypeError(value)
    return value
