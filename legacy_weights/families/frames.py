"""pandas: names for the arrays of data frames, series and indices.

A ``BlockManager`` keeps ``(axes, block values, block items, …)``; a block has a row for each of
its columns (``BlockManager.__getstate__`` in ``pandas/core/internals``, from 0.13 to 0.25).  Of
old an index was ``_new_Index(cls, {"data": …})`` (``pandas/core/indexes/base.py``).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from legacy_weights.families.graph import Graph, Node
from legacy_weights.families.labels import label
from legacy_weights.families.naming import Name, Paths
from legacy_weights.families.signatures import key_of
from legacy_weights.families.values import attributes, resolve
from legacy_weights.pickles.objects import Instance, ObjectArray

_MANAGERS = ("pandas:BlockManager", "pandas:SingleBlockManager")
_SHOWN = 40
_LETTERS = 1000
"""A note has so many columns, and so many letters."""


def names(graph: Graph) -> tuple[dict[int, Name], dict[int, str]]:
    """Return names and notes for the arrays of frames, by the identity of their nodes."""
    namer = _Namer(graph)
    for node, raw in graph.instances():
        if key_of(raw.cls) in _MANAGERS and type(raw.state) is tuple and len(raw.state) >= 3:
            namer.add(raw.state, node)
    return namer.names, namer.notes


class _Namer:
    """Names the arrays of frames; each list of a file is gone through once."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.names: dict[int, Name] = {}
        self.notes: dict[int, str] = {}
        self._paths = Paths()
        self._seen: set[int] = set()
        self._texts: dict[int, list[str]] = {}

    def add(self, state: tuple[Any, ...], manager: Node) -> None:
        """Name the index and the blocks of the frame that has a manager."""
        axes, values, items = state[:3]
        name = self._paths.name(manager)
        frame = name[:-1] if name and name[-1] in ("_data", "_mgr") else name
        if type(axes) is list and axes:
            index = self.graph.node(_labels(axes[-1]))
            if index is not None and isinstance(index.value, np.ndarray):
                self.names.setdefault(id(index), (*frame, "index"))
        if type(values) is not list or type(items) is not list or id(values) in self._seen:
            return
        self._seen.add(id(values))
        for number, (block, columns) in enumerate(zip(values, items, strict=False)):
            node = self.graph.node(block)
            if node is not None and isinstance(node.value, np.ndarray):
                self._block(node, (*frame, f"block_{number}"), columns)

    def _block(self, node: Node, name: Name, columns: Any) -> None:
        if id(node) in self.names:
            return
        if node.value.ndim == 1:  # a series
            self.names[id(node)] = (*name[:-1], "values")
            return
        key = id(columns)
        if key not in self._texts:
            self._texts[key] = _texts(columns)
        known = self._texts[key]
        if len(known) == len(node.value) == 1:
            name = (*name[:-1], known[0])
        elif known:
            self.notes[id(node)] = f"columns {', '.join(known[:_SHOWN])}"[:_LETTERS]
        self.names[id(node)] = name


def _labels(index: Any) -> Any:
    """Return the record of the array that an index is made of, or None."""
    arguments = index.args if type(index) is Instance else ()
    values = arguments[1] if len(arguments) == 2 else None
    found = values.get("data", values.get(b"data")) if type(values) is dict else None
    if type(found) is Instance and not isinstance(resolve(found), np.ndarray | ObjectArray):
        return attributes(found).get("_data")  # an extension array: dates
    return found


def _texts(index: Any) -> list[str]:
    """Return the labels of an index as text; none where it is of another kind."""
    array = resolve(_labels(index))
    if type(array) is ObjectArray:
        return [label(item) for item in array.items[:_SHOWN] if isinstance(item, str | bytes)]
    if isinstance(array, np.ndarray) and array.ndim == 1 and array.dtype.kind in "iufSU":
        return [label(item.item()) for item in array[:_SHOWN]]
    return []
