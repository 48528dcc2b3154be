"""Theano's own objects: shared variables, constants, random states.

A shared variable keeps its value at ``.container.storage[0]`` (``theano/compile/sharedvalue.py``
and ``theano/gof/link.py``); its identity is that container, whatever number of variables share
it.  Theano-PyMC keeps the module paths, Aesara and PyTensor put their own names in front.
"""

from __future__ import annotations

import enum
import functools
import re
from typing import Any

from legacy_weights.families.arrangement import arrange
from legacy_weights.families.graph import Graph, Node, as_array
from legacy_weights.families.interpretation import Interpretation
from legacy_weights.families.labels import class_of, text_of
from legacy_weights.families.listed import stated_lists
from legacy_weights.families.marks import is_library, is_users_own
from legacy_weights.families.naming import Cell
from legacy_weights.families.others import add_others
from legacy_weights.families.snapshots import add_snapshot
from legacy_weights.families.updates import Updates, describe_memory
from legacy_weights.families.values import class_name, is_leaf
from legacy_weights.families.views import unflatten_views
from legacy_weights.hashing import blocks
from legacy_weights.pickles.objects import ABSENT, Instance
from legacy_weights.tree import AnyArray, Role, Trainable


class Kind(enum.Enum):
    """What a class of Theano or NumPy is for, where that tells the role of an array."""

    SHARED = enum.auto()
    CONSTANT = enum.auto()
    RANDOM = enum.auto()
    OTHER = enum.auto()


_SHARED = re.compile(r"\w*SharedVariable")
_CONSTANT = re.compile(r"\w*Constant")
_STREAMS = re.compile(r"\w*RandomStreams?|Random\w*SharedVariable")
_RANDOM_MODULES = ("numpy.random.", "mtrand.")
_CREATED = re.compile(r"auto_(\d{1,18})")


def kind_of(value: Any) -> Kind:
    """Return what a record is; of all that is no record, that it is something else."""
    return _kind_of(class_of(value)) if type(value) is Instance else Kind.OTHER


@functools.lru_cache(1000)
def _kind_of(dotted: str) -> Kind:
    name = dotted.rpartition(".")[2]
    if dotted.startswith(_RANDOM_MODULES) or _STREAMS.fullmatch(name):
        return Kind.RANDOM
    if is_library(dotted) and _SHARED.fullmatch(name):
        return Kind.SHARED
    if is_library(dotted) and _CONSTANT.fullmatch(name):
        return Kind.CONSTANT
    return Kind.OTHER


def interpret(graph: Graph) -> Interpretation | None:
    """Return what Theano's conventions make of a graph, or None if it has no shared variable.

    The states of random streams are shared variables too, and do not count.
    """
    shared = [node for node in graph.nodes.values() if kind_of(node.raw) is Kind.SHARED]
    roles = roles_of(graph) if shared else {}
    shared = [node for node in shared if roles.get(id(node)) is not Role.RANDOM]
    if not shared:
        return None
    cells = merge_copies(graph, cells_of(graph, shared, roles))
    result = Interpretation("Theano", evidence(graph, cells))
    updates = Updates(graph, cells)
    listed = stated_lists(graph, cells)
    trained = [cell for cell in cells if id(cell) in listed] or updates.parameters()
    memory = updates.memory(trained)
    remembered = {id(entry.cell) for entry in memory}
    cells = [cell for cell in cells if id(cell) not in remembered]
    if cells:
        arrangement = arrange(graph, cells, listed)
        known = {id(cell): Trainable.YES for cell in trained}
        arrangement.trainable = known | arrangement.trainable
        add_snapshot(graph, arrangement, result)
    described = describe_memory(result, memory)
    add_others(graph, result, roles | described.roles, names=described.names, notes=described.notes)
    if len(cells) == 1:
        unflatten_views(graph, cells[0], result)
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
        cell.arrays = [array for array in arrays if roles.get(id(array)) is not Role.RANDOM]
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


def roles_of(graph: Graph) -> dict[int, Role]:
    """Return the roles that classes of Theano and NumPy give to what is below them, by node.

    What the graphs of a random stream lead to is not random: they can lead to any variable.
    """
    found: dict[int, Role] = {}
    states = _random_states(graph)
    for node in graph.nodes.values():
        kind = kind_of(node.raw)
        if states and not states.isdisjoint({id(node.raw), id(_container(graph, node.raw, kind))}):
            found[id(node)] = Role.RANDOM
            continue
        above = None if node.parent is None else found.get(id(node.parent))
        own = kind is Kind.SHARED and (node.hidden or above is not Role.RANDOM)
        if kind is Kind.RANDOM:
            found[id(node)] = Role.RANDOM
        elif kind is Kind.CONSTANT and above is not Role.RANDOM:
            found[id(node)] = Role.CONSTANT
        elif above is not None and not own:
            found[id(node)] = above
    return found


_DRAWS = re.compile(r"\w*mrg_uniform\w*")


def _random_states(graph: Graph) -> set[int]:
    """Return the identities of the containers that MRG streams draw from, and of what is in them.

    A program that keeps no stream, only what was drawn, leaves the state as a plain shared
    variable: the first input of the op (``theano/sandbox/rng_mrg.py``, ``mrg_uniform``).
    """
    found: set[int] = set()
    for _, raw in graph.instances():
        if class_name(raw) != "Apply" or not is_library(class_of(raw)):
            continue
        attributes = graph.attributes(raw)
        inputs = attributes.get("inputs")
        drawn = _DRAWS.fullmatch(class_name(attributes.get("op")))
        if drawn and type(inputs) is list and inputs:
            container = _container(graph, inputs[0], kind_of(inputs[0]))
            if container is not None:
                # Other ways than through the container can be plainer to what is in it.
                stored = _stored(graph, container)
                found |= {id(container)} | ({id(stored)} if stored is not ABSENT else set())
    return found


def _container(graph: Graph, raw: Any, kind: Kind) -> Any:
    """Return the container of a shared variable, or a container itself; else None."""
    if kind is Kind.SHARED:
        return graph.attributes(raw).get("container")
    return raw if class_name(raw) == "Container" else None


def evidence(graph: Graph, cells: list[Cell]) -> str:
    """Return the class of a user's own that holds the first weight, or what else shows Theano."""
    found = "shared variables"
    current: Node | None = (cells[0].node.wiring or cells[0].node) if cells else graph.root
    while current is not None:
        raw = current.raw
        if type(raw) is Instance and is_users_own(class_of(raw)):
            found = f"class {class_of(raw)}"
        current = current.parent
    return found
