"""Blocks: parameters named by the hierarchy of their bricks, and training logs.

The name of a parameter is the path of its brick and its own, ``/mlp/linear_0.W``; it stands in
``Model._parameter_dict`` (``blocks/model.py``), in the archive's member ``_parameters`` as
``|mlp|linear_0.W`` (``blocks/serialization.py``), and else follows from the bricks
(``get_hierarchical_name`` of ``blocks/bricks/base.py``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from legacy_weights.families.arrangement import Arrangement
from legacy_weights.families.blocks_log import log_tables
from legacy_weights.families.contents import elements, mapping
from legacy_weights.families.graph import Graph, Node
from legacy_weights.families.interpretation import Interpretation, inherited
from legacy_weights.families.labels import class_of, label
from legacy_weights.families.listed import stated_lists
from legacy_weights.families.naming import Cell, Name
from legacy_weights.families.order import order_cells
from legacy_weights.families.others import add_others
from legacy_weights.families.snapshots import add_snapshot
from legacy_weights.families.updates import Updates, describe_memory
from legacy_weights.families.values import Bundle, is_ordered_dict, resolve
from legacy_weights.families.variables import Variables
from legacy_weights.pickles.objects import Instance
from legacy_weights.tree import Order, Role, Trainable

_PACKAGE = "blocks."
_MEMBER = "_parameters!/"
_TRAINING = ("blocks.algorithms", "blocks.extensions", "blocks.monitoring")
_DEEPEST = 64


def interpret(graph: Graph) -> Interpretation | None:
    """Return what the conventions of Blocks make of a graph, or None if it has none of its."""
    members = dict(_members(graph))
    classes = (class_of(raw) for _, raw in graph.instances())
    if not members and not any(dotted.startswith(_PACKAGE) for dotted in classes):
        return None
    variables = Variables(graph)
    roles = variables.roles
    cells = [*variables.cells, *_alone(graph, variables.cells, members)]
    weights, stated = _named(graph, cells, variables.by_object, members)
    if not weights:
        return None
    result = Interpretation("Blocks", _evidence(graph))
    memory = Updates(graph, cells).memory(weights)
    training = _training(graph)
    known = {id(cell) for cell in (*weights, *(entry.cell for entry in memory))}
    state = [cell for cell in cells if id(cell) not in known and id(cell.node) not in training]
    add_snapshot(graph, _arranged(graph, weights, state, stated), result)
    described = describe_memory(result, memory)
    add_others(
        graph,
        result,
        {**training, **roles, **described.roles},
        names=described.names,
        notes=described.notes,
    )
    log_tables(graph, result)
    return result


def _members(graph: Graph) -> Iterator[tuple[int, str]]:
    """Yield the names of the arrays of ``_parameters``, by the identity of the arrays."""
    root = graph.root.raw
    if type(root) is Bundle and root.members:
        for name, item in (*root.entries, *root.referenced):
            if name.startswith(_MEMBER):
                yield id(resolve(item)), name.removeprefix(_MEMBER)


def _alone(graph: Graph, cells: Sequence[Cell], members: Mapping[int, str]) -> Iterator[Cell]:
    """Yield cells of parameters that no variable has."""
    held = {
        id(array.value)
        for cell in cells
        for known in (cell, *cell.copies)
        for array in known.arrays
    }
    for node in graph.arrays:
        if id(node.value) in members and id(node.value) not in held:
            yield Cell(node, [node])


def _named(
    graph: Graph,
    cells: Sequence[Cell],
    by_object: Mapping[int, Cell],
    members: Mapping[int, str],
) -> tuple[list[Cell], bool]:
    """Name the parameters among cells; return them, and whether a model states their order."""
    found: dict[int, Cell] = {}
    for variable, name in _by_models(graph):
        cell = by_object.get(id(variable))
        if cell is not None and id(cell) not in found:
            cell.full_name = components(name, "/")
            found[id(cell)] = cell
    stated = len(found)
    for cell in cells:
        name = members.get(id(cell.arrays[0].value), "")
        if name and id(cell) not in found:
            cell.full_name = components(name, "|")
            found[id(cell)] = cell
    for variable, scope in _by_bricks(graph):
        cell = by_object.get(id(variable))
        if cell is not None and id(cell) not in found:
            cell.full_name = (*scope, cell.name or "parameter")
            found[id(cell)] = cell
    return list(found.values()), bool(stated) and stated == len(found)


def components(name: str, delimiter: str) -> Name:
    """Return the scopes of a hierarchical name: ``/mlp/linear_0.W`` is mlp, linear_0, W."""
    if not name.startswith(delimiter):
        return (name,)
    *scopes, last = name[1:].split(delimiter)
    brick, dot, own = last.rpartition(".")
    parts = (*scopes, brick, own) if dot else (*scopes, last)
    return tuple(part for part in parts if part) or (name,)


def _by_models(graph: Graph) -> Iterator[tuple[Any, str]]:
    """Yield variables and names of the models' dictionaries, each of which is ordered."""
    seen: set[int] = set()
    for _, raw in graph.instances():
        if class_of(raw).startswith("blocks.model"):
            held = graph.attributes(raw).get("_parameter_dict")
            if type(held) is Instance and is_ordered_dict(held) and id(held) not in seen:
                seen.add(id(held))
                for name, variable in mapping(held):
                    if isinstance(name, str | bytes):
                        yield variable, label(name)


def _by_bricks(graph: Graph) -> Iterator[tuple[Any, Name]]:
    """Yield the variables of bricks, and the names of the bricks from the outermost."""
    seen: set[int] = set()
    for _, raw in graph.instances():
        if class_of(raw).rpartition(".")[2] not in ("Parameters", "AnnotatingList"):
            continue
        attributes = graph.attributes(raw)
        held, brick = elements(attributes.get("_items")), attributes.get("brick")
        if held and type(brick) is Instance and id(held) not in seen:
            seen.add(id(held))
            scope = _scope(graph, brick)
            for variable in held:
                yield variable, scope


def _scope(graph: Graph, brick: Any) -> Name:
    """Return the names of a brick's parents, of the first where it has several, and its own."""
    names: list[str] = []
    for _ in range(_DEEPEST):
        if type(brick) is not Instance:
            break
        attributes = graph.attributes(brick)
        name = attributes.get("name")
        names.append(label(name) if isinstance(name, str | bytes) else "brick")
        parents = elements(attributes.get("parents"))
        if not parents:
            break
        brick = parents[0]
    return tuple(reversed(names))


def _training(graph: Graph) -> dict[int, Role]:
    """Return what algorithms and extensions hold, by node: their rates are no state of a model."""

    def is_training(node: Node) -> bool:
        return type(node.raw) is Instance and class_of(node.raw).startswith(_TRAINING)

    return dict.fromkeys(inherited(graph, is_training), Role.OPTIMIZER)


def _arranged(graph: Graph, weights: list[Cell], state: list[Cell], stated: bool) -> Arrangement:
    listed = stated_lists(graph, weights)
    order, note = Order.STATED, "the model's dictionary of parameters"
    if not stated:
        weights, order, note = order_cells(graph, weights, listed)
    trainable = dict.fromkeys(listed, Trainable.YES)
    return Arrangement(weights, state, order, note=note, trainable=trainable)


def _evidence(graph: Graph) -> str:
    raw = graph.root.raw
    entries = [raw] if type(raw) is not Bundle else [item for _, item in raw.entries]
    classes = [class_of(item) for item in entries if type(item) is Instance]
    mine = [dotted for dotted in classes if dotted.startswith(_PACKAGE)]
    return f"class {mine[0]}" if mine else "the member `_parameters`"
