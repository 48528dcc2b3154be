"""What is to be written of a tree: its arrays in the order of the index, checked for conflicts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from legacy_weights import paths
from legacy_weights.errors import WriteError
from legacy_weights.hierarchy import storage
from legacy_weights.hierarchy.schema import Row
from legacy_weights.hierarchy.texts import quote
from legacy_weights.tree import Leaf, Tree

_CUT = re.compile(r"%~[0-9a-f]{16}$")
_BELOW_OTHER = ""


@dataclass(slots=True)
class Item:
    """An array, or a further name of one, on its way into the file.

    Parameters
    ----------
    leaf : Leaf
        The array; for a further name that of its target.
    snapshot : str
        Empty for what stands below ``/other``.
    path, name : str
    position : int
        In the order of the snapshot, -1 for a further name.
    start : int
        In the flat vector of its dtype, -1 if it is not part of it.
    target : str
        The path of the array that a soft link points to; empty for an array itself.
    sha256 : str
        Filled in when it is known.
    """

    leaf: Leaf
    snapshot: str
    path: str
    name: str
    position: int = -1
    start: int = -1
    target: str = ""
    sha256: str = ""

    def row(self) -> Row:
        """Return the row of the index."""
        leaf, array = self.leaf, self.leaf.array
        is_alias = self.position < 0
        return Row(
            snapshot=quote(self.snapshot),
            path=self.path,
            name=quote(self.name),
            role=leaf.role,
            trainable=leaf.trainable.value,
            position=self.position,
            start=self.start,
            size=array.size,
            shape=list(array.shape),
            dtype=storage.dtype_text(array.dtype),
            fortran=array.fortran,
            sha256=self.sha256,
            origin=[] if is_alias else [quote(origin) for origin in leaf.origins],
            target=self.target,
            note="" if is_alias else quote(leaf.note),
        )


def snapshot_group(name: str) -> str:
    """Return the path of the group of a snapshot."""
    return f"/snapshots/{paths.encode(name)}"


def plan(tree: Tree) -> list[Item]:
    """Return the items of a tree in the order of the index.

    A further name follows its array where both stand in one snapshot, else it ends its snapshot.
    An array that stands in the tree twice, as the same object, is written where it stands first.

    Raises
    ------
    WriteError
        Two arrays stand at one path, a path is none, or a snapshot has one name twice.
    """
    groups = {snapshot_group(snapshot.name): snapshot.name for snapshot in tree.snapshots}
    if len(groups) < len(tree.snapshots) or "" in groups.values():
        raise WriteError("two snapshots have one name, or one has none")
    if tree.default_snapshot is not None and tree.default_snapshot not in groups.values():
        raise WriteError(f"there is no snapshot {tree.default_snapshot!r}")
    sections: dict[str, list[Item]] = {name: [] for name in groups.values()}
    sections.setdefault(_BELOW_OTHER, [])
    strays: list[Item] = []
    written: dict[int, str] = {}
    for snapshot, leaf, position, start in _leaves(tree):
        home = written.setdefault(id(leaf.array), leaf.path)
        target = "" if home == leaf.path else home
        item = Item(leaf, snapshot, leaf.path, leaf.name, position, start, target)
        if _section(leaf.path, groups) != snapshot:
            raise WriteError("it does not stand in its snapshot", where=leaf.path)
        sections[snapshot].append(item)
        for path, name in leaf.links:
            section = _section(path, groups)
            alias = Item(leaf, section, path, name, target=leaf.path)
            (sections[section] if section == snapshot else strays).append(alias)
    for item in strays:
        sections[item.snapshot].append(item)
    other = sections.pop(_BELOW_OTHER)
    items = [item for section in sections.values() for item in section] + other
    _check_paths(items)
    _check_names(items)
    return items


def _leaves(tree: Tree) -> Iterator[tuple[str, Leaf, int, int]]:
    for snapshot in tree.snapshots:
        for position, (leaf, start) in enumerate(snapshot.layout()):
            yield snapshot.name, leaf, position, start
    for position, leaf in enumerate(tree.other):
        yield _BELOW_OTHER, leaf, position, -1


def _section(path: str, groups: dict[str, str]) -> str:
    """Return the name of the snapshot in which `path` stands."""
    parts = path.split("/")
    if len(parts) > 3 and (group := "/".join(parts[:3])) in groups:
        return groups[group]
    if len(parts) > 2 and parts[1] == "other":
        return _BELOW_OTHER
    raise WriteError("it stands neither in a snapshot nor below /other", where=path)


def _check_paths(items: list[Item]) -> None:
    leaves: set[str] = set()
    groups: set[str] = set()
    for item in items:
        if item.path in leaves:
            raise WriteError("two arrays stand at one path", where=item.path)
        leaves.add(item.path)
        group = item.path.rpartition("/")[0]
        while group and group not in groups:
            groups.add(group)
            group = group.rpartition("/")[0]
    for path in sorted(leaves & groups):
        raise WriteError("an array stands where others need a group", where=path)
    for path in leaves | groups:
        component = path.rpartition("/")[2]
        if paths.encode(paths.decode(component)) != component and not _CUT.search(component):
            raise WriteError("its last part is no path component", where=path)


def _check_names(items: list[Item]) -> None:
    names = set()
    for item in items:
        if item.snapshot and item.position >= 0:
            if (item.snapshot, item.name) in names:
                raise WriteError(f"a further array is called {item.name!r}", where=item.path)
            names.add((item.snapshot, item.name))
