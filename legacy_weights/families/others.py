"""The arrays that are no weights: each has a place by its role."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from legacy_weights import paths
from legacy_weights.families import frames
from legacy_weights.families.graph import Graph, Node, as_array, owner
from legacy_weights.families.interpretation import Interpretation, origins
from legacy_weights.families.labels import class_of, label
from legacy_weights.families.marks import is_library
from legacy_weights.families.naming import Name, Paths, distinct
from legacy_weights.families.steps import StepKind
from legacy_weights.families.values import is_leaf
from legacy_weights.pickles.objects import Instance, MaskedArray
from legacy_weights.tree import Array, Leaf, Role, Trainable

_INSIDE = 16
"""Steps from a value to its shared variable, at most."""


def add_others(
    graph: Graph,
    result: Interpretation,
    roles: Mapping[int, Role],
    *,
    names: Mapping[int, Name] | None = None,
    notes: Mapping[int, str] | None = None,
) -> None:
    """Add every array that has no place yet to `result.other`, by its role.

    Those with a path of their own keep its name, those of a data frame are named after its
    columns; those inside the wiring of a graph, and constants, are numbered.

    Parameters
    ----------
    graph : Graph
    result : Interpretation
    roles : mapping of int to Role
        The roles that are known, by the identity of a node.
    names : mapping of int to tuple of str, optional
        The names that a family gives, by the identity of a node: optimizer memory is named after
        the parameter that it serves.
    notes : mapping of int to str, optional
        Why an array has its role, by the identity of a node.
    """
    framed, columns = frames.names(graph)
    names, notes = {**framed, **(names or {})}, {**columns, **(notes or {})}
    sections: dict[str, list[tuple[Node, Role]]] = {}
    for node in graph.arrays:
        if id(node.raw) not in result.places:
            role = roles.get(id(node), Role.OTHER if node.hidden else Role.DATA)
            sections.setdefault(role.section, []).append((node, role))
    for section, members in sections.items():
        chosen = [
            names.get(id(node), name)
            for (node, _), name in zip(members, _other_names(members), strict=True)
        ]
        for (node, role), name in zip(members, distinct(chosen), strict=True):
            place = paths.join(("other", section, *name))
            result.places[id(node.raw)] = place
            leaf = Leaf(
                path=place,
                name="/".join(name),
                array=Array.of(as_array(node.value)),
                role=role,
                trainable=Trainable.NO,
                origins=origins(graph, node),
                note=notes.get(id(node)) or _graph_of(node) or _holder_of(node, role),
            )
            result.other.append(leaf)


def _other_names(members: Sequence[tuple[Node, Role]]) -> Iterator[Name]:
    width = max(4, len(str(len(members) - 1)))
    namer = Paths()
    for index, (node, role) in enumerate(members):
        name = _in_variable(node, namer) or namer.name(node)
        plain = name and not node.hidden and role is not Role.CONSTANT
        yield name if plain else (str(index).zfill(width),)


def _in_variable(node: Node, namer: Paths) -> Name:
    """Return the name of the shared variable that an array is the value of, or of a part of it."""
    parts: list[str] = []
    for _ in range(_INSIDE):
        if node.parent is None:
            break
        holder, step = owner(node.parent), node.step
        if step == (StepKind.ATTRIBUTE, "container", -1) and type(holder.raw) is Instance:
            return (
                (*namer.name(holder), *reversed(parts)) if is_library(class_of(holder.raw)) else ()
            )
        if step.kind in (StepKind.ATTRIBUTE, StepKind.KEY):
            parts.extend(name for name in (label(step.key),) if name != "storage")
        node = node.parent
    return ()


def _graph_of(node: Node) -> str:
    """Return the attribute at which the wiring begins that leads to a hidden node."""
    current = node.wiring
    while current is not None and current.parent is not None:
        if current.step.kind in (StepKind.ATTRIBUTE, StepKind.KEY):
            name = label(current.step.key)
            if not name.startswith("<"):  # an object as a key is no name
                return name
        current = current.parent
    return ""


_KINDS = {"S": "text", "U": "text", "b": "truth values", "M": "dates", "m": "times"}


def _holder_of(node: Node, role: Role) -> str:
    """Return why an array is data: what its values are, or else the class that keeps it."""
    if role is not Role.DATA:
        return ""
    kind = as_array(node.value).dtype.kind
    current = node.parent
    for _ in range(_INSIDE):
        if current is None:
            break
        if type(current.value) is MaskedArray and node.step.key == "mask":
            return "mask of a masked array"
        if type(current.raw) is Instance and not is_leaf(current.value):
            dotted = class_of(current.raw)
            if is_library(dotted) or kind in _KINDS:
                break
            if not dotted.startswith("numpy."):
                return f"kept by {dotted}"
        current = current.parent
    return _KINDS.get(kind, "")
