"""Names and order of weights: the rules that hold for every framework.

A *cell* is a place that holds a weight: the container of a Theano shared variable, or, where a
file has none, an array itself.  A cell is named by the variable's own name (prefixed by its layer
where that alone is not unique), else by the shortest path of attributes and keys, else by its
position.  Cells are ordered by what the file states: a list of parameters, the lists and tuples
that hold them; then by Theano's creation counter; else not at all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from legacy_weights.families.graph import LISTS, Graph, Node
from legacy_weights.families.values import Bundle, Step, StepKind, label, typed_label
from legacy_weights.paths import natural
from legacy_weights.pickles.objects import ObjectArray
from legacy_weights.tree import Order

Name = tuple[str, ...]
"""The components of a name, scopes first."""

_DEEPEST = 64
"""Steps of a path that ordering looks at; deeper files have no stated order."""


@dataclass(slots=True, eq=False)
class Cell:
    """A place that holds a weight.

    Parameters
    ----------
    node : Node
        The shared variable, or the array itself.
    arrays : list of Node
        The arrays in it; nearly always one.
    name : str
        The variable's own name, or empty.
    created : int, optional
        Theano's creation counter.
    copies : list of Cell
        The same variable in other pickles of the file.
    """

    node: Node
    arrays: list[Node]
    name: str = ""
    created: int | None = None
    copies: list[Cell] = field(default_factory=list)


# Order -----------------------------------------------------------------------------------------


@dataclass(slots=True, eq=False)
class Listed:
    """Where a list of parameters has a cell."""

    owner: Node
    attribute: str
    position: int
    length: int


def stated_lists(graph: Graph, cells: Iterable[Cell]) -> dict[int, Listed]:
    """Return, by the identity of each cell's object, the list of parameters that states it.

    Of several lists the one nearest to the root counts, then the longest.
    """
    wanted = {id(cell.node.raw) for cell in cells}
    found: dict[int, Listed] = {}
    for node, instance in graph.instances():
        if node.hidden:
            continue
        attributes = graph.attributes(instance)
        for name in LISTS & attributes.keys():
            items = attributes[name]
            if type(items) not in (list, tuple) or not items:
                continue
            if not all(id(item) in wanted for item in items):
                continue
            for position, item in enumerate(items):
                listed = Listed(node, name, position, len(items))
                known = found.get(id(item))
                if known is None or _rank(listed) < _rank(known):
                    found[id(item)] = listed
    return found


def _rank(listed: Listed) -> tuple[int, int]:
    return listed.owner.depth, -listed.length


def order_cells(
    graph: Graph, cells: Sequence[Cell], listed: dict[int, Listed]
) -> tuple[list[Cell], Order, str]:
    """Put cells in the order that the file states, and say where it states it.

    Returns
    -------
    cells : list of Cell
    order : Order
    note : str
        What states the order, in words.
    """
    places = [_place(cell, listed) for cell in cells]
    stated = _is_stated(places)
    if stated:
        names = {listed[id(c.node.raw)].attribute for c in cells if id(c.node.raw) in listed}
        note = f"`{'`, `'.join(sorted(names))}` list" if names else "list"
        return _sorted(cells, places), Order.STATED, note
    counters = [cell.created for cell in cells]
    if None not in counters and len(set(counters)) == len(counters):
        ranked = sorted(cells, key=lambda cell: cell.created or 0)
        return ranked, Order.CREATED, "Theano's creation counter"
    return _sorted(cells, places), Order.UNKNOWN, ""


Place = list[tuple[bool, Any]]
"""For each step from the root: whether its holder is ordered, and the key to sort by."""


def _sorted(cells: Sequence[Cell], places: list[Place]) -> list[Cell]:
    keyed = [([key for _, key in place], cell) for place, cell in zip(places, cells, strict=True)]
    return [cell for _, cell in sorted(keyed, key=lambda pair: pair[0])]


def _place(cell: Cell, listed: dict[int, Listed]) -> Place:
    entry = listed.get(id(cell.node.raw))
    if entry is None:
        return _steps(cell.node)
    return [*_steps(entry.owner), (True, (0, -1)), (True, (0, entry.position))]


def _steps(node: Node) -> Place:
    found: Place = []
    while node.parent is not None and len(found) < _DEEPEST:
        if node.step.kind is not StepKind.STATE:
            found.append((node.step.position >= 0, _key(node.step)))
        node = node.parent
    if node.parent is not None:
        found.append((False, (1, (node.depth,))))
    return found[::-1]


def _key(step: Step) -> tuple[Any, ...]:
    if step.position >= 0:
        return (0, step.position)
    return (1, natural(label(step.key)))


def _is_stated(places: list[Place]) -> bool:
    """Whether no two cells part at a holder that has no order."""
    numbers: dict[tuple[int, Any], int] = {}
    children: dict[int, int] = {}
    unordered: set[int] = set()
    for place in places:
        here = 0
        for ordered, key in place:
            step = (here, key)
            if step not in numbers:
                numbers[step] = len(numbers) + 1
                children[here] = children.get(here, 0) + 1
                if not ordered:
                    unordered.add(here)
            here = numbers[step]
    return not any(children[here] > 1 for here in unordered)


# Names -----------------------------------------------------------------------------------------


def path_name(node: Node, to_label: Callable[[Any], str] = label) -> Name:
    """Return the components of a node's path: attributes, keys, zero-padded positions."""
    found: list[str] = []
    while node.parent is not None and len(found) < 24:
        kind = node.step.kind
        if kind is StepKind.INDEX:
            found.append(_position(node))
        elif kind in (StepKind.ATTRIBUTE, StepKind.KEY):
            found.append(to_label(node.step.key))
        node = node.parent
    return tuple(reversed(found))


