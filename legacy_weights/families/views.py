"""A flat shared vector whose parameters are views of it: ``W = theta[0:6].reshape((3, 2))``.

Programs for second-order and conjugate-gradient optimizers, and the recurrent networks that were
trained by them, keep one vector; each parameter is a ``Subtensor`` of it, and mostly a ``Reshape``
of that (``theano/tensor/subtensor.py``, ``theano/tensor/basic.py``).  So the file states the
architecture.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from legacy_weights.errors import LayoutError
from legacy_weights.families.expressions import is_expression, owner_of
from legacy_weights.families.graph import Graph, Node
from legacy_weights.families.interpretation import Interpretation
from legacy_weights.families.labels import text_of
from legacy_weights.families.marks import is_list_step
from legacy_weights.families.naming import Cell, Paths
from legacy_weights.families.unflatten import Entry, unflatten
from legacy_weights.families.values import class_name, resolve
from legacy_weights.pickles.objects import Instance
from legacy_weights.tree import Role, Trainable

_MOST = 10_000
"""Views of a file that are looked at."""


class _View(NamedTuple):
    """A named part of a vector: from where to where, and its shape."""

    start: int
    stop: int
    shape: tuple[int, ...]
    name: str
    listed: bool


def unflatten_views(graph: Graph, cell: Cell, result: Interpretation) -> None:
    """Put the views of a flat vector in its place, if they are all of it; keep it beside them.

    Parameters
    ----------
    graph : Graph
    cell : Cell
        The vector's.
    result : Interpretation
        Complete; its first snapshot has no other weight.
    """
    whole = result.snapshots[0]
    weights = [leaf for leaf in whole.leaves if leaf.role is Role.WEIGHT]
    if len(weights) != 1 or weights[0].array.shape != (weights[0].array.size,):
        return
    (vector,) = weights
    views = sorted(set(_views(graph, cell, vector.array.size)))
    if not views or [v.start for v in views] != [0, *(v.stop for v in views[:-1])]:
        return
    taken = {leaf.path for leaf in result.other}
    layout = [Entry(view.name, view.shape) for view in views]
    try:
        cut, kept = unflatten(vector, layout, note=f"views of {vector.name}", taken=taken)
    except LayoutError:  # a part of the vector has no name, or two have the same
        return
    known = Trainable.YES if all(view.listed for view in views) else vector.trainable
    state = (leaf for leaf in whole.leaves if leaf is not vector)
    parts = (replace(leaf, trainable=known) for leaf in cut.leaves)
    result.snapshots[0] = replace(
        whole, leaves=(*parts, *state), order=cut.order, order_note=cut.order_note
    )
    result.other.append(kept)
    result.places.update({key: kept.path for key, at in result.places.items() if at == vector.path})
    told = result.metadata.get("variables")
    if isinstance(told, dict) and vector.path in told:
        told[kept.path] = told.pop(vector.path)


def _views(graph: Graph, cell: Cell, size: int) -> Iterator[_View]:
    """Yield the named views of a vector that the program keeps."""
    marks = {id(node.raw) for known in (cell, *cell.copies) for node in known.known_as}
    namer, left = Paths(), _MOST
    for node, raw in graph.instances():
        if node.hidden or not is_expression(graph, raw):
            continue
        left -= 1
        if not left:
            return
        found = _part(graph, raw, marks, size)
        if found is not None:
            own = graph.attributes(raw).get("name")
            name = text_of(own) if isinstance(own, str | bytes) and own else ""
            yield _View(*found, name or "/".join(namer.name(node)), _is_listed(graph, node))


def _is_listed(graph: Graph, node: Node) -> bool:
    """Whether a list of parameters has an object."""
    holders = (parent for parent, _ in graph.references.get(id(node.raw), ()))
    return any(is_list_step(holder.step) for holder in holders)


def _part(
    graph: Graph, variable: Any, marks: set[int], size: int
) -> tuple[int, int, tuple[int, ...]] | None:
    """Return which part of a vector a variable is: start, stop, shape; or None."""
    shape: tuple[int, ...] | None = None
    inputs = _inputs(graph, variable, "Reshape")
    if len(inputs) == 2:
        shape = _shape(_constant(graph, inputs[1]))
        if shape is None:
            return None
        variable = inputs[0]
    inputs = _inputs(graph, variable, "Subtensor")
    if not inputs or id(inputs[0]) not in marks:
        return None
    bounds = _bounds(graph, owner_of(graph, variable), inputs[1:], size)
    if bounds is None:
        return None
    start, stop = bounds
    shape = (stop - start,) if shape is None else shape
    return (start, stop, shape) if math.prod(shape) == stop - start else None


def _inputs(graph: Graph, variable: Any, op: str) -> list[Any]:
    """Return the inputs of the operation of this class that gives a variable, or none."""
    owner = owner_of(graph, variable)
    if owner is None:
        return []
    attributes = graph.attributes(owner)
    inputs = attributes.get("inputs")
    if class_name(attributes.get("op")) != op or type(inputs) is not list:
        return []
    return inputs


def _constant(graph: Graph, variable: Any) -> Any:
    """Return the value of a constant, or None."""
    if type(variable) is not Instance or not class_name(variable).endswith("Constant"):
        return None
    return resolve(graph.attributes(variable).get("data"))


def _shape(value: Any) -> tuple[int, ...] | None:
    if not isinstance(value, np.ndarray) or value.ndim != 1 or value.dtype.kind not in "iu":
        return None
    shape = tuple(int(length) for length in value[:33])
    return shape if len(shape) <= 32 and min(shape, default=0) >= 0 else None


def _bounds(
    graph: Graph, owner: Instance | None, inputs: list[Any], size: int
) -> tuple[int, int] | None:
    """Return start and stop of the one slice of a ``Subtensor``.

    The operation says which of start and stop there are, and its inputs have them.
    """
    op = None if owner is None else graph.attributes(owner).get("op")
    slices = graph.attributes(op).get("idx_list") if type(op) is Instance else None
    if not isinstance(slices, tuple | list) or len(slices) != 1:
        return None
    if class_name(slices[0]) != "slice":
        return None
    stated = slices[0].args
    if len(stated) != 3 or stated[2] is not None:
        return None
    numbers = [_constant(graph, variable) for variable in inputs]
    if len(numbers) != sum(bound is not None for bound in stated):
        return None
    if not all(map(_is_whole, numbers)):
        return None
    left = iter(numbers)
    start = 0 if stated[0] is None else int(next(left))
    stop = size if stated[1] is None else int(next(left))
    return (start, stop) if 0 <= start < stop <= size else None


def _is_whole(value: Any) -> bool:
    """Whether a value is a whole number of NumPy."""
    if not isinstance(value, np.ndarray | np.generic):
        return False
    return value.ndim == 0 and value.dtype.kind in "iu"
