"""Plain containers of arrays: dictionaries, lists and tuples, nested in any way.

Arrays in instances of classes that nothing is known of are data, not weights, unless the instance
states them in a list of parameters.
"""

from __future__ import annotations

from legacy_weights.families.graph import LISTS, Graph, Node
from legacy_weights.families.interpretation import Interpretation, add_others, snapshot_of
from legacy_weights.families.naming import Cell
from legacy_weights.families.theano import roles_of
from legacy_weights.families.values import StepKind, class_name, text_of
from legacy_weights.pickles.objects import Instance, MaskedArray

_CONTAINERS = frozenset(
    {"OrderedDict", "defaultdict", "Counter", "deque", "dict", "list", "tuple", "_reconstruct"}
)
_NUMERIC = "?biufc"


def interpret(graph: Graph) -> Interpretation:
    """Return the arrays of plain containers as weights, all others beside them."""
    roles = roles_of(graph)
    cells = [
        Cell(node, [node])
        for node in graph.arrays
        if id(node.raw) not in roles and _is_numeric(node) and _in_plain_containers(node)
    ]
    root = graph.root.raw
    evidence = f"class {root.cls_name}" if type(root) is Instance and not cells else ""
    result = Interpretation("plain arrays" if cells else "unknown", evidence)
    if cells:
        snapshot_of(graph, cells, result)
    add_others(graph, result, roles)
    return result


def _is_numeric(node: Node) -> bool:
    dtype = getattr(node.value, "dtype", None)
    return dtype is not None and dtype.kind.replace("b", "?") in _NUMERIC


def _in_plain_containers(node: Node) -> bool:
    """Whether only plain containers, or a list of parameters, hold a node."""
    previous = node
    for ancestor in node.ancestors():
        if previous.step.kind is StepKind.PART:
            return False
        if type(ancestor.value) is MaskedArray:
            return text_of(previous.step.key) == "data" and _in_plain_containers(ancestor)
        if type(ancestor.raw) is Instance and class_name(ancestor.raw) not in _CONTAINERS:
            stated = previous.step.kind is StepKind.ATTRIBUTE and previous.step.key in LISTS
            if not stated:
                return False
        if ancestor.step.kind is not StepKind.STATE:
            previous = ancestor
    return True
