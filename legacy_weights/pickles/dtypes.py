"""NumPy's dtypes out of what a file says of them, by a closed list of type codes.

The forms are those of ``arraydescr_reduce`` and ``arraydescr_setstate`` in NumPy's
``descriptor.c`` (versions 1 to 4 of the state), and the descriptions that ``numpy.lib.format``
writes into ``.npy`` headers.  Nothing of a file is evaluated.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Sequence
from typing import Any

import numpy as np

_SIMPLE = re.compile(r"([<>=|]?)([?bBhHiIlLqQpPefdgFDG]|[biufcSUVaO][0-9]{1,10}|[SUVaO])")
# NumPy dies of a division by zero over M8[ns/0], so a number in a unit begins with no zero.
_NUMBER = "[1-9][0-9]{0,8}"
_UNIT = rf"generic|(?:{_NUMBER})?(?:Y|M|W|D|h|m|s|ms|us|μs|ns|ps|fs|as)(?:/{_NUMBER})?"
_TIME = re.compile(rf"[<>=|]?[Mm]8(?:\[(?:{_UNIT})\])?")
_NESTING = 32
_LEAVES = 10_000

DType = np.dtype[Any]


class DTypeError(ValueError):
    """A description of a dtype that is none, or one that this platform lacks."""


def text(value: Any) -> str:
    """Return a name that Python 2 may have kept as bytes."""
    if isinstance(value, memoryview):
        value = bytes(value)
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            return value.decode("latin-1")
    if isinstance(value, str):
        return value
    raise DTypeError(f"a name of type {type(value).__name__}")


def from_code(code: str) -> DType:
    """Return the dtype of a type string such as ``<f8``, ``S10`` or ``M8[ns]``.

    Raises
    ------
    DTypeError
        If it is none, or if this platform has no such float (``f12``, or ``f16`` where
        ``long double`` has eight bytes).
    """
    if not _TIME.fullmatch(code):
        simple = _SIMPLE.fullmatch(code)
        if not simple:
            raise DTypeError(f"{code[:60]!r} is no type of NumPy")
        order, kind = simple.groups()
        # The itemsize of object pointers is that of the machine that wrote the file.
        kind = "O" if kind.startswith("O") else kind.replace("a", "S")
        code = ("" if kind in ("O", "?") else order) + kind
    try:
        return np.dtype(code)
    except (TypeError, ValueError, OverflowError) as error:
        raise DTypeError(f"this platform has no dtype {code!r}") from error


def from_descr(descr: Any) -> DType:
    """Return the dtype of a description as in ``.npy`` headers.

    Parameters
    ----------
    descr : str or list of tuple
        A type string, or a list of ``(name, descr)`` or ``(name, descr, shape)``, where a name
        may be a pair of title and name.
    """
    return _from_descr(descr, 0, [0])


def _from_descr(descr: Any, depth: int, leaves: list[int]) -> DType:
    if isinstance(descr, str | bytes):
        leaves[0] += 1
        return from_code(text(descr))
    if isinstance(descr, tuple) and len(descr) == 2:
        return subarray(_from_descr(descr[0], depth + 1, leaves), descr[1])
    if not isinstance(descr, list) or depth > _NESTING or leaves[0] > _LEAVES:
        raise DTypeError("a description that is neither a type string nor a list of fields")
    names: list[str] = []
    titles: list[str | None] = []
    formats: list[DType] = []
    offsets: list[int] = []
    offset = 0
    for field in descr:
        if not isinstance(field, tuple) or len(field) not in (2, 3):
            raise DTypeError("a field that is no tuple of name, type and shape")
        dtype = _from_descr(field[1], depth + 1, leaves)
        if len(field) == 3:
            dtype = subarray(dtype, field[2])
        title, name = field[0] if isinstance(field[0], tuple) else (None, field[0])
        if text(name) or dtype.kind != "V" or dtype.fields is not None:  # else it is padding
            names.append(text(name) or f"f{len(names)}")
            titles.append(None if title is None else text(title))
            formats.append(dtype)
            offsets.append(offset)
        offset += dtype.itemsize
    return structured(names, formats, offsets, titles, offset)


def subarray(base: DType, shape: Any) -> DType:
    """Return the dtype of a field that is itself an array."""
    shape = shape if isinstance(shape, tuple) else (shape,)
    if not all(type(length) is int and 0 <= length < 2**31 for length in shape) or len(shape) > 32:
        raise DTypeError("a field whose shape is none")
    try:
        made: DType = np.dtype((base, shape))
        return made
    except (TypeError, ValueError, OverflowError) as error:
        raise DTypeError(f"a field that NumPy refuses: {error}") from error


def structured(
    names: Sequence[str],
    formats: Sequence[DType],
    offsets: Sequence[int],
    titles: Sequence[str | None],
    itemsize: int,
    aligned: bool = False,
) -> DType:
    """Return a structured dtype.

    Raises
    ------
    DTypeError
        If fields repeat a name, do not fit, or are too many or nested too deep.
    """
    parts: dict[str, Any] = {
        "names": list(names),
        "formats": list(formats),
        "offsets": list(offsets),
        "itemsize": itemsize,
    }
    if any(title is not None for title in titles):
        parts["titles"] = list(titles)
    if sum(map(count_leaves, formats)) > _LEAVES:
        raise DTypeError(f"a structure of more than {_LEAVES:,} fields")
    make: Any = np.dtype
    try:
        made: DType = make(parts)
        if aligned:
            # NumPy's own check decides whether the offsets deserve the flag.
            with contextlib.suppress(ValueError):
                made = make(parts, align=True)
        return made
    except (TypeError, ValueError, OverflowError) as error:
        raise DTypeError(f"a structure that NumPy refuses: {error}") from error


def count_leaves(dtype: DType, depth: int = 0) -> int:
    """Return how many fields a dtype has, those of nested structures counted each time."""
    if depth > _NESTING:
        raise DTypeError(f"structures nested more than {_NESTING} deep")
    if dtype.subdtype:
        return count_leaves(dtype.subdtype[0], depth + 1)
    if dtype.fields is None:
        return 1
    total = 1
    for name in dtype.names or ():
        total += count_leaves(dtype.fields[name][0], depth + 1)
        if total > _LEAVES:
            break
    return total


def from_state(base: DType, state: tuple[Any, ...]) -> DType:
    """Return the dtype that ``numpy.dtype.__setstate__`` would make of `base`.

    Parameters
    ----------
    base : numpy.dtype
        Of the type code in the constructor's arguments.
    state : tuple
        (version, byte order, subarray, names, fields, itemsize, alignment, flags, metadata), the
        later parts missing in earlier versions; the dtypes in it are resolved already.
    """
    version = state[0] if state and type(state[0]) is int else None
    if version == 1 and len(state) == 6:
        _, order, sub, fields, itemsize, _ = state
        names = fields.get(-1, fields.get(b"-1")) if isinstance(fields, dict) else None
        flags, meta = 0, None
    elif version in (2, 3, 4) and len(state) >= 7:
        _, order, sub, names, fields, itemsize, _ = state[:7]
        flags = state[7] if len(state) > 7 else 0
        meta = state[8] if len(state) > 8 else None
    else:
        raise DTypeError(f"a state of a version that is unknown, with {len(state)} entries")
    if type(itemsize) is not int or not isinstance(order, bytes | str):
        raise DTypeError("a state with an itemsize or byte order of a wrong type")
    if isinstance(fields, dict):
        aligned = type(flags) is int and bool(flags & 0x80)
        return _from_fields(names, fields, itemsize, aligned)
    if isinstance(sub, tuple) and len(sub) == 2 and isinstance(sub[0], np.dtype):
        return subarray(sub[0], sub[1])
    if base.kind in "SUV" and itemsize >= 0:
        width = itemsize // 4 if base.kind == "U" else itemsize
        base = from_code(f"{base.kind}{width}")
    elif base.kind in "Mm":
        base = from_code(base.str[1:3] + _unit(meta))
    symbol = text(order)
    if symbol not in ("<", ">", "=", "|"):
        raise DTypeError(f"a byte order {symbol[:40]!r}")
    if symbol == "|":
        return base
    return base.newbyteorder(">" if symbol == ">" else "<")


def _unit(meta: Any) -> str:
    """Return the unit of a datetime64, out of ``(metadata, (unit, count, 1, 1))``."""
    if isinstance(meta, tuple) and len(meta) == 2 and isinstance(meta[1], tuple):
        meta = meta[1]
    if not isinstance(meta, tuple) or len(meta) < 2:
        return ""
    unit, count = text(meta[0]), meta[1]
    if unit == "generic" or type(count) is not int or not 0 < count < 2**31:
        return ""
    return f"[{count}{unit}]"


def _from_fields(names: Any, fields: dict[Any, Any], itemsize: int, aligned: bool) -> DType:
    if not isinstance(names, tuple | list) or len(names) > _LEAVES:
        raise DTypeError(f"a structure without a list of at most {_LEAVES:,} names")
    known = {text(key): value for key, value in fields.items() if isinstance(key, bytes | str)}
    keys = [text(name) for name in names]
    formats: list[DType] = []
    offsets: list[int] = []
    titles: list[str | None] = []
    for key in keys:
        field = known.get(key)
        if not isinstance(field, tuple) or len(field) not in (2, 3):
            raise DTypeError(f"no description of the field {key[:40]!r}")
        if not isinstance(field[0], np.dtype) or type(field[1]) is not int:
            raise DTypeError(f"a field {key[:40]!r} of a wrong type")
        formats.append(field[0])
        offsets.append(field[1])
        titles.append(text(field[2]) if len(field) == 3 and field[2] is not None else None)
    return structured(keys, formats, offsets, titles, itemsize, aligned)
