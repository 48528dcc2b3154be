"""The graph of objects in a legacy file, walked once.

Every object is visited once, whatever number of paths reach it, and gets the plainest path: the
shortest that does not lead through the wiring of a Theano graph, attributes before positions.
The walk is iterative and linear in the size of the file.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from typing import Any

import numpy as np

from legacy_weights.families.labels import class_of
from legacy_weights.families.marks import is_library, is_list_step, is_names_step, is_wiring
from legacy_weights.families.steps import SET, Step, StepKind, children
from legacy_weights.families.values import Bundle, attributes, is_hollow, is_leaf, resolve
from legacy_weights.pickles.objects import Instance, ObjectArray


class Node:
    """An object of the file and the plainest way to it.

    Attributes
    ----------
    raw : object
        As the pickle machine made it.
    value : object
        What it stands for: the array of an array's record, else `raw`.
    parent : Node or None
    step : Step
        From the parent.
    depth : int
        Number of steps from the root that a path shows.
    wiring : Node or None
        Where the wiring of a graph begins, if the path leads through one.
    """

    __slots__ = ("depth", "parent", "raw", "step", "value", "wiring")
    depth: int
    wiring: Node | None

    def __init__(self, raw: Any, parent: Node | None, step: Step, hidden: bool = False) -> None:
        self.raw = raw
        self.value = resolve(raw)
        self.parent = parent
        self.step = step
        self.wiring = None if parent is None else parent.wiring or (parent if hidden else None)
        shown = step.kind is not StepKind.STATE
        self.depth = 0 if parent is None else parent.depth + shown

    def __repr__(self) -> str:
        return f"<node {self.step} of {type(self.value).__name__}>"

    @property
    def hidden(self) -> bool:
        """Whether the path leads through the wiring of a graph."""
        return self.wiring is not None


def owner(node: Node) -> Node:
    """Return the object of which a node is a part: its attributes, its elements."""
    while node.step.kind is StepKind.STATE and node.parent is not None:
        node = node.parent
    return node


_SHOWN_STEPS = 24
_SHOWN_TEXT = 300
"""Of a longer path the first part is only counted."""
_REFERENCES = 100
"""At most so many references to one object are kept; a file can have a million."""


def _text(node: Node) -> str:
    """Return the last step of a node's path."""
    index = object_index(node)
    return str(node.step) if index is None else str(list(index) or "[()]")


def object_index(node: Node) -> tuple[int, ...] | None:
    """Return the index of an element of an array of objects, or None if a node is none."""
    part = node.parent
    if part is None or part.parent is None or node.step.kind is not StepKind.INDEX:
        return None
    holder = part.parent
    if type(holder.value) is not ObjectArray or part.raw is not holder.value.items:
        return None
    shape, rest = holder.value.shape, node.step.key
    found: list[int] = []
    for length in reversed(shape):
        rest, position = divmod(rest, length)
        found.append(position)
    return tuple(reversed(found))


