"""The table ``/index``: a row an array, between the models and NumPy.

Text stands in cells of fixed length, for a PyTables table has no others: UTF-8, as wide as the
longest text of the column.  The few longer than `LONGEST_CELL` are cut there, and stand whole in
``long_texts`` of the manifest; else one array with a very long origin would widen every row.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from pydantic import TypeAdapter, ValidationError

from legacy_weights.errors import DamagedError
from legacy_weights.hierarchy import texts
from legacy_weights.hierarchy.schema import LongText, Row
from legacy_weights.tree import AnyArray

PATH = "/index"
LONGEST_CELL = 512  # bytes

_NUMBERS = {
    "trainable": "<i1",
    "position": "<i8",
    "start": "<i8",
    "size": "<i8",
    "fortran": "|u1",
}
_JSON = ("shape", "origin")
_COLUMNS = tuple(Row.model_fields)
_ROWS = TypeAdapter(list[Row])


def pack(rows: Sequence[Row]) -> tuple[AnyArray, list[LongText]]:
    """Return rows as a structured array, and the texts that do not fit into it."""
    columns: dict[str, list[Any]] = {}
    long_texts = []
    for column in _COLUMNS:
        values = [getattr(row, column) for row in rows]
        if column not in _NUMBERS:
            if column in _JSON:
                values = [texts.dumps(value) for value in values]
            cells = [text.encode() for text in values]
            for number, cell in enumerate(cells):
                if len(cell) > LONGEST_CELL:
                    long_texts.append(LongText(row=number, column=column, text=values[number]))
                    cells[number] = cut(cell)
            values = cells
        columns[column] = values
    dtype = [(column, _cell_type(column, columns[column])) for column in _COLUMNS]
    packed = np.empty(len(rows), dtype)
    for column in _COLUMNS:
        packed[column] = columns[column]
    return packed, long_texts


def extended(
    packed: AnyArray, long_texts: Sequence[LongText], rows: Sequence[Row]
) -> tuple[AnyArray, list[LongText]]:
    """Return what :func:`pack` returned with further rows; cells become wider where they must."""
    further, longer = pack(rows)
    moved = [text.model_copy(update={"row": text.row + len(packed)}) for text in longer]
    return np.concatenate([packed, further]), [*long_texts, *moved]


def unpack(packed: AnyArray, long_texts: Iterable[LongText]) -> list[Row]:
    """Return the rows of :func:`pack`.

    Raises
    ------
    DamagedError
        The table is none that :func:`pack` writes.
    """
    names = packed.dtype.names
    if packed.ndim != 1 or names is None or set(names) != set(_COLUMNS):
        raise DamagedError("it has other columns", where=PATH, expected=", ".join(_COLUMNS))
    columns: dict[str, list[Any]] = {}
    try:
        for column in _COLUMNS:
            kind = packed.dtype[column].kind
            if kind not in ("iu" if column in _NUMBERS else "S"):
                raise DamagedError(f"column {column} has dtype {packed.dtype[column]}", where=PATH)
            values = packed[column].tolist()
            columns[column] = values if column in _NUMBERS else [cell.decode() for cell in values]
        for entry in long_texts:
            cells = columns[entry.column]
            if not isinstance(cells[entry.row], str) or not _begins(entry.text, cells[entry.row]):
                raise DamagedError(f"row {entry.row} is no cut of its long text", where=PATH)
            cells[entry.row] = entry.text
        for column in _JSON:
            columns[column] = [texts.loads(text) for text in columns[column]]
        columns["fortran"] = [value != 0 for value in columns["fortran"]]
        found = zip(*(columns[column] for column in _COLUMNS), strict=True)
        return _ROWS.validate_python([dict(zip(_COLUMNS, row, strict=True)) for row in found])
    except ValidationError as error:
        raise DamagedError("; ".join(explain(error)[:9]), where=PATH) from error
    except (ValueError, LookupError) as error:
        raise DamagedError(str(error), where=PATH) from error


def cut(cell: bytes) -> bytes:
    """Return the beginning of a long text, cut between two characters."""
    return cell[:LONGEST_CELL].decode(errors="ignore").encode()


def explain(error: ValidationError) -> list[str]:
    """Return what a pydantic error says, a line a fault."""
    return [
        f"{'.'.join(str(part) for part in fault['loc'])}: {fault['msg']}"
        for fault in error.errors(include_url=False, include_input=False)
    ]


def _begins(text: str, cell: str) -> bool:
    return cut(text.encode()) == cell.encode()


def _cell_type(column: str, values: list[Any]) -> str:
    if column in _NUMBERS:
        return _NUMBERS[column]
    return f"S{max((len(cell) for cell in values), default=0) or 1}"
