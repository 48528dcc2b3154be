"""Rows of a log, kept as columns until they are written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from legacy_weights.errors import UsageError
from legacy_weights.tree import AnyArray, Array, Table

LOG = "/log"
_NUMBERS = "biufc"
_KINDS = "biufcSUMm"
_FIRST_ROWS = 64


class Columns:
    """The columns of a log, which grow by rows.

    Parameters
    ----------
    columns : iterable of str, or mapping of str to dtype
        Without a dtype a column has that of its values: whole numbers become fractions and text
        becomes longer when a value needs it.

    Raises
    ------
    UsageError
        Two have one name, or a dtype cannot be kept.
    """

    def __init__(self, columns: Iterable[str] | Mapping[str, Any]) -> None:
        given = columns if isinstance(columns, Mapping) else None
        names = [columns] if isinstance(columns, str) else list(columns)
        if len(set(names)) < len(names) or not all(isinstance(n, str) and n for n in names):
            raise UsageError(f"the columns are {names}", expected="names, each once")
        self._columns = {name: _Column(name, given[name] if given else None) for name in names}

    @classmethod
    def of(cls, table: Mapping[str, Iterable[Any]]) -> Columns:
        """Return the columns of a whole log, all of one length."""
        values = {str(name): _column_values(str(name), table[name]) for name in table}
        lengths = {name: len(column) for name, column in values.items()}
        if len(set(lengths.values())) > 1:
            raise UsageError(f"the columns of the log have different lengths: {lengths}")
        found = cls(values.keys())
        found.take(values)
        return found

    def take(self, table: Mapping[str, AnyArray]) -> None:
        """Begin with the rows that a log has already.

        Raises
        ------
        UsageError
            It has other columns, or values that a dtype given here does not hold.
        """
        if list(table) != self.names:
            raise UsageError(
                f"the log has the columns {', '.join(table) or 'none'}",
                expected=", ".join(self.names) or "none",
            )
        for name, values in table.items():
            self._columns[name].take(values)

    @property
    def names(self) -> list[str]:
        """Names, in their order."""
        return list(self._columns)

    @property
    def length(self) -> int:
        """Number of rows."""
        return next((len(column.values) for column in self._columns.values()), 0)

    def add(self, row: Mapping[str, Any] | Sequence[Any]) -> None:
        """Add a row, all of it or, if it does not fit, nothing.

        Parameters
        ----------
        row : mapping of str to value, or sequence
            A value for each column; a sequence has them in order.
        """
        values = self._in_order(row)
        cells = [
            column.prepared(value)
            for column, value in zip(self._columns.values(), values, strict=True)
        ]
        for column, (cell, dtype) in zip(self._columns.values(), cells, strict=True):
            column.add(cell, dtype)

    def tables(self) -> tuple[Table, ...]:
        """Return the log as it is now, good until the next row is added; nothing if no columns."""
        columns = {name: Array.of(column.values) for name, column in self._columns.items()}
        return (Table(LOG, columns),) if columns else ()

    def _in_order(self, row: Mapping[str, Any] | Sequence[Any]) -> list[Any]:
        names = self.names
        if isinstance(row, Mapping):
            if row.keys() != self._columns.keys():
                lacking = [name for name in names if name not in row]
                further = [str(name) for name in row if name not in self._columns]
                what = [f"it lacks {', '.join(lacking)}"] * bool(lacking)
                what += [f"no column is called {', '.join(further)}"] * bool(further)
                raise UsageError(f"a row does not fit: {'; '.join(what)}")
            return [row[name] for name in names]
        values = list(row)
        if len(values) != len(names):
            raise UsageError(
                f"a row has {len(values)} values", expected=f"{len(names)}: {', '.join(names)}"
            )
        return values


class _Column:
    """A column: a buffer of values that grows."""

    def __init__(self, name: str, dtype: Any) -> None:
        self.name = name
        self._is_fixed = dtype is not None
        self._buffer: AnyArray = np.empty(0, np.float64 if dtype is None else dtype)
        if self._buffer.dtype.kind not in _KINDS:
            raise UsageError(f"column {name!r} is to be of {self._buffer.dtype}")
        self._length = 0

    @property
    def values(self) -> AnyArray:
        return self._buffer[: self._length]

    def take(self, values: AnyArray) -> None:
        """Take whole values in place of none."""
        if self._is_fixed and not _fits(values, self._buffer.dtype):
            what = f"column {self.name!r} has {values.dtype}"
            raise UsageError(what, expected=str(self._buffer.dtype))
        self._buffer = values.astype(self._buffer.dtype) if self._is_fixed else values
        self._length = len(values)

    def prepared(self, value: Any) -> tuple[AnyArray, np.dtype[Any]]:
        """Return a value as an array, and the dtype that the column needs to hold it."""
        cell = as_array(value)
        present = self._buffer.dtype
        if cell.dtype.kind not in _KINDS or (self._length and cell.shape != self.values.shape[1:]):
            shape = f" of shape {cell.shape}" if cell.dtype.kind in _KINDS else ""
            raise UsageError(
                f"column {self.name!r} is to have a {type(value).__name__}{shape}",
                expected="a number or text, of one shape in all rows; NaN for what is not known",
            )
        dtype: np.dtype[Any] | None = cell.dtype
        if self._is_fixed:
            dtype = present
        elif self._length:
            dtype = _common(present, cell.dtype)
        if dtype is None or not (_fits(cell, dtype) and _fits(self.values, dtype)):
            raise UsageError(
                f"column {self.name!r} has {present} and is to have {value!r}",
                expected="values that one dtype holds exactly",
            )
        return cell, dtype

    def add(self, cell: AnyArray, dtype: np.dtype[Any]) -> None:
        """Add a value that was prepared."""
        if self._length == len(self._buffer) or dtype != self._buffer.dtype:
            capacity = max(_FIRST_ROWS, 2 * self._length)
            larger = np.empty((capacity, *cell.shape), dtype)
            larger[: self._length] = self.values.reshape(self._length, *cell.shape)
            self._buffer = larger
        self._buffer[self._length] = cell
        self._length += 1


def as_array(value: Any) -> AnyArray:
    """Return a value as an array; of objects, where its parts have no shape in common."""
    try:
        return np.asarray(value)
    except ValueError:
        return np.asarray([None])


def _listed(given: Iterable[Any]) -> Any:
    return given if isinstance(given, str | bytes) or not isinstance(given, Iterable) else [*given]


def _common(first: np.dtype[Any], second: np.dtype[Any]) -> np.dtype[Any] | None:
    """Return a dtype for values of both; None if there is none."""
    alike = first.kind == second.kind or (first.kind in _NUMBERS and second.kind in _NUMBERS)
    return np.promote_types(first, second) if alike else None


def _fits(values: AnyArray, dtype: np.dtype[Any]) -> bool:
    """Tell whether a dtype holds values: exactly, but for the digits of fractions."""
    old, new = values.dtype, dtype
    if old == new or not values.size or (old.kind in "fc" and new.kind in old.kind + "c"):
        return True
    if _common(old, new) is None or old.kind == "c":
        return False
    with np.errstate(all="ignore"):
        kept = values.astype(new)
        same = (kept if new.kind in "SU" else kept.astype(old)) == values
    return bool(np.all(same | np.isnat(values) if new.kind in "mM" else same))


def _column_values(name: str, given: Iterable[Any]) -> AnyArray:
    values = as_array(given if hasattr(given, "__array__") else _listed(given))
    if values.dtype.kind == "O" and all(isinstance(value, str) for value in values.flat):
        values = values.astype(str)  # as pandas has text
    if values.dtype.kind not in _KINDS or not values.ndim:
        raise UsageError(
            f"column {name!r} has values of {values.dtype}",
            expected="numbers or text, of one shape in all rows; NaN for what is not known",
        )
    return values
