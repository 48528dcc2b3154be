"""The order of weights: what a file states of it.

Cells are ordered by what the file states: a list of parameters, the lists and tuples that hold
them, pickles one after another; then by Theano's creation counter; else not at all.  The order
of a dictionary of Python 2 never counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from legacy_weights.families.graph import Graph, Node, object_index
from legacy_weights.families.labels import label
from legacy_weights.families.listed import Listed, Place, Turn
from legacy_weights.families.naming import Cell
from legacy_weights.families.steps import StepKind
from legacy_weights.families.values import Bundle
from legacy_weights.paths import natural
from legacy_weights.tree import Order

_DEEPEST = 64
"""Steps of a path that ordering looks at; deeper files have no stated order."""
_SAVEZ = "numbers of numpy.savez"


def order_cells(
    graph: Graph, cells: Sequence[Cell], listed: Mapping[int, Listed]
) -> tuple[list[Cell], Order, str]:
    """Put cells in the order that the file states, and say where it states it.

    Returns
    -------
    cells : list of Cell
        As they came, if nothing states an order.
    order : Order
    note : str
        What states the order, in words.
    """
    if len(cells) == 1:
        return list(cells), Order.STATED, "a single array"
    by_cell = _Places(listed)
    places = [by_cell.of(cell) for cell in cells]
    stated, notes = _stated(places)
    if len(set(stated)) == len(cells):
        note = ", ".join(notes)
        return _sorted(cells, stated), Order.FORMAT if note == _SAVEZ else Order.STATED, note
    # A counter orders what no list does; the members of a file may come from several processes.
    scopes = [place[0].key if graph.bundled and place else () for place in places]
    created = [cell.created for cell in cells]
    counters = list(zip(scopes, stated, created, strict=True))
    if None not in created and len({*counters}) == len(cells):
        note = ", ".join([*notes, "Theano's creation counter"])
        return _sorted(cells, counters), Order.CREATED, note
    return list(cells), Order.UNKNOWN, ""


def _sorted(cells: Sequence[Cell], keys: Sequence[Any]) -> list[Cell]:
    keyed = sorted(zip(keys, cells, strict=True), key=lambda pair: pair[0])
    return [cell for _, cell in keyed]


class _Places:
    """The places of cells; the steps to a holder are there once for all that it holds."""

    def __init__(self, listed: Mapping[int, Listed]) -> None:
        self.listed = listed
        self._known: dict[int, Place] = {}

    def of(self, cell: Cell) -> Place:
        """Return the place of a cell: in its list of parameters, else by its path."""
        entry = self.listed.get(id(cell))
        if entry is None:
            return self._turns(cell.node)
        turn = Turn((1, natural(entry.attribute), 0), "")
        return (*self._turns(entry.owner), turn, *entry.place)

    def _turns(self, node: Node) -> Place:
        if node.depth > _DEEPEST:
            return (Turn((1, (), 0), ""),)
        if node.parent is None:
            return ()
        holder = node.parent
        if id(holder) not in self._known:
            self._known[id(holder)] = tuple(reversed(list(_turns_up(holder))))
        return (*self._known[id(holder)], *_turn(node))


def _turns_up(node: Node) -> Iterator[Turn]:
    while node.parent is not None:
        yield from _turn(node)
        node = node.parent


def _turn(node: Node) -> Place:
    """Return the step to a node from its parent; none if a path does not show it."""
    step, holder = node.step, node.parent
    if step.kind is StepKind.STATE:
        return ()
    if step.position < 0 or node.hidden:  # the inputs of an operation are no order of weights
        return (Turn((1, natural(label(step.key)), id(node)), ""),)
    index = object_index(node)
    if index is not None:
        return (Turn((0, index), "list"),)
    by = "OrderedDict" if step.kind is StepKind.KEY else "list"
    if holder is not None and type(holder.value) is Bundle:
        by = _SAVEZ if holder.value.members else "pickles one after another"
    return (Turn((0, step.position), by),)


def _stated(places: Sequence[Place]) -> tuple[list[tuple[Any, ...]], list[str]]:
    """Return the keys of each place down to where two of them part and nothing orders them.

    Returns
    -------
    keys : list of tuple
        Those of all places differ if all are ordered.
    notes : list of str
        What orders them.
    """
    numbers: dict[tuple[int, Any], int] = {}
    turns: dict[int, list[str]] = {}
    for place in places:
        here = 0
        for key, by in place:
            step = (here, key)
            if step not in numbers:
                numbers[step] = len(numbers) + 1
                turns.setdefault(here, []).append(by)
            here = numbers[step]
    # Each way once, for a list of a hundred thousand arrays parts at every one of them.
    parting = {here: dict.fromkeys(ways) for here, ways in turns.items() if len(ways) > 1}
    found: list[tuple[Any, ...]] = []
    notes: dict[str, None] = {}
    for place in places:
        here, keys = 0, []
        for key, _ in place:
            if here in parting:
                if "" in parting[here]:
                    break
                notes.update(parting[here])
                keys.append(key)
            here = numbers[here, key]
        found.append(tuple(keys))
    return found, list(notes)
