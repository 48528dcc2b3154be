"""rllab: snapshots of policies, Q functions and baselines, each with one flat vector.

``logger.save_itr_params`` (``rllab/misc/logger.py``) writes a dictionary with ``itr``, ``policy``,
``baseline``, ``env`` and ``algo`` (``rllab/algos/npo.py`` and ``batch_polopt.py``).  What has
parameters keeps the arguments of its constructor and a vector ``params``; it is cut as the
constructor would build it (:mod:`legacy_weights.families.rllab_layouts`), and kept.

A file with one such object has the snapshot ``model``; with several, each has one by the name that
the file gives it (``policy``, ``baseline``, ``target_qf``), and the policy is the default.

``metadata["architectures"]`` has, by the name of the snapshot, what the vector was cut by:

======================  =======================================================================
``class``               dotted name, such as
                        ``rllab.policies.gaussian_mlp_policy.GaussianMLPPolicy``
``obs_dim``             numbers of the input; of a flat observation
``action_dim``          numbers of a flat action, or ``output_dim`` of a regressor
``hidden_sizes``        list of numbers of units
``hidden_nonlinearity``, ``output_nonlinearity``  dotted name, such as
                        ``lasagne.nonlinearities.tanh``; null: the identity
``adaptive_std``        Gaussian: whether a second network gives the deviation; then
                        ``std_hidden_sizes``, ``std_hidden_nonlinearity``, and the scopes of the
                        weights are ``mean_network`` and ``std_network``; else ``learn_std``, and
                        the weight ``log_std`` is the logarithm of the deviation
``min_std``             Gaussian policies: the least deviation, or null
``batch_norm``          deterministic policies
``action_merge_layer``  Q functions: the layer that the action joins
======================  =======================================================================
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from legacy_weights import paths
from legacy_weights.errors import LayoutError
from legacy_weights.families.arrangement import arrange
from legacy_weights.families.graph import Graph, Node
from legacy_weights.families.interpretation import Interpretation, origins
from legacy_weights.families.labels import class_of
from legacy_weights.families.naming import Paths, distinct
from legacy_weights.families.others import add_others
from legacy_weights.families.rllab_beside import add_statistics, names_and_notes
from legacy_weights.families.rllab_layouts import Built, Part, build
from legacy_weights.families.snapshots import add_snapshot
from legacy_weights.families.theano import Kind, cells_of, kind_of, merge_copies, roles_of
from legacy_weights.families.unflatten import Entry, cut
from legacy_weights.families.values import class_name, resolve
from legacy_weights.pickles.objects import Instance
from legacy_weights.tree import JSON, Array, Leaf, Order, Role, Snapshot, Trainable

_RULE = "rllab's get_params: layer by layer, W before b"
_VARIABLES = "variables"
"""The snapshot of Theano's shared variables, which some keep beside the policy."""
_TENSORFLOW = "sandbox.rocky.tf."


def interpret(graph: Graph) -> Interpretation | None:
    """Return what rllab's conventions make of a graph, or None if it has no object of rllab."""
    objects = [node for node, raw in graph.instances() if _is_rllab(graph, raw)]
    if not objects:
        return None
    models, roles = _models(graph, objects), roles_of(graph)
    shown = models[0].node if models else objects[0]
    result = Interpretation("rllab", f"class {class_of(shown.raw)}")
    names, notes = names_and_notes(graph, objects)
    iteration = _iteration(graph)
    architectures: dict[str, JSON] = {}
    for model in models:
        snapshot = _snapshot(graph, model, result, iteration)
        result.snapshots.append(snapshot)
        if model.built is not None:
            cls: JSON = class_of(model.node.raw)
            architectures[model.name] = {"class": cls, **model.built.architecture}
            notes[id(model.vector)] = "the flat vector as the file has it"
    if architectures:
        result.metadata["architectures"] = architectures
    if models:
        result.default_snapshot = models[0].name
        add_statistics(graph, objects, result)
    _add_variables(graph, result, roles)
    add_others(graph, result, roles, names=names, notes=notes)
    return result


def _is_rllab(graph: Graph, raw: Instance) -> bool:
    """Whether a record is of rllab or one of its ``Serializable`` classes, of whatever module."""
    if class_of(raw).startswith("rllab."):
        return True
    known = graph.attributes(raw)
    return "__args" in known and "__kwargs" in known


# What has parameters ---------------------------------------------------------------------------


