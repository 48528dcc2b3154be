"""What a file holds, for programs: as one JSON document."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

from legacy_weights.hashing import sha256
from legacy_weights.tree import JSON, Leaf, Snapshot, Trainable, Tree


def document(tree: Tree, *, file: str, hashes: bool = True) -> dict[str, JSON]:
    """Return what a tree holds as one JSON document.

    Parameters
    ----------
    tree : Tree
    file : str
        The path as the user gave it.
    hashes : bool
        Whether to compute the SHA-256 of each array: of its values in C order, little endian.

    Returns
    -------
    dict
        ``file``, ``kind``, ``arrays``, ``order_source``, ``records``, ``calls``, ``warnings``
        and further keys.
    """
    arrays: list[JSON] = []
    for snapshot in tree.snapshots:
        for position, (leaf, start) in enumerate(snapshot.layout()):
            arrays.append(_array(leaf, hashes, snapshot.name, position, start))
    arrays.extend(_array(leaf, hashes, None, None, -1) for leaf in tree.other)
    default = next((s for s in tree.snapshots if s.name == tree.default_snapshot), None)
    records: list[JSON] = [
        {"id": record.id, "path": record.path, "class": record.cls, **record.content}
        for record in tree.records()
    ]
    return {
        "file": file,
        "size": tree.source.size,
        "kind": tree.source.kind,
        "writer": tree.source.writer,
        "family": tree.family,
        "evidence": tree.evidence,
        "arrays": arrays,
        "order_source": None if default is None else str(default.order),
        "order_note": None if default is None else default.order_note,
        "default_snapshot": tree.default_snapshot,
        "snapshots": [_snapshot_document(snapshot) for snapshot in tree.snapshots],
        "logs": [{"path": t.path, "rows": t.length, "columns": [*t.columns]} for t in tree.tables],
        "records": records,
        "calls": [asdict(call) for call in tree.calls],
        "classes": list(tree.classes),
        "metadata": dict(tree.metadata),
        "history": [dict(step) for step in tree.history],
        "warnings": list(tree.warnings),
    }


def _snapshot_document(snapshot: Snapshot) -> dict[str, JSON]:
    return {
        "name": snapshot.name,
        "order_source": str(snapshot.order),
        "order_note": snapshot.order_note,
        "iteration": snapshot.iteration,
        "complete": snapshot.complete,
    }


def _array(
    leaf: Leaf, hashes: bool, snapshot: str | None, position: int | None, start: int
) -> dict[str, JSON]:
    array = leaf.array
    known = {Trainable.YES: True, Trainable.NO: False, Trainable.UNKNOWN: None}
    entry: dict[str, JSON] = {
        "path": leaf.path,
        "name": leaf.name,
        "dtype": _dtype(array.dtype),
        "shape": list(array.shape),
        "fortran": array.fortran,
        "role": str(leaf.role),
        "trainable": known[leaf.trainable],
        "snapshot": snapshot,
        "position": position,
        "start": start if start >= 0 else None,
        "origins": list(leaf.origins),
        "links": [place for place, _ in leaf.links],
    }
    if hashes:
        entry["sha256"] = sha256(array.load())
    return entry


def _dtype(dtype: np.dtype[Any]) -> str:
    if dtype.names is None:
        return dtype.str
    try:
        return str(dtype.descr)
    except ValueError:  # its fields overlap, or are out of order
        return str(dtype)
