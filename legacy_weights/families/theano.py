"""Theano's own objects: shared variables, constants, random states.

A shared variable keeps its value at ``.container.storage[0]`` (``theano/compile/sharedvalue.py``
and ``theano/gof/link.py``); its identity is that container, whatever number of variables share
it.  Theano-PyMC keeps the module paths, Aesara and PyTensor put their own names in front.
"""

from __future__ import annotations

import re
from typing import Any

from legacy_weights.families.graph import Graph, Node, as_array, from_library
from legacy_weights.families.interpretation import Interpretation, add_others, snapshot_of
from legacy_weights.families.naming import Cell
from legacy_weights.families.values import is_leaf, short, text_of
from legacy_weights.hashing import blocks
from legacy_weights.pickles.objects import ABSENT, Instance
from legacy_weights.tree import AnyArray, Role

_SHARED = re.compile(r"\w*SharedVariable")
_CONSTANT = re.compile(r"\w*Constant")
_STREAMS = re.compile(r"\w*RandomStreams?|Random\w*SharedVariable")
_RANDOM_MODULES = ("numpy.random.", "mtrand.")
_CREATED = re.compile(r"auto_(\d{1,18})")


def _class(instance: Instance) -> str:
    return instance.cls_name.rpartition(".")[2]


def is_shared(value: Any) -> bool:
    """Whether a record is a shared variable of Theano or one of its heirs."""
    return (
        type(value) is Instance
        and from_library(value)
        and _SHARED.fullmatch(_class(value)) is not None
    )


def is_random(value: Any) -> bool:
    """Whether a record is a random state of NumPy, or a stream or state of Theano."""
    if type(value) is not Instance:
        return False
    if value.cls_name.startswith(_RANDOM_MODULES):
        return True
    return _STREAMS.fullmatch(_class(value)) is not None


def interpret(graph: Graph) -> Interpretation | None:
    """Return what Theano's conventions make of a graph, or None if it has no shared variable.

    The states of random streams are shared variables too, and do not count.
    """
    roles = roles_of(graph)
    random = random_nodes(graph)
    shared = [node for node, raw in graph.instances() if is_shared(raw) and id(node) not in random]
    if not shared:
        return None
    cells = merge_copies(graph, cells_of(graph, shared, roles))
    result = Interpretation("Theano", evidence(graph, cells))
    if cells:
        snapshot_of(graph, cells, result)
    add_others(graph, result, roles)
    return result


def cells_of(graph: Graph, shared: list[Node], roles: dict[int, Role]) -> list[Cell]:
    """Return a cell for each container of the shared variables that holds arrays.

    Clones of a variable share its container: the first met stands for all.
    """
    cells: dict[int, Cell] = {}
    heads: dict[int, int] = {}
    for node in shared:
        attributes = graph.attributes(node.raw)
        container = attributes.get("container", node.raw)
        stored = _stored(graph, container)
        known = cells.get(id(container))
        if known is not None:
            known.others.append(node)
            known.name = known.name or _own_name(attributes)
            continue
        created = _created(attributes.get("auto_name"))
        head = graph.node(stored) or graph.node(container)
        cells[id(container)] = Cell(node, [], _own_name(attributes), created, inside=head)
        heads |= {id(container): id(container), id(stored): id(container)}
    held = _arrays_below(graph, heads)
    for key, cell in cells.items():
        arrays = held.get(key, [])
        if cell.inside is not None and is_leaf(cell.inside.value):
            arrays = [cell.inside]
        cell.arrays = [array for array in arrays if roles.get(id(array.raw)) is not Role.RANDOM]
    return [cell for cell in cells.values() if cell.arrays]


def _stored(graph: Graph, container: Any) -> Any:
    """Return the value in a container, or :data:`ABSENT`."""
    if type(container) is not Instance:
        return ABSENT
    storage = graph.attributes(container).get("storage")
    return storage[0] if type(storage) is list and storage else ABSENT


