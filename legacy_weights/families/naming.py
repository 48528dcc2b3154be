"""Names of weights: the rules that hold for every framework.

A *cell* is a place that holds a weight: the container of a Theano shared variable, or, where a
file has none, an array itself.  A cell is named by the variable's own name (prefixed by its layer
where that alone is not unique), else by the shortest path of attributes and keys, else by its
position.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from legacy_weights.families.graph import Graph, Node, object_index
from legacy_weights.families.labels import label, typed_label
from legacy_weights.families.marks import is_list_step
from legacy_weights.families.steps import StepKind
from legacy_weights.families.values import Bundle

Name = tuple[str, ...]
"""The components of a name, scopes first."""

_COMPONENTS = 24
_LETTERS = 400
"""A name has so many components and letters at most, or its first components are left out."""
_NESTED = 16
"""Lists in a list of parameters that a variable is looked for to be in."""


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
    others : list of Node
        Further objects that stand for the cell: clones of the variable share its container.
    inside : Node, optional
        Where several arrays are, the object below which they are named.
    copies : list of Cell
        The same variable in other pickles of the file.
    full_name : tuple of str
        The name that the framework itself would give, its layer included; or empty.
    """

    node: Node
    arrays: list[Node]
    name: str = ""
    created: int | None = None
    others: list[Node] = field(default_factory=list)
    inside: Node | None = None
    copies: list[Cell] = field(default_factory=list)
    full_name: Name = ()

    @property
    def known_as(self) -> Iterator[Node]:
        """The objects of the file that stand for the cell."""
        yield self.node
        yield from self.others


# From paths to names ---------------------------------------------------------------------------


class Paths:
    """Makes names of paths.

    Elements of a list of (name, value) pairs go by their name.

    Parameters
    ----------
    to_label : callable, optional
        Makes a component of a key.
    pairs : bool
        Whether such lists are looked for.
    below : Node, optional
        Where names begin, if that is not the root.
    """

    def __init__(
        self,
        to_label: Callable[[Any], str] = label,
        *,
        pairs: bool = True,
        below: Node | None = None,
    ) -> None:
        self.to_label = to_label
        self.below = below
        self._pairs: dict[int, bool] | None = {} if pairs else None
        self._known: dict[int, Name] = {}

    def name(self, node: Node) -> Name:
        """Return the components of a node's path: attributes, keys, zero-padded positions."""
        name = self._last(node)
        letters = 0
        for number, component in enumerate(reversed(name)):
            letters += len(component)
            if letters > _LETTERS:
                return name[-max(number, 1) :]
        return name

    def _last(self, node: Node) -> Name:
        """Return the last components of a name; a holder is named once for all that it holds."""
        steps: list[tuple[Node, tuple[str, ...]]] = []
        current = node
        while current.parent is not None and current is not self.below:
            if len(steps) == _COMPONENTS or (steps and id(current) in self._known):
                break
            here = current
            current, component = self._step(current)
            steps.append((here, component))
        name = self._known.get(id(current), ()) if steps else ()
        for number, (here, component) in reversed(list(enumerate(steps))):
            name = (name + component)[-_COMPONENTS:]
            if number == 1:
                self._known[id(here)] = name
        return name

    def _step(self, node: Node) -> tuple[Node, tuple[str, ...]]:
        """Return what holds a node, and the components of the name from there."""
        holder = node.parent or node
        pair = self._pair(node)
        if pair is not None:
            return pair.parent or pair, (label(pair.value[0]),)
        if node.step.kind is StepKind.INDEX:
            return holder, _positions(node)
        if node.step.kind in (StepKind.ATTRIBUTE, StepKind.KEY):
            return holder, (self.to_label(node.step.key),)
        return holder, ()

    def _pair(self, node: Node) -> Node | None:
        """Return the pair whose second element a node is, if its list holds nothing but pairs."""
        pair = node.parent
        if self._pairs is None or pair is None or pair.parent is None:
            return None
        if node.step != (StepKind.INDEX, 1, 1) or not _is_pair(pair.value):
            return None
        holder = pair.parent
        if id(holder) not in self._pairs:
            self._pairs[id(holder)] = _is_list_of_pairs(holder.value)
        return pair if self._pairs[id(holder)] else None


