"""Networks of Lasagne's layers: their order, and the parameters that they have.

The order is that of ``get_all_params`` (``lasagne/layers/helper.py``): along the chain of layers,
in each in the order of its making, each once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from legacy_weights.families.graph import Graph
from legacy_weights.families.lasagne_layers import Layers, Place
from legacy_weights.families.naming import Cell, Name, Paths
from legacy_weights.families.order import order_cells
from legacy_weights.families.variables import Variables
from legacy_weights.pickles.objects import Instance
from legacy_weights.tree import Order

CHAIN = "chain of Lasagne's layers"
"""What states the order of the parameters of a network."""


class Network(NamedTuple):
    """Layers in order.

    Parameters
    ----------
    places : list of Place
    order : Order
    note : str
        What states the order.
    """

    places: list[Place]
    order: Order
    note: str


@dataclass(slots=True, eq=False)
class Entry:
    """A parameter of a network: its cell, the layer that has it first, what its tags say."""

    cell: Cell
    label: Name
    attribute: str
    tags: set[str] = field(default_factory=set)
    tagged: bool = True


def network_of(graph: Graph, layers: Layers, variables: Variables) -> Network:
    """Return all layers, along the chains that end in the layers which feed no other."""
    heads = layers.heads()
    chains = [layers.places(layers.chain([head])) for head in heads]
    network = join(graph, layers, variables, heads, chains)
    if any("params" not in graph.attributes(layer) for layer in layers.found.values()):
        return network._replace(order=max(network.order, Order.FORMAT, key=list(Order).index))
    return network


def join(
    graph: Graph,
    layers: Layers,
    variables: Variables,
    ends: Sequence[Instance],
    chains: Sequence[list[Place]],
) -> Network:
    """Make one network of several chains.

    A chain that has all parameters comes first; otherwise they are in the order of their ends: in
    a list that has them, or else by what was made first.

    Parameters
    ----------
    graph : Graph
    layers : Layers
    variables : Variables
    ends : sequence of Instance
        What each chain is known by: its last layer, or the net that has it.
    chains : sequence of list of Place
    """
    order, note = Order.STATED, CHAIN
    ordered = list(zip(ends, chains, strict=True))
    if len(ends) > 1:
        held = [set(entries_of(layers, variables, chain)) for chain in chains]
        everything = set().union(*held)
        whole = next((i for i, cells in enumerate(held) if cells == everything), None)
        if whole is not None:
            ordered.insert(0, ordered.pop(whole))
        else:
            positions, order, note = _in_order(graph, variables, ends, held)
            ordered = [ordered[position] for position in positions]
    return Network(_labelled(graph, ordered), order, note)


def _in_order(
    graph: Graph, variables: Variables, ends: Sequence[Instance], held: Sequence[set[int]]
) -> tuple[list[int], Order, str]:
    """Return the positions of several chains in their order, and what states it."""
    by_cell = {id(cell): cell for cell in variables.cells}
    cells: list[Cell] = []
    for end, members in zip(ends, held, strict=True):
        created = [by_cell[key].created for key in members]
        known = [number for number in created if number is not None]
        cells.append(Cell(graph.nodes[id(end)], [], created=min(known, default=None)))
    position = {id(cell): number for number, cell in enumerate(cells)}
    ordered, order, note = order_cells(graph, cells, {})
    return [position[id(cell)] for cell in ordered], order, f"{CHAIN}, {note}" if note else ""


def _labelled(graph: Graph, chains: Sequence[tuple[Instance, list[Place]]]) -> list[Place]:
    """Join chains; where two networks call their layers alike, each label tells the network."""
    namer = Paths()
    count = Counter(label for _, (_, label) in _each_once(chains))
    found: list[Place] = []
    for end, (layer, name) in _each_once(chains):
        if count[name] > 1:
            name = (*namer.name(graph.nodes[id(end)]), *name)
        found.append(Place(layer, name))
    return found


def _each_once(
    chains: Sequence[tuple[Instance, list[Place]]],
) -> Iterator[tuple[Instance, Place]]:
    seen: set[int] = set()
    for end, chain in chains:
        for place in chain:
            if id(place.layer) not in seen:
                seen.add(id(place.layer))
                yield end, place


def entries_of(layers: Layers, variables: Variables, places: Sequence[Place]) -> dict[int, Entry]:
    """Return the parameters of layers in order, each once, by the identity of the cell."""
    found: dict[int, Entry] = {}
    for layer, name in places:
        held = {id(value): key for key, value in layers.graph.attributes(layer).items()}
        for variable, tags in layers.parameters(layer):
            for shared in layers.shared_in(variable, variables.by_object):
                cell = variables.by_object[id(shared)]
                attribute = held.get(id(shared), "")
                entry = found.setdefault(id(cell), Entry(cell, name, attribute))
                entry.tags |= tags or frozenset()
                entry.tagged &= tags is not None
    return found
