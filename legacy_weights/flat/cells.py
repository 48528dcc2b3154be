"""Storage cells: the one-element lists in which shared variables keep their values."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import repeat
from operator import itemgetter, setitem
from typing import Any, TypeAlias

import numpy as np

from legacy_weights.errors import LayoutError

Cell: TypeAlias = list[Any]
"""``variable.container.storage``; compiled functions read and write its only element."""

_VALUE = itemgetter(0)
_ZEROS = repeat(0)


def values_in(cells: Sequence[Cell]) -> list[Any]:
    """Return what the cells hold, as of one moment."""
    return list(map(_VALUE, cells))


def point(cells: Sequence[Cell], values: Sequence[Any], old: Sequence[Any] | None = None) -> None:
    """Put each value into its cell: all of them or, if that fails half-way, none.

    What the cells hold now may be given as `old`, which saves looking again.

    No other thread and no interrupt sees some of the values in place and others not: the loop is
    one call, without a byte of Python in between.
    """
    before = old or values_in(cells)
    try:
        any(map(setitem, cells, _ZEROS, values))  # each is None: all are set
    except BaseException:
        for cell, value in zip(cells, before, strict=True):
            if cell[0] is not value:
                cell[0] = value
        raise


def check_value(value: Any, name: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
    """Raise LayoutError if the value of a variable is of another kind than when it was bound."""
    if getattr(value, "shape", None) != shape or getattr(value, "dtype", None) != dtype:
        raise LayoutError(
            f"{name} now holds a {type(value).__name__} of the shape "
            f"{getattr(value, 'shape', None)} and the dtype {getattr(value, 'dtype', None)}",
            expected=f"{shape} and {dtype}, as when it was bound",
            advice="Bind the variables again.",
        )
