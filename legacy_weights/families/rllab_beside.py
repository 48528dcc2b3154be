"""What stands beside rllab's policies: bounds of spaces, running statistics, coefficients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from legacy_weights import paths
from legacy_weights.errors import LayoutError
from legacy_weights.families.graph import Graph, Node
from legacy_weights.families.interpretation import Interpretation, origins
from legacy_weights.families.naming import Name, Paths, distinct
from legacy_weights.families.rllab_spaces import spaces
from legacy_weights.families.values import attributes, class_name
from legacy_weights.tree import Array, Leaf, Role, Trainable


def names_and_notes(
    graph: Graph, objects: Sequence[Node]
) -> tuple[dict[int, Name], dict[int, str]]:
    """Return names and notes of bounds, coefficients and statistics, by the identity of nodes."""
    names: dict[int, Name] = {}
    notes: dict[int, str] = {}
    namer = Paths()
    for node in objects:
        known = graph.attributes(node.raw)
        if class_name(node.raw) == "EnvSpec":
            _name_bounds(graph, node, namer, names, notes)
        for key, note in _NOTES.items():
            array = graph.node(known.get(key)) if key in known else None
            if array is not None:
                notes.setdefault(id(array), note)
    return names, notes


_NOTES = {
    "_coeffs": "coefficients of the value baseline",
    "_obs_mean": "running statistic of observations; normalize_obs is not on",
    "_obs_var": "running statistic of observations; normalize_obs is not on",
}


def _name_bounds(
    graph: Graph, spec: Node, namer: Paths, names: dict[int, Name], notes: dict[int, str]
) -> None:
    """Name the bounds of an environment's spaces after what has the specification."""
    try:
        found = spaces(spec.raw)
    except LayoutError:
        return
    name = namer.name(spec)
    if "__args" in name:  # a specification is the first argument of a policy
        name = name[: name.index("__args")]
    for space, what in zip(found, ("observation", "action"), strict=True):
        for key in ("low", "high"):
            array = graph.node(attributes(space).get(key))
            if array is not None:
                names.setdefault(id(array), (*name, f"{what}_space", key))
                notes.setdefault(id(array), f"bound of the {what} space")


def add_statistics(graph: Graph, objects: Sequence[Node], result: Interpretation) -> None:
    """Add what an environment normalises observations by to the default snapshot.

    ``NormalizedEnv(env, scale_reward, normalize_obs, …)`` (``rllab/envs/normalized_env.py``) uses
    it only where `normalize_obs` is true.
    """
    nodes: list[Node] = []
    for node in objects:
        known = graph.attributes(node.raw)
        if class_name(node.raw) == "NormalizedEnv" and _normalises(known):
            arrays = (graph.node(known.get(key)) for key in ("_obs_mean", "_obs_var"))
            nodes += [array for array in arrays if array is not None]
    nodes = [node for node in nodes if _is_free(node, result)]
    snapshot = next(s for s in result.snapshots if s.name == result.default_snapshot)
    taken = [tuple(leaf.name.split("/")) for leaf in snapshot.leaves]
    namer = Paths()
    names = distinct([*taken, *(namer.name(node) or ("statistic",) for node in nodes)])
    if names[: len(taken)] != taken:  # a name of the file would be the scope of a weight
        return
    leaves = list(snapshot.leaves)
    for node, name in zip(nodes, names[len(taken) :], strict=True):
        place = paths.join(("snapshots", snapshot.name, *name))
        result.places[id(node.raw)] = place
        array, known_as = Array.of(node.value), origins(graph, node)
        note = "running statistic of observations"
        leaves.append(
            Leaf(
                place, "/".join(name), array, Role.STATE, Trainable.NO, origins=known_as, note=note
            )
        )
    index = result.snapshots.index(snapshot)
    result.snapshots[index] = replace(snapshot, leaves=tuple(leaves))


def _normalises(known: Mapping[str, Any]) -> bool:
    args: Any = known.get("__args")
    kwargs: Any = known.get("__kwargs")
    if type(args) in (tuple, list) and len(args) > 2:
        return args[2] is True
    return type(kwargs) is dict and True in (
        kwargs.get("normalize_obs"),
        kwargs.get(b"normalize_obs"),
    )


def _is_free(node: Node, result: Interpretation) -> bool:
    return isinstance(node.value, np.ndarray) and id(node.raw) not in result.places
