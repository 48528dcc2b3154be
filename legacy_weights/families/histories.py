"""From the history of a training run, a list of dictionaries, to a table."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from legacy_weights.families.labels import label, text_of
from legacy_weights.families.values import class_name, is_ordered_dict, resolve
from legacy_weights.paths import natural
from legacy_weights.pickles.objects import Instance
from legacy_weights.tree import AnyArray, Array, Table

_MOST_CELLS = 4_000_000
"""A small file can state one row a million times."""
_EXACT = 1 << 53
_LONGEST = 200
_MISSING = None


def table_of(path: str, rows: Any) -> tuple[Table | None, list[str]]:
    """Return a table of a list of dictionaries, one a row.

    A column is of booleans, of whole numbers, of text (as UTF-8), or else of float64, where NaN
    stands for what is missing or None.  Columns are in the order of the first row if that is an
    ordered dictionary, else sorted.

    Parameters
    ----------
    path : str
        Of the table.
    rows : object
        As the file has it.

    Returns
    -------
    table : Table or None
        None if there is no row, or if `rows` is something else.
    notes : list of str
        Which columns are left out, and why.
    """
    if type(rows) not in (list, tuple) or not rows:
        return None, []
    once: dict[int, dict[str, Any] | None] = {}
    known: dict[str, None] = {}
    for row in rows:
        if id(row) not in once:
            entry = once[id(row)] = _entry(row)
            if entry is None:
                return None, []
            known.update(dict.fromkeys(entry))
        if len(known) * len(rows) > _MOST_CELLS:
            return None, [f"{path}: the history has too many values for a table"]
    entries = [once[id(row)] or {} for row in rows]
    names = list(known) if class_name(rows[0]) == "OrderedDict" else sorted(known, key=natural)
    columns: dict[str, Array] = {}
    notes: list[str] = []
    for name in names:
        values = _column([entry.get(name, _MISSING) for entry in entries])
        if values is None:
            notes.append(
                f"{path}: column {name!r} is left out, for its values are neither all numbers nor "
                "all short texts; the records have them"
            )
        else:
            columns[name] = Array.of(values)
    return (Table(path, columns) if columns else None), notes


def _entry(row: Any) -> dict[str, Any] | None:
    """Return a row's values by column, or None if it is no dictionary."""
    if type(row) is dict:
        pairs: Any = row.items()
    elif type(row) is Instance and is_ordered_dict(row):
        pairs = [pair for pair in row.args[0] if type(pair) in (list, tuple) and len(pair) == 2]
    elif class_name(row) == "OrderedDict":
        pairs = row.pairs or ()
    else:
        return None
    return {label(key): _plain(value) for key, value in pairs}


def _plain(value: Any) -> Any:
    """Return a number or a text as Python's own; everything else as it is."""
    value = resolve(value)
    if isinstance(value, np.ndarray) and value.ndim == 0 and value.dtype.kind in "biuf":
        value = value[()]
    if isinstance(value, np.generic) and value.dtype.kind in "biuf" and value.dtype.itemsize <= 8:
        return value.item()
    return text_of(value) if isinstance(value, str | bytes) else value


def _column(values: Sequence[Any]) -> AnyArray | None:
    """Return the values of a column, or None if they are of no one kind."""
    kinds = {type(value) for value in values if value is not _MISSING}
    whole = _MISSING not in values
    if kinds == {bool} and whole:
        return np.array(values, np.bool_)
    if kinds == {int} and whole and all(-(1 << 63) <= value < 1 << 63 for value in values):
        return np.array(values, np.int64)
    if kinds <= {bool, int, float} and all(_is_exact(value) for value in values):
        return np.array([math.nan if v is _MISSING else float(v) for v in values], np.float64)
    if kinds == {str} and all(_is_short(value or "") for value in values):
        return np.array([(value or "").encode(errors="backslashreplace") for value in values])
    return None


def _is_short(text: str) -> bool:
    return len(text) <= _LONGEST and "\0" not in text


def _is_exact(value: Any) -> bool:
    return value is _MISSING or isinstance(value, float) or abs(value) <= _EXACT