@dataclass(slots=True, eq=False)
class _Model:
    """An object with a vector of parameters.

    Parameters
    ----------
    node, vector : Node
    name : str
        Of its snapshot.
    built : Built or None
        What its constructor builds, if that is understood.
    reason : str
        Why it is not.
    """

    node: Node
    vector: Node
    name: str = "model"
    built: Built | None = None
    reason: str = ""


def _models(graph: Graph, objects: Sequence[Node]) -> list[_Model]:
    """Return the objects that have a vector of their own, the policy first."""
    found: dict[int, _Model] = {}
    for node in objects:
        known = graph.attributes(node.raw)
        vector = graph.node(known.get("params"))
        if vector is not None and _is_numeric(vector.value) and "__args" in known:
            found.setdefault(id(vector.raw), _Model(node, vector))
    models = sorted(found.values(), key=_importance)
    if len(models) > 1:
        namer = Paths()
        given = [(".".join(namer.name(model.node)) or "model",) for model in models]
        for model, (name,) in zip(models, distinct([(_VARIABLES,), *given])[1:], strict=True):
            model.name = name
    for model in models:
        model.built, model.reason = _built(model)
    return models


def _importance(model: _Model) -> tuple[int, bool, bool]:
    key = model.node.step.key
    named = key in ("policy", b"policy")
    policy = class_name(model.node.raw).endswith("Policy")
    return model.node.depth, not named, not policy


def _is_numeric(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.dtype.kind in "fc"


def _built(model: _Model) -> tuple[Built | None, str]:
    """Return what a constructor builds, if the vector has just these numbers."""
    if class_of(model.node.raw).startswith(_TENSORFLOW):
        return None, "of rllab on TensorFlow, which has orders of its own"
    try:
        built = build(model.node.raw)
    except LayoutError as error:
        expected = f"; expected {error.expected}" if error.expected else ""
        return None, f"{error.found}{expected}"
    sizes = [int(np.prod(part.shape, dtype=object)) for part in built.parts]
    if model.vector.value.shape != (sum(sizes),):
        return None, (
            f"the constructor's arguments make {sum(sizes):,} numbers, and the vector has the "
            f"shape {model.vector.value.shape}"
        )
    return built, ""


def _snapshot(
    graph: Graph, model: _Model, result: Interpretation, iteration: int | None
) -> Snapshot:
    """Return the snapshot of a model: its vector cut, or as a whole."""
    array = Array.of(model.vector.value)
    name = Paths().name(model.vector) or ("params",)
    place = paths.join(("snapshots", model.name, *name))
    known = origins(graph, model.vector)
    whole = Leaf(place, "/".join(name), array, Role.WEIGHT, origins=known)
    if model.built is None:
        note = f"not cut into weights: {model.reason}"
        result.warnings.append(f"{graph.path(model.vector)} is {note}")
        result.places[id(model.vector.raw)] = place
        leaf = replace(whole, note=note)
        return Snapshot(model.name, (leaf,), Order.STATED, "a single array", iteration)
    parts = model.built.parts
    leaves = cut(whole, [Entry(part.name, part.shape) for part in parts], snapshot=model.name)
    leaves = [_marked(leaf, part) for leaf, part in zip(leaves, parts, strict=True)]
    return Snapshot(model.name, tuple(leaves), Order.FORMAT, _RULE, iteration)


def _marked(leaf: Leaf, part: Part) -> Leaf:
    return replace(
        leaf,
        role=Role.STATE if part.state else Role.WEIGHT,
        trainable=Trainable.YES if part.trainable else Trainable.NO,
        note="rllab's output_log_std.param" if part.name == "log_std" else "",
    )


def _iteration(graph: Graph) -> int | None:
    """Return the iteration or epoch that the dictionary of a snapshot states."""
    root = graph.root.raw
    for key in ("itr", b"itr", "epoch", b"epoch") if type(root) is dict else ():
        number = resolve(root.get(key))
        if type(number) is int or isinstance(number, np.integer):
            return int(number) if 0 <= number < 2**63 else None
    return None


def _add_variables(graph: Graph, result: Interpretation, roles: Mapping[int, Role]) -> None:
    nodes = [node for node in graph.nodes.values() if kind_of(node.raw) is Kind.SHARED]
    shared = [node for node in nodes if roles.get(id(node)) is not Role.RANDOM]
    cells = merge_copies(graph, cells_of(graph, shared, dict(roles)))
    if cells:
        add_snapshot(
            graph, arrange(graph, cells), result, name=_VARIABLES if result.snapshots else "model"
        )
