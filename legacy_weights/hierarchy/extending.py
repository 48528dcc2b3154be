"""What is added to a file of the hierarchy, written into a copy that has all but the last of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from legacy_weights import hdf5
from legacy_weights.errors import WriteError
from legacy_weights.hashing import BLOCK
from legacy_weights.hierarchy import document, index, logs, storage
from legacy_weights.hierarchy.hashes import ArrayHashes
from legacy_weights.hierarchy.plan import plan
from legacy_weights.hierarchy.rebuild import load_array
from legacy_weights.hierarchy.schema import LongText, Manifest, Row, Table
from legacy_weights.hierarchy.texts import quote
from legacy_weights.hierarchy.verify import ADVICE, reads_back
from legacy_weights.hierarchy.worker import Worker
from legacy_weights.hierarchy.write import load
from legacy_weights.tree import AnyArray, Snapshot, Source, Tree

if TYPE_CHECKING:
    from legacy_weights.hierarchy.store import Store


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """What a file says of itself.

    Parameters
    ----------
    manifest : Manifest
    rows : tuple of Row
        The index.
    packed : numpy.ndarray
        The index as it is written.
    """

    manifest: Manifest
    rows: tuple[Row, ...]
    packed: AnyArray


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """An array that is to be added, or a further name of one."""

    row: Row
    load: Callable[[], AnyArray]


def extended(
    state: State, snapshot: Snapshot | None, tables: Sequence[logs.KeptTable]
) -> tuple[State, list[Piece]]:
    """Return what a file will say of itself with a further snapshot and longer tables.

    Parameters
    ----------
    state : State
        What it says now.
    snapshot : Snapshot, optional
        The new one.
    tables : sequence of KeptTable
        All that the file is to have.

    Returns
    -------
    state : State
    pieces : list of Piece
        The arrays of the snapshot.
    """
    manifest = state.manifest
    entries = [table.entry for table in tables]
    if snapshot is None:
        changed = manifest.model_copy(update={"tables": entries})
        return State(changed, state.rows, state.packed), []
    source = Source(manifest.source.name, 0, "", str)
    tree = Tree(source, "", (snapshot,))
    items = plan(tree)
    with Worker() as worker:
        hashes = ArrayHashes(worker)
        for item in items:
            if not item.target or item.start >= 0:
                hashes.add(item, load(item, tree))
        hashes.finish(items)
    added = [item.row() for item in items]
    rows, packed, long_texts = _index(state, added)
    changed = manifest.model_copy(
        update={
            "default_snapshot": quote(snapshot.name),
            "snapshots": [*manifest.snapshots, *hashes.snapshots(tree)],
            "tables": entries,
            "arrays": len(rows),
            "long_texts": long_texts,
        }
    )
    pieces = [Piece(row, partial(load, item, tree)) for row, item in zip(added, items, strict=True)]
    return State(changed, rows, packed), pieces


def _index(state: State, added: list[Row]) -> tuple[tuple[Row, ...], AnyArray, list[LongText]]:
    """Put the rows of a snapshot behind those of the others, and before what is in none."""
    last = len(state.rows)
    while last and not state.rows[last - 1].snapshot:
        last -= 1
    rows = (*state.rows[:last], *added, *state.rows[last:])
    if last < len(state.rows):
        return rows, *index.pack(rows)
    return rows, *index.extended(state.packed, state.manifest.long_texts, added)


def missing(old: State, new: State, file: hdf5.File) -> list[Piece]:
    """Return the arrays that a copy lacks, to be loaded from the file that has them."""
    known = {"", *(entry.name for entry in old.manifest.snapshots)}
    return [Piece(row, partial(_load, file, row)) for row in new.rows if row.snapshot not in known]


def _load(file: hdf5.File, row: Row) -> AnyArray:
    dtype = storage.parse_dtype(row.dtype)
    return load_array(file, row.path, dtype, tuple(row.shape), row.fortran)


def write(
    path: str,
    old: State,
    new: State,
    pieces: Sequence[Piece],
    tables: Sequence[logs.KeptTable],
) -> bool:
    """Make of a file that says one thing of itself the file that says another.

    Parameters
    ----------
    path : str
        A file that this process wrote.
    old, new : State
    pieces : sequence of Piece
        The arrays of which only `new` knows.
    tables : sequence of KeptTable
        Those of `new`.

    Returns
    -------
    bool
        Whether it could be opened for writing: a program that reads it can keep it locked.
    """
    # PyTables costs time to import, which reading a file need not spend.
    from legacy_weights.hierarchy.store import Store, quiet

    with quiet():
        try:
            opened = Store(path, append=True)
        except WriteError:
            return False
        with opened as store:
            store.remove(document.MANIFEST)
            _write_index(store, old, new)
            for table in tables:
                _write_table(store, old, table)
            for entry in new.manifest.snapshots[len(old.manifest.snapshots) :]:
                store.group(entry.group)
                store.attributes(entry.group, document.snapshot_attributes(entry))
            for piece in pieces:
                if piece.row.target:
                    store.link(piece.row.path, piece.row.target)
                else:
                    store.array(piece.row.path, piece.load())
            store.text(document.MANIFEST, new.manifest.text())
            store.attributes("", document.root_attributes(new.manifest))
    return True


def _write_index(store: Store, old: State, new: State) -> None:
    length = len(old.packed)
    same = new.packed.dtype == old.packed.dtype
    if same and new.packed[:length].tobytes() == old.packed.tobytes():
        store.extend(index.PATH, [new.packed[length:]])
    else:
        store.remove(index.PATH)
        store.table(index.PATH, len(new.packed), [new.packed], new.packed.dtype)


def _write_table(store: Store, old: State, table: logs.KeptTable) -> None:
    entry = table.entry
    found = next((known for known in old.manifest.tables if known.path == entry.path), None)
    if found is not None and _form(found) == _form(entry):
        if table.dtype.names:
            store.extend(entry.path, table.blocks(found.length))
        return
    if found is not None and any(column.column for column in found.columns):
        store.remove(entry.path)
    if table.dtype.names:
        store.table(entry.path, entry.length, table.blocks(), table.dtype)


def _form(table: Table) -> list[tuple[str, str, str, list[int]]]:
    return [(entry.name, entry.column, entry.dtype, entry.shape) for entry in table.columns]


def verify(
    path: str, state: State, pieces: Sequence[Piece], tables: Sequence[logs.KeptTable]
) -> None:
    """Compare what a file says of itself, its tables and the arrays that are new in it.

    Raises
    ------
    WriteError
        Something is not what was to be written.
    """
    with hdf5.File(path) as file:
        found = document.read_text(file, document.MANIFEST), file.read(index.PATH).tobytes()
        if found != (state.manifest.text(), state.packed.tobytes()):
            raise WriteError("its index reads back differently", where="/", advice=ADVICE)
        buffer = np.empty(BLOCK, np.uint8)
        for piece in pieces:
            path = piece.row.path
            if not piece.row.target and not reads_back(file, file.find(path), piece.load(), buffer):
                what = "it reads back with other values"
                raise WriteError(what, where=path, advice=ADVICE)
        for table in tables:
            if table.dtype.names:
                _verify_table(file, table)


def _verify_table(file: hdf5.File, table: logs.KeptTable) -> None:
    path, first = table.entry.path, 0
    found = file.read(path)
    for block in table.blocks():
        if found[first : first + len(block)].tobytes() != block.tobytes():
            raise WriteError("it reads back with other values", where=path, advice=ADVICE)
        first += len(block)
    if len(found) != first:
        raise WriteError(f"it reads back with {len(found)} rows", where=path, advice=ADVICE)
