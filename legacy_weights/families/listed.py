"""Lists of parameters: which weights a program states, and where."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from legacy_weights.families.contents import elements
from legacy_weights.families.graph import Graph, Node, owner
from legacy_weights.families.labels import class_of, label, text_of
from legacy_weights.families.marks import LISTS, NAMES, is_library
from legacy_weights.families.naming import Cell
from legacy_weights.families.values import class_name, is_ordered_dict, resolve
from legacy_weights.paths import natural
from legacy_weights.pickles.objects import ABSENT, Instance, ObjectArray

_LISTS = (*LISTS, NAMES)
_FIXED = "fixed_params"
"""Beside :data:`NAMES`, the names of those that are not trained."""
_NESTED = 8
"""Lists in a list of parameters are looked into as deep as this."""


class Turn(NamedTuple):
    """One step of a place.

    Parameters
    ----------
    key : tuple
        ``(0, position)``, or of a holder without an order ``(1, name, identity)``.
    by : str
        What orders the holder, or nothing.
    """

    key: tuple[Any, ...]
    by: str


Place = tuple[Turn, ...]


@dataclass(slots=True, eq=False)
class Listed:
    """Where a list of parameters has a cell.

    Parameters
    ----------
    owner : Node
        The object that has the list.
    attribute : str
        The list's name.
    place : tuple of Turn
        The cell's place in the list.
    length : int
        How many cells the list has.
    fixed : bool
        Whether the program says that it does not train the cell.
    """

    owner: Node
    attribute: str
    place: Place
    length: int
    fixed: bool = False

    @property
    def rank(self) -> tuple[int, int, int]:
        """The lower, the more this list counts: near to the root, long."""
        return self.owner.depth, -self.length, _LISTS.index(self.attribute)


def stated_lists(graph: Graph, cells: Sequence[Cell]) -> dict[int, Listed]:
    """Return, by the identity of each cell, the list of parameters that states it.

    Of several lists the one nearest to the root counts, then the longest.  Members of a list
    that are no cells do not matter.
    """
    by_object = {id(node.raw): cell for cell in cells for node in cell.known_as}
    found: dict[int, Listed] = {}
    seen: set[int] = set()
    for node, step, value in graph.lists:
        name = text_of(step.key)
        members: dict[int, Place] = {}
        for item, place in _members(value, f"`{name}` list", seen, ()):
            if id(item) in by_object:
                members.setdefault(id(by_object[id(item)]), place)
        for cell, place in members.items():
            listed = Listed(owner(node), name, place, len(members))
            if cell not in found or listed.rank < found[cell].rank:
                found[cell] = listed
    for node, step, value in graph.names:
        if id(value) in seen:  # many objects can share one long list
            continue
        seen.add(id(value))
        for cell, listed in _named(node, text_of(step.key), value, by_object).items():
            if cell not in found or listed.rank < found[cell].rank:
                found[cell] = listed
    return found


def _named(node: Node, name: str, value: Any, by_object: Mapping[int, Cell]) -> dict[int, Listed]:
    """Return the cells that an object has under the names of its parameters.

    Names without a cell do not matter, as in ``get_params`` of kusanagi's ``BaseRegressor``.
    """
    if type(node.raw) is not dict or type(value) not in (list, tuple):
        return {}
    held = {text_of(key): item for key, item in node.raw.items() if isinstance(key, str | bytes)}
    fixed: Any = held.get(_FIXED)
    frozen = {*_texts(fixed)} if type(fixed) in (list, tuple) else set()
    members: dict[int, tuple[int, bool]] = {}
    for index, text in enumerate(_texts(value)):
        cell = by_object.get(id(held.get(text, value)))
        if cell is not None:
            members.setdefault(id(cell), (index, text in frozen))
    note = f"`{name}` list"
    return {
        cell: Listed(owner(node), name, (Turn((0, index), note),), len(members), is_fixed)
        for cell, (index, is_fixed) in members.items()
    }


def _texts(names: Sequence[Any]) -> Iterator[str]:
    return (text_of(name) for name in names if isinstance(name, str | bytes))


def _members(held: Any, note: str, seen: set[int], place: Place) -> Iterator[tuple[Any, Place]]:
    """Yield what a list of parameters states, lists in it included; each list once in all."""
    inner = _elements(held)
    if inner is None:
        yield held, place
    elif id(inner) not in seen and len(place) <= _NESTED:
        seen.add(id(inner))
        paired = type(inner) is dict or _has_pairs(held)
        ordered = class_name(held) == "OrderedDict" if paired else not _is_set(held)
        for index, item in enumerate(_pairs(inner) if paired else inner):
            turn = Turn((0, index), note)
            if not ordered:
                turn = Turn((1, natural(label(item[0])) if paired else (), index), "")
            # Some keep their parameters as the keys of what they know of them.
            member = item[type(item[0]) is not Instance] if paired else item
            yield from _members(member, note, seen, (*place, turn))


def _elements(held: Any) -> Any:
    """Return the list or dictionary that holds the elements of a container, if it is one."""
    value = resolve(held)
    if type(value) is ObjectArray:
        return value.items
    if type(value) is not Instance:
        return value if type(value) in (list, tuple, dict) else None
    if is_ordered_dict(value):
        return value.args[0]
    found = value.pairs or elements(value)
    if not found and value.args and value.state is ABSENT and not is_library(class_of(value)):
        found = value.args  # a named tuple
    return found or None


def _has_pairs(held: Any) -> bool:
    return type(held) is Instance and (is_ordered_dict(held) or bool(held.pairs))


def _is_set(held: Any) -> bool:
    return class_name(held) in ("set", "frozenset")


def _pairs(elements: Any) -> Iterator[Any]:
    pairs = elements.items() if type(elements) is dict else elements
    return (pair for pair in pairs if type(pair) in (list, tuple) and len(pair) == 2)
