"""From arranged cells to a snapshot: every array gets one leaf, and links for its further names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from legacy_weights import paths
from legacy_weights.families.arrangement import Arrangement
from legacy_weights.families.graph import Graph, Node, as_array
from legacy_weights.families.interpretation import Interpretation, inherited, origins, share
from legacy_weights.families.marks import is_list_step
from legacy_weights.families.naming import (
    Cell,
    Name,
    Paths,
    distinct,
    name_cells,
    without_common_bundle,
)
from legacy_weights.families.provenance import facts
from legacy_weights.families.steps import Step, StepKind
from legacy_weights.paths import natural
from legacy_weights.tree import JSON, Array, Leaf, Order, Role, Snapshot, Trainable

_MOST_LINKS = 10_000
"""So many further paths of all arrays become links, but one of each; a file can have millions."""


def add_snapshot(
    graph: Graph,
    arrangement: Arrangement,
    result: Interpretation,
    *,
    name: str = "model",
    iteration: int | None = None,
) -> None:
    """Name the cells of an arrangement, and add them to `result` as a snapshot.

    Parameters
    ----------
    graph : Graph
    arrangement : Arrangement
    result : Interpretation
    name : str
        Of the snapshot.
    iteration : int, optional
        Of the training run, where the file states it.
    """
    ordered = [*arrangement.weights, *arrangement.state]
    names = name_cells(ordered)
    if not any(cell.full_name for cell in ordered):  # those do not begin with a label
        names = without_common_bundle(graph, names)
    entries = list(_entries(ordered, names))
    full = distinct([entry.name for entry in entries])
    entries = [entry._replace(name=found) for entry, found in zip(entries, full, strict=True)]
    end = sum(len(cell.arrays) for cell in arrangement.weights)
    weights = _in_order(entries[:end], arrangement.order)
    state = _in_order(entries[end:], arrangement.state_order)
    aliases = _Aliases(graph, ("snapshots", name), [entry.name for entry in entries])
    leaves: list[Leaf] = []
    for role, part in ((Role.WEIGHT, weights), (Role.STATE, state)):
        for entry in part:
            known = arrangement.trainable.get(id(entry.cell), Trainable.UNKNOWN)
            leaf = aliases.leaf(entry, role, known)
            if leaf is not None:
                leaves.append(leaf)
    for number, leaf in enumerate(leaves):
        links = aliases.links(leaf)
        if links:
            leaves[number] = replace(leaf, links=links)
    result.places.update(aliases.places)
    _tell(graph, ordered, result)
    result.snapshots.append(
        Snapshot(name, tuple(leaves), arrangement.order, arrangement.note, iteration)
    )


def _tell(graph: Graph, cells: Sequence[Cell], result: Interpretation) -> None:
    """Add to the metadata what the variables say of themselves, by the paths of their arrays."""
    told: dict[str, JSON] = {}
    for cell in cells:
        known = facts(graph, cell)
        if known:
            told[result.places[id(cell.arrays[0].raw)]] = known
    if told:
        earlier = result.metadata.get("variables")
        result.metadata["variables"] = (earlier if isinstance(earlier, dict) else {}) | told


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
            inner = namer.name(array) if _is_below(array, cell.inside) else namer.name(array)[-1:]
            yield _Entry(cell, part, (*name, *(inner or ("value",))))


_INSIDE = 24
"""Steps from an array to the object that its cell holds, as of a name's components."""


def _is_below(array: Node, inside: Node | None) -> bool:
    """Whether the path of an array leads through an object; another cell may share the array."""
    current: Node | None = array
    for _ in range(_INSIDE):
        if current is None or current is inside:
            break
        current = current.parent
    return current is not None or inside is None


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
        self._most = share(_MOST_LINKS, len(names))
        self._namer = Paths()

    def leaf(self, entry: _Entry, role: Role, trainable: Trainable) -> Leaf | None:
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
        array = Array.of(as_array(nodes[0].value))
        if role is Role.STATE or array.dtype.kind not in "fc":
            trainable = Trainable.NO
        return Leaf(place, text, array, role, trainable, known)

    def links(self, leaf: Leaf) -> tuple[tuple[str, str], ...]:
        """Return the further names of a leaf: those of cells, and paths if there are several."""
        found = list(self._links.get(leaf.path, ()))
        named = [
            [*self._paths(cell)]
            for cell in self._cells.get(leaf.path, ())
            if sum(len(self._references(node)) for node in cell.known_as) > 1
        ]
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
            for parent, step in self._references(known):
                node = Node(known.raw, parent, step)
                position = cell.name and step.kind is StepKind.INDEX
                if not (position or id(parent) in self._closed or _names_nothing(node)):
                    yield self._namer.name(node)

    def _references(self, node: Node) -> Sequence[tuple[Node, Step]]:
        return self.graph.references.get(id(node.raw), ())[: self._most]

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
