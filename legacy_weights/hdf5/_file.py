"""An HDF5 file, open for reading."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from h5py import h5a, h5l, h5o, h5s, h5t, h5z

from legacy_weights.errors import DamagedError, LimitError, RefusedError, UnreadableError
from legacy_weights.hashing import BLOCK
from legacy_weights.hdf5 import _objects
from legacy_weights.hdf5._handle import Handle
from legacy_weights.hdf5._nodes import Dataset, Group, Link, Node, Other
from legacy_weights.tree import AnyArray, Array


class _Child(NamedTuple):
    """A link of a group: its kind, and of a hard one the address of the object."""

    group: Any
    name: bytes
    kind: int
    path: str
    address: int


_DENSEST = 1100  # bytes that one stored byte can stand for: deflate reaches 1,032


class File(Handle):
    """An HDF5 file, open for reading; a context manager, for one thread at a time.

    Parameters
    ----------
    path : path-like
    limits : Limits, optional
        ``unbacked`` and ``attribute`` of them count here.

    Raises
    ------
    UnreadableError
        The file is missing, not to be opened, or no HDF5 file.
    DamagedError
        The HDF5 library cannot make sense of it.  Every method can raise this.
    """

    def find(self, path: str) -> Node | None:
        """Describe what stands at an absolute path.

        Returns
        -------
        Node or None
            None where nothing stands, also if the way there leads through a link.
        """
        with self._guard(path):
            if path == "/":
                return _objects.describe(self._root(), path)
            parent, name = self._locate(path)
            if parent is None or not parent.links.exists(name):
                return None
            kind = parent.links.get_info(name).type
            if kind != h5l.TYPE_HARD:
                return _objects.describe_link(parent, name, kind, path)
            return _objects.describe(h5o.open(parent, name), path)

    def walk(self) -> Iterator[Node]:
        """Yield what stands below the root, depth first, each object once."""
        with self._guard("/"):
            root = self._root()
            met = {h5o.get_info(root).addr: "/"}
        dtypes: dict[bytes, np.dtype[Any] | None] = {}
        waiting = self._children(root, "")
        while waiting:
            child = waiting.pop()
            with self._guard(child.path):
                if child.kind != h5l.TYPE_HARD:
                    node: Node = _objects.describe_link(*child[:4])
                elif met.setdefault(child.address, child.path) != child.path:
                    node = Link(child.path, "hard", met[child.address])
                else:
                    item = h5o.open(child.group, child.name)
                    node = _objects.describe(item, child.path, dtypes)
                    if isinstance(node, Group):
                        waiting += self._children(item, child.path)
            yield node

    def _children(self, group: Any, path: str) -> list[_Child]:
        found: list[_Child] = []

        def note(name: bytes, link: Any) -> None:
            place = f"{path}/{_objects.decoded(name)}"
            found.append(_Child(group, name, link.type, place, link.u))

        with self._guard(path or "/"):
            group.links.iterate(note, info=True)
        return found[::-1]

    def attributes(self, path: str) -> dict[str, Any]:
        """Read the attributes of what stands at `path`.

        Returns
        -------
        dict
            Native values: ``str`` for a string that is marked as UTF-8, ``bytes`` for any other,
            lists of them for strings of variable length, else NumPy scalars and arrays;
            :class:`Unread` for what is none of these or too large.
        """
        with self._guard(path):
            item = self._object(path)
            values = {}
            for index in range(h5a.get_num_attrs(item)):
                attribute = h5a.open(item, index=index)
                name = _objects.decoded(_bytes(attribute.name))
                values[name] = _objects.read_attribute(attribute, self._longest_attribute)
            return values

    def read(self, path: str) -> AnyArray:
        """Read a dataset whole.

        Raises
        ------
        LimitError
            It declares far more than the file stores.
        RefusedError
            It is no dataset of plain values in this file.
        """
        with self._guard(path):
            dataset, found = self._dataset(path)
            values = np.empty(found.shape, found.dtype)
            if found.nbytes:
                mtype = _objects.memory_type(dataset.get_type())
                dataset.read(h5s.ALL, h5s.ALL, values, mtype=mtype)
            return values

    def array(self, path: str) -> Array:
        """Return a dataset as a lazy array."""
        with self._guard(path):
            found = self._dataset(path)[1]
        return Array(
            found.dtype, found.shape, lambda: self.read(path), stream=lambda: self.rows(path)
        )

    def columns(self, path: str) -> dict[str, Array]:
        """Return the columns of a compound dataset as lazy arrays, in their order."""
        with self._guard(path):
            found = self._dataset(path)[1]
            if found.dtype.names is None:
                raise RefusedError("a dataset without columns", where=path)
        columns = {}
        for name in found.dtype.names:
            base, inner = _objects.split(found.dtype[name])
            load = partial(self.read_column, path, name)
            columns[name] = Array(base, found.shape + inner, load)
        return columns

    def read_column(self, path: str, name: str) -> AnyArray:
        """Read one column of a compound dataset."""
        with self._guard(path):
            dataset, found = self._dataset(path)
            table, raw = dataset.get_type(), _objects.encoded(name)
            member = table.get_member_type(table.get_member_index(raw))
            base, inner = _objects.split(found.dtype[name])
            values = np.empty(found.shape + inner, base)
            wanted = h5t.create(h5t.COMPOUND, found.dtype[name].itemsize)
            wanted.insert(raw, 0, _objects.memory_type(member))
            if values.nbytes:
                dataset.read(h5s.ALL, h5s.ALL, values, mtype=wanted)
            return values

    def blocks(self, path: str) -> Iterator[memoryview]:
        """Yield the stored values of a dataset as bytes in C order.

        A block is good until the next one is asked for.
        """
        with self._guard(path):
            dataset, found = self._dataset(path)
        if found.offset is None:
            yield from self._rows(dataset, found)
            return
        buffer = memoryview(bytearray(min(BLOCK, found.nbytes)))
        for start in range(0, found.nbytes, BLOCK):
            part = buffer[: found.nbytes - start]
            self.read_into(part, found.offset + start, path)
            yield part

    def rows(self, path: str) -> Iterator[memoryview]:
        """Yield the values of a dataset as :meth:`read` gives them, as bytes in C order."""
        with self._guard(path):
            dataset, found = self._dataset(path)
        yield from self._rows(dataset, found)

    def read_into(self, buffer: memoryview, offset: int, path: str) -> None:
        """Fill `buffer` with the file's bytes from `offset` on; they are those of `path`."""
        with self._guard(path):
            self._bytes.seek(offset)
            filled = 0
            while filled < len(buffer):
                count = self._bytes.readinto(buffer[filled:])
                if not count:
                    raise DamagedError("its values end beyond the end of the file", where=path)
                filled += count

    def _rows(self, dataset: Any, found: Dataset) -> Iterator[memoryview]:
        if not found.nbytes:
            return
        rows = max(1, BLOCK // (found.nbytes // found.shape[0])) if found.shape else 1
        for start in range(0, found.shape[0] if found.shape else 1, rows):
            with self._guard(found.path):
                space = dataset.get_space()
                count = found.shape
                if found.shape:
                    count = (min(rows, found.shape[0] - start), *found.shape[1:])
                    space.select_hyperslab((start, *(0 for _ in count[1:])), count)
                part = np.empty(count, found.dtype)
                mtype = _objects.memory_type(dataset.get_type())
                dataset.read(h5s.create_simple(count), space, part, mtype=mtype)
            yield part.reshape(-1).view(np.uint8).data

    def _dataset(self, path: str) -> tuple[Any, Dataset]:
        """Open a dataset to read from it."""
        item = self._object(path)
        found = _objects.describe(item, path)
        if not isinstance(found, Dataset):
            what = found.what if isinstance(found, Other) else "group"
            raise RefusedError(f"it is a {what}, which is not read", where=path)
        size = os.fstat(self._bytes.fileno()).st_size
        if found.nbytes > self._unbacked + _DENSEST * min(found.stored, size):
            what = f"it declares {found.nbytes:,} bytes, and the file stores {found.stored:,}"
            raise LimitError(what, where=path)
        if found.offset is None:
            creation = item.get_create_plist()
            for index in range(creation.get_nfilters()):
                code = creation.get_filter(index)[0]
                if not h5z.filter_avail(code):
                    what = f"it is compressed by HDF5 filter {code}, which is not installed"
                    raise UnreadableError(what, where=path)
        return item, found


def _bytes(name: bytes | str) -> bytes:
    return name if isinstance(name, bytes) else _objects.encoded(name)
