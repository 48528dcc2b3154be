"""From index and manifest of a migrated file back to the neutral tree."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np

from legacy_weights.errors import DamagedError
from legacy_weights.hdf5 import Dataset
from legacy_weights.hierarchy import logs, storage
from legacy_weights.hierarchy.openfile import OpenFile
from legacy_weights.hierarchy.plan import snapshot_group
from legacy_weights.hierarchy.schema import Manifest, Row, Table
from legacy_weights.hierarchy.schema import Snapshot as SnapshotEntry
from legacy_weights.hierarchy.texts import unquote
from legacy_weights.tree import (
    JSON,
    AnyArray,
    Array,
    Leaf,
    Record,
    Snapshot,
    Source,
    Trainable,
    Tree,
)
from legacy_weights.tree import Table as TreeTable


class Contents:
    """The arrays of a migrated file, lazy, by path, and the leaves that they make.

    Parameters
    ----------
    file : OpenFile
    manifest : Manifest
    rows : list of Row
    faults : list, optional
        Where to put faults, as (path, message), instead of raising them.

    Attributes
    ----------
    rows : dict of str to Row
        By path, in the order of the index.
    arrays : dict of str to Array
        By path, in the same order; a further name has the same object as its target.
    snapshots : dict of str to Snapshot
    other : tuple of Leaf

    Raises
    ------
    DamagedError
        The rows contradict each other or the manifest.
    """

    def __init__(
        self,
        file: OpenFile,
        manifest: Manifest,
        rows: list[Row],
        faults: list[tuple[str, str]] | None = None,
    ) -> None:
        self._file = file
        self._faults = faults
        self._dtypes: dict[str, np.dtype[Any]] = {}
        self._links: dict[str, list[tuple[str, str]]] = {}
        self.rows: dict[str, Row] = {}
        self.arrays: dict[str, Array] = {}
        self._take(rows)
        groups = {"": "/other", **{entry.name: entry.group for entry in manifest.snapshots}}
        sections: dict[str, list[Row]] = {name: [] for name in groups}
        for row in self.rows.values():
            if not row.path.startswith(f"{groups.get(row.snapshot)}/"):
                self._fault(row.path, f"it does not stand in snapshot {row.snapshot!r}")
            elif row.position >= 0:
                sections[row.snapshot].append(row)
            elif row.start < 0 and row.target and self.rows[row.target].position >= 0:
                self._links.setdefault(row.target, []).append((row.path, unquote(row.name)))
            else:
                self._fault(row.path, "it has no position, and is no further name of an array")
        for row in sections[""]:
            if row.start >= 0:
                self._fault(row.path, "it has a start, and stands in no snapshot")
        self.other = self._leaves(sections[""])
        self.snapshots = {
            unquote(entry.name): self._snapshot(entry, sections[entry.name])
            for entry in manifest.snapshots
        }

    def home(self, row: Row) -> Row:
        """Return the row of the array that a row leads to."""
        while row.target:
            row = self.rows[row.target]
        return row

    def _fault(self, path: str, message: str) -> None:
        if self._faults is None:
            raise DamagedError(message, where=path)
        self._faults.append((path, message))

    def _take(self, rows: list[Row]) -> None:
        """Make the arrays; rows that lead nowhere are left out."""
        for row in rows:
            if row.path in self.rows:
                self._fault(row.path, "two rows have this path")
            elif not row.target:
                array = self._array(row)
                if array is not None:
                    self.arrays[row.path] = array
            self.rows.setdefault(row.path, row)
        for row in rows:
            home = row
            for _ in range(2):  # a further name of an array that stands in another snapshot
                home = self.rows.get(home.target, home)
            if home.target or (home.dtype, home.shape, home.sha256) != (
                row.dtype,
                row.shape,
                row.sha256,
            ):
                self._fault(row.path, f"its target {row.target} is not this array")
            elif home.path in self.arrays:
                self.arrays[row.path] = self.arrays[home.path]
        self.rows = {path: row for path, row in self.rows.items() if path in self.arrays}
        self.arrays = {path: self.arrays[path] for path in self.rows}

    def _array(self, row: Row) -> Array | None:
        shape = tuple(row.shape)
        try:
            dtype = self._dtypes.get(row.dtype)
            if dtype is None:
                dtype = self._dtypes[row.dtype] = storage.parse_dtype(row.dtype)
        except DamagedError as error:
            self._fault(row.path, error.found)
            return None
        if row.size != math.prod(shape):
            self._fault(row.path, f"its size is {row.size}, and its shape {shape}")
        load = partial(load_array, self._file, row.path, dtype, shape, row.fortran)
        stream = partial(stream_array, self._file, row.path, dtype, shape)
        return Array(dtype, shape, load, row.fortran, stream)

    def _leaves(self, rows: list[Row]) -> tuple[Leaf, ...]:
        for position, row in enumerate(rows):
            if row.position != position:
                self._fault(row.path, f"its position is {row.position}, and not {position}")
        return tuple(
            Leaf(
                path=row.path,
                name=unquote(row.name),
                array=self.arrays[row.path],
                role=row.role,
                trainable=Trainable(row.trainable),
                origins=tuple(map(unquote, row.origin)),
                links=tuple(self._links.get(row.path, ())),
                note=unquote(row.note),
            )
            for row in rows
        )

    def _snapshot(self, entry: SnapshotEntry, rows: list[Row]) -> Snapshot:
        name = unquote(entry.name)
        if entry.group != snapshot_group(name):
            self._fault(entry.group, f"it is no place for snapshot {name!r}")
        snapshot = Snapshot(
            name=name,
            leaves=self._leaves(rows),
            order=entry.order_source,
            order_note=unquote(entry.order_note),
            iteration=entry.iteration,
            complete=entry.complete,
            legacy_hash=None if entry.legacy_hash is None else unquote(entry.legacy_hash),
        )
        names = set()
        for leaf, start in snapshot.layout():
            if self.rows[leaf.path].start != start:
                self._fault(leaf.path, "its start does not follow from those before it")
            if leaf.name in names:
                self._fault(leaf.path, f"a further array is called {leaf.name!r}")
            names.add(leaf.name)
        return snapshot


def load_array(
    file: OpenFile, path: str, dtype: np.dtype[Any], shape: tuple[int, ...], fortran: bool
) -> AnyArray:
    """Read an array and restore what HDF5 could not hold of it."""
    kept = file.read(path)
    _check_form(file, path, (kept.dtype, kept.shape), dtype, shape)
    return storage.restore(kept, dtype, shape, fortran=fortran)


def stream_array(
    file: OpenFile, path: str, dtype: np.dtype[Any], shape: tuple[int, ...]
) -> Iterator[memoryview]:
    """Yield the bytes of an array in C order; in every form they are those of the dataset."""
    node = file.find(path)
    if not isinstance(node, Dataset):
        raise DamagedError("there is no dataset", where=path, file=file.path)
    _check_form(file, path, (node.dtype, node.shape), dtype, shape)
    yield from file.blocks(path)


def _check_form(
    file: OpenFile,
    path: str,
    kept: tuple[np.dtype[Any], tuple[int, ...]],
    dtype: np.dtype[Any],
    shape: tuple[int, ...],
) -> None:
    if kept not in storage.forms(dtype, shape):
        found = f"it has dtype {kept[0]} and shape {kept[1]}"
        expected = f"{dtype} and {shape}"
        raise DamagedError(found, where=path, expected=expected, file=file.path)


def rebuild_tree(
    manifest: Manifest,
    contents: Contents,
    *,
    tables: tuple[TreeTable, ...],
    records: Callable[[], Iterable[Record]],
    metadata: Mapping[str, JSON],
    history: tuple[Mapping[str, JSON], ...],
) -> Tree:
    """Return the tree of which the file was written."""
    source, default = manifest.source, manifest.default_snapshot
    return Tree(
        source=Source(
            name=unquote(source.name),
            size=source.size,
            kind=unquote(source.kind),
            sha256=lambda: source.sha256,
            writer=unquote(source.writer),
        ),
        family=unquote(manifest.family),
        snapshots=tuple(contents.snapshots.values()),
        default_snapshot=None if default is None else unquote(default),
        other=contents.other,
        tables=tables,
        records=records,
        classes=tuple(map(unquote, manifest.classes)),
        evidence=unquote(manifest.evidence),
        metadata=metadata,
        history=history,
        warnings=tuple(map(unquote, manifest.warnings)),
        partial=manifest.partial,
    )


def rebuild_table(file: OpenFile, table: Table) -> TreeTable:
    """Return a table with lazy columns."""
    columns = {}
    for column in table.columns:
        dtype = storage.parse_dtype(column.dtype)
        load = partial(logs.load_column, file, table, column)
        columns[unquote(column.name)] = Array(dtype, (table.length, *column.shape), load)
    return TreeTable(table.path, columns)