class Graph:
    """All objects below a root.

    Parameters
    ----------
    root : object
        What a reader found: the value of a pickle, or a
        :class:`~legacy_weights.families.values.Bundle` of several.

    Attributes
    ----------
    nodes : dict of int to Node
        By the identity of the raw object, the plainest path first; a node comes after its parent.
    arrays : list of Node
        Those whose value is a NumPy array (or a long byte string), in the order of the walk.
    references : dict of int to list of (Node, Step)
        By the identity of an array or an instance, the first hundred references to it.
    lists : list of (Node, Step, object)
        What objects hold as their list of parameters (:data:`~.marks.LISTS`), outside of wiring.
    names : list of (Node, Step, object)
        What objects hold as the names of their parameters (:data:`~.marks.NAMES`), likewise.
    shared : set of int
        The identities of the other objects to which more than one reference leads.
    """

    def __init__(self, root: Any) -> None:
        self.nodes: dict[int, Node] = {}
        self.arrays: list[Node] = []
        self.references: dict[int, list[tuple[Node, Step]]] = {}
        self.lists: list[tuple[Node, Step, Any]] = []
        self.names: list[tuple[Node, Step, Any]] = []
        self.shared: set[int] = set()
        self._attributes: dict[int, dict[str, Any]] = {}
        self._paths: dict[int, tuple[str, ...]] = {}
        self.root = Node(root, None, Step(StepKind.PART, "root"))
        self._walk()

    def _walk(self) -> None:
        nodes, count = self.nodes, 0
        met = {id(self.root.raw): False}
        queue: list[tuple[bool, int, int, int, Node]] = [(False, 0, 0, 0, self.root)]
        while queue:
            hidden, cost, positions, _, node = heapq.heappop(queue)
            if id(node.raw) in nodes:
                continue
            nodes[id(node.raw)] = node
            if is_leaf(node.value):
                self.arrays.append(node)
            library, elements = _library_class(node), set()
            for step, child in children(node.raw, node.value, node.step):
                unseen, price = hidden, cost + (step.kind is not StepKind.STATE)
                index = step.kind is StepKind.INDEX
                if index and node.step == SET:
                    price += 1000  # a set has no places
                elif not index:
                    unseen = hidden or is_wiring(step, library)
                    if is_list_step(step):
                        # It states an order, and names nothing if there is another way.
                        price += 1000
                        if not unseen:
                            self.lists.append((node, step, child))
                    elif is_names_step(step) and not unseen:
                        self.names.append((node, step, child))
                    elif step.kind is StepKind.PART and type(node.raw) is Bundle:
                        # Any other way to what is referred to is plainer.
                        price, unseen = price + 1000, True
                known = self._note(node, step, child, met) or id(child) in nodes
                if known or (index and id(child) in elements):
                    continue
                if index:
                    elements.add(id(child))
                count += 1
                entry = Node(child, node, step, unseen)
                heapq.heappush(queue, (unseen, price, positions + index, count, entry))

    def _note(self, node: Node, step: Step, child: Any, met: dict[int, bool]) -> bool:
        """Note a reference; return whether there is no need to walk on to where it leads.

        A container of nothing but plain values is of interest only if it is shared: then it
        becomes a record of its own, and needs its path.
        """
        key, kind = id(child), type(child)
        if kind is Instance or is_leaf(child):
            known = self.references.setdefault(key, [])
            if len(known) < _REFERENCES:
                known.append((node, step))
            if is_leaf(resolve(child)):
                return False
        if kind is tuple and not child:
            return True  # one object in all of Python
        if key in met:
            self.shared.add(key)
            met[key] = False
        else:
            met[key] = is_hollow(child)
        return met[key]

    def attributes(self, instance: Instance) -> dict[str, Any]:
        """Return the attributes of an instance; a state that is shared is looked at once."""
        key = id(instance.state)
        if key not in self._attributes:
            self._attributes[key] = attributes(instance)
        return self._attributes[key]

    def node(self, raw: Any) -> Node | None:
        """Return the node of an object, if the walk reached it."""
        return self.nodes.get(id(raw))

    def path(self, node: Node) -> str:
        """Return a path as a Python expression without its root: ``layers[0].W``.

        Of a very long path the first part is only counted, so that a deeply nested file does not
        grow quadratically.
        """
        steps = self._steps(node)
        first, letters = len(steps), 0
        while first and letters < _SHOWN_TEXT:
            first -= 1
            letters += len(steps[first])
        text = "".join(steps[first:])
        left = node.depth - len(steps) + first
        return f"…({left:,} steps)…{text}" if left else text.removeprefix(".")

    def _steps(self, node: Node) -> tuple[str, ...]:
        """Return the last steps of a path; those to a holder are kept for all that it holds."""
        below: list[Node] = []
        known: tuple[str, ...] = ()
        current = node
        while current.parent is not None and len(below) < 2 * _SHOWN_STEPS:
            if current is not node and id(current) in self._paths:
                known = self._paths[id(current)]
                break
            below.append(current)
            current = current.parent
        for here in reversed(below):
            if here.step.kind is not StepKind.STATE:
                known = (*known, _text(here))[-_SHOWN_STEPS:]
            if here is node.parent:
                self._paths[id(here)] = known
        return known

    def instances(self) -> Iterator[tuple[Node, Instance]]:
        """Yield every record of an instance, in the order of the walk."""
        for node in self.nodes.values():
            if type(node.raw) is Instance:
                yield node, node.raw

    @property
    def bundled(self) -> bool:
        """Whether the file holds several pickles or members, other than parts of the only one."""
        return isinstance(self.root.raw, Bundle) and not self.root.raw.alone


def _library_class(node: Node) -> str:
    """Return the class of Theano whose attributes or arguments a node holds, or nothing."""
    if node.step.kind is not StepKind.STATE and type(node.raw) is not Instance:
        return ""
    raw = owner(node).raw
    dotted = class_of(raw) if type(raw) is Instance else ""
    return dotted.rpartition(".")[2] if is_library(dotted) else ""


def as_array(value: Any) -> np.ndarray[Any, Any]:
    """Return a leaf's values as an array: a long byte string as uint8."""
    if isinstance(value, np.ndarray):
        return value
    return np.frombuffer(value, np.uint8)
