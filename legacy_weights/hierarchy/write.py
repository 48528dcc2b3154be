"""Writing a tree into a file of the hierarchy."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib import metadata
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from legacy_weights.errors import WriteError, in_file
from legacy_weights.hierarchy import atomic, document, index, logs, texts
from legacy_weights.hierarchy.hashes import ArrayHashes, RecordLines, SourceHash
from legacy_weights.hierarchy.plan import Item, plan, snapshot_group
from legacy_weights.hierarchy.schema import (
    FORMAT,
    VERSION,
    Manifest,
    Row,
    Table,
    released_schema,
)
from legacy_weights.hierarchy.texts import quote
from legacy_weights.hierarchy.verify import verify
from legacy_weights.hierarchy.worker import Worker
from legacy_weights.tree import AnyArray, Tree
from legacy_weights.tree import Table as TreeTable

if TYPE_CHECKING:
    from legacy_weights.hierarchy.store import Store

Progress: TypeAlias = Callable[[int, int, str], object]


@dataclass(frozen=True, slots=True)
class Written:
    """What was written.

    Parameters
    ----------
    path : str
    size : int
        Of the file, in bytes.
    arrays : int
        How many arrays it has; further names of one do not count.
    verified : int
        How many of them were read back and are, bit for bit, those of the legacy file.
    manifest : Manifest
    rows : tuple of Row
        The index.
    """

    path: str
    size: int
    arrays: int
    verified: int
    manifest: Manifest
    rows: tuple[Row, ...]


def write(
    tree: Tree,
    path: str | os.PathLike[str],
    *,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Written:
    """Write a tree into a new file, read it back and compare; then give it its name.

    The same tree makes the same bytes (with the same releases of this package and of HDF5).

    Parameters
    ----------
    tree : Tree
    path : path-like
    overwrite : bool
        Whether what stands at `path` is replaced.
    progress : callable, optional
        Called with the bytes done, the bytes in all, and ``"writing"`` or ``"verifying"``.

    Raises
    ------
    UsageError
        The target exists, or its directory does not.
    WriteError
        The system refuses, the tree contradicts itself, or what was written reads back
        differently.  Then nothing is left behind.
    """
    target = os.fspath(path)
    with in_file(target):
        items = plan(tree)
        done = _Progressed(progress, items)
        with atomic.written_beside(target, overwrite=overwrite) as temporary:
            manifest, rows = _write(tree, items, temporary, done)
            atomic.sync(temporary)
            verified = verify(
                temporary,
                manifest,
                rows,
                items,
                load=lambda item: load(item, tree),
                done=lambda values: done.add(values.nbytes, "verifying"),
            )
            size = os.path.getsize(temporary)
    arrays = sum(not item.target for item in items)
    return Written(target, size, arrays, verified, manifest, tuple(rows))


def check_target(path: str | os.PathLike[str], *, overwrite: bool = False) -> None:
    """Raise the :exc:`UsageError` that :func:`write` would, before any work is done."""
    with in_file(path):
        atomic.check_target(os.fspath(path), overwrite=overwrite)


def _write(
    tree: Tree, items: list[Item], path: str, progress: _Progressed
) -> tuple[Manifest, list[Row]]:
    # PyTables costs time to import, which reading a file need not spend.
    from legacy_weights.hierarchy.store import Store, quiet

    with Worker() as first, Worker() as second, quiet(), Store(path) as store:
        source = SourceHash(tree, first)
        hashes = ArrayHashes(second)
        lines = RecordLines(tree.records())
        for snapshot in tree.snapshots:
            store.group(snapshot_group(snapshot.name))
        for item in items:
            if not item.target or item.start >= 0:
                values = load(item, tree)
                hashes.add(item, values)
                if not item.target:
                    store.array(item.path, values)
                    progress.add(values.nbytes, "writing")
        for item in items:
            if item.target:
                store.link(item.path, item.target)
        tables = [_write_table(store, table) for table in tree.tables]
        store.stream(document.RECORDS, lines)
        hashes.finish(items)
        rows = [item.row() for item in items]
        packed, long_texts = index.pack(rows)
        store.table(index.PATH, len(packed), [packed], packed.dtype)
        default = tree.default_snapshot
        manifest = Manifest(
            format=FORMAT,
            format_version=VERSION,
            generator=_generator(),
            source=source.entry(),
            family=quote(tree.family),
            evidence=quote(tree.evidence),
            partial=tree.partial,
            default_snapshot=None if default is None else quote(default),
            snapshots=list(hashes.snapshots(tree)),
            tables=tables,
            arrays=len(rows),
            records=lines.entry(),
            classes=[quote(name) for name in tree.classes],
            warnings=[quote(warning) for warning in tree.warnings],
            long_texts=long_texts,
        )
        store.text(document.SCHEMA, released_schema())
        store.text(document.MANIFEST, manifest.text())
        store.text(document.HISTORY, texts.dumps(list(tree.history), indent=1))
        store.text(document.ARGS, texts.dumps(dict(tree.metadata), indent=1))
        for entry in manifest.snapshots:
            store.attributes(entry.group, document.snapshot_attributes(entry))
        store.attributes("", document.root_attributes(manifest))
    return manifest, rows


def _write_table(store: Store, table: TreeTable) -> Table:
    kept = logs.KeptTable(table)
    if kept.dtype.names:
        store.table(table.path, table.length, kept.blocks(), kept.dtype)
    return kept.entry


def load(item: Item, tree: Tree) -> AnyArray:
    """Load an array of a tree, and make sure that it is what the tree says."""
    array = item.leaf.array
    with in_file(tree.source.name):
        values = np.asarray(array.load())
    if values.dtype != array.dtype or values.shape != tuple(array.shape):
        found = f"it loads as {values.dtype} {values.shape}"
        raise WriteError(found, where=item.path, expected=f"{array.dtype} {array.shape}")
    return values


class _Progressed:
    """Tells how far writing and verifying have come."""

    def __init__(self, report: Progress | None, items: Iterable[Item]) -> None:
        self._report = report
        self._done = 0
        self._total = 2 * sum(item.leaf.array.nbytes for item in items if not item.target)

    def add(self, nbytes: int, what: str) -> None:
        """Tell that so many bytes more are done."""
        self._done += nbytes
        if self._report is not None:
            self._report(self._done, self._total, what)


def _generator() -> str:
    try:
        return f"legacy-weights {metadata.version('legacy-weights')}"
    except metadata.PackageNotFoundError:  # run from a checkout
        return "legacy-weights"
