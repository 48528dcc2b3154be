"""From cells to a tree's parts: what every family does once it knows its cells."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from legacy_weights import paths
from legacy_weights.families.graph import Graph, Node, as_array, path
from legacy_weights.families.naming import (
    Cell,
    Name,
    distinct,
    name_cells,
    order_cells,
    path_name,
    stated_lists,
    suffixes,
    without_common_bundle,
)
from legacy_weights.families.values import StepKind, text_of
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


def origins(graph: Graph, node: Node) -> tuple[str, ...]:
    """Return the paths by which the file reaches an array, the plainest first."""
    first = path(node)
    others = [
        path(Node(node.raw, parent, step, hidden=False))
        for parent, step in graph.references[id(node.raw)][:_ORIGINS]
    ]
    return tuple(dict.fromkeys([first, *others]))


_ORIGINS = 100
"""At most so many paths of one array are kept; a file can refer to it a million times."""


def snapshot_of(
    graph: Graph,
    cells: Sequence[Cell],
    result: Interpretation,
    *,
    name: str = "model",
    trainable: Mapping[int, Trainable] | None = None,
) -> None:
    """Name and order `cells`, and add them to `result` as a snapshot.

    A cell that a list of parameters states is trainable; one that belongs to an object with such
    a list, but is not in it, is state.  Of the others nothing is known.
    """
    listed = stated_lists(graph, cells)
    owners = {id(entry.owner) for entry in listed.values()}
    weights: list[Cell] = []
    state: list[Cell] = []
    for cell in cells:
        owned = any(id(ancestor) in owners for ancestor in cell.node.ancestors())
        unlisted = id(cell.node.raw) not in listed
        (state if unlisted and owned else weights).append(cell)
    weights, order, note = order_cells(graph, weights, listed)
    state, _, _ = order_cells(graph, state, {})
    ordered = [*weights, *state]
    names = without_common_bundle(graph, name_cells(ordered))
    aliases = _Aliases(graph)
    leaves: list[Leaf] = []
    for index, (cell, base) in enumerate(zip(ordered, names, strict=True)):
        is_state = index >= len(weights)
        for part, suffix in enumerate(suffixes(cell.arrays, cell)):
            array = cell.arrays[part]
            copies = [copy.arrays[part] for copy in cell.copies]
            known = Trainable.YES if id(cell.node.raw) in listed else Trainable.UNKNOWN
            if trainable is not None:
                known = trainable.get(id(cell.node.raw), known)
            leaf = aliases.leaf([array, *copies], (*base, *suffix), ("snapshots", name))
            if leaf is not None:
                leaves.append(_marked(leaf, is_state, known))
    leaves = [aliases.linked(leaf) for leaf in leaves]
    result.places.update(aliases.places)
    result.snapshots.append(Snapshot(name, tuple(leaves), order, note))


def _marked(leaf: Leaf, is_state: bool, trainable: Trainable) -> Leaf:
    role = Role.STATE if is_state else Role.WEIGHT
    if is_state or leaf.array.dtype.kind not in "fc":
        trainable = Trainable.NO
    return Leaf(leaf.path, leaf.name, leaf.array, role, trainable, leaf.origins)


class _Aliases:
    """Makes one leaf of each array, and links of its further names."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.places: dict[int, str] = {}
        self.links: dict[str, list[tuple[str, str]]] = {}

    def leaf(self, nodes: Sequence[Node], name: Name, scope: Name) -> Leaf | None:
        """Return the leaf of an array and its copies, or None if it has one under another name."""
        place = paths.join((*scope, *name))
        text = "/".join(name)
        first = self.places.setdefault(id(nodes[0].raw), place)
        if first != place:
            self.links.setdefault(first, []).append((place, text))
            return None
        for copy in nodes[1:]:
            self.places[id(copy.raw)] = place
        known = tuple(origin for node in nodes for origin in origins(self.graph, node))
        return Leaf(place, text, Array.of(as_array(nodes[0].value)), Role.WEIGHT, origins=known)

    def linked(self, leaf: Leaf) -> Leaf:
        links = tuple(self.links.get(leaf.path, ()))
        return Leaf(
            leaf.path, leaf.name, leaf.array, leaf.role, leaf.trainable, leaf.origins, links
        )


def add_others(graph: Graph, result: Interpretation, roles: Mapping[int, Role]) -> None:
    """Add every array that has no place yet to `result.other`, by its role.

    Those with a path of their own keep its name; those inside the wiring of a graph, and
    constants, are numbered.
    """
    sections: dict[str, list[tuple[Node, Role]]] = {}
    for node in graph.arrays:
        if id(node.raw) not in result.places:
            role = roles.get(id(node.raw), Role.OTHER if node.hidden else Role.DATA)
            sections.setdefault(role.section, []).append((node, role))
    for section, members in sections.items():
        names = distinct(list(_other_names(members)))
        for (node, role), name in zip(members, names, strict=True):
            place = paths.join(("other", section, *name))
            result.places[id(node.raw)] = place
            array = Array.of(as_array(node.value))
            result.other.append(
                Leaf(
                    place,
                    "/".join(name),
                    array,
                    role,
                    Trainable.NO,
                    origins(graph, node),
                    note=_graph_of(node),
                )
            )


def _other_names(members: Sequence[tuple[Node, Role]]) -> Iterator[Name]:
    width = max(4, len(str(len(members) - 1)))
    for index, (node, role) in enumerate(members):
        name = path_name(node)
        plain = name and not node.hidden and role is not Role.CONSTANT
        yield name if plain else (str(index).zfill(width),)


def _graph_of(node: Node) -> str:
    """Return the attribute at which the wiring begins that leads to a hidden node."""
    if not node.hidden:
        return ""
    current = node
    while current.parent is not None and current.parent.hidden:
        current = current.parent
    while current.parent is not None:
        current = current.parent
        if current.step.kind in (StepKind.ATTRIBUTE, StepKind.KEY):
            return text_of(current.step.key)
    return ""


def ordered_note(snapshot: Snapshot) -> str:
    """Return what is known of a snapshot's order, in words."""
    if snapshot.order is Order.STATED and snapshot.order_note:
        return f"{snapshot.order_note} ({snapshot.order})"
    return str(snapshot.order)
