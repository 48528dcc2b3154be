"""Theano's own objects: shared variables, constants, random states.

A shared variable keeps its value at ``.container.storage[0]`` (``theano/compile/sharedvalue.py``
and ``theano/gof/link.py``); its identity is that container, whatever number of variables share
it.  Theano-PyMC keeps the module paths, Aesara and PyTensor put their own names in front.
"""

from __future__ import annotations

import re
from typing import Any

from legacy_weights.families.graph import Graph, Node, as_array
from legacy_weights.families.interpretation import Interpretation, add_others, snapshot_of
from legacy_weights.families.naming import Cell
from legacy_weights.families.values import resolve, text_of
from legacy_weights.pickles.objects import Instance
from legacy_weights.tree import AnyArray, Role

_LIBRARY = re.compile(r"(theano|aesara|pytensor)\.")
_SHARED = re.compile(r"\w*SharedVariable")
_CONSTANT = re.compile(r"\w*Constant")
_RANDOM = re.compile(
    r"RandomState|\w*RandomStreams?|\w*RandomState\w*|__randomstate_ctor|Generator"
)
_CREATED = re.compile(r"auto_(\d{1,18})")


def _class(instance: Instance) -> str:
    return instance.cls_name.rpartition(".")[2]


def _from_library(instance: Instance) -> bool:
    return _LIBRARY.match(instance.cls_name) is not None


def is_shared(value: Any) -> bool:
    """Whether a record is a shared variable of Theano or one of its heirs."""
    return (
        type(value) is Instance
        and _from_library(value)
        and _SHARED.fullmatch(_class(value)) is not None
    )


def interpret(graph: Graph) -> Interpretation | None:
    """Return what Theano's conventions make of a graph, or None if it has no shared variable."""
    shared = [node for node, instance in graph.instances() if is_shared(instance)]
    if not shared:
        return None
    roles = roles_of(graph)
    owners = _arrays_by_owner(graph, shared)
    cells: dict[int, Cell] = {}
    for node in shared:
        arrays = [a for a in owners.get(id(node), []) if roles.get(id(a.raw)) is not Role.RANDOM]
        attributes = graph.attributes(node.raw)
        # Clones of a variable share its container: the first met stands for all.
        container = resolve(attributes.get("container"))
        if arrays and id(container) not in cells:
            cells[id(container)] = Cell(
                node, arrays, _own_name(attributes), _created(attributes.get("auto_name"))
            )
    result = Interpretation("Theano", _evidence(graph))
    if cells:
        snapshot_of(graph, merge_copies(graph, list(cells.values())), result)
    add_others(graph, result, roles)
    return result


def merge_copies(graph: Graph, cells: list[Cell]) -> list[Cell]:
    """Join the copies of one variable in several pickles of a file: later ones repeat a graph.

    They have the same creation counter, which no two variables of one process share, and the
    same bytes.
    """
    if not graph.bundled:
        return cells
    first: dict[tuple[int, str], Cell] = {}
    kept: list[Cell] = []
    for cell in cells:
        if cell.created is not None:
            original = first.setdefault((cell.created, cell.name), cell)
            if original is not cell and _same_arrays(original, cell):
                original.copies.append(cell)
                continue
        kept.append(cell)
    return kept


def _same_arrays(one: Cell, other: Cell) -> bool:
    if len(one.arrays) != len(other.arrays):
        return False
    pairs = zip(one.arrays, other.arrays, strict=True)
    return all(_same_bytes(as_array(a.value), as_array(b.value)) for a, b in pairs)


def _same_bytes(one: AnyArray, other: AnyArray) -> bool:
    if one.dtype != other.dtype or one.shape != other.shape:
        return False
    return one.tobytes() == other.tobytes()


def _own_name(attributes: dict[str, Any]) -> str:
    name = attributes.get("name")
    return text_of(name) if isinstance(name, str | bytes) else ""


def _created(auto_name: Any) -> int | None:
    found = _CREATED.fullmatch(text_of(auto_name)) if isinstance(auto_name, str | bytes) else None
    return int(found.group(1)) if found else None


def _arrays_by_owner(graph: Graph, shared: list[Node]) -> dict[int, list[Node]]:
    """Return the arrays in the storage of each shared variable, by the identity of its node."""
    wanted = {id(node) for node in shared}
    found: dict[int, list[Node]] = {}
    for array in graph.arrays:
        for ancestor in array.ancestors():
            if id(ancestor) in wanted:
                found.setdefault(id(ancestor), []).append(array)
                break
    return found


def roles_of(graph: Graph) -> dict[int, Role]:
    """Return the role of each array that a class of Theano or NumPy tells."""
    roles: dict[int, Role] = {}
    for array in graph.arrays:
        for ancestor in array.ancestors():
            value = ancestor.raw
            if type(value) is not Instance:
                continue
            name = _class(value)
            if _RANDOM.fullmatch(name.lstrip("_")) or name == "__RandomState_ctor":
                roles[id(array.raw)] = Role.RANDOM
                break
            if _from_library(value) and _CONSTANT.fullmatch(name):
                roles[id(array.raw)] = Role.CONSTANT
                break
            # What a user keeps in an object of his own is not random for standing near.
            if is_shared(value) and not _is_random_variable(ancestor):
                break
    return roles


def _is_random_variable(node: Node) -> bool:
    """Whether a shared variable is the state of a random stream."""
    if _class(node.raw).startswith("Random"):
        return True
    return any(
        type(ancestor.raw) is Instance and _RANDOM.fullmatch(_class(ancestor.raw))
        for ancestor in node.ancestors()
    )


def _evidence(graph: Graph) -> str:
    root = graph.root.raw
    if type(root) is Instance and not _from_library(root):
        return f"class {root.cls_name}"
    return "shared variables"