def _position(node: Node) -> str:
    holder: Any = node.parent.value if node.parent else ()
    if type(holder) is Bundle:
        holder = holder.entries
    elif type(holder) is ObjectArray:
        holder = holder.items
    length = len(holder) if isinstance(holder, list | tuple) else 0
    return str(node.step.key).zfill(len(str(max(length - 1, 0))))


def name_cells(cells: Sequence[Cell]) -> list[Name]:
    """Return a name for each cell, each different from the others."""
    plain = [(cell.name,) if cell.name else path_name(cell.node) or ("0",) for cell in cells]
    layered = [
        (*path_name(cell.node)[:-1], cell.name) if cell.name else name
        for cell, name in zip(cells, plain, strict=True)
    ]
    full = [path_name(cell.node) or ("0",) for cell in cells]
    typed = [path_name(cell.node, typed_label) or ("0",) for cell in cells]
    return distinct(plain, layered, full, typed)


def distinct(first: Sequence[Name], *better: Sequence[Name]) -> list[Name]:
    """Return names that differ, and of which none is the scope of another.

    Parameters
    ----------
    first : sequence of tuple of str
        The names to prefer.
    *better : sequence of tuple of str
        What to take, one after the other, for those that are not unique; numbers come last.
    """
    names = list(first)
    for alternative in better:
        count = Counter(names)
        names = [
            other if count[name] > 1 else name
            for name, other in zip(names, alternative, strict=True)
        ]
    seen: set[Name] = set()
    scopes = {name[:end] for name in names for end in range(1, len(name))}
    result: list[Name] = []
    for name in names:
        chosen, number = name, 1
        if chosen in scopes:
            chosen = (*name[:-1], f"{name[-1]} (array)")
        while chosen in seen or chosen in scopes:
            number += 1
            chosen = (*name[:-1], f"{name[-1]} ({number})")
        seen.add(chosen)
        result.append(chosen)
    return result


def without_common_bundle(graph: Graph, names: list[Name]) -> list[Name]:
    """Drop the label of the pickle or member from names that are unique without it."""
    if not graph.bundled or any(len(name) < 2 for name in names):
        return names
    shorter = [name[1:] for name in names]
    return shorter if len(set(shorter)) == len(shorter) else names


def suffixes(arrays: Sequence[Node], cell: Cell) -> Iterator[Name]:
    """Yield what to add to a cell's name for each of its arrays, if there are several."""
    if len(arrays) == 1:
        yield ()
        return
    base = len(cell.node.steps())
    for array in arrays:
        steps = [step for step in array.steps()[base:] if step.kind is not StepKind.PART]
        yield (label(steps[-1].key),) if steps else ("value",)
