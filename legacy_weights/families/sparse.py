"""SciPy's sparse matrices: a few arrays that together are one matrix.

They keep their values in attributes of their own (``scipy/sparse/compressed.py``, ``coo.py``,
``dia.py``); ``lil`` and ``dok`` matrices keep lists and dictionaries of numbers, which are
records.
"""

from __future__ import annotations

import re

import numpy as np

from legacy_weights.families.graph import Graph, Node
from legacy_weights.families.labels import class_of

_CLASS = re.compile(r"scipy\.sparse\.(\w+\.)?_?(csr|csc|bsr|coo|dia)_(matrix|array)")
_PARTS = ("data", "indices", "indptr", "row", "col", "offsets")


def parts(graph: Graph) -> dict[int, list[Node]]:
    """Return the arrays of each sparse matrix, by the identity of its node."""
    found: dict[int, list[Node]] = {}
    for node, raw in graph.instances():
        if _CLASS.fullmatch(class_of(raw)):
            known = graph.attributes(raw)
            arrays = [graph.node(known[name]) for name in _PARTS if name in known]
            found[id(node)] = [
                array
                for array in arrays
                if array is not None and isinstance(array.value, np.ndarray)
            ]
    return found
