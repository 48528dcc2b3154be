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

from legacy_weights.families.values import (
    Bundle,
    Step,
    StepKind,
    attributes,
    children,
    is_leaf,
    resolve,
)
from legacy_weights.pickles.objects import Global, Instance

HIDDEN = frozenset(
    [
        *("owner", "inputs", "outputs", "clients", "tag", "fgraph", "maker", "update"),
        *("default_update", "apply_node", "apply_nodes", "variable", "variables", "features"),
        *("fn", "storage_map", "input_storage", "output_storage", "unpack_single"),
    ]
)
"""Attributes by which Theano wires its graphs; a path through one of them names nothing."""

LISTS = frozenset({"params", "_params", "parameters", "all_params", "_weights"})
"""Attributes in which a program states its parameters, in order."""


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
    hidden : bool
        Whether the path leads through the wiring of a graph.
    """

    __slots__ = ("depth", "hidden", "parent", "raw", "step", "value")
    depth: int

    def __init__(self, raw: Any, parent: Node | None, step: Step, hidden: bool) -> None:
        self.raw = raw
        self.value = resolve(raw)
        self.parent = parent
        self.step = step
        self.hidden = hidden
        shown = step.kind is not StepKind.STATE
        self.depth = 0 if parent is None else parent.depth + shown

    def __repr__(self) -> str:
        return f"<{path(self)}: {self.value!r}>"

    def steps(self) -> list[Step]:
        """Return the steps from the root that a path shows."""
        found: list[Step] = []
        node = self
        while node.parent is not None:
            if node.step.kind is not StepKind.STATE:
                found.append(node.step)
            node = node.parent
        return found[::-1]

    def ancestors(self) -> Iterator[Node]:
        """Yield the parent, its parent, and so on to the root."""
        node = self.parent
        while node is not None:
            yield node
            node = node.parent


_SHOWN_STEPS = 24


def path(node: Node) -> str:
    """Return the path as a Python expression without its root: ``layers[0].W``.

    Of a very long path the first part is only counted, so that a deeply nested file does not
    grow quadratically.
    """
    parts: list[str] = []
    current = node
    while current.parent is not None and len(parts) < _SHOWN_STEPS:
        if current.step.kind is not StepKind.STATE:
            parts.append(str(current.step))
        current = current.parent
    text = "".join(reversed(parts))
    if current.depth:
        return f"…({current.depth:,} steps)…{text}"
    return text.removeprefix(".")


class Graph:
    """All objects below a root.

    Parameters
    ----------
    root : object
        What a reader found: the value of a pickle, or a
        :class:`~legacy_weights.families.values.Bundle` of several.
    classes : iterable of Global
        Every class and callable that the file names.

    Attributes
    ----------
    nodes : dict of int to Node
        By the identity of the raw object, the plainest path first.
    arrays : list of Node
        Those whose value is a NumPy array (or a long byte string), in the order of the walk.
    references : dict of int to list of (Node, Step)
        For each array, by its identity, every reference to it.
    shared : set of int
        The identities of the other objects to which more than one reference leads.
    """

    def __init__(self, root: Any, classes: tuple[Global, ...] = ()) -> None:
        self.classes = classes
        self.nodes: dict[int, Node] = {}
        self.arrays: list[Node] = []
        self.references: dict[int, list[tuple[Node, Step]]] = {}
        self.shared: set[int] = set()
        self._attributes: dict[int, dict[str, Any]] = {}
        self.root = Node(root, None, Step(StepKind.PART, "root"), False)
        self._walk()

    def _walk(self) -> None:
        nodes, references = self.nodes, self.references
        count = 0
        met: set[int] = {id(self.root.raw)}
        queue: list[tuple[int, int, int, int, Node]] = [(0, 0, 0, 0, self.root)]
        while queue:
            hidden, cost, positions, _, node = heapq.heappop(queue)
            key = id(node.raw)
            leaf = is_leaf(node.value)
            if leaf and node.parent is not None:
                references.setdefault(key, []).append((node.parent, node.step))
            if key in nodes:
                continue
            nodes[key] = node
            if leaf:
                self.arrays.append(node)
                references.setdefault(key, [])
            for step, child in children(node.raw, node.value, node.step):
                if not is_leaf(resolve(child)):
                    if id(child) in met:
                        self.shared.add(id(child))
                    met.add(id(child))
                    if id(child) in nodes:
                        continue
                count += 1
                attribute = step.kind is StepKind.ATTRIBUTE
                unseen = bool(hidden) or (attribute and step.key in HIDDEN)
                # A list of parameters states an order, and names nothing if there is another way.
                price = 0 if step.kind is StepKind.STATE else 1
                price += 1000 if attribute and step.key in LISTS else 0
                place = positions + (step.kind is StepKind.INDEX)
                entry = Node(child, node, step, unseen)
                heapq.heappush(queue, (unseen, cost + price, place, count, entry))

    def attributes(self, instance: Instance) -> dict[str, Any]:
        """Return the attributes of an instance; a state that is shared is looked at once."""
        key = id(instance.state)
        if key not in self._attributes:
            self._attributes[key] = attributes(instance)
        return self._attributes[key]

    def node(self, raw: Any) -> Node | None:
        """Return the node of an object, if the walk reached it."""
        return self.nodes.get(id(raw))

    def instances(self) -> Iterator[tuple[Node, Instance]]:
        """Yield every record of an instance, in the order of the walk."""
        for node in self.nodes.values():
            if type(node.raw) is Instance:
                yield node, node.raw

    @property
    def bundled(self) -> bool:
        """Whether the file holds several pickles or members."""
        return isinstance(self.root.raw, Bundle)


def as_array(value: Any) -> np.ndarray[Any, Any]:
    """Return a leaf's values as an array: a long byte string as uint8."""
    if isinstance(value, np.ndarray):
        return value
    return np.frombuffer(value, np.uint8)
