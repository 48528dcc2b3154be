"""Which variables an expression of Theano is made of, and how it reads.

A variable keeps the operation that gives it as ``owner``, and that its ``inputs``
(``theano/gof/graph.py``; Aesara and PyTensor call the first ``_owner``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from legacy_weights.families.graph import Graph
from legacy_weights.families.labels import class_of, label
from legacy_weights.families.marks import is_library
from legacy_weights.families.values import resolve
from legacy_weights.pickles.objects import Instance

_WORK = 1 << 30
"""So many bits are kept for all expressions of a file; of a larger one less is known."""


def owner_of(graph: Graph, variable: Any) -> Instance | None:
    """Return the operation that gives a variable, or None if nothing does."""
    if type(variable) is not Instance:
        return None
    attributes = graph.attributes(variable)
    owner = attributes.get("owner")
    owner = attributes.get("_owner") if owner is None else owner
    return owner if type(owner) is Instance else None


def is_expression(graph: Graph, value: Any) -> bool:
    """Whether a value is a variable that an operation gives."""
    if type(value) is not Instance or owner_of(graph, value) is None:
        return False
    return is_library(class_of(value))


class Contents:
    """Tells which of some variables expressions are made of.

    Every part of a graph is looked at once, whatever number of expressions has it.

    Parameters
    ----------
    graph : Graph
    marks : mapping of int to int
        The number of what a variable stands for, by the variable's identity.
    """

    def __init__(self, graph: Graph, marks: Mapping[int, int]) -> None:
        self.graph = graph
        most = max(64, _WORK // max(1, len(graph.nodes)))
        self._masks = {key: 1 << mark for key, mark in marks.items() if mark < most}

    def of(self, expressions: Iterable[Any]) -> int:
        """Return the numbers of what expressions are made of, as the bits of an integer."""
        found = 0
        for expression in expressions:
            self._look(expression)
            found |= self._masks[id(expression)]
        return found

    def _look(self, expression: Any) -> None:
        masks = self._masks
        stack = [expression]
        begun: set[int] = set()
        while stack:
            current = stack[-1]
            key = id(current)
            if key in masks:
                stack.pop()
                continue
            parts = self._parts(current)
            if key not in begun:
                begun.add(key)
                waiting = [part for part in parts if id(part) not in masks]
                # A graph has no circles; a file can, and the part is then left as unknown.
                stack.extend(part for part in waiting if id(part) not in begun)
                if waiting:
                    continue
            mask = 0
            for part in parts:
                mask |= masks.get(id(part), 0)
            masks[key] = mask
            stack.pop()

    def _parts(self, current: Any) -> list[Any] | tuple[Any, ...]:
        """Return the inputs of a variable's operation, which several may have as one list."""
        if type(current) in (list, tuple):
            return [item for item in current if type(item) is Instance]
        owner = owner_of(self.graph, current)
        inputs = None if owner is None else self.graph.attributes(owner).get("inputs")
        return [inputs] if type(inputs) in (list, tuple) else []


def numbers(mask: int) -> list[int]:
    """Return the positions of the bits of a mask."""
    return [position for position, bit in enumerate(reversed(f"{mask:b}")) if bit == "1"]


# As text --------------------------------------------------------------------------------------

_NESTED = 3
_INPUTS = 6
_WIDEST = 200


class Expressions:
    """Writes variables and operations as expressions: ``Elemwise{add,no_inplace}(x, W)``.

    A variable with a name is written by it inside of others.  Of deep, wide and long expressions
    only a part is shown.

    Parameters
    ----------
    graph : Graph
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self._known: dict[tuple[int, int], str] = {}

    def of(self, raw: Instance) -> str | None:
        """Return the text of what an operation gives, or of the operation; None of all others."""
        name = class_of(raw)
        if not is_library(name):
            return None
        if name.endswith(".Apply"):
            return self._applied(raw, 0)
        owner = owner_of(self.graph, raw)
        return None if owner is None else self._output(raw, owner, 0)

    def _output(self, variable: Instance, owner: Instance, depth: int) -> str:
        index = self.graph.attributes(variable).get("index")
        several = type(index) is int and 0 < index < 10_000
        return self._applied(owner, depth) + (f".{index}" if several else "")

    def _applied(self, apply: Instance, depth: int) -> str:
        key = (id(apply), depth)
        if key not in self._known:
            attributes = self.graph.attributes(apply)
            held: Any = attributes.get("inputs")
            inputs = held if type(held) in (list, tuple) else ()
            parts = [self._input(part, depth + 1) for part in inputs[:_INPUTS]]
            if len(parts) < len(inputs):
                parts.append("…")
            text = f"{self._operation(attributes.get('op'))}({', '.join(parts)})"
            self._known[key] = text if len(text) <= _WIDEST else f"{text[: _WIDEST - 1]}…"
        return self._known[key]

    def _operation(self, op: Any) -> str:
        if type(op) is not Instance or resolve(op) is not op:
            return "?"
        name = self.graph.attributes(op).get("name")
        return label(name) if isinstance(name, str | bytes) and name else _class(op)

    def _input(self, raw: Any, depth: int) -> str:
        if type(raw) is not Instance:
            return "?"
        attributes = self.graph.attributes(raw)
        name = attributes.get("name")
        if isinstance(name, str | bytes) and name:
            return label(name)
        value = resolve(attributes.get("data"))
        if isinstance(value, np.ndarray | np.generic) and value.ndim == 0:
            return str(value)[:40] if value.dtype.kind in "biufc" else _class(raw)
        owner = owner_of(self.graph, raw)
        if owner is None:
            return f"<{_class(raw)}>"
        return "…" if depth >= _NESTED else self._output(raw, owner, depth)


def _class(raw: Instance) -> str:
    return class_of(raw).rpartition(".")[2]
