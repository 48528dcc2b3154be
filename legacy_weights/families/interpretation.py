"""From cells to a tree's parts: what every family does once it knows its cells."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from legacy_weights import paths
from legacy_weights.families.graph import Graph, Node, as_array, is_list_step
from legacy_weights.families.labels import label
from legacy_weights.families.naming import (
    Cell,
    Name,
    Paths,
    distinct,
    name_cells,
    without_common_bundle,
)
from legacy_weights.families.order import Listed, order_cells, stated_lists
from legacy_weights.families.values import StepKind
from legacy_weights.paths import natural
from legacy_weights.tree import Array, Leaf, Order, Role, Snapshot, Trainable


@dataclass(slots=True, eq=False)
class Interpretation:
    """What a family makes of a graph.

    Parameters
    ----------
    family : str
    evidence : str
        How it was recognised.
    snapshots : list of Snapshot
    other : list of Leaf
        Every array that is in no snapshot.
    places : dict of int to str
        The path of each array's leaf in the tree, by the identity of the array's object.
    warnings : list of str
    """

    family: str
    evidence: str
    snapshots: list[Snapshot] = field(default_factory=list)
    other: list[Leaf] = field(default_factory=list)
    places: dict[int, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


_MOST_ORIGINS = 20_000
_MOST_LINKS = 10_000
"""So many further paths of all arrays are kept, but one of each; a file can have millions."""


def _share(total: int, count: int) -> int:
    return max(1, total // max(1, count))


def origins(graph: Graph, node: Node) -> tuple[str, ...]:
    """Return the paths by which the file reaches an array, the plainest first."""
    most = _share(_MOST_ORIGINS, len(graph.arrays))
    others = [
        graph.path(Node(node.raw, parent, step))
        for parent, step in graph.references.get(id(node.raw), ())[:most]
    ]
    return tuple(dict.fromkeys([graph.path(node), *others]))


def inherited(graph: Graph, starts: Callable[[Node], bool]) -> set[int]:
    """Return the identities of the nodes for which `starts` holds, and of all below them."""
    found: set[int] = set()
    for node in graph.nodes.values():
        if (node.parent is not None and id(node.parent) in found) or starts(node):
            found.add(id(node))
    return found


def snapshot_of(
    graph: Graph,
    cells: Sequence[Cell],
    result: Interpretation,
    *,
    listed: Mapping[int, Listed] | None = None,
    name: str = "model",
    trainable: Mapping[int, Trainable] | None = None,
) -> None:
    """Name and order `cells`, and add them to `result` as a snapshot.

    A cell that a list of parameters states is trainable; one that belongs to an object with such
    a list, but is not in it, is state.  Of the others nothing is known.

    Parameters
    ----------
    graph : Graph
    cells : sequence of Cell
    result : Interpretation
    listed : mapping of int to Listed, optional
        The list of parameters that states a cell, by the cell's identity; by default all lists.
    name : str
        Of the snapshot.
    trainable : mapping of int to Trainable, optional
        What is known of some cells, by the identity of their objects.
    """
    listed = stated_lists(graph, cells) if listed is None else listed
    owners = {id(entry.owner) for entry in listed.values()}
    owned = inherited(graph, lambda node: id(node) in owners)
    weights = [c for c in cells if id(c) in listed or id(c.node) not in owned]
    state = [c for c in cells if id(c) not in listed and id(c.node) in owned]
    weights, order, note = order_cells(graph, weights, listed)
    state, state_order, _ = order_cells(graph, state, {})
    ordered = [*weights, *state]
    names = without_common_bundle(graph, name_cells(ordered))
    entries = list(_entries(ordered, names))
    full = distinct([entry.name for entry in entries])
    entries = [entry._replace(name=found) for entry, found in zip(entries, full, strict=True)]
    end = sum(len(cell.arrays) for cell in weights)
    parts = [_in_order(entries[:end], order), _in_order(entries[end:], state_order)]
    aliases = _Aliases(graph, ("snapshots", name), [entry.name for entry in entries])
    leaves: list[Leaf] = []
    for role, part in zip((Role.WEIGHT, Role.STATE), parts, strict=True):
        for entry in part:
            leaf = aliases.leaf(entry)
            if leaf is not None:
                known = Trainable.YES if id(entry.cell) in listed else Trainable.UNKNOWN
                if trainable is not None:
                    known = trainable.get(id(entry.cell.node.raw), known)
                if role is Role.STATE or leaf.array.dtype.kind not in "fc":
                    known = Trainable.NO
                leaves.append(replace(leaf, role=role, trainable=known))
    leaves = [replace(leaf, links=aliases.links(leaf)) for leaf in leaves]
    result.places.update(aliases.places)
    result.snapshots.append(Snapshot(name, tuple(leaves), order, note))


class _Entry(NamedTuple):
    """One array of a cell, and its name."""

    cell: Cell
    part: int
    name: Name


def _entries(cells: Sequence[Cell], names: Sequence[Name]) -> Iterator[_Entry]:
    for cell, name in zip(cells, names, strict=True):
        if len(cell.arrays) == 1:
            yield _Entry(cell, 0, name)
            continue
        namer = Paths(below=cell.inside)
        for part, array in enumerate(cell.arrays):
            yield _Entry(cell, part, (*name, *(namer.name(array) or ("value",))))


def _in_order(entries: list[_Entry], order: Order) -> list[_Entry]:
    """Return entries as they are ordered; without an order, by their names."""
    if order is not Order.UNKNOWN:
        return entries
    return sorted(entries, key=lambda entry: [natural(component) for component in entry.name])


class _Aliases:
    """Makes one leaf of each array, and links of its further names."""

    def __init__(self, graph: Graph, base: Name, names: Sequence[Name]) -> None:
        self.graph = graph
        self.base = base
        self.places: dict[int, str] = {}
        self._links: dict[str, list[tuple[str, str]]] = {}
        self._cells: dict[str, list[Cell]] = {}
        self._taken = set(names)
        self._scopes = {name[:end] for name in names for end in range(1, len(name))}
        self._closed = inherited(graph, _names_nothing)
        self._most = _share(_MOST_LINKS, len(names))
        self._namer = Paths()

    def leaf(self, entry: _Entry) -> Leaf | None:
        """Return the leaf of an array and its copies, or None if it has one under another name."""
        place, text = paths.join((*self.base, *entry.name)), "/".join(entry.name)
        nodes = [cell.arrays[entry.part] for cell in (entry.cell, *entry.cell.copies)]
        first = self.places.setdefault(id(nodes[0].raw), place)
        if len(entry.cell.arrays) == 1:
            self._cells.setdefault(first, []).append(entry.cell)
        if first != place:
            self._links.setdefault(first, []).append((place, text))
            return None
        for copy in nodes[1:]:
            self.places[id(copy.raw)] = place
        known = tuple(origin for node in nodes for origin in origins(self.graph, node))
        return Leaf(place, text, Array.of(as_array(nodes[0].value)), Role.WEIGHT, origins=known)

    def links(self, leaf: Leaf) -> tuple[tuple[str, str], ...]:
        """Return the further names of a leaf: those of cells, and paths if there are several."""
        found = list(self._links.get(leaf.path, ()))
        named = [[*self._paths(cell)] for cell in self._cells.get(leaf.path, ())]
        several = [name for names in named if len(names) > 1 for name in names]
        for name in dict.fromkeys(several):
            # In a row of pickles a name may lack the number of the pickle.
            bundled = self.graph.bundled and "/".join(name[1:]) == leaf.name
            if name and not bundled and self._add(name):
                found.append((paths.join((*self.base, *name)), "/".join(name)))
        return tuple(found)

    def _paths(self, cell: Cell) -> Iterator[Name]:
        """Yield the paths to a cell that name it: through no wiring, no list of parameters."""
        for known in cell.known_as:
            for parent, step in self.graph.references.get(id(known.raw), ())[: self._most]:
                node = Node(known.raw, parent, step)
                position = cell.name and step.kind is StepKind.INDEX
                if not (position or id(parent) in self._closed or _names_nothing(node)):
                    yield self._namer.name(node)

    def _add(self, name: Name) -> bool:
        """Take a name, unless it is another's, or one is the scope of the other."""
        scopes = [name[:end] for end in range(1, len(name))]
        if name in self._taken or name in self._scopes or not self._taken.isdisjoint(scopes):
            return False
        self._taken.add(name)
        self._scopes.update(scopes)
        return True


