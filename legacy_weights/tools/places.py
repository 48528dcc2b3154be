"""Where the arrays of a tree stand: by snapshot and by the path inside, further names included."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from legacy_weights import paths
from legacy_weights.tree import Leaf, Tree

OTHER = "/other"


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """A place at which an array stands, or is linked to.

    Parameters
    ----------
    path : str
    name : str
    leaf : Leaf
    """

    path: str
    name: str
    leaf: Leaf

    @property
    def is_link(self) -> bool:
        """Whether it is a further name."""
        return self.path != self.leaf.path


Section = dict[str, Place]
"""Places by their path inside a group."""


def places(tree: Tree) -> Mapping[str, Section]:
    """Return every place of a tree by its group (`OTHER`, or the path of a snapshot's group)."""
    sections: dict[str, Section] = {OTHER: {}}
    for snapshot in tree.snapshots:
        sections[group_of(snapshot.name)] = {}
    for leaf in tree.leaves():
        for place in _of_leaf(leaf):
            _, first, second, *rest = place.path.split("/", 3)
            if first == "snapshots" and rest:
                sections.setdefault(f"/{first}/{second}", {})[rest[0]] = place
            else:
                sections[OTHER]["/".join((second, *rest))] = place
    return sections


def _of_leaf(leaf: Leaf) -> Iterator[Place]:
    yield Place(leaf.path, leaf.name, leaf)
    for path, name in leaf.links:
        yield Place(path, name, leaf)


def group_of(snapshot: str) -> str:
    """Return the path of a snapshot's group."""
    return paths.join(("snapshots", snapshot))


def matched(first: Section, second: Section) -> Iterator[tuple[Place | None, Place | None]]:
    """Yield the places of two groups that are one: by path, what is left by name, then the rest."""
    lonely = [place for inside, place in first.items() if inside not in second]
    free: dict[str, list[Place]] = {}
    for inside, place in second.items():
        if inside not in first:
            free.setdefault(place.name, []).append(place)
    called: dict[str, int] = {}
    for place in lonely:
        called[place.name] = called.get(place.name, 0) + 1
    for inside, place in first.items():
        if inside in second:
            yield place, second[inside]
        elif called[place.name] == 1 and len(free.get(place.name, ())) == 1:
            yield place, free.pop(place.name)[0]
        else:
            yield place, None
    for remaining in free.values():
        for place in remaining:
            yield None, place
