"""scikit-learn: estimators that are the file itself, or that plain containers of it hold.

What ``fit`` learns is kept in attributes whose names end in an underscore and do not begin with
one (the project's developers' guide, "Estimated Attributes"); settings have no underscore.  An
estimator's state is its ``__dict__``, with ``_sklearn_version`` since 0.18
(``BaseEstimator.__getstate__`` in ``sklearn/base.py``).  Nothing states an order.

Estimators beside shared variables of Theano, or beside arrays in plain containers, are data.
"""

from __future__ import annotations

from legacy_weights.families.arrangement import arrange
from legacy_weights.families.graph import Graph, Node, owner
from legacy_weights.families.interpretation import Interpretation
from legacy_weights.families.labels import class_of, text_of
from legacy_weights.families.naming import Cell
from legacy_weights.families.others import add_others
from legacy_weights.families.plain import held_plainly, is_numeric
from legacy_weights.families.snapshots import add_snapshot
from legacy_weights.families.steps import StepKind
from legacy_weights.families.theano import roles_of
from legacy_weights.pickles.objects import Instance
from legacy_weights.tree import Role


def interpret(graph: Graph) -> Interpretation | None:
    """Return what scikit-learn's conventions make of a graph, or None if it has no estimator."""
    estimators = [node for node, raw in graph.instances() if _is_estimator(graph, raw)]
    if not estimators:
        return None
    held = held_plainly(graph, set())
    if any(id(node) in held and node.value.ndim for node in graph.arrays if is_numeric(node)):
        return None
    first = next((node for node in estimators if id(node) in held), None)
    if first is None:
        return None
    roles = roles_of(graph)
    learned, memory = _attributes(graph, {id(node) for node in estimators})
    roles |= {key: Role.OPTIMIZER for key in memory if key not in roles}
    cells = [
        Cell(node, [node])
        for node in graph.arrays
        if id(node) in learned and id(node) not in roles and _has_values(node)
    ]
    result = Interpretation("scikit-learn", _evidence(graph, first))
    if cells:
        add_snapshot(graph, arrange(graph, cells), result)
    add_others(graph, result, roles)
    return result


def _is_estimator(graph: Graph, raw: Instance) -> bool:
    """Whether a record is an estimator, and no part of one: a tree, an optimizer."""
    dotted = class_of(raw)
    if not dotted.startswith("sklearn.") or dotted.startswith("sklearn.externals."):
        return False  # the latter are copies of joblib and six
    # Before 0.22 estimators are in public modules, and since 0.18 they note the version.
    return "._" not in dotted or "_sklearn_version" in graph.attributes(raw)


def _has_values(node: Node) -> bool:
    """Whether an array is of numbers, or of records of numbers: the nodes of a tree."""
    dtype = getattr(node.value, "dtype", None)
    return dtype is not None and dtype.kind in "biufcV"


def _attributes(graph: Graph, estimators: set[int]) -> tuple[set[int], set[int]]:
    """Return the nodes below learned attributes, and those below the memory of an optimizer."""
    learned: set[int] = set()
    memory: set[int] = set()
    for node in graph.nodes.values():
        if node.parent is None:
            continue
        own = node.step.kind is StepKind.ATTRIBUTE and id(owner(node.parent)) in estimators
        name = node.step.key if own else ""
        for found, begins in (
            (learned, name.endswith("_") and not name.startswith("_")),
            (memory, name == "_optimizer"),
        ):
            if begins or (id(node.parent) in found and not own):
                found.add(id(node))
    return learned, memory


def _evidence(graph: Graph, estimator: Node) -> str:
    version = graph.attributes(estimator.raw).get("_sklearn_version")
    known = isinstance(version, str | bytes) and len(version) <= 40
    return f"class {class_of(estimator.raw)}" + (f" of {text_of(version)}" if known else "")