def _arrays_below(graph: Graph, heads: dict[int, int]) -> dict[int, list[Node]]:
    """Return the arrays below the objects of `heads`, by what these stand for."""
    nearest: dict[int, int] = {}
    found: dict[int, list[Node]] = {}
    for node in graph.nodes.values():
        if id(node.raw) in heads:
            nearest[id(node)] = heads[id(node.raw)]
        elif node.parent is not None and id(node.parent) in nearest:
            nearest[id(node)] = nearest[id(node.parent)]
        if is_leaf(node.value) and id(node) in nearest:
            found.setdefault(nearest[id(node)], []).append(node)
    return found


def merge_copies(graph: Graph, cells: list[Cell]) -> list[Cell]:
    """Join the copies of one variable in several pickles of a file: later ones repeat a graph.

    They have the same creation counter, which no two variables of one process share, and the
    same bytes.
    """
    if not graph.bundled:
        return cells
    first: dict[tuple[int, str], list[Cell]] = {}
    kept: list[Cell] = []
    for cell in cells:
        if cell.created is not None:
            originals = first.setdefault((cell.created, cell.name), [])
            original = next((one for one in originals if _same_arrays(one, cell)), None)
            if original is not None:
                original.copies.append(cell)
                continue
            originals.append(cell)
        kept.append(cell)
    return kept


def _same_arrays(one: Cell, other: Cell) -> bool:
    if len(one.arrays) != len(other.arrays):
        return False
    pairs = zip(one.arrays, other.arrays, strict=True)
    return all(_same_bytes(as_array(a.value), as_array(b.value)) for a, b in pairs)


def _same_bytes(one: AnyArray, other: AnyArray) -> bool:
    if one is other:
        return True
    if one.dtype != other.dtype or one.shape != other.shape:
        return False
    return all(bytes(a) == bytes(b) for a, b in zip(blocks(one), blocks(other), strict=True))


def _own_name(attributes: dict[str, Any]) -> str:
    name = attributes.get("name")
    return text_of(name) if isinstance(name, str | bytes) else ""


def _created(auto_name: Any) -> int | None:
    found = _CREATED.fullmatch(text_of(auto_name)) if isinstance(auto_name, str | bytes) else None
    return int(found.group(1)) if found else None


def random_nodes(graph: Graph) -> set[int]:
    """Return the identities of the nodes of random states and of all below them.

    What the graphs of a stream lead to is not random: they can lead to any variable.
    """
    found: set[int] = set()
    for node in graph.nodes.values():
        below = node.parent is not None and id(node.parent) in found
        if is_random(node.raw) or (below and not (node.hidden and is_shared(node.raw))):
            found.add(id(node))
    return found


def roles_of(graph: Graph) -> dict[int, Role]:
    """Return the role of each array that a class of Theano or NumPy tells."""
    random = random_nodes(graph)
    found: dict[int, Role] = {}
    for node in graph.nodes.values():
        key, parent = id(node), None if node.parent is None else found.get(id(node.parent))
        if key in random:
            found[key] = Role.RANDOM
        elif is_constant(node.raw):
            found[key] = Role.CONSTANT
        elif parent is not None and not is_shared(node.raw):
            found[key] = parent
    return {id(array.raw): found[id(array)] for array in graph.arrays if id(array) in found}


def is_constant(value: Any) -> bool:
    """Whether a record is a constant of a graph."""
    return (
        type(value) is Instance
        and from_library(value)
        and _CONSTANT.fullmatch(_class(value)) is not None
    )


_STANDARD = re.compile(r"(collections|__builtin__|builtins|copy_reg|copyreg|numpy)\b")


def evidence(graph: Graph, cells: list[Cell]) -> str:
    """Return the class of a user's own that holds the first weight, or what else shows Theano."""
    found = "shared variables"
    current: Node | None = (cells[0].node.wiring or cells[0].node) if cells else graph.root
    while current is not None:
        raw = current.raw
        if type(raw) is Instance and not from_library(raw) and not _STANDARD.match(raw.cls_name):
            found = f"class {short(raw.cls_name)}"
        current = current.parent
    return found
