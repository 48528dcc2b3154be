"""A file of the hierarchy that grows: snapshots and rows of its logs are added.

HDF5 keeps no journal: a process that is killed while it changes a file can leave one that nothing
opens.  So the file that has the name is never changed.  There are two copies; the hidden one is
brought up to date, synced and read back, and then takes the name in one step of the file system.
What had the name until then is the hidden copy of the next time.  Each change is thus written
twice, and the whole file only where there is no hidden copy yet, or none that can be used.
"""

from __future__ import annotations

import os
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace

from legacy_weights import hdf5
from legacy_weights.errors import WriteError, in_file
from legacy_weights.hierarchy import atomic, extending, index, logs
from legacy_weights.hierarchy.extending import Piece, State
from legacy_weights.hierarchy.read import MigratedFile
from legacy_weights.hierarchy.write import write
from legacy_weights.tree import Snapshot, Table, Tree


@dataclass(frozen=True, slots=True, eq=False)
class _Copy:
    """The hidden copy, and what it says of itself."""

    path: str
    state: State


class GrowingFile:
    """A file of the hierarchy to which snapshots and rows of its logs are added.

    Every method leaves a whole file under the name, or raises and leaves the one that was there;
    a process that is killed does, too.

    Parameters
    ----------
    path : path-like
    tree : Tree
        What the file begins with.
    overwrite : bool
        Whether what stands at `path` is replaced.
    """

    def __init__(self, path: str | os.PathLike[str], tree: Tree, *, overwrite: bool) -> None:
        self.path = os.path.realpath(path)
        self._state: State | None = None
        self._copy: _Copy | None = None
        self._ours: set[tuple[int, int]] = set()
        self._hidden: set[str] = set()
        weakref.finalize(self, _unlink_all, self._hidden, os.getpid())
        self._write_whole(tree, overwrite=overwrite)

    def add(self, snapshot: Snapshot | None, tables: Sequence[Table]) -> None:
        """Add a snapshot, which becomes the default one, and put tables in place of the old ones.

        Parameters
        ----------
        snapshot : Snapshot, optional
        tables : sequence of Table
            All that the file is to have; each begins with the rows that it had.

        Raises
        ------
        WriteError
            The system refuses, or another program has replaced the file.
        """
        with in_file(self.path), _explained():
            self._check_place()
            kept = [logs.KeptTable(table) for table in tables]
            if not self._extend(snapshot, kept):
                self._rewrite(snapshot, tables)

    def close(self) -> None:
        """Remove the hidden copy."""
        self._copy = None
        _unlink_all(self._hidden, os.getpid())

    def _check_place(self) -> None:
        if not os.path.exists(self.path) or _identity(self.path) not in self._ours:
            raise WriteError(
                "another program has removed or replaced it",
                expected="the file as it was written last",
                advice="A file that is being written must keep its name and place",
            )

    def _extend(self, snapshot: Snapshot | None, kept: Sequence[logs.KeptTable]) -> bool:
        """Bring the hidden copy up to date and let it take the name, if that can be done."""
        copy, self._copy = self._copy, None
        if copy is None or self._state is None or not _is_ours_alone(copy.path):
            return False
        state, pieces = extending.extended(self._state, snapshot, kept)
        with hdf5.File(self.path) as present:
            missing = extending.missing(copy.state, self._state, present)
            if not self._update(copy, state, [*missing, *pieces], kept):
                return False
        older = self._linked()
        self._ours.add(_identity(copy.path))
        os.replace(copy.path, self.path)
        atomic.sync_directory(self.path)
        self._published(state, older)
        return True

    def _update(
        self, copy: _Copy, state: State, pieces: list[Piece], kept: Sequence[logs.KeptTable]
    ) -> bool:
        try:
            if not extending.write(copy.path, copy.state, state, pieces, kept):
                return False  # a reader still has it open
            atomic.sync(copy.path)
            extending.verify(copy.path, state, pieces, kept)
        except WriteError:
            try:
                atomic.write_more(copy.path)
            finally:
                atomic.discard(copy.path)
            raise
        return True

    def _rewrite(self, snapshot: Snapshot | None, tables: Sequence[Table]) -> None:
        """Write the whole file once more."""
        with MigratedFile(self.path) as file:
            tree = replace(file.tree(), tables=tuple(tables))
            if snapshot is not None:
                snapshots = (*tree.snapshots, snapshot)
                tree = replace(tree, snapshots=snapshots, default_snapshot=snapshot.name)
            self._write_whole(tree, overwrite=True)

    def _write_whole(self, tree: Tree, *, overwrite: bool) -> None:
        self.close()
        older = self._linked()
        written = write(tree, self.path, overwrite=overwrite)
        self._ours = {_identity(self.path)}
        packed = index.pack(written.rows)[0]
        self._published(State(written.manifest, written.rows, packed), older)

    def _linked(self) -> _Copy | None:
        """Give the file that has the name a hidden one, too, before another takes its place."""
        # Until that is done, nothing is known of the file that has the name.
        state, self._state = self._state, None
        if state is None:  # it may be of another process, and be kept by others
            return None
        name = atomic.linked_beside(self.path)
        if name is None:
            return None
        self._hidden.add(name)
        return _Copy(name, state)

    def _published(self, state: State, older: _Copy | None) -> None:
        self._ours = {_identity(self.path)}
        self._copy, self._state = older, state


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise atomic.explained(error) from error


def _identity(path: str) -> tuple[int, int]:
    found = os.stat(path)
    return found.st_dev, found.st_ino


def _is_ours_alone(path: str) -> bool:
    """Tell whether a hidden copy is still there, and nobody has given it another name."""
    try:
        return os.stat(path).st_nlink == 1
    except OSError:
        return False


def _unlink_all(hidden: set[str], process: int) -> None:
    # A child that was forked has the names, and not the right to remove them.
    while hidden and os.getpid() == process:
        with suppress(OSError):
            os.unlink(hidden.pop())
