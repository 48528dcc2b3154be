"""Tables: how the columns of a log are kept, and restored.

A cell is kept in the form of :mod:`legacy_weights.hierarchy.storage`; all numbers are little
endian, for a PyTables table has one byte order.  The manifest has the dtypes of the legacy file.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from legacy_weights import paths
from legacy_weights.errors import DamagedError, WriteError
from legacy_weights.hashing import BLOCK, contiguous, sha256
from legacy_weights.hierarchy import storage
from legacy_weights.hierarchy.openfile import OpenFile
from legacy_weights.hierarchy.schema import Column, Table
from legacy_weights.hierarchy.texts import quote
from legacy_weights.tree import AnyArray
from legacy_weights.tree import Table as TreeTable


class KeptTable:
    """A table in the form in which it is written.

    Parameters
    ----------
    table : tree.Table
        Its columns are loaded.

    Attributes
    ----------
    entry : Table
        For the manifest.
    dtype : numpy.dtype
        Of a row; without fields if there is nothing to store.
    """

    def __init__(self, table: TreeTable) -> None:
        self._columns: dict[str, AnyArray] = {}
        columns = []
        fields: list[tuple[str, np.dtype[Any], tuple[int, ...]]] = []
        for name, array in table.columns.items():
            values = np.asarray(array.load())
            if values.shape[:1] != (table.length,):
                raise WriteError(f"column {name!r} is not as long as others", where=table.path)
            little = _little(values)
            opaque = storage.is_opaque(little)
            kept, cell = storage.form(little.dtype, little.shape[1:], opaque=opaque)
            stored = 0 not in cell and bool(kept.itemsize)
            column = paths.encode(name) if stored else ""
            if stored:
                # By way of text, for PyTables takes "<f8" and "=f8" for different byte orders.
                fields.append((column, np.dtype(kept.str), cell))
                whole = contiguous(storage.store(little, opaque=opaque))
                self._columns[column] = whole.reshape(table.length, *cell)
            columns.append(
                Column(
                    name=quote(name),
                    column=column,
                    dtype=storage.dtype_text(values.dtype),
                    shape=list(values.shape[1:]),
                    sha256=sha256(values),
                )
            )
        self.entry = Table(path=table.path, length=table.length, columns=columns)
        self.dtype = np.dtype(fields)

    def blocks(self, first: int = 0) -> Iterator[AnyArray]:
        """Yield the rows from `first` on, some megabytes at a time."""
        rows = max(1, BLOCK // max(1, self.dtype.itemsize))
        for start in range(first, self.entry.length, rows):
            stop = min(start + rows, self.entry.length)
            block = np.empty(stop - start, self.dtype)
            for name, values in self._columns.items():
                block[name] = values[start:stop]
            yield block


def load_column(file: OpenFile, table: Table, column: Column) -> AnyArray:
    """Return a column of a migrated file as the legacy file had it."""
    dtype = storage.parse_dtype(column.dtype)
    shape = (table.length, *column.shape)
    if not column.column:
        if dtype.itemsize and 0 not in shape:
            what = f"column {column.name!r} is missing"
            raise DamagedError(what, where=table.path, file=file.path)
        return np.ndarray(shape, dtype)
    values = file.read_column(table.path, column.column)
    little = dtype if dtype.kind == "V" else dtype.newbyteorder("<")
    forms = storage.forms(little, shape[1:])
    if values.shape[:1] != shape[:1] or (values.dtype, values.shape[1:]) not in forms:
        what = f"column {column.name!r} has another dtype or shape"
        raise DamagedError(what, where=table.path, file=file.path)
    restored = storage.restore(values, little, shape)
    return restored if little == dtype else restored.byteswap().view(dtype)


def _little(values: AnyArray) -> AnyArray:
    little = values.dtype.newbyteorder("<")
    if values.dtype.kind == "V" or little == values.dtype:
        return values
    return values.byteswap().view(little)
