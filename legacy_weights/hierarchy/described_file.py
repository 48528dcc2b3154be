"""A description read as if it were a file: an older file after its steps, in memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Self

import numpy as np

from legacy_weights import hdf5
from legacy_weights.description import Description
from legacy_weights.errors import DamagedError
from legacy_weights.hashing import blocks
from legacy_weights.hierarchy import raw
from legacy_weights.tree import AnyArray


class DescribedFile:
    """Answers like :class:`legacy_weights.hdf5.File` from a description.

    Parameters
    ----------
    found : Description
        Of the present version.
    file : hdf5.File
        Where its arrays come from; it is closed with this one.
    """

    def __init__(self, found: Description, file: hdf5.File) -> None:
        self._found = found
        self._file = file
        self.path = file.path
        places = [*found.arrays, *found.tables, *found.documents, *found.links]
        self._groups = {*found.groups, *(p for place in places for p in _parents(place))}

    def close(self) -> None:
        """Close the file from which the arrays come."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def find(self, path: str) -> hdf5.Node | None:
        """Describe what stands at an absolute path; None where nothing stands."""
        found = self._found
        count = len(found.attributes.get(path, {}))
        if path in found.links:
            return hdf5.Link(path, "soft", found.links[path])
        if path in self._groups or path == "/":
            return hdf5.Group(path, count)
        if path in found.arrays:
            array = found.arrays[path]
            return hdf5.Dataset(path, array.dtype, array.shape, array.nbytes, None, count)
        if path in found.tables or path in found.documents:
            values = self.read(path)
            return hdf5.Dataset(path, values.dtype, values.shape, values.nbytes, None, count)
        return None

    def walk(self) -> Iterator[hdf5.Node]:
        """Yield what stands below the root."""
        found = self._found
        places = [*found.arrays, *found.tables, *found.documents, *found.links]
        for path in sorted({*self._groups, *places}):
            node = self.find(path)
            if node is not None:
                yield node

    def attributes(self, path: str) -> Mapping[str, Any]:
        """Return the attributes of what stands at `path`."""
        kept = self._found.attributes.get(path, {})
        return {name: np.int64(v) if isinstance(v, int) else v for name, v in kept.items()}

    def read(self, path: str) -> AnyArray:
        """Return a dataset whole."""
        found = self._found
        if path in found.arrays:
            return found.arrays[path].load()
        if path in found.tables:
            return raw.structured(found.tables[path])
        if path in found.documents:
            return np.array(raw.text_of(found, path).encode())
        raise DamagedError("nothing stands there", where=path, file=self.path)

    def read_column(self, path: str, name: str) -> AnyArray:
        """Return one column of a table."""
        return self._found.tables[path].columns[name].load()

    def blocks(self, path: str) -> Iterator[memoryview]:
        """Yield the stored values of a dataset as bytes in C order."""
        return blocks(self.read(path))


def _parents(path: str) -> Iterator[str]:
    parent = path.rpartition("/")[0]
    while parent:
        yield parent
        parent = parent.rpartition("/")[0]
