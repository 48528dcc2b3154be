"""An HDF5 file being written, by PyTables.

Only this module imports PyTables, for it costs time, and it only ever writes.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import tables

from legacy_weights.errors import WriteError
from legacy_weights.hashing import contiguous
from legacy_weights.hierarchy import storage
from legacy_weights.hierarchy.document import Attribute, is_written
from legacy_weights.tree import AnyArray

_COMPRESSED = tables.Filters(complevel=5, complib="zlib", shuffle=True)
_LARGE = 1 << 24  # bytes; a larger array that has to be copied is copied in parts


class Store:
    """An HDF5 file being written.

    Parameters
    ----------
    path : str
        A file that this process alone uses; what it has is lost.
    append : bool
        Keep what it has, and add to it.  It must be a file that this process wrote: PyTables
        trusts what it opens.
    """

    def __init__(self, path: str, *, append: bool = False) -> None:
        with _as_ours("/"):
            self._file = tables.open_file(
                path,
                "r+" if append else "w",
                # PyTables reads files without its own attributes as well, and writing these costs
                # more than a small array does.
                pytables_sys_attrs=False,
                node_cache_slots=0,  # no node is asked for again
                max_group_width=1 << 62,
                max_tree_depth=1 << 62,
                max_columns=1 << 62,
            )
        self._groups: dict[str, tables.Group] = {"": self._file.root}
        if append:
            for name in self._file.root._v_groups:
                self._groups[f"/{name}"] = self._file.get_node(f"/{name}")

    def __enter__(self) -> Store:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Close the file; what goes wrong with that matters only if nothing did before."""
        try:
            with _as_ours("/"):
                self._file.close()
        except WriteError:
            if kind is None:
                raise

    def group(self, path: str) -> tables.Group:
        """Return the group at `path`, made with those above it if it is not there."""
        if path not in self._groups:
            with _as_ours(path):
                parent, place = self._groups[""], ""
                for name in path.split("/")[1:]:
                    place = f"{place}/{name}"
                    if place not in self._groups:
                        self._groups[place] = tables.Group(parent, name, new=True)
                    parent = self._groups[place]
        return self._groups[path]

    def attributes(self, path: str, values: dict[str, Attribute]) -> None:
        """Write attributes of a group.

        All text is marked as UTF-8, for PyTables unpickles other text that ends with a full stop.
        """
        with _as_ours(path):
            node = self.group(path)._v_attrs
            for name, value in values.items():
                if value is not None and is_written(value):
                    node[name] = np.str_(value) if isinstance(value, str) else np.int64(value)

    def array(self, path: str, values: AnyArray) -> None:
        """Write an array in the form of :mod:`legacy_weights.hierarchy.storage`."""
        head, _, name = path.rpartition("/")
        group = self.group(head)
        opaque = storage.is_opaque(values)
        kept, shape = storage.form(values.dtype, values.shape, opaque=opaque)
        by_rows = (
            values.nbytes > _LARGE
            and not values.flags.c_contiguous
            and shape[: values.ndim] == values.shape
            and values.shape[0] > 1
        )
        with _as_ours(path):
            if by_rows:
                atom = tables.Atom.from_dtype(kept)
                node = self._file.create_array(
                    group, name, atom=atom, shape=shape, byteorder=_order(kept), track_times=False
                )
                rows = max(1, _LARGE // (values.nbytes // len(values)))
                for start in range(0, len(values), rows):
                    part = storage.store(values[start : start + rows], opaque=opaque)
                    node[start : start + rows] = contiguous(part)
            else:
                whole = contiguous(storage.store(values, opaque=opaque))
                if whole.size == 1 and max(whole.strides, default=1) <= 0:
                    whole = whole.copy()  # PyTables takes an array without strides for an empty one
                tables.Array(group, name, whole, track_times=False)

    def text(self, path: str, text: str) -> None:
        """Write a scalar string."""
        head, _, name = path.rpartition("/")
        group = self.group(head)
        with _as_ours(path):
            tables.Array(group, name, np.array(text.encode()), track_times=False)

    def link(self, path: str, target: str) -> None:
        """Write a soft link."""
        head, _, name = path.rpartition("/")
        group = self.group(head)
        with _as_ours(path):
            self._file.create_soft_link(group, name, target)

    def table(self, path: str, rows: int, blocks: Iterable[AnyArray], dtype: np.dtype[Any]) -> None:
        """Write a table: blocks of `rows` structured elements in all."""
        head, _, name = path.rpartition("/")
        group = self.group(head)
        with _as_ours(path):
            node = self._file.create_table(
                group,
                name,
                dtype,
                filters=_COMPRESSED,
                expectedrows=max(rows, 1),
                track_times=False,
            )
            for block in blocks:
                node.append(block)
            node.close()

    def extend(self, path: str, blocks: Iterable[AnyArray]) -> None:
        """Write further rows of a table that is there."""
        with _as_ours(path):
            node = self._file.get_node(path)
            for block in blocks:
                node.append(block)
            node.close()

    def remove(self, path: str) -> None:
        """Remove a dataset; what is written next may take its place."""
        with _as_ours(path):
            self._file.remove_node(path)

    def stream(self, path: str, blocks: Iterable[bytes]) -> None:
        """Write a sequence of bytes of unknown length as compressed uint8."""
        head, _, name = path.rpartition("/")
        group = self.group(head)
        with _as_ours(path):
            node = self._file.create_earray(
                group,
                name,
                tables.UInt8Atom(),
                (0,),
                filters=_COMPRESSED,
                chunkshape=(1 << 16,),
                track_times=False,
            )
        for block in blocks:
            with _as_ours(path):
                node.append(np.frombuffer(block, np.uint8))
        with _as_ours(path):
            node.close()


@contextmanager
def quiet() -> Iterator[None]:
    """Silence PyTables' advice on names that are no Python identifiers and on sizes."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", tables.NaturalNameWarning)
        warnings.simplefilter("ignore", tables.PerformanceWarning)
        yield


@contextmanager
def _as_ours(path: str) -> Iterator[None]:
    """Turn PyTables' errors into ours."""
    try:
        yield
    except (tables.HDF5ExtError, TypeError, ValueError) as error:
        what = str(error).strip().splitlines()[-1:] or [type(error).__name__]
        raise WriteError(f"it could not be written: {what[0].strip()}", where=path) from error


def _order(dtype: np.dtype[Any]) -> str:
    return "little" if dtype.newbyteorder("<") == dtype else "big"
