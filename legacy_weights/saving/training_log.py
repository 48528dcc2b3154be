"""A log of a training that grows in a file of the hierarchy."""

from __future__ import annotations

import operator
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Self, SupportsIndex

from legacy_weights.errors import UsageError, in_file
from legacy_weights.hierarchy.growing import GrowingFile
from legacy_weights.hierarchy.read import MigratedFile
from legacy_weights.saving.columns import LOG, Columns
from legacy_weights.saving.members import snapshot_of
from legacy_weights.saving.saved import as_json, check_new, empty_tree
from legacy_weights.tree import JSON, Array, Table, Tree


class TrainingLog:
    """Rows and snapshots of a training in one file, which can be read at any time.

    The file is what ``TrainingLog`` of GAIL (openai/imitation, policyopt/nn.py) made a habit of: a
    table ``/log``, and a set of weights ``/snapshots/iter0000100`` at some iterations; in the form
    of every file of this package.

    Parameters
    ----------
    path : path-like
    columns : iterable of str, or mapping of str to dtype
        Of the log.  Without a dtype a column has that of its values: whole numbers become
        fractions and text becomes longer when a value needs it.
    append : bool
        Continue the file, if there is one, also after a crash.  It may be any file of the
        hierarchy, a migrated log too; its columns must be these.
    overwrite : bool
        Replace the file, if there is one.
    metadata : mapping of str to JSON, optional
        What the file is to say of itself; put beside what a continued file says already.

    Raises
    ------
    UsageError
        The file exists, or has other columns.
    WriteError
        The system refuses.

    Notes
    -----
    *What is in the file.*  After every :meth:`write_snapshot`, :meth:`flush` and :meth:`close` the
    file is whole, and passes ``migrate check``: all snapshots and all rows until then.  Rows
    written since are in memory only, and are lost if the process is killed.

    *A process that is killed*, at whatever moment, leaves the file as it was after the last
    finished call: the file that has the name is never changed.  A hidden copy beside it
    (``.NAME.….part``) is, and takes the name when it was synced to the disk and read back.
    What had the name is the copy of the next time.  So a snapshot is written twice, and as
    long as the log is open the disk holds the file twice.  What a killed process leaves of it
    is removed by the next that writes to the same name.

    *Readers* never wait, and see either the old or the new state.  One that holds the file open
    over two snapshots locks it by HDF5's own lock, as h5py and PyTables do; then the file is
    written whole.  So it is where a disk has no hard links or somebody made one of the file.
    A program that reads without that lock (``cp``, ``rsync``, HDF5 with
    ``HDF5_USE_FILE_LOCKING=FALSE``, some network disks) must be done before the next snapshot but
    one.

    *The file is one log's.*  Where another program replaces or moves it, writing raises.

    Examples
    --------
    >>> with legacy_weights.TrainingLog("run.h5", ["iter", "ret"]) as log:  # doctest: +SKIP
    ...     for iteration in range(1000):
    ...         log.write({"iter": iteration, "ret": train(policy)})
    ...         if iteration % 100 == 0:
    ...             log.write_snapshot(policy.variables, iteration)
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        columns: Iterable[str] | Mapping[str, Any],
        *,
        append: bool = False,
        overwrite: bool = False,
        metadata: Mapping[str, JSON] | None = None,
    ) -> None:
        self.path = os.fspath(path)
        self._columns = Columns(columns)
        self._unwritten = 0
        self._file: GrowingFile | None = None
        with in_file(path):
            if append and overwrite:
                raise UsageError("append and overwrite contradict each other")
            if append and os.path.lexists(path):
                with MigratedFile(path) as present:
                    self._begin(self._taken(present.tree(), metadata), overwrite=True)
            else:
                check_new(path, overwrite=overwrite, advice="Continue it with append=True. ")
                tree = empty_tree(path, "legacy_weights.TrainingLog", metadata)
                self._begin(tree, overwrite=overwrite)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        state = "closed" if self._file is None else f"{len(self._names)} snapshots"
        return f"<TrainingLog {self.path!r}: {state}>"

    @property
    def length(self) -> int:
        """Number of rows, those that are not in the file yet included."""
        return self._columns.length

    @property
    def snapshots(self) -> tuple[str, ...]:
        """The names of the snapshots in the file, in their order."""
        return tuple(self._names)

    def write(self, row: Mapping[str, Any] | Sequence[Any]) -> None:
        """Add a row to the log; it is in the file after the next snapshot, flush or close.

        Parameters
        ----------
        row : mapping of str to value, or sequence
            A value for each column; a sequence has them in the columns' order.

        Raises
        ------
        UsageError
            It does not fit; the log is as it was.
        """
        with in_file(self.path):
            self._opened()
            self._columns.add(row)
            self._unwritten += 1

    def write_snapshot(self, arrays_or_variables: Any, iteration: SupportsIndex) -> None:
        """Write a set of weights, and all rows so far.

        When this returns, snapshot ``iter%07d`` is on the disk, and is the file's default.

        Parameters
        ----------
        arrays_or_variables : mapping, iterable, FlatVector or model
            As of :func:`legacy_weights.save`.
        iteration : int
            0 or more; each once.

        Raises
        ------
        UsageError
            There is a snapshot of this iteration, or something is no array.
        WriteError
            The system refuses; the file is as it was, and the log can go on.
        """
        with in_file(self.path):
            file, number = self._opened(), operator.index(iteration)
            name = f"iter{number:07d}"  # policyopt/nn.py, TrainingLog.write_snapshot
            if number < 0 or name in self._names:
                what = "there is a snapshot of" if number >= 0 else "there can be no snapshot of"
                raise UsageError(f"{what} iteration {number}")
            snapshot = snapshot_of(arrays_or_variables, name, number)
            file.add(snapshot, self._tables())
            self._names[name] = None
            self._unwritten = 0

    def flush(self) -> None:
        """Bring all rows so far into the file."""
        with in_file(self.path):
            file = self._opened()
            if self._unwritten:
                file.add(None, self._tables())
                self._unwritten = 0

    def close(self) -> None:
        """Bring all rows into the file and end the log; a second time does nothing."""
        if self._file is not None:
            try:
                self.flush()
            finally:
                self._file.close()
                self._file = None

    def _taken(self, tree: Tree, metadata: Mapping[str, JSON] | None) -> Tree:
        """Take the rows of the file that is there, and put the metadata beside its own."""
        tables = [
            Table(table.path, {name: Array.of(c.load()) for name, c in table.columns.items()})
            for table in tree.tables
        ]
        for table in tables:
            if table.path == LOG:
                self._columns.take({name: c.load() for name, c in table.columns.items()})
        added = as_json(metadata or {})
        return replace(tree, tables=tuple(tables), metadata={**tree.metadata, **added})

    def _begin(self, tree: Tree, *, overwrite: bool) -> None:
        self._others = tuple(table for table in tree.tables if table.path != LOG)
        self._names = dict.fromkeys(snapshot.name for snapshot in tree.snapshots)
        self._file = GrowingFile(
            self.path, replace(tree, tables=self._tables()), overwrite=overwrite
        )

    def _opened(self) -> GrowingFile:
        if self._file is None:
            raise UsageError("the log is closed")
        return self._file

    def _tables(self) -> tuple[Table, ...]:
        return (*self._columns.tables(), *self._others)
