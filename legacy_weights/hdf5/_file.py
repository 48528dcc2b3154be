"""An HDF5 file, open for reading."""

from __future__ import annotations

import io
import os
import stat
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import h5py
import numpy as np
from h5py import h5a, h5g, h5l, h5o, h5s, h5t, h5z

from legacy_weights.errors import (
    DamagedError,
    LegacyWeightsError,
    LimitError,
    RefusedError,
    UnreadableError,
    UsageError,
)
from legacy_weights.hashing import BLOCK
from legacy_weights.hdf5 import _objects
from legacy_weights.hdf5._nodes import Dataset, Group, Link, Node, Other
from legacy_weights.tree import AnyArray, Array

_DENSEST = 1100  # bytes that one stored byte can stand for: deflate reaches 1,032
_OPEN_GROUPS = 1000


class File:
    """An HDF5 file, open for reading; a context manager.

    Parameters
    ----------
    path : path-like
    unbacked : int
        Bytes that a dataset may declare beyond what its stored bytes can stand for.
    longest_attribute : int
        Bytes of the largest attribute that is read.

    Raises
    ------
    UnreadableError
        The file is missing, not to be opened, or no HDF5 file.
    DamagedError
        The HDF5 library cannot make sense of it.  Every method can raise this.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        unbacked: int = 1 << 26,
        longest_attribute: int = 1 << 20,
    ) -> None:
        self.path = os.fspath(path)
        self._unbacked = unbacked
        self._longest_attribute = longest_attribute
        self._groups: dict[str, Any] = {}
        try:
            # Before it is opened, for opening a pipe waits for a writer.
            if not stat.S_ISREG(os.stat(self.path).st_mode):
                raise UnreadableError("it is no regular file", file=self.path)
            descriptor = os.open(self.path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
        except OSError as error:
            raise UnreadableError(error.strerror or str(error), file=self.path) from error
        # Lazy arrays can keep the file open for as long as they live, so it closes with them.
        self._bytes = io.FileIO(descriptor, closefd=False)
        self._close_bytes = weakref.finalize(self, os.close, descriptor)
        try:
            self._h5: h5py.File | None = self._open()
        except BaseException:
            self._close_bytes()
            raise

    def _open(self) -> h5py.File:
        try:
            return h5py.File(self.path, "r")
        except BlockingIOError as error:
            advice = "Another program has it open for writing; try again when it is done"
            raise UnreadableError("it is locked", advice=advice, file=self.path) from error
        except Exception as error:
            if "signature not found" in str(error):
                raise UnreadableError("it is no HDF5 file", file=self.path) from error
            raise DamagedError(_first_line(error), file=self.path) from error

    def close(self) -> None:
        """Close the file; its lazy arrays cannot be read any more."""
        self._groups.clear()
        self._bytes.close()
        self._close_bytes()
        if self._h5 is not None:
            h5, self._h5 = self._h5, None
            with self._guard("/"):
                h5.close()

    def __enter__(self) -> File:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

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
        root = self._root()
        with self._guard("/"):
            met = {h5o.get_info(root).addr: "/"}
        waiting = self._children(root, "")
        while waiting:
            group, name, path = waiting.pop()
            with self._guard(path):
                node = self._step(group, name, path, met, waiting)
            yield node

    def _step(
        self,
        group: Any,
        name: bytes,
        path: str,
        met: dict[int, str],
        waiting: list[tuple[Any, bytes, str]],
    ) -> Node:
        link = group.links.get_info(name)
        if link.type != h5l.TYPE_HARD:
            return _objects.describe_link(group, name, link.type, path)
        first = met.setdefault(link.u, path)  # the address of the object
        if first != path:
            return Link(path, "hard", first)
        item = h5o.open(group, name)
        node = _objects.describe(item, path)
        if isinstance(node, Group):
            waiting += self._children(item, path)
        return node

    def _children(self, group: Any, path: str) -> list[tuple[Any, bytes, str]]:
        names: list[bytes] = []
        with self._guard(path or "/"):
            group.links.iterate(names.append)
        return [(group, name, f"{path}/{_objects.decoded(name)}") for name in reversed(names)]

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
        return Array(found.dtype, found.shape, lambda: self.read(path))

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
        """Yield the stored values of a dataset as bytes in C order, in a buffer used again."""
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

    def _root(self) -> Any:
        if self._h5 is None:
            raise UsageError("the file is closed", file=self.path)
        return h5o.open(self._h5.id, b"/")

    def _locate(self, path: str) -> tuple[Any, bytes]:
        """Return the group that holds `path`, None if there is none, and the name in it."""
        head, _, name = path.rpartition("/")
        if head not in self._groups or self._h5 is None:
            group = self._root()
            for part in _objects.encoded(head).split(b"/")[1:]:
                links = group.links
                if not links.exists(part) or links.get_info(part).type != h5l.TYPE_HARD:
                    return None, b""
                group = h5o.open(group, part)
                if not isinstance(group, h5g.GroupID):
                    return None, b""
            if len(self._groups) >= _OPEN_GROUPS:
                self._groups.clear()
            self._groups[head] = group
        return self._groups[head], _objects.encoded(name)

    def _object(self, path: str) -> Any:
        if path == "/":
            return self._root()
        parent, name = self._locate(path)
        if parent is None or not parent.links.exists(name):
            raise DamagedError("nothing stands there", where=path)
        if parent.links.get_info(name).type != h5l.TYPE_HARD:
            raise RefusedError("it is a link, and links are not followed", where=path)
        return h5o.open(parent, name)

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

    @contextmanager
    def _guard(self, path: str) -> Iterator[None]:
        """Turn whatever the HDF5 library raises into an error that names file and path."""
        try:
            yield
        except LegacyWeightsError as error:
            error.file = error.file or self.path
            raise
        # Altered files make h5py raise almost anything, TypeError and SystemError included.
        except Exception as error:
            raise DamagedError(_first_line(error), where=path, file=self.path) from error


def _bytes(name: bytes | str) -> bytes:
    return name if isinstance(name, bytes) else _objects.encoded(name)


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
