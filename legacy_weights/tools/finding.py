"""Finding one array in a tree by what a person calls it."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from legacy_weights import paths
from legacy_weights.choosing import choose_word
from legacy_weights.errors import UsageError
from legacy_weights.tree import Array, Leaf, Snapshot, Tree

_LAST = re.compile(r"[/.]")
_COMPARED = 20_000  # names among which near ones are sought


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """An array of a tree, and where it stands.

    Parameters
    ----------
    path : str
        Of a column of a log, the path of the log, and the name of the column.
    array : Array
    leaf : Leaf, optional
        None for a column of a log.
    snapshot : Snapshot, optional
    position : int, optional
        The place in the order of the snapshot.
    start : int
        The place in its flat vector, or -1.
    """

    path: str
    array: Array
    leaf: Leaf | None = None
    snapshot: Snapshot | None = None
    position: int | None = None
    start: int = -1


def find(tree: Tree, word: str, snapshot: str | None = None) -> Found:
    """Return the array that a word means.

    Parameters
    ----------
    tree : Tree
    word : str
        A path; or within the snapshot, among the other arrays and the columns of the logs, a path
        without its beginning or a name.  Further names count, too.
    snapshot : str, optional
        Name or iteration; by default the file's own choice.

    Raises
    ------
    UsageError
        There is no such array, or several are called so.
    """
    chosen = choose_word(tree, snapshot) if snapshot is not None or tree.snapshots else None
    found: dict[str, Found] = {}
    for names, candidate in _candidates(tree, chosen, everything=snapshot is None):
        if word == names[0]:
            return candidate
        if word in names:
            found.setdefault(candidate.path, candidate)
    if not found and snapshot is None:
        # A path of another snapshot than the file's own choice.
        for other in tree.snapshots:
            for names, candidate in _of_snapshot(other):
                if word in names and word.startswith("/"):
                    return candidate
    inside = [path for path, candidate in found.items() if candidate.snapshot is not None]
    if len(inside or found) == 1:
        return found[(inside or list(found))[0]]
    if found:
        raise UsageError(
            f"several arrays are called {word!r}",
            expected=f"the path of one: {', '.join(islice(found, 6))}",
        )
    raise UsageError(
        f"there is no array {word!r}",
        advice=_advice(tree, chosen, word, everything=snapshot is None),
    )


def _candidates(
    tree: Tree, chosen: Snapshot | None, *, everything: bool
) -> Iterator[tuple[list[str], Found]]:
    """Yield arrays with what they may be called, the path first."""
    if chosen is not None:
        yield from _of_snapshot(chosen)
    if not everything:
        return
    for leaf in tree.other:
        names = [leaf.path, leaf.path.removeprefix("/other/"), leaf.name]
        yield [*names, *_further(leaf, "/other/")], Found(leaf.path, leaf.array, leaf)
    for table in tree.tables:
        for name, array in table.columns.items():
            path = f"{table.path}/{paths.encode(name)}"
            yield [path, path[1:], name], Found(path, array)


def _of_snapshot(snapshot: Snapshot) -> Iterator[tuple[list[str], Found]]:
    group = f"{paths.join(('snapshots', snapshot.name))}/"
    for position, (leaf, start) in enumerate(snapshot.layout()):
        names = [leaf.path, leaf.path.removeprefix(group), leaf.name, *_further(leaf, group)]
        yield names, Found(leaf.path, leaf.array, leaf, snapshot, position, start)


def _further(leaf: Leaf, group: str) -> Iterator[str]:
    for path, name in leaf.links:
        yield from (path, path.removeprefix(group), name)


def _advice(tree: Tree, chosen: Snapshot | None, word: str, *, everything: bool) -> str:
    names: list[str] = []
    for alike, _ in islice(_candidates(tree, chosen, everything=everything), _COMPARED):
        names += alike
    if word.startswith("/"):
        names += [leaf.path for leaf in islice(tree.leaves(), _COMPARED)]
    group = f"{word.rstrip('/')}/"
    inside = [name for name in names if name.startswith(group)]
    if inside and word:
        return f"It is a group; an array in it is {inside[0]}"
    near = [name for name in names if not name.startswith("/") and _LAST.split(name)[-1] == word]
    near = near[:3] or difflib.get_close_matches(word, dict.fromkeys(names), n=3)
    if near:
        return f"Did you mean {' or '.join(dict.fromkeys(near))}?"
    return "`migrate inspect FILE --all` lists them"
