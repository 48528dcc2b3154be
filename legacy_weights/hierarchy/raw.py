"""A file of the hierarchy as a description, of whatever version, and back.

This is the level on which the steps between versions act: groups, datasets as they are stored,
tables, links, attributes, and the JSON documents of ``/meta``.  What they mean in the present
version is the business of :mod:`legacy_weights.hierarchy.read`.
"""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

import numpy as np

from legacy_weights import description, hdf5
from legacy_weights.description import Description
from legacy_weights.errors import DamagedError
from legacy_weights.hashing import blocks, sha256_file
from legacy_weights.hierarchy import document, texts
from legacy_weights.tree import AnyArray, Source, Table

DOCUMENTS = (document.MANIFEST, document.ARGS)


def describe(file: hdf5.File, version: int) -> Description:
    """Describe an open file; arrays stay lazy, and need the file to stay open.

    Parameters
    ----------
    file : hdf5.File
    version : int
        Of its format.

    Returns
    -------
    Description
        ``documents`` has the values of the JSON documents and the text of the schema.

    Raises
    ------
    DamagedError
        It is not what a file of the hierarchy can be.
    """
    name, size = os.path.basename(file.path), os.path.getsize(file.path)
    source = Source(name, size, f"hierarchy {version}", lambda: sha256_file(file.path))
    found = description.describe(file, source, version=version, attribute=_native)
    if found.unread:
        path, reason = next(iter(found.unread.items()))
        raise DamagedError(f"it cannot be described: {reason}", where=path)
    documents: dict[str, Any] = {path: document.read_json(file, path) for path in DOCUMENTS}
    documents[document.HISTORY] = document.read_history(file)
    documents[document.SCHEMA] = document.read_text(file, document.SCHEMA)
    arrays = {path: array for path, array in found.arrays.items() if path not in documents}
    return replace(found, arrays=arrays, documents=documents)


def write(found: Description, path: str) -> None:
    """Write a description into a file that this process alone uses."""
    from legacy_weights.hierarchy.store import Store, quiet

    with quiet(), Store(path) as store:
        for group in found.groups:
            store.group(group)
        for place, array in found.arrays.items():
            if place == document.RECORDS:
                store.stream(place, map(bytes, blocks(array.load())))
            else:
                store.array(place, array.load())
        for place, table in found.tables.items():
            rows = structured(table)
            store.table(place, len(rows), [rows], rows.dtype)
        for place, target in found.links.items():
            store.link(place, target)
        for place in found.documents:
            store.text(place, text_of(found, place))
        for place, attributes in found.attributes.items():
            store.attributes("" if place == "/" else place, dict(attributes))


def text_of(found: Description, path: str) -> str:
    """Return the text of a document."""
    value = found.documents[path]
    return value if isinstance(value, str) else texts.dumps(value, indent=1)


def structured(table: Table) -> AnyArray:
    """Return the rows of a table as one structured array."""
    columns = {name: column.load() for name, column in table.columns.items()}
    dtype = [(name, values.dtype.str, values.shape[1:]) for name, values in columns.items()]
    rows = np.empty(table.length, dtype)
    for name, values in columns.items():
        rows[name] = values
    return rows


def _native(value: Any) -> str | int:
    if isinstance(value, str):
        return value
    if isinstance(value, np.integer):
        return int(value)
    raise DamagedError(f"an attribute holds a {type(value).__name__}", expected="text or a number")
