"""A hierarchy described: what steps between its versions act on.

A description is the content of a file, path by path, whatever version of the hierarchy it is:
attributes, datasets, tables, links, and JSON documents.  Arrays stay lazy.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from legacy_weights import hdf5
from legacy_weights.tree import JSON, Array, Source, Table


@dataclass(frozen=True, slots=True, eq=False)
class Description:
    """The content of a file in one version of the hierarchy.

    Parameters
    ----------
    version : int
        0 is the layout of GAIL's own files (openai/imitation).
    source : Source
        The legacy file.
    attributes : mapping of str to mapping
        Of each group and dataset that has some, by path; the root's path is ``/``.
    arrays : mapping of str to Array
        The datasets, by path.
    tables : mapping of str to Table
        The datasets with columns, by path.
    links : mapping of str to str
        The paths that soft links name, by path.
    documents : mapping of str to JSON
        The JSON texts, and from version 1 on the index, by path.
    groups : tuple of str
        The paths of all groups, the root's apart.
    unread : mapping of str to str
        What is not read, by path, and why.
    """

    version: int
    source: Source
    attributes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    arrays: Mapping[str, Array] = field(default_factory=dict)
    tables: Mapping[str, Table] = field(default_factory=dict)
    links: Mapping[str, str] = field(default_factory=dict)
    documents: Mapping[str, JSON] = field(default_factory=dict)
    groups: tuple[str, ...] = ()
    unread: Mapping[str, str] = field(default_factory=dict)


def describe(
    file: hdf5.File, source: Source, *, version: int, attribute: Callable[[Any], Any]
) -> Description:
    """Describe an HDF5 file; nothing is followed and no array is read.

    Parameters
    ----------
    file : hdf5.File
    source : Source
    version : int
    attribute : callable
        Makes what a description keeps of the value of an attribute.

    Raises
    ------
    DamagedError
        The HDF5 library cannot make sense of the file.
    """

    def attributes_of(path: str) -> dict[str, Any]:
        return {name: attribute(value) for name, value in file.attributes(path).items()}

    attributes = {"/": attributes_of("/")}
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
            attributes[node.path] = attributes_of(node.path)
    return Description(
        version=version,
        source=source,
        attributes={path: found for path, found in attributes.items() if found},
        arrays=arrays,
        tables=tables,
        links=links,
        groups=tuple(groups),
        unread=unread,
    )


def attribute_records(description: Description) -> list[JSON]:
    """Return the attributes of every group and dataset, and the links, as inert records.

    Returns
    -------
    list of dict
        ``id``, ``path``, ``class`` (``hdf5 group``, ``hdf5 dataset``, ``hdf5 link``), and
        ``attributes`` or ``target``.
    """
    kinds = dict.fromkeys((*description.arrays, *description.tables), "hdf5 dataset")
    found: list[tuple[str, str, dict[str, JSON]]] = [
        (path, kinds.get(path, "hdf5 group"), {"attributes": dict(values)})
        for path, values in description.attributes.items()
    ]
    for path, target in description.links.items():
        found.append((path, "hdf5 link", {"target": target}))
    return [
        {"id": number, "path": path, "class": cls, **content}
        for number, (path, cls, content) in enumerate(found)
    ]
