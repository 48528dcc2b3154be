"""Policies of rllab, by the architecture that :mod:`legacy_weights.families.rllab` found.

A categorical policy has one output, ``prob``: the probabilities of the actions
(rllab/policies/categorical_mlp_policy.py, ``dist_info_sym``).  A Gaussian one has two, by their
names in ``dist_info_sym`` of rllab/policies/gaussian_mlp_policy.py: ``mean``, and ``log_std``, the
logarithm of the standard deviation, which is at least that of ``min_std``.  A deterministic one
gives its ``action`` (rllab/policies/deterministic_mlp_policy.py).

Observations are what the policy was given: those that rllab/envs/normalized_env.py normalized, if
its statistics stand beside the policy, are not normalized here.
"""

from __future__ import annotations

import math

from legacy_weights.errors import UnreadableError
from legacy_weights.models.frameworks.json_values import Settings
from legacy_weights.models.frameworks.lasagne_functions import function_of
from legacy_weights.models.specification import (
    Broadcast,
    Dense,
    Function,
    Layer,
    Nonlinearity,
    Specification,
)
from legacy_weights.tree import JSON, Role, Snapshot, Tree


def specification(tree: Tree, snapshot: Snapshot) -> Specification:
    """Return the layers of a policy.

    Raises
    ------
    UnreadableError
        If the file does not state the architecture, or it is no policy that can be rebuilt.
    """
    architectures = tree.metadata.get("architectures")
    known = architectures.get(snapshot.name) if isinstance(architectures, dict) else None
    if not isinstance(known, dict):
        raise UnreadableError(
            "the file does not say of which layers it is made",
            where=snapshot.name,
            expected="a policy whose constructor's arguments are understood",
            advice="What is there is named by: migrate inspect FILE",
        )
    settings = Settings(known, snapshot.name)
    name = settings.text("class")
    settings.where = f"{snapshot.name} ({name})"
    kind = name.rpartition(".")[2]
    if kind == "CategoricalMLPPolicy":
        outputs: dict[str, list[Layer]] = {"prob": _network(settings, "hidden_", "")}
    elif kind == "GaussianMLPPolicy":
        outputs = _gaussian(settings)
    elif kind == "DeterministicMLPPolicy" and not settings.truth("batch_norm"):
        outputs = {"action": _network(settings, "h", "")}
    else:
        raise UnreadableError(
            f"a {kind} cannot be rebuilt"
            + (" with batch normalization" if "batch_norm" in settings else ""),
            where=settings.where,
            expected="a Gaussian, categorical or (without batch normalization) deterministic "
            "MLP policy",
            advice="The weights can be had by legacy_weights.open or read",
        )
    statistics = [leaf.name for leaf in snapshot.leaves if leaf.role is Role.STATE]
    return Specification("rllab", (settings.integer("obs_dim"),), outputs, statistics)


def _gaussian(settings: Settings) -> dict[str, list[Layer]]:
    if settings.truth("adaptive_std"):
        mean = _network(settings, "hidden_", "mean_network/")
        deviation = _network(settings, "hidden_", "std_network/", "std_")
    else:
        mean = _network(settings, "hidden_", "")
        units = settings.integer("action_dim")
        deviation = [Broadcast("output_log_std (ParamLayer)", units, "log_std")]
    if "min_std" in settings:
        least = settings.number("min_std")
        if least < 0:
            raise settings.wrong("min_std", "a number of at least 0")
        if least:
            function = Function("at_least", {"least": math.log(least)})
            deviation.append(Nonlinearity("min_std", function))
    return {"mean": mean, "log_std": deviation}


def _network(settings: Settings, layer: str, scope: str, prefix: str = "") -> list[Layer]:
    """Return the layers of an ``MLP`` of rllab/core/network.py."""
    sizes = settings.integers(f"{prefix}hidden_sizes")
    names = [f"{scope}{layer}{index}" for index in range(len(sizes))]
    hidden = settings.values.get(f"{prefix}hidden_nonlinearity")
    # The network of the deviation ends without one.
    last = None if prefix else settings.values.get("output_nonlinearity")
    layers: list[Layer] = [
        _dense(name, size, hidden) for name, size in zip(names, sizes, strict=True)
    ]
    return [*layers, _dense(f"{scope}output", settings.integer("action_dim"), last)]


def _dense(name: str, units: int, nonlinearity: JSON) -> Dense:
    where = f"{name} (DenseLayer)"
    function = function_of(nonlinearity, where)
    return Dense(where, units, f"{name}/W", f"{name}/b", function)
