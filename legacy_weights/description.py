"""A hierarchy described: what steps between its versions act on.

A description is the content of a file, path by path, whatever version of the hierarchy it is:
attributes, datasets, tables, links, and JSON documents.  Arrays stay lazy.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

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
