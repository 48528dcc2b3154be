"""The library's front door: read, migrate, open."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

from legacy_weights import suspicion
from legacy_weights.architectures import with_architecture
from legacy_weights.containers import Siblings, open_buffer, unwrap
from legacy_weights.description import Description
from legacy_weights.errors import LimitError, UsageError, in_file
from legacy_weights.families.unflatten import Entry
from legacy_weights.hashing import sha256_file
from legacy_weights.hierarchy import MigratedFile, is_hierarchy, open_file
from legacy_weights.hierarchy.described import upgraded
from legacy_weights.limits import DEFAULTS, Limits
from legacy_weights.readers import is_hdf5, read_hdf5
from legacy_weights.readers import tree as tree_of
from legacy_weights.transforms import selection, transform
from legacy_weights.transforms.layout import with_layout
from legacy_weights.tree import JSON, Source, Tree

Path_ = str | PathLike[str]
Progress = Callable[[int, int, str], None]


@dataclass(frozen=True, slots=True)
class Report:
    """What a migration did.

    Parameters
    ----------
    tree : Tree
        What the legacy file holds.
    path : pathlib.Path
        The migrated file.
    verified : int
        How many arrays were read back and found equal, bit for bit; all, or an error was raised.
    written : bool
        False for a dry run.
    """

    tree: Tree
    path: Path
    verified: int
    written: bool

    @property
    def arrays(self) -> int:
        """Number of arrays of the legacy file."""
        return sum(1 for _ in self.tree.leaves())

    @property
    def exit_status(self) -> int:
        """0, or 1 if the file holds no array."""
        return 0 if self.arrays else 1


def read(
    path: Path_,
    *,
    layout: Path_ | Sequence[Entry] | None = None,
    architecture: Path_ | dict[str, JSON] | None = None,
    convert: Iterable[str] = (),
    strict: bool = False,
    hostile: bool = False,
    limits: Limits = DEFAULTS,
) -> Tree:
    """Read a file, legacy or migrated, without running any of it.

    Parameters
    ----------
    path : path-like
    layout : path-like or sequence of Entry, optional
        How to cut the file's only array, a flat vector, into named arrays: a file (see
        :func:`legacy_weights.layouts.load_layout`), or the names and shapes themselves.
    architecture : path-like or dict, optional
        What ``model.to_json()`` gave, for a file with the weights of a Keras model alone: it tells
        weights from running averages, and which layers are trained.
    convert : iterable of str, optional
        Transformations to apply, such as ``keras-kernels``; see
        :mod:`legacy_weights.transforms`.  By default every array is as the file has it.
    strict : bool
        Refuse a file that calls anything outside of known data types; by default such calls are
        kept as records and told of.
    hostile : bool
        Return the tree even of a file with calls that only an attack makes, which is refused by
        default.  Nothing of a file is run either way.
    limits : Limits, optional
        What the file may ask for; see :mod:`legacy_weights.limits`.

    Returns
    -------
    Tree
        Its arrays are views of the mapped file.

    Raises
    ------
    UsageError
        If there is no such file.
    RefusedError
        If it calls what only an attack calls; the error says where.
    LegacyWeightsError
        If it cannot be read; the error says where and why.
    """
    path = Path(path)
    with in_file(path):
        found = _read(path, limits)
        _check_arrays(found, limits)
        suspicion.check(found, strict=strict, hostile=hostile)
        if architecture is not None:
            found = with_architecture(found, architecture)
        if layout is not None:
            found = with_layout(found, layout)
        return transform(found, convert) if convert else found


def _read(path: Path, limits: Limits) -> Tree:
    buffer = open_buffer(path)
    digest = functools.cache(lambda: sha256_file(buffer.view))
    if not is_hdf5(buffer.view):
        return tree_of(
            path.name,
            len(buffer),
            digest,
            unwrap(buffer, limits=limits),
            Siblings(path.parent),
            limits,
        )
    if is_hierarchy(path):
        return open_file(path).tree()
    source = Source(path.name, len(buffer), "hdf5", digest)
    found = read_hdf5(path, source, limits)
    return upgraded(found) if isinstance(found, Description) else found


def _check_arrays(tree: Tree, limits: Limits) -> None:
    count = sum(1 for _ in tree.leaves())
    if count > limits.arrays:
        raise LimitError(
            f"it holds {count:,} arrays, and the limit `arrays` is {limits.arrays:,}",
            advice="If you trust it, raise it: --limit arrays=NUMBER",
        )


def default_target(path: Path_) -> Path:
    """Return where a migrated file goes by default: ``m.pkl.gz`` → ``m.pkl.migrated.h5``."""
    path = Path(path)
    return path.with_name(f"{path.stem}.migrated.h5")


def migrate(
    path: Path_,
    out: Path_ | None = None,
    *,
    overwrite: bool = False,
    layout: Path_ | Sequence[Entry] | None = None,
    architecture: Path_ | dict[str, JSON] | None = None,
    convert: Iterable[str] = (),
    weights_only: bool = False,
    strict: bool = False,
    limits: Limits = DEFAULTS,
    dry_run: bool = False,
    progress: Progress | None = None,
) -> Report:
    """Write everything that a legacy file holds into one hierarchy.

    Parameters
    ----------
    path : path-like
        The legacy file; it is never changed.
    out : path-like, optional
        The file to write; by default :func:`default_target`.
    overwrite : bool
        Whether an existing target is replaced.
    layout, architecture, convert, strict, limits : optional
        See :func:`read`.
    weights_only : bool
        Leave out what is in no snapshot; see :mod:`legacy_weights.transforms.selection`.
    dry_run : bool
        Read and report, and write nothing.
    progress : callable, optional
        Called with the bytes done, the bytes in all, and what is being done.

    Returns
    -------
    Report

    Raises
    ------
    UsageError
        If the target exists and is not to be overwritten.
    LegacyWeightsError
        If the file cannot be read, or the result cannot be written and verified; then nothing is
        written.
    """
    from legacy_weights.hierarchy.write import check_target, write

    target = default_target(path) if out is None else Path(out)
    if not dry_run:
        check_target(target, overwrite=overwrite)
        if target.exists() and Path(path).exists() and target.samefile(path):
            raise UsageError("the target is the legacy file itself", file=target)
    tree = read(
        path,
        layout=layout,
        architecture=architecture,
        convert=convert,
        strict=strict,
        limits=limits,
    )
    if weights_only:
        with in_file(path):
            tree = selection.weights_only(tree)
    if dry_run:
        return Report(tree, target, 0, written=False)
    written = write(tree, target, overwrite=overwrite, progress=progress)
    return Report(tree, target, written.verified, written=True)


def open(path: Path_) -> MigratedFile:
    """Open a migrated file, read-only; arrays are read when they are asked for.

    Returns
    -------
    MigratedFile
        A context manager; see :class:`legacy_weights.hierarchy.MigratedFile`.
    """
    return open_file(path)
