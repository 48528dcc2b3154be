"""An HDF5 file as a description: every group, dataset, attribute and link, arrays lazy."""

from __future__ import annotations

from os import PathLike
from typing import Any

import numpy as np

from legacy_weights import hdf5, paths
from legacy_weights.description import Description, attribute_records
from legacy_weights.readers import gail
from legacy_weights.readers.atoms import bytes_json, scalar_json
from legacy_weights.tree import (
    JSON,
    Array,
    Leaf,
    Order,
    Record,
    Role,
    Snapshot,
    Source,
    Table,
    Trainable,
    Tree,
)

LAYOUT = 0
"""The version that a layout of the old world counts as."""


_SIGNATURE = b"\x89HDF\r\n\x1a\n"


def sniff(view: memoryview) -> bool:
    """Whether a file is HDF5: its signature stands at byte 0, 512, 1,024 and so on."""
    place = 0
    while place + len(_SIGNATURE) <= len(view):
        if view[place : place + len(_SIGNATURE)] == _SIGNATURE:
            return True
        place = place * 2 or 512
    return False


def read(path: str | PathLike[str], source: Source) -> Description | Tree:
    """Read an HDF5 file of the old world.

    Returns
    -------
    Description
        If it has a layout from which the steps of the hierarchy start: GAIL's.
    Tree
        If it is of no known program: its arrays by their paths, in no stated order.
    """
    file = hdf5.File(path)
    try:
        description = describe(file, source)
    except BaseException:
        file.close()
        raise
    return description if gail.sniff(description) else plain_tree(description)


def plain_tree(description: Description) -> Tree:
    """Return the tree of a file of no known program: a hierarchy of arrays, and attributes."""
    numeric = {
        path: array for path, array in description.arrays.items() if array.dtype.kind in "biufc"
    }
    leaves = tuple(
        _leaf(path, array, ("snapshots", "model"), Role.WEIGHT)
        for path, array in sorted(numeric.items(), key=lambda item: paths.natural(item[0]))
    )
    other = tuple(
        _leaf(path, array, ("other", Role.DATA.section), Role.DATA)
        for path, array in description.arrays.items()
        if path not in numeric
    )
    tables = tuple(
        Table(paths.join(("logs", "/".join(paths.split(path)))), table.columns)
        for path, table in description.tables.items()
    )
    notes = [f"{path} is not read: {reason}" for path, reason in description.unread.items()]
    records = [
        Record(number, str(path), str(cls), content)
        for number, path, cls, content in map(_parts, attribute_records(description))
    ]
    return Tree(
        source=description.source,
        family="plain arrays" if leaves else "unknown",
        evidence="HDF5 of no known program",
        snapshots=(Snapshot("model", leaves, Order.UNKNOWN),) if leaves else (),
        default_snapshot="model" if leaves else None,
        other=other,
        tables=tables,
        records=lambda: records,
        warnings=tuple(notes),
    )


def _leaf(path: str, array: Array, scope: tuple[str, ...], role: Role) -> Leaf:
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


def _parts(entry: Any) -> tuple[int, str, str, dict[str, JSON]]:
    content = {key: value for key, value in entry.items() if key not in ("id", "path", "class")}
    return entry["id"], entry["path"], entry["class"], content


def describe(file: hdf5.File, source: Source) -> Description:
    """Describe a file; nothing is followed and no array is read.

    Raises
    ------
    DamagedError
        The HDF5 library cannot make sense of the file.
    """
    attributes = {"/": _attributes(file, "/")}
    arrays: dict[str, Array] = {}
    tables: dict[str, Table] = {}
    links: dict[str, str] = {}
    unread: dict[str, str] = {}
    groups: list[str] = []
    for node in file.walk():
        if isinstance(node, hdf5.Link):
            if node.kind in ("soft", "hard"):
                links[node.path] = node.target
            else:
                unread[node.path] = f"{node.kind} link to {node.target}"
            continue
        if isinstance(node, hdf5.Other):
            unread[node.path] = node.what
            continue
        if isinstance(node, hdf5.Group):
            groups.append(node.path)
        elif node.dtype.names is not None:
            tables[node.path] = Table(node.path, file.columns(node.path))
        else:
            arrays[node.path] = file.array(node.path)
        if node.n_attributes:
            attributes[node.path] = _attributes(file, node.path)
    return Description(
        version=LAYOUT,
        source=source,
        attributes={path: found for path, found in attributes.items() if found},
        arrays=arrays,
        tables=tables,
        links=links,
        groups=tuple(groups),
        unread=unread,
    )


def _attributes(file: hdf5.File, path: str) -> dict[str, JSON]:
    return {name: _json(value) for name, value in file.attributes(path).items()}


def _json(value: Any) -> JSON:
    """Return the value of an attribute; what is pickled in it stays bytes."""
    if isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return bytes_json(value)
    if isinstance(value, hdf5.Unread):
        return {"$unread": value.reason}
    if isinstance(value, list):
        return [_json(item) for item in value]
    if isinstance(value, np.generic):
        return scalar_json(value)
    if isinstance(value, np.ndarray):
        items: list[JSON] = [scalar_json(item) for item in value.reshape(-1)]
        if value.ndim == 0:
            return items[0]
        return {"$ndarray": items, "shape": list(value.shape), "dtype": value.dtype.str}
    return {"$unread": f"a value of type {type(value).__name__}"}
