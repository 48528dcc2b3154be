"""Reading a migrated file."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from legacy_weights import hdf5
from legacy_weights.errors import DamagedError, UnreadableError, UsageError, in_file
from legacy_weights.hierarchy import document, texts
from legacy_weights.hierarchy.openfile import OpenFile
from legacy_weights.hierarchy.plan import snapshot_group
from legacy_weights.hierarchy.rebuild import Contents, rebuild_table, rebuild_tree
from legacy_weights.hierarchy.schema import VERSION
from legacy_weights.hierarchy.steps import in_memory
from legacy_weights.tree import JSON, AnyArray, Array, Record, Snapshot, Table, Tree


class MigratedFile:
    """A migrated file, open for reading; a context manager.

    Opening reads the index and the manifest, and no array.

    Parameters
    ----------
    path : path-like
    faults : list, optional
        Where to put what the index contradicts itself in, as (path, message), instead of raising.

    Attributes
    ----------
    path : str
    format_version : int
        Of the file; an older one is read as if it had the present version.
    notice : str
        Says so.
    manifest : Manifest
        What the file says of itself; pydantic models.
    snapshots : mapping of str to Snapshot
        In order, with lazy arrays.
    tables : mapping of str to Table
        By path, with lazy columns.
    contents : Contents
        The rows of the index and the arrays, by path.
    hdf5 : OpenFile

    Raises
    ------
    UnreadableError
        The file is not to be opened, or none of the hierarchy.
    VersionError
        It is of a newer version than this program knows.
    DamagedError
        It contradicts itself.  Reading an array can raise this, too.
    """

    def __init__(
        self, path: str | os.PathLike[str], *, faults: list[tuple[str, str]] | None = None
    ) -> None:
        file = hdf5.File(path)
        self.hdf5: OpenFile = file
        self.path = file.path
        self.notice = ""
        try:
            with in_file(self.path):
                self.format_version = document.read_version(self.hdf5)
                if self.format_version < VERSION:
                    self.hdf5 = in_memory(file, self.format_version)
                    self.notice = (
                        f"the file has version {self.format_version} of the hierarchy and is read "
                        f"as version {VERSION}; migrate upgrade makes that lasting"
                    )
                self.manifest = document.read_manifest(self.hdf5)
                rows = document.read_index(self.hdf5, self.manifest)
                self.contents = Contents(self.hdf5, self.manifest, rows, faults)
                self.snapshots: Mapping[str, Snapshot] = self.contents.snapshots
                self.tables: Mapping[str, Table] = {
                    table.path: rebuild_table(self.hdf5, table) for table in self.manifest.tables
                }
                default = self.manifest.default_snapshot
                self._default = None if default is None else texts.unquote(default)
                if self._default is not None and self._default not in self.snapshots:
                    raise DamagedError(f"there is no snapshot {self._default!r}", where="/")
        except BaseException:
            self.hdf5.close()
            raise

    def close(self) -> None:
        """Close the file; its lazy arrays cannot be read any more."""
        self.hdf5.close()

    def __enter__(self) -> MigratedFile:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<MigratedFile {self.path!r}: {', '.join(self.snapshots) or 'no snapshot'}>"

    def __contains__(self, path: object) -> bool:
        return isinstance(path, str) and self._find(path) is not None

    def __getitem__(self, path: str) -> AnyArray:
        """Read an array.

        Parameters
        ----------
        path : str
            ``/snapshots/model/conv1/W``; within the default snapshot ``conv1/W`` or the name
            that the model has for it.

        Raises
        ------
        UsageError
            There is none.
        """
        found = self._find(path)
        if found is None:
            near = difflib.get_close_matches(path, self._names(), n=3)
            advice = f"Did you mean {' or '.join(near)}?" if near else None
            raise UsageError(f"there is no array {path!r}", advice=advice, file=self.path)
        return self.contents.arrays[found].load()

    def arrays(self) -> Mapping[str, Array]:
        """Return every array by its path, lazy; a further name has the same object."""
        return self.contents.arrays

    def weights(self, snapshot: str | None = None) -> dict[str, AnyArray]:
        """Read the arrays of a snapshot.

        Parameters
        ----------
        snapshot : str, optional
            Default: the default snapshot.

        Returns
        -------
        dict of str to numpy.ndarray
            By the model's own names, in the order of the model.  Further names of an array follow
            it and have the same ndarray.
        """
        name = self._default if snapshot is None else snapshot
        if name is None or name not in self.snapshots:
            known = ", ".join(self.snapshots) or "none"
            what = "there is no default snapshot" if name is None else f"there is no {name!r}"
            raise UsageError(what, expected=f"one of its snapshots: {known}", file=self.path)
        loaded: dict[str, AnyArray] = {}
        weights: dict[str, AnyArray] = {}
        for row in self.contents.rows.values():
            if row.snapshot == texts.quote(name):
                home = self.contents.home(row).path
                if home not in loaded:
                    loaded[home] = self.contents.arrays[home].load()
                weights.setdefault(texts.unquote(row.name), loaded[home])
        return weights

    def records(self) -> Iterator[Record]:
        """Yield what the legacy file has that is no array."""
        for number, line in enumerate(self.record_lines()):
            try:
                content = texts.loads(line)
                yield Record(
                    id=content.pop("id"),
                    path=content.pop("path"),
                    cls=content.pop("class"),
                    content=content,
                )
            except (ValueError, LookupError, AttributeError, TypeError) as error:
                raise DamagedError(
                    f"line {number + 1} is no record", where=document.RECORDS, file=self.path
                ) from error

    def record_lines(self) -> Iterator[bytes]:
        """Yield the lines of ``/meta/records``."""
        begun: list[bytes] = []
        for block in self.hdf5.blocks(document.RECORDS):
            first, *others = bytes(block).split(b"\n")
            begun.append(first)
            if others:
                yield b"".join(begun)
                yield from others[:-1]
                begun = others[-1:]
        if any(begun):
            yield b"".join(begun)

    @property
    def metadata(self) -> dict[str, JSON]:
        """What the legacy file says of itself."""
        with in_file(self.path):
            found = document.read_json(self.hdf5, document.ARGS)
            if not isinstance(found, dict):
                raise DamagedError("it is no object", where=document.ARGS)
            return found

    @property
    def history(self) -> tuple[Mapping[str, JSON], ...]:
        """The named transformations that were applied, the oldest first."""
        with in_file(self.path):
            return tuple(document.read_history(self.hdf5))

    def tree(self) -> Tree:
        """Return the tree of which the file was written; its arrays live as long as this file."""
        tree = rebuild_tree(
            self.manifest,
            self.contents,
            tables=tuple(self.tables.values()),
            records=self.records,
            metadata=self.metadata,
            history=self.history,
        )
        return replace(tree, warnings=(*tree.warnings, self.notice)) if self.notice else tree

    def document(self) -> dict[str, Any]:
        """Return the whole manifest as JSON values: with the index, history and args."""
        known = self.manifest.model_dump(mode="json", exclude={"index", "history", "args"})
        index = [row.model_dump(mode="json") for row in self.contents.rows.values()]
        return {**known, "index": index, "history": list(self.history), "args": self.metadata}

    def _find(self, path: str) -> str | None:
        if path in self.contents.arrays:
            return path
        if self._default is None:
            return None
        inside = f"{snapshot_group(self._default)}/{path}"
        if inside in self.contents.arrays:
            return inside
        for row in self.contents.rows.values():
            if texts.unquote(row.snapshot) == self._default and texts.unquote(row.name) == path:
                return row.path
        return None

    def _names(self) -> list[str]:
        names = list(self.contents.arrays)
        if self._default is not None:
            prefix = f"{snapshot_group(self._default)}/"
            names += [name.removeprefix(prefix) for name in names if name.startswith(prefix)]
        return names


def is_hierarchy(path: str | os.PathLike[str]) -> bool:
    """Tell whether a file is one of the hierarchy, of whatever version."""
    try:
        with hdf5.File(path) as file:
            return document.has_format(file)
    except (UnreadableError, DamagedError):
        return False


def open_file(path: str | os.PathLike[str]) -> MigratedFile:
    """Open a migrated file; see :class:`MigratedFile`.

    >>> with open_file("best_model.migrated.h5") as file:  # doctest: +SKIP
    ...     weights = file.weights()
    """
    return MigratedFile(path)
