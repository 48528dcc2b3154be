"""One set of weights: which cells they are, what is state beside them, in which order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from legacy_weights.families.graph import Graph
from legacy_weights.families.interpretation import inherited
from legacy_weights.families.listed import Listed, stated_lists
from legacy_weights.families.naming import Cell
from legacy_weights.families.order import order_cells
from legacy_weights.tree import Order, Trainable


@dataclass(slots=True, eq=False)
class Arrangement:
    """What a family knows of one set of weights: which they are, in which order, by which names.

    Parameters
    ----------
    weights : sequence of Cell
        In the order that `order` qualifies.
    state : sequence of Cell
        What the model needs to run and nothing trains, in the order `state_order`.
    order, state_order : Order
    note : str
        What states the order, in words.
    trainable : dict of int to Trainable
        What is known of weights, by the identity of the cell; of others nothing is known.
    """

    weights: Sequence[Cell]
    state: Sequence[Cell] = ()
    order: Order = Order.UNKNOWN
    state_order: Order = Order.UNKNOWN
    note: str = ""
    trainable: dict[int, Trainable] = field(default_factory=dict)


def arrange(
    graph: Graph, cells: Sequence[Cell], listed: Mapping[int, Listed] | None = None
) -> Arrangement:
    """Arrange cells by what holds for every program: its lists of parameters.

    A cell that a list of parameters states is trainable, unless the program fixes it; one that
    belongs to an object with such a list, but is not in it, is state.  Of the others nothing is
    known.

    Parameters
    ----------
    graph : Graph
    cells : sequence of Cell
    listed : mapping of int to Listed, optional
        The list of parameters that states a cell, by the cell's identity; by default all lists.
    """
    listed = stated_lists(graph, cells) if listed is None else listed
    owners = {id(entry.owner) for entry in listed.values()}
    owned = inherited(graph, lambda node: id(node) in owners)
    weights = [c for c in cells if id(c) in listed or id(c.node) not in owned]
    state = [c for c in cells if id(c) not in listed and id(c.node) in owned]
    weights, order, note = order_cells(graph, weights, listed)
    state, state_order, _ = order_cells(graph, state, {})
    trainable = {
        cell: Trainable.NO if entry.fixed else Trainable.YES for cell, entry in listed.items()
    }
    return Arrangement(weights, state, order, state_order, note, trainable)