def _names_nothing(node: Node) -> bool:
    """Whether a path is no name from this step on."""
    if node.parent is None:
        return False
    return node.hidden or node.step.kind is StepKind.PART or is_list_step(node.step)


def add_others(graph: Graph, result: Interpretation, roles: Mapping[int, Role]) -> None:
    """Add every array that has no place yet to `result.other`, by its role.

    Those with a path of their own keep its name; those inside the wiring of a graph, and
    constants, are numbered.

    Parameters
    ----------
    graph : Graph
    result : Interpretation
    roles : mapping of int to Role
        The roles that are known, by the identity of a node.
    """
    sections: dict[str, list[tuple[Node, Role]]] = {}
    for node in graph.arrays:
        if id(node.raw) not in result.places:
            role = roles.get(id(node), Role.OTHER if node.hidden else Role.DATA)
            sections.setdefault(role.section, []).append((node, role))
    for section, members in sections.items():
        names = distinct(list(_other_names(members)))
        for (node, role), name in zip(members, names, strict=True):
            place = paths.join(("other", section, *name))
            result.places[id(node.raw)] = place
            leaf = Leaf(
                path=place,
                name="/".join(name),
                array=Array.of(as_array(node.value)),
                role=role,
                trainable=Trainable.NO,
                origins=origins(graph, node),
                note=_graph_of(node),
            )
            result.other.append(leaf)


def _other_names(members: Sequence[tuple[Node, Role]]) -> Iterator[Name]:
    width = max(4, len(str(len(members) - 1)))
    namer = Paths()
    for index, (node, role) in enumerate(members):
        name = namer.name(node)
        plain = name and not node.hidden and role is not Role.CONSTANT
        yield name if plain else (str(index).zfill(width),)


def _graph_of(node: Node) -> str:
    """Return the attribute at which the wiring begins that leads to a hidden node."""
    current = node.wiring
    while current is not None and current.parent is not None:
        if current.step.kind in (StepKind.ATTRIBUTE, StepKind.KEY):
            return label(current.step.key)
        current = current.parent
    return ""
