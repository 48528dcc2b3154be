"""What lists, dictionaries and plain values of a file hold, whatever record stands for them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from legacy_weights.families.labels import text_of
from legacy_weights.families.values import is_ordered_dict, is_sequence, resolve
from legacy_weights.pickles.objects import Instance
from legacy_weights.tree import JSON, AnyArray

_LONGEST = 400
_ITEMS = 16


def elements(raw: Any) -> list[Any] | tuple[Any, ...]:
    """Return what a list, a tuple, or a record of a standard collection or list holds; or ()."""
    if type(raw) in (list, tuple):
        return raw  # type: ignore[no-any-return]
    if type(raw) is not Instance:
        return ()
    if is_sequence(raw):
        return raw.args[0]  # type: ignore[no-any-return]
    base = raw.base if type(raw.base) in (list, tuple) else ()
    return raw.items or base


def mapping(raw: Any) -> Iterator[tuple[Any, Any]]:
    """Yield the pairs of a dictionary, or of a record of one."""
    if type(raw) is dict:
        yield from raw.items()
    elif type(raw) is Instance:
        pairs = raw.args[0] if is_ordered_dict(raw) else raw.pairs
        for pair in pairs or ():
            if type(pair) in (tuple, list) and len(pair) == 2:
                yield pair[0], pair[1]


def column(values: Any) -> AnyArray | None:
    """Return a list of numbers as a column, or None if it holds anything else."""
    if type(values) is not list:
        return None
    found = [resolve(value) for value in values]
    if all(isinstance(value, np.ndarray | np.generic) for value in found):
        dtypes = {value.dtype for value in found}
        plain = all(value.ndim == 0 for value in found)
        if not plain or len(dtypes) != 1 or next(iter(dtypes)).kind not in "biuf":
            return None
        return np.array(found, next(iter(dtypes)))
    if all(type(value) is int for value in found):
        return np.array(found, np.int64) if max(map(abs, found)) < 2**63 else None
    if all(type(value) in (int, float) or _is_number(value) for value in found):
        try:
            return np.array([float(value) for value in found])
        except OverflowError:
            return None
    return None


def _is_number(value: Any) -> bool:
    """Whether a value is a number of NumPy, of no dimension."""
    if not isinstance(value, np.ndarray | np.generic):
        return False
    return value.ndim == 0 and value.dtype.kind in "biuf"


def is_plain(value: Any) -> bool:
    """Whether a value is a number, a short text, None, or a short list of them."""
    if type(value) in (list, tuple):
        return len(value) <= _ITEMS and all(map(is_scalar, value))
    return is_scalar(value)


def is_scalar(value: Any) -> bool:
    """Whether a value is a number, a short text or None."""
    if value is None or type(value) in (bool, float):
        return True
    if type(value) is int:
        return value.bit_length() < 64
    if isinstance(value, str | bytes):
        return len(value) <= _LONGEST
    return isinstance(value, np.generic) and value.dtype.kind in "biuf"


def plain_json(value: Any) -> JSON:
    """Return a plain value as JSON."""
    if type(value) in (list, tuple):
        return [plain_json(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    if type(value) is float and not np.isfinite(value):
        return {"$float": repr(value)}
    return text_of(value) if isinstance(value, str | bytes) else value
