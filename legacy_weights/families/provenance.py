"""What Theano's variables say of themselves: their type, and the line that made them.

A type has a broadcastable pattern (``theano/tensor/type.py``), in Aesara and PyTensor a static
shape instead.  ``tag.trace`` has the stack at a variable's creation (``add_tag_trace`` of
``theano/gof/utils.py``): one list of frames, or from Theano 0.8 on a list of such lists.
"""

from __future__ import annotations

import re
from typing import Any

from legacy_weights.families.graph import Graph
from legacy_weights.families.labels import class_of, short, text_of
from legacy_weights.families.marks import is_library
from legacy_weights.families.naming import Cell
from legacy_weights.families.values import is_leaf
from legacy_weights.pickles.objects import Instance
from legacy_weights.tree import JSON

_FRAMES = 64
_LIBRARY_FILE = re.compile(
    r"(^|[/\\])(site-packages|dist-packages|theano|aesara|pytensor|lasagne|nolearn|pylearn2"
    r"|blocks|keras)[/\\]",
    re.IGNORECASE,
)
_OF_THEANO = re.compile(r"(^|[/\\])(theano|aesara|pytensor)[/\\]", re.IGNORECASE)


def facts(graph: Graph, cell: Cell) -> dict[str, JSON]:
    """Return what is to be known of a shared variable beside its value.

    Returns
    -------
    dict
        ``broadcastable``, if any dimension is; ``dtype`` of the type, if it is not that of the
        value; ``created``, as ``file:line``.
    """
    raw = cell.node.raw
    if type(raw) is not Instance or not is_library(class_of(raw)):
        return {}
    attributes = graph.attributes(raw)
    found: dict[str, JSON] = {}
    kind = attributes.get("type")
    value = cell.arrays[0].value
    if type(kind) is Instance and len(cell.arrays) == 1 and is_leaf(value):
        described = graph.attributes(kind)
        pattern = _pattern(described)
        if any(pattern) and len(pattern) == getattr(value, "ndim", -1):
            found["broadcastable"] = list(pattern)
        dtype = described.get("dtype")
        if isinstance(dtype, str | bytes) and text_of(dtype) != value.dtype.name:
            found["dtype"] = short(text_of(dtype))
    line = created(graph, raw)
    if line:
        found["created"] = line
    return found


def _pattern(described: dict[str, Any]) -> tuple[bool, ...]:
    """Return which dimensions a type says are of length one, and repeat."""
    held: Any = described.get("broadcastable")
    if type(held) in (list, tuple) and all(type(item) is bool for item in held):
        return tuple(held)
    shape: Any = described.get("shape")
    if type(shape) in (list, tuple) and all(n is None or type(n) is int for n in shape):
        return tuple(n == 1 for n in shape)
    return ()


def created(graph: Graph, variable: Instance) -> str:
    """Return the line of the user's program that made a variable, or nothing.

    It is the innermost frame outside of installed packages; else outside of Theano.
    """
    tag = graph.attributes(variable).get("tag")
    trace = graph.attributes(tag).get("trace") if type(tag) is Instance else None
    if type(trace) is list and trace and type(trace[0]) is list:
        trace = trace[0]
    frames = [f for f in trace[-_FRAMES:] if _is_frame(f)] if type(trace) is list else []
    for foreign in (_LIBRARY_FILE, _OF_THEANO):
        for file, line, *_ in reversed(frames):
            if not foreign.search(text_of(file)):
                return f"{short(text_of(file))}:{line}"
    return ""


def _is_frame(frame: Any) -> bool:
    if type(frame) not in (list, tuple) or len(frame) < 2:
        return False
    return isinstance(frame[0], str | bytes) and type(frame[1]) is int and 0 <= frame[1] < 2**31
