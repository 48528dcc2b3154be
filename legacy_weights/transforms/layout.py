"""A flat vector and its layout: named arrays."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path

from legacy_weights.errors import LayoutError
from legacy_weights.families.unflatten import Entry, unflatten
from legacy_weights.layouts import load_layout
from legacy_weights.tree import JSON, Record, Tree


def with_layout(tree: Tree, layout: str | PathLike[str] | Sequence[Entry]) -> Tree:
    """Cut the only array of a tree, a flat vector, into named arrays.

    Parameters
    ----------
    tree : Tree
    layout : path-like or sequence of Entry
        A file (see :func:`legacy_weights.layouts.load_layout`), or the names and shapes
        themselves.

    Raises
    ------
    LayoutError
        The tree has no such vector, or the sizes do not sum to its length.
    """
    if isinstance(layout, str | PathLike):
        entries, note = load_layout(layout), f"layout {Path(layout).name}"
    else:
        entries, note = list(layout), "layout"
    weights = [leaf for snapshot in tree.snapshots for leaf in snapshot.leaves]
    vectors = [leaf for leaf in weights if len(leaf.array.shape) == 1]
    if len(weights) != 1 or not vectors:
        shapes = ", ".join(str(leaf.array.shape) for leaf in weights[:6]) or "no array"
        raise LayoutError(
            f"a layout is for a file with one flat vector, and this one has {shapes}",
            expected="one array of one dimension",
        )
    taken = {leaf.path for leaf in tree.other}
    snapshot, vector = unflatten(vectors[0], entries, note=note, taken=taken)
    step: dict[str, JSON] = {"action": "unflatten", "vector": vectors[0].path, "layout": note}
    moved = {vectors[0].path: vector.path}
    return replace(
        tree,
        snapshots=(snapshot,),
        default_snapshot=snapshot.name,
        other=(vector, *tree.other),
        history=(*tree.history, step),
        records=_Moved(tree.records, moved),
    )


@dataclass(frozen=True, slots=True)
class _Moved:
    """Records whose pointers follow arrays that were given another path."""

    records: Callable[[], Iterable[Record]]
    paths: Mapping[str, str]

    def __call__(self) -> Iterator[Record]:
        for record in self.records():
            content = {key: self._follow(value) for key, value in record.content.items()}
            yield replace(record, content=content)

    def _follow(self, value: JSON) -> JSON:
        if isinstance(value, list):
            return [self._follow(item) for item in value]
        if not isinstance(value, dict):
            return value
        place = value.get("$array")
        if isinstance(place, str):
            return {**value, "$array": self.paths.get(place, place)}
        return {key: self._follow(item) for key, item in value.items()}
