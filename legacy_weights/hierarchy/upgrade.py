"""Writing a migrated file in another version of the hierarchy, and its history."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from legacy_weights import hdf5
from legacy_weights.description import Description
from legacy_weights.errors import DamagedError, UsageError, WriteError, in_file
from legacy_weights.hierarchy import atomic, document, raw, schema
from legacy_weights.hierarchy.check import check
from legacy_weights.hierarchy.steps import name_of, plan, take
from legacy_weights.tree import JSON


@dataclass(frozen=True, slots=True)
class Upgrade:
    """What an upgrade did, or would do.

    Parameters
    ----------
    path : pathlib.Path
        The file that has the new version; the file itself if nothing was to be done.
    found, wanted : int
        The versions before and after.
    steps : tuple of str
        The names of the steps taken, in order.
    written : bool
        False for a dry run, and where nothing was to be done.
    """

    path: Path
    found: int
    wanted: int
    steps: tuple[str, ...]
    written: bool


def upgrade(
    path: str | os.PathLike[str],
    out: str | os.PathLike[str] | None = None,
    *,
    to: int | None = None,
    in_place: bool = False,
    overwrite: bool = False,
    dry_run: bool = False,
) -> Upgrade:
    """Write a migrated file in another version of the hierarchy.

    Parameters
    ----------
    path : path-like
    out : path-like, optional
        The file to write.
    to : int, optional
        The version; by default the newest.
    in_place : bool
        Replace the file itself (of a symbolic link, the one it points to).  It is kept under the
        name ``FILE.backup`` until the new one has passed the check and has its place.  A process
        that is killed leaves a whole file under the name, the old or the new one, and may leave
        the old one as ``FILE.backup``.
    overwrite : bool
        Whether an existing `out` is replaced.
    dry_run : bool
        Take the steps in memory, and write nothing.

    Returns
    -------
    Upgrade

    Raises
    ------
    UsageError
        Neither or both of `out` and `in_place` are given, or there is no way to that version.
    VersionError
        The file is newer than this program.
    WriteError
        What was written does not pass the check; then nothing has changed.
    """
    wanted = schema.VERSION if to is None else to
    source = Path(path)
    if (out is not None) and in_place:
        raise UsageError("the result cannot go to another file and in place", file=source)
    with hdf5.File(source) as file, in_file(source):
        found = document.read_version(file)
        names = tuple(name_of(step) for step, _ in plan(found, wanted))
        if found == wanted:
            return Upgrade(source, found, wanted, (), written=False)
        result = take(raw.describe(file, found), wanted)
        if dry_run:
            return Upgrade(source, found, wanted, names, written=False)
        if out is None and not in_place:
            raise UsageError("no target is named", advice="Name one (-o) or say --in-place")
        target = source.resolve() if out is None else Path(out)
        if out is not None and target.exists() and target.samefile(source):
            raise UsageError("the target is the file itself", advice="Say --in-place")
        with in_file(target):
            _write(result, target, overwrite=in_place or overwrite, keep=in_place)
    return Upgrade(source if out is None else target, found, wanted, names, written=True)


def history(path: str | os.PathLike[str]) -> Iterator[Mapping[str, JSON]]:
    """Yield what was done to a file since it was a legacy file, the oldest first."""
    with hdf5.File(path) as file, in_file(path):
        document.read_version(file)
        manifest = document.read_json(file, document.MANIFEST)
        if not isinstance(manifest, dict):
            raise DamagedError("it is no object", where=document.MANIFEST)
        yield {
            "action": "migrate",
            "generator": manifest.get("generator", ""),
            "source": manifest.get("source", {}),
        }
        yield from document.read_history(file)


def _write(result: Description, target: Path, *, overwrite: bool, keep: bool) -> None:
    backup = target.with_name(f"{target.name}.backup")
    kept = _kept(target, backup) if keep else contextlib.nullcontext()
    with kept, atomic.written_beside(os.fspath(target), overwrite=overwrite) as temporary:
        raw.write(result, temporary)
        atomic.sync(temporary)
        _passes(temporary, result.version)


@contextlib.contextmanager
def _kept(target: Path, backup: Path) -> Iterator[None]:
    """Keep a file under a second name while the block replaces it; put it back if that fails."""
    # The same file under both names is what a run left that was killed before it changed anything.
    if os.path.lexists(backup) and not (backup.exists() and backup.samefile(target)):
        raise UsageError(
            f"{backup.name} is there already",
            advice="A run that was killed can have left it: it is the file as it was. Keep or "
            "remove it",
        )
    try:
        with contextlib.suppress(FileExistsError):
            os.link(target, backup)
    except OSError:  # not every file system has a second name for a file
        shutil.copy2(target, backup)
    try:
        yield
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.replace(backup, target)
        raise
    finally:
        # A file that is renamed to another name of itself keeps both.
        with contextlib.suppress(FileNotFoundError):
            backup.unlink()


def _passes(path: str, version: int) -> None:
    """Raise if a file that was written does not pass the check."""
    # What an older version demands, only the program of its day can check.
    findings = check(path) if version == schema.VERSION else []
    if findings:
        first = findings[0]
        raise WriteError(
            f"the result does not pass the check: {first.message}",
            where=first.path,
            advice="Nothing was changed; please report this",
        )
