"""What reading a file of the hierarchy asks of an open file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from legacy_weights.hdf5 import Node
from legacy_weights.tree import AnyArray


class OpenFile(Protocol):
    """An HDF5 file (:class:`legacy_weights.hdf5.File`), or what stands for one."""

    path: str

    def close(self) -> None:
        """Close it."""

    def find(self, path: str) -> Node | None:
        """Describe what stands at an absolute path; None where nothing stands."""

    def walk(self) -> Iterator[Node]:
        """Yield what stands below the root, each object once."""

    def attributes(self, path: str) -> Mapping[str, Any]:
        """Return the attributes of what stands at `path`."""

    def read(self, path: str) -> AnyArray:
        """Read a dataset whole."""

    def read_column(self, path: str, name: str) -> AnyArray:
        """Read one column of a table."""

    def blocks(self, path: str) -> Iterator[memoryview]:
        """Yield the stored values of a dataset as bytes in C order."""
