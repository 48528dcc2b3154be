"""Which file and which snapshot of it is meant."""

from __future__ import annotations

import re
from os import PathLike
from pathlib import Path

from legacy_weights.errors import UsageError
from legacy_weights.tree import Snapshot, Tree

_DIGITS = re.compile("[0-9]{1,18}")


def split_name(path: str | PathLike[str]) -> tuple[Path, str | None]:
    """Split ``x.h5/snapshots/iter0000100`` into the file and the snapshot's name, if it has one.

    Notes
    -----
    policyopt/util.py, ``split_h5_name``, which opens file after file to find the one.
    """
    whole = Path(path)
    for file in (whole, *whole.parents):
        if file.is_file():
            inside = whole.relative_to(file).parts
            if inside[:1] == ("snapshots",):
                inside = inside[1:]
            return file, "/".join(inside) or None
    return whole, None


def choose(tree: Tree, snapshot: int | str | None) -> Snapshot:
    """Return the snapshot of an iteration (int) or a name (str); None is the last one.

    Raises
    ------
    UsageError
        If the tree has none, or not this one.
    """
    if not tree.snapshots:
        raise UsageError("the file holds no weights", expected="at least one snapshot")
    if snapshot is None:
        named = [s for s in tree.snapshots if s.name == tree.default_snapshot]
        complete = [s for s in tree.snapshots if s.complete]
        return (named or complete or tree.snapshots)[-1]
    for candidate in tree.snapshots:
        if snapshot == (candidate.name if isinstance(snapshot, str) else candidate.iteration):
            return candidate
    names = [s.name for s in tree.snapshots]
    listed = ", ".join(names if len(names) < 8 else [*names[:3], "…", *names[-3:]])
    raise UsageError(f"there is no snapshot {snapshot!r}", expected=f"one of {listed}")


def choose_word(tree: Tree, word: str | None) -> Snapshot:
    """Return the snapshot that a word of a command line means: a name, or else an iteration.

    Raises
    ------
    UsageError
        If the tree has none, or not this one.
    """
    if word is None or any(snapshot.name == word for snapshot in tree.snapshots):
        return choose(tree, word)
    return choose(tree, int(word) if _DIGITS.fullmatch(word) else word)
