"""A snapshot in a format of others: NumPy's npz, safetensors, JSON, PyTorch's state dict."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType

import numpy as np

from legacy_weights.choosing import choose_word
from legacy_weights.errors import UsageError, in_file
from legacy_weights.hierarchy import atomic, storage
from legacy_weights.hierarchy.texts import quote
from legacy_weights.streams import elements, of_file
from legacy_weights.tools import formats
from legacy_weights.tools.formats import Content, Entry
from legacy_weights.tree import JSON, AnyArray, Array, Order, Snapshot, Trainable, Tree

WRITERS: Mapping[str, Callable[[Content, str], None]] = MappingProxyType(
    {
        "npz": formats.write_npz,
        "safetensors": formats.write_safetensors,
        "json": formats.write_json,
        "torch": formats.write_torch,
    }
)
THETA = "theta"
"""The name of the flat vector in an exported file."""

_TRAINABLE = {Trainable.YES: True, Trainable.NO: False, Trainable.UNKNOWN: None}


@dataclass(frozen=True, slots=True)
class Exported:
    """What was exported.

    Parameters
    ----------
    path : str
    to : str
        The format.
    snapshot : str
    arrays : int
    size : int
        Of the file, in bytes.
    notes : tuple of str
        What the format does not keep.
    complete : bool
        False if the legacy file was cut off while it wrote the snapshot.
    """

    path: str
    to: str
    snapshot: str
    arrays: int
    size: int
    notes: tuple[str, ...]
    complete: bool

    @property
    def exit_status(self) -> int:
        """0, or 1 if the snapshot is not complete."""
        return 0 if self.complete else 1


def export(
    tree: Tree,
    path: str | os.PathLike[str],
    to: str,
    *,
    snapshot: str | None = None,
    flat: bool = False,
    overwrite: bool = False,
) -> Exported:
    """Write a snapshot's weights and state into a file of another format.

    Parameters
    ----------
    tree : Tree
    path : path-like
        The file to write; it takes its name when it is complete.
    to : str
        One of `WRITERS`.
    snapshot : str, optional
        Name or iteration; by default the file's own choice.
    flat : bool
        Write the flat vector alone, as :data:`THETA`.
    overwrite : bool
        Whether what stands at `path` is replaced.

    Raises
    ------
    UsageError
        The target exists; there is no such snapshot, or nothing in it; the order of a flat vector
        is unknown; the format lacks a dtype, or its library is not installed.
    WriteError
        The system refuses.
    """
    if to not in WRITERS:
        raise UsageError(f"there is no format {to!r}", expected=f"one of {', '.join(WRITERS)}")
    target = os.fspath(path)
    with in_file(target):
        atomic.check_target(target, overwrite=overwrite)
    with in_file(tree.source.name):
        chosen = choose_word(tree, snapshot)
        content = _flat(tree, chosen) if flat else _whole(tree, chosen)
    with in_file(target), atomic.written_beside(target, overwrite=overwrite) as temporary:
        WRITERS[to](content, temporary)
        atomic.sync(temporary)
        size = os.path.getsize(temporary)
    notes = tuple(_notes(content, chosen, to))
    count = len(content.entries)
    return Exported(target, to, chosen.name, count, size, notes, chosen.complete)


def theta(snapshot: Snapshot) -> Array:
    """Return the flat vector of a snapshot, lazy, little endian.

    Raises
    ------
    UsageError
        Nothing states the order of its arrays, or there is not exactly one vector.
    """
    if snapshot.order is Order.UNKNOWN:
        raise UsageError(
            "nothing states the order of the arrays, so there is no flat vector",
            where=snapshot.name,
            advice="Export the arrays by name, without --flat",
        )
    parts = [leaf.array for leaf, start in snapshot.layout() if start >= 0]
    dtypes = {part.dtype.newbyteorder("<") for part in parts}
    if len(dtypes) != 1:
        kinds = ", ".join(sorted(map(str, dtypes))) or "none"
        raise UsageError(
            f"its trainable arrays are of these dtypes: {kinds}",
            where=snapshot.name,
            expected="one dtype, for one flat vector",
        )
    (dtype,) = dtypes

    def stream() -> Iterator[memoryview]:
        for part in parts:
            for block in elements(part):
                yield block.astype(dtype, copy=False).view(np.uint8).data

    def load() -> AnyArray:
        values = [np.asarray(part.load()).reshape(-1) for part in parts]
        return np.concatenate(values).astype(dtype, copy=False)

    return Array(dtype, (sum(part.size for part in parts),), load, stream=stream)


def _whole(tree: Tree, snapshot: Snapshot) -> Content:
    if not snapshot.leaves:
        raise UsageError("there is no array in it", where=snapshot.name)
    entries = tuple(
        Entry(
            quote(leaf.name),
            of_file(leaf.array, tree.source.name),
            tuple(quote(name) for _, name in leaf.links),
        )
        for leaf in snapshot.leaves
    )
    return Content(entries, partial(_facts, tree, snapshot))


def _flat(tree: Tree, snapshot: Snapshot) -> Content:
    vector = of_file(theta(snapshot), tree.source.name)
    return Content((Entry(THETA, vector),), partial(_facts, tree, snapshot, flat=True))


def _facts(tree: Tree, snapshot: Snapshot, *, flat: bool = False) -> dict[str, JSON]:
    """Return what is to be known of a snapshot beside its values."""
    layout: list[JSON] = [
        {
            "name": quote(leaf.name),
            "shape": list(leaf.array.shape),
            "dtype": storage.dtype_text(leaf.array.dtype),
            "role": str(leaf.role),
            "trainable": _TRAINABLE[leaf.trainable],
            "start": start if start >= 0 else None,
            "links": [quote(name) for _, name in leaf.links],
        }
        for leaf, start in snapshot.layout()
        if start >= 0 or not flat
    ]
    return {
        "source_name": quote(tree.source.name),
        "source_sha256": tree.source.sha256(),
        "family": quote(tree.family),
        "snapshot": quote(snapshot.name),
        "iteration": snapshot.iteration,
        "complete": snapshot.complete,
        "order_source": str(snapshot.order),
        "order_note": quote(snapshot.order_note),
        "layout": layout,
    }


def _notes(content: Content, snapshot: Snapshot, to: str) -> Iterator[str]:
    """Yield what a user of the exported file should know."""
    entries = content.entries
    if not snapshot.complete:
        yield f"snapshot {snapshot.name} was cut off while it was written"
    if snapshot.order is Order.UNKNOWN:
        yield "nothing states the order of the arrays; they are sorted by name"
    elif to in ("npz", "torch"):
        yield f"{to} keeps the order of the arrays, and not what states it: {snapshot.order}"
    linked = [f"{link} = {entry.name}" for entry in entries for link in entry.links]
    if linked and to != "torch":
        more = f", … {len(linked) - 3} more" if len(linked) > 3 else ""
        yield f"arrays of several names stand once: {', '.join(linked[:3])}{more}"
    if to != "npz" and any(entry.array.dtype.byteorder == ">" for entry in entries):
        yield "big-endian arrays have become little endian, their values are the same"
    if to == "json" and any(entry.array.dtype.kind == "S" for entry in entries):
        yield "bytes are written as Latin-1 text"
