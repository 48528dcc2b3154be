"""Plain containers of arrays: dictionaries, lists and tuples, nested in any way.

Arrays in instances of classes that nothing is known of are data, not weights, unless the instance
states them in a list of parameters, or its class had a ``__getstate__`` that gave a list or tuple:
the program chose what to keep, and in which order.  Where a dictionary has such a list, the arrays
beside it are no weights either.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from legacy_weights.families import checkpoints, sparse
from legacy_weights.families.arrangement import arrange
from legacy_weights.families.dill import described
from legacy_weights.families.graph import Graph, Node, owner
from legacy_weights.families.interpretation import Interpretation
from legacy_weights.families.labels import class_of
from legacy_weights.families.listed import Listed, stated_lists
from legacy_weights.families.marks import is_library, is_list_step, is_users_own
from legacy_weights.families.naming import Cell, Paths
from legacy_weights.families.others import add_others
from legacy_weights.families.snapshots import add_snapshot
from legacy_weights.families.steps import STATE, StepKind
from legacy_weights.families.theano import roles_of
from legacy_weights.families.values import class_name, is_on_gpu
from legacy_weights.pickles.objects import Instance, MaskedArray, ObjectArray


def interpret(graph: Graph) -> Interpretation:
    """Return the arrays of plain containers as weights, all others beside them."""
    roles = roles_of(graph)
    kept = checkpoints.find(graph)
    cells = [
        Cell(node, [node], others=_stand_in(node))
        for node in graph.arrays
        if id(node) not in roles and id(node) not in kept.records and is_numeric(node)
    ]
    matrices = sparse.parts(graph)
    whole = {id(node) for node in matrices.pop(id(graph.root), ())}
    cells = _with_sparse(graph, cells, matrices)
    listed = stated_lists(graph, cells)
    # Numbers of no dimension are rather settings, and say nothing of what stands beside them.
    owners = {
        id(listed[id(cell)].owner)
        for cell in cells
        if id(cell) in listed and not (is_numeric(cell.node) and cell.node.value.ndim == 0)
    }
    listed = {key: entry for key, entry in listed.items() if id(entry.owner) in owners}
    held = held_plainly(graph, owners) | whole
    cells = [cell for cell in cells if id(cell) in listed or id(cell.node) in held]
    result = Interpretation("plain arrays", ", ".join(["no known model", *_on_gpu(graph)]))
    best = [cell for cell in cells if id(cell.node) in kept.best]
    last = [cell for cell in cells if id(cell.node) not in kept.best]
    if best and last:
        add_snapshot(graph, arrange(graph, last, listed), result)
        _add_best(graph, best, listed, result)
        result.default_snapshot = result.snapshots[0].name
    elif cells:
        add_snapshot(graph, arrange(graph, cells, listed), result)
    else:
        known = any(is_library(class_of(raw)) for _, raw in graph.instances())
        result.family = "Theano" if known else "unknown"
        result.evidence = _root(graph.root)
    add_others(graph, result, roles, notes=kept.records)
    return result


def _add_best(
    graph: Graph, cells: list[Cell], listed: Mapping[int, Listed], result: Interpretation
) -> None:
    """Add the best parameters of a checkpoint; they are called as the others are."""
    namer = Paths()
    for cell in cells:
        cell.full_name = namer.name(cell.node)[1:]
    add_snapshot(graph, arrange(graph, cells, listed), result, name="best")


def _on_gpu(graph: Graph) -> list[str]:
    """Return in words of which kinds the values on a GPU are, if there are any."""
    kinds = {class_name(raw) for _, raw in graph.instances() if is_on_gpu(raw)}
    return [f"{kind.removesuffix('_unpickler')} of Theano" for kind in sorted(kinds)]


def _root(root: Node) -> str:
    """Return in words what a file holds that has no weights."""
    if type(root.value) is ObjectArray:
        return "an array of objects"
    if type(root.raw) is not Instance:
        return ""
    return described(root.raw) or f"class {class_of(root.raw)}"


def is_numeric(node: Node) -> bool:
    """Whether an array is of numbers."""
    return isinstance(node.value, np.ndarray) and node.value.dtype.kind in "biufc"


def _with_sparse(
    graph: Graph, cells: list[Cell], matrices: Mapping[int, Sequence[Node]]
) -> list[Cell]:
    """Put the arrays of a sparse matrix into one cell, whose name is the matrix's."""
    inside = {id(node) for nodes in matrices.values() for node in nodes}
    cells = [cell for cell in cells if id(cell.node) not in inside]
    for node in graph.nodes.values():
        arrays = matrices.get(id(node))
        if arrays:
            cells.append(Cell(node, list(arrays), inside=node))
    return cells


def _stand_in(node: Node) -> list[Node]:
    """Return what a list has in place of an array: a masked array, a value on a GPU."""
    holder = node.parent
    if holder is None:
        return []
    masked = type(holder.value) is MaskedArray and node.step.key == "data"
    return [holder] if masked or is_on_gpu(holder.raw) else []


def held_plainly(graph: Graph, owners: set[int]) -> set[int]:
    """Return the identities of the nodes that only plain containers hold.

    They are those of the file's root, and those of an object's list of parameters.

    Parameters
    ----------
    graph : Graph
    owners : set of int
        The identities of the nodes that have a list of parameters: nothing else of them counts.
    """
    held: set[int] = set()
    for node in graph.nodes.values():
        parent, listed = node.parent, is_list_step(node.step) and not node.hidden
        if parent is None or listed or (id(parent) in held and _is_plain(node, parent, owners)):
            held.add(id(node))
    return held


def _is_plain(node: Node, parent: Node, owners: set[int]) -> bool:
    """Whether a node is a part of a plain container that has no list of parameters."""
    kind = node.step.kind
    if node.step == STATE and type(node.value) in (list, tuple):
        return is_users_own(class_of(parent.raw))
    if kind in (StepKind.INDEX, StepKind.KEY):
        return id(owner(parent)) not in owners
    if kind is StepKind.ATTRIBUTE:
        return type(parent.value) is MaskedArray and node.step.key == "data"
    return kind is StepKind.STATE