def _is_pair(value: Any) -> bool:
    return type(value) in (list, tuple) and len(value) == 2 and isinstance(value[0], str | bytes)


def _is_list_of_pairs(value: Any) -> bool:
    if type(value) not in (list, tuple) or not all(map(_is_pair, value)):
        return False
    return len({label(name) for name, _ in value}) == len(value)


def _positions(node: Node) -> tuple[str, ...]:
    holder: Any = node.parent.value if node.parent else ()
    index = object_index(node)
    if index is not None and node.parent and node.parent.parent:
        shape = node.parent.parent.value.shape
        return tuple(_padded(*entry) for entry in zip(index, shape, strict=True))
    if type(holder) is Bundle:
        holder = holder.entries
    return (_padded(node.step.key, len(holder) if isinstance(holder, list | tuple) else 0),)


def _padded(position: int, length: int) -> str:
    return str(position).zfill(len(str(max(length - 1, 0))))


def scope(node: Node) -> Name:
    """Return the name of what holds a variable: its layer.

    The list of parameters by which a layer is left, and the wiring of a graph, are no layers.
    """
    if node.wiring is not None:
        return Paths().name(node.wiring)[:-1]
    current = node
    for _ in range(_NESTED):
        if current.parent is not None and current.step.kind in (StepKind.INDEX, StepKind.STATE):
            current = current.parent
    if current.parent is not None and is_list_step(current.step):
        return Paths().name(current.parent)
    return Paths().name(node)[:-1]


# Names of cells --------------------------------------------------------------------------------


def name_cells(cells: Sequence[Cell]) -> list[Name]:
    """Return a name for each cell, each different from the others."""
    paths, plain_paths, typed_paths = Paths(), Paths(pairs=False), Paths(typed_label)
    width = len(str(len(cells) - 1))
    positions = [(str(index).zfill(width),) for index in range(len(cells))]

    def by(namer: Paths) -> list[Name]:
        return [
            position if cell.node.hidden else namer.name(cell.node) or position
            for cell, position in zip(cells, positions, strict=True)
        ]

    named = by(paths)
    own = [
        cell.full_name or ((cell.name,) if cell.name else name)
        for cell, name in zip(cells, named, strict=True)
    ]
    count = Counter(own)
    layered = [
        (*scope(cell.node), cell.name)
        if cell.name and not cell.full_name and count[name] > 1
        else name
        for cell, name in zip(cells, own, strict=True)
    ]
    return distinct(own, lambda: layered, lambda: by(plain_paths), lambda: by(typed_paths))


def distinct(first: Sequence[Name], *better: Callable[[], Sequence[Name]]) -> list[Name]:
    """Return names that differ, and of which none is the scope of another.

    Parameters
    ----------
    first : sequence of tuple of str
        The names to prefer.
    *better : callable
        Each returns what to take, one after the other, for those that are not unique; numbers
        come last.
    """
    names = list(first)
    for alternative in better:
        count = Counter(names)
        if len(count) == len(names):
            break
        names = [
            other if count[name] > 1 else name
            for name, other in zip(names, alternative(), strict=True)
        ]
    scopes = {name[:end] for name in names for end in range(1, len(name))}
    numbers: Counter[Name] = Counter()
    seen: set[str] = set()
    result: list[Name] = []
    for name in names:
        chosen = (*name[:-1], f"{name[-1]} (array)") if name in scopes else name
        while "/".join(chosen) in seen or chosen in scopes:
            numbers[name] += 1
            chosen = (*name[:-1], f"{name[-1]} ({numbers[name] + 1})")
        seen.add("/".join(chosen))
        result.append(chosen)
    return result


def without_common_bundle(graph: Graph, names: list[Name]) -> list[Name]:
    """Drop the label of the pickle or member from names that are unique without it."""
    if not graph.bundled or any(len(name) < 2 for name in names):
        return names
    shorter = [name[1:] for name in names]
    return shorter if distinct(shorter) == shorter else names
