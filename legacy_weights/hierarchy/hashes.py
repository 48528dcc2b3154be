"""The hashes of a file that is being written, computed beside the writing."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

from legacy_weights.errors import WriteError
from legacy_weights.hashing import BLOCK, canonical_blocks
from legacy_weights.hierarchy import texts
from legacy_weights.hierarchy.plan import Item, snapshot_group
from legacy_weights.hierarchy.schema import Records, Snapshot, Source, Theta
from legacy_weights.hierarchy.texts import quote
from legacy_weights.hierarchy.worker import Worker
from legacy_weights.tree import AnyArray, Record, Tree

_LINES = 1 << 20  # bytes of records handed on at once


class ArrayHashes:
    """SHA-256 of every array and of the flat vectors of every snapshot, in one pass."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._batch: list[tuple[Item, AnyArray, Any]] = []
        self._batched = 0
        self._thetas: dict[str, dict[str, Any]] = {}  # by snapshot, then dtype
        self._sizes: dict[tuple[str, str], int] = {}

    def add(self, item: Item, values: AnyArray) -> None:
        """Hash the array of an item; the items of a snapshot come in their order."""
        theta = None
        if item.start >= 0:
            dtype = flat_dtype(item)
            thetas = self._thetas.setdefault(item.snapshot, {})
            theta = thetas.setdefault(dtype, hashlib.sha256())
            self._sizes[item.snapshot, dtype] = item.start + values.size
        self._batch.append((item, values, theta))
        self._batched += values.nbytes
        if self._batched >= BLOCK:
            self._submit()

    def finish(self, items: list[Item]) -> None:
        """Wait for all, and give further names the hash of their array."""
        self._submit()
        self._worker.finish()
        by_path = {item.path: item for item in items}
        for item in items:
            home = item
            while home.target:
                home = by_path[home.target]
            item.sha256 = home.sha256

    def _submit(self) -> None:
        # Many small arrays go as one job, for waking a thread costs more than hashing one.
        self._worker.submit(partial(_hash, self._batch), self._batched)
        self._batch, self._batched = [], 0

    def snapshots(self, tree: Tree) -> Iterator[Snapshot]:
        """Yield the entries of the snapshots for the manifest."""
        for snapshot in tree.snapshots:
            name = snapshot.name
            thetas = [
                Theta(dtype=dtype, size=self._sizes[name, dtype], sha256=digest.hexdigest())
                for dtype, digest in self._thetas.get(name, {}).items()
            ]
            legacy_hash = snapshot.legacy_hash
            yield Snapshot(
                name=quote(name),
                group=snapshot_group(name),
                iteration=snapshot.iteration,
                order_source=snapshot.order,
                order_note=quote(snapshot.order_note),
                complete=snapshot.complete,
                legacy_hash=None if legacy_hash is None else quote(legacy_hash),
                theta=thetas,
            )


class SourceHash:
    """The source of a tree, hashed from now on."""

    def __init__(self, tree: Tree, worker: Worker) -> None:
        self._source = tree.source
        self._sha256 = ""
        self._worker = worker
        worker.submit(self._hash)

    def _hash(self) -> None:
        self._sha256 = self._source.sha256()

    def entry(self) -> Source:
        """Wait for the hash and return the entry for the manifest."""
        self._worker.finish()
        source = self._source
        return Source(
            name=quote(source.name),
            size=source.size,
            sha256=self._sha256,
            kind=quote(source.kind),
            writer=quote(source.writer),
        )


class RecordLines:
    """Records as JSON Lines, in large pieces; counts and hashes them as they pass."""

    def __init__(self, records: Iterable[Record]) -> None:
        self._records = records
        self._count = 0
        self._digest = hashlib.sha256()

    def __iter__(self) -> Iterator[bytes]:
        piece: list[str] = []
        size = 0
        for record in self._records:
            head = {"id": record.id, "path": record.path, "class": record.cls}
            if head.keys() & record.content.keys():
                raise WriteError("its content has a key of the record's own", where=record.path)
            line = texts.dumps({**head, **record.content})
            piece.append(line)
            size += len(line) + 1
            self._count += 1
            if size >= _LINES:
                yield self._joined(piece)
                piece, size = [], 0
        if piece:
            yield self._joined(piece)

    def _joined(self, piece: list[str]) -> bytes:
        text = ("\n".join(piece) + "\n").encode()
        self._digest.update(text)
        return text

    def entry(self) -> Records:
        """Return the entry for the manifest, once all records have passed."""
        return Records(count=self._count, sha256=self._digest.hexdigest())


def flat_dtype(item: Item) -> str:
    """Return the dtype of the flat vector to which an item belongs."""
    return item.leaf.array.dtype.newbyteorder("<").str


def _hash(batch: list[tuple[Item, AnyArray, Any]]) -> None:
    for item, values, theta in batch:
        digest = hashlib.sha256()
        for block in canonical_blocks(values):
            digest.update(block)
            if theta is not None:
                theta.update(block)
        item.sha256 = digest.hexdigest()
