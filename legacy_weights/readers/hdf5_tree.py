"""The parts of a tree that every HDF5 file has: leaves, logs, records, what is not read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from legacy_weights import paths
from legacy_weights.description import Description, attribute_records
from legacy_weights.tree import Array, Leaf, Order, Record, Role, Snapshot, Table, Trainable, Tree


def plain(description: Description) -> Tree:
    """Return the tree of a file of no known program: a hierarchy of arrays, and attributes."""
    numeric = {path: array for path, array in description.arrays.items() if is_numeric(array)}
    leaves = tuple(
        leaf(path, array, ("snapshots", "model"), Role.WEIGHT)
        for path, array in sorted(numeric.items(), key=lambda item: paths.natural(item[0]))
    )
    other = tuple(
        leaf(path, array, ("other", Role.DATA.section), Role.DATA)
        for path, array in description.arrays.items()
        if path not in numeric
    )
    return Tree(
        source=description.source,
        family="plain arrays" if leaves else "unknown",
        evidence="HDF5 of no known program",
        snapshots=(Snapshot("model", leaves, Order.UNKNOWN),) if leaves else (),
        default_snapshot="model" if leaves else None,
        other=other,
        tables=tables(description),
        records=records(description),
        warnings=unread(description),
    )


def is_numeric(array: Array) -> bool:
    """Whether an array holds numbers."""
    return array.dtype.kind in "biufc"


def leaf(path: str, array: Array, scope: Sequence[str], role: Role) -> Leaf:
    """Return the leaf of the array that stands at `path`, named by the path."""
    parts = paths.split(path)
    floats = role is Role.WEIGHT and array.dtype.kind in "fc"
    return Leaf(
        path=paths.join((*scope, *parts)),
        name="/".join(parts),
        array=array,
        role=role,
        trainable=Trainable.UNKNOWN if floats else Trainable.NO,
        origins=(path,),
    )


def tables(description: Description) -> tuple[Table, ...]:
    """Return the datasets with columns as logs."""
    return tuple(
        Table(paths.join(("logs", "/".join(paths.split(path)))), table.columns)
        for path, table in description.tables.items()
    )


def records(description: Description) -> Callable[[], Iterable[Record]]:
    """Return the attributes and links as inert records."""
    found = [_record(entry) for entry in attribute_records(description)]
    return lambda: found


def unread(description: Description) -> tuple[str, ...]:
    """Return what is not read and why, as notes."""
    return tuple(f"{path} is not read: {why}" for path, why in description.unread.items())


def _record(entry: Any) -> Record:
    content = {key: value for key, value in entry.items() if key not in ("id", "path", "class")}
    return Record(entry["id"], str(entry["path"]), str(entry["class"]), content)
