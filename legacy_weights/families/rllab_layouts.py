"""What the constructors of rllab build, and in which order their parameters stand in ``params``.

``Parameterized.__getstate__`` (``rllab/core/parameterized.py``) keeps the arguments of the
constructor and one vector.  That is ``get_param_values()`` without tags: the parameters of
``lasagne.layers.get_all_params(concat(output_layers))`` (``rllab/core/lasagne_powered.py``), layer
by layer in topological order, within a layer as it registered them, each in C order.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

from legacy_weights.errors import LayoutError
from legacy_weights.families.labels import class_of, text_of
from legacy_weights.families.rllab_arguments import Arguments, arguments_of, wrong
from legacy_weights.families.values import resolve
from legacy_weights.pickles.objects import Instance
from legacy_weights.tree import JSON


class Part(NamedTuple):
    """One parameter of a network.

    Parameters
    ----------
    name : str
        The layer's name and the parameter's: ``hidden_0/W``.
    shape : tuple of int
    trainable : bool
    state : bool
        Whether it is a running average.
    """

    name: str
    shape: tuple[int, ...]
    trainable: bool = True
    state: bool = False


class Built(NamedTuple):
    """What a constructor builds.

    Parameters
    ----------
    parts : list of Part
        In the order of the flat vector.
    architecture : dict of str to JSON
        See :mod:`legacy_weights.families.rllab`.
    """

    parts: list[Part]
    architecture: dict[str, JSON]


def build(instance: Instance) -> Built:
    """Return what the constructor of an object builds.

    Raises
    ------
    LayoutError
        If the class or one of its arguments is not understood; it says why.
    """
    name = class_of(instance).rpartition(".")[2]
    builder = _BUILDERS.get(name)
    if builder is None:
        raise LayoutError(f"the parameters of a {name} have no known layout")
    return builder(arguments_of(name, instance))


# Networks --------------------------------------------------------------------------------------


def _dense(name: str, inputs: int, outputs: int) -> list[Part]:
    return [Part(f"{name}/W", (inputs, outputs)), Part(f"{name}/b", (outputs,))]


def _normalised(name: str, size: int) -> list[Part]:
    """``BatchNormLayer`` of ``rllab/core/lasagne_layers.py``; Lasagne 0.2 names such ``_bn``."""
    trained = [Part(f"{name}_bn/{part}", (size,)) for part in ("beta", "gamma")]
    return trained + [Part(f"{name}_bn/{part}", (size,), False, True) for part in ("mean", "std")]


def _mlp(inputs: int, sizes: Sequence[int], outputs: int, scope: str = "") -> list[Part]:
    """``MLP`` of ``rllab/core/network.py``: layers ``hidden_0`` … and ``output``."""
    parts: list[Part] = []
    for index, size in enumerate(sizes):
        parts += _dense(f"{scope}hidden_{index}", inputs, size)
        inputs = size
    return parts + _dense(f"{scope}output", inputs, outputs)


def _gaussian(
    arguments: Arguments, inputs: int, outputs: int
) -> tuple[list[Part], dict[str, JSON]]:
    """Return the mean's network and, behind it, what gives the logarithm of the deviation.

    That is a parameter (``ParamLayer``, named ``output_log_std.param``), or with `adaptive_std` a
    network, whose layers have the same names as the other's.
    """
    arguments.without("mean_network", "std_network")
    sizes, adaptive = arguments.sizes("hidden_sizes"), arguments.truth("adaptive_std")
    architecture: dict[str, JSON] = {
        "hidden_sizes": list(sizes),
        "hidden_nonlinearity": arguments.function("hidden_nonlinearity"),
        "output_nonlinearity": arguments.function("output_nonlinearity"),
        "adaptive_std": adaptive,
    }
    if adaptive:
        std_sizes = arguments.sizes("std_hidden_sizes")
        architecture["std_hidden_sizes"] = list(std_sizes)
        architecture["std_hidden_nonlinearity"] = arguments.function("std_hidden_nonlinearity")
        parts = _mlp(inputs, sizes, outputs, "mean_network/")
        return parts + _mlp(inputs, std_sizes, outputs, "std_network/"), architecture
    learned = arguments.truth("learn_std")
    architecture["learn_std"] = learned
    parts = _mlp(inputs, sizes, outputs)
    return [*parts, Part("log_std", (outputs,), learned)], architecture


def _gaussian_policy(arguments: Arguments) -> Built:
    observation, action = arguments.dims()
    parts, architecture = _gaussian(arguments, observation, action)
    least = arguments.known["min_std"]
    known = isinstance(least, int | float) and math.isfinite(least)
    dims: dict[str, JSON] = {"obs_dim": observation, "action_dim": action}
    return Built(parts, {**dims, **architecture, "min_std": float(least) if known else None})


def _categorical_policy(arguments: Arguments) -> Built:
    arguments.without("prob_network")
    observation, action = arguments.dims()
    sizes, repeats = arguments.sizes("hidden_sizes"), arguments.number("num_seq_inputs")
    architecture: dict[str, JSON] = {
        "obs_dim": observation * repeats,
        "action_dim": action,
        "hidden_sizes": list(sizes),
        "hidden_nonlinearity": arguments.function("hidden_nonlinearity"),
        "output_nonlinearity": "lasagne.nonlinearities.softmax",
    }
    return Built(_mlp(observation * repeats, sizes, action), architecture)


def _deterministic_policy(arguments: Arguments) -> Built:
    observation, action = arguments.dims()
    sizes, normalised = arguments.sizes("hidden_sizes"), arguments.truth("bn")
    parts = _normalised("input", observation) if normalised else []
    width = observation
    for index, size in enumerate(sizes):
        parts += _dense(f"h{index}", width, size)
        if normalised:  # which takes the place of the bias
            parts[-1:] = _normalised(f"h{index}", size)
        width = size
    architecture: dict[str, JSON] = {
        "obs_dim": observation,
        "action_dim": action,
        "hidden_sizes": list(sizes),
        "hidden_nonlinearity": arguments.function("hidden_nonlinearity"),
        "output_nonlinearity": arguments.function("output_nonlinearity"),
        "batch_norm": normalised,
    }
    return Built(parts + _dense("output", width, action), architecture)


def _q_function(arguments: Arguments) -> Built:
    observation, action = arguments.dims()
    sizes, merge = arguments.sizes("hidden_sizes"), arguments.known["action_merge_layer"]
    if arguments.truth("bn"):
        raise LayoutError("a Q function with batch normalisation has no known layout")
    if type(merge) is not int:
        raise wrong("action_merge_layer", merge, "a number")
    layers = len(sizes) + 1
    merge = merge % layers if layers > 1 else 1
    parts: list[Part] = []
    width = observation
    for index, size in enumerate(sizes):
        parts += _dense(f"h{index + 1}", width + action * (index == merge), size)
        width = size
    architecture: dict[str, JSON] = {
        "obs_dim": observation,
        "action_dim": action,
        "hidden_sizes": list(sizes),
        "hidden_nonlinearity": arguments.function("hidden_nonlinearity"),
        "output_nonlinearity": arguments.function("output_nonlinearity"),
        "action_merge_layer": merge,
    }
    return Built(parts + _dense("output", width + action * (merge == layers), 1), architecture)


def _regressor(arguments: Arguments) -> Built:
    shape, outputs = arguments.sizes("input_shape"), arguments.number("output_dim")
    inputs = math.prod(shape)
    parts, architecture = _gaussian(arguments, inputs, outputs)
    dims: dict[str, JSON] = {"obs_dim": inputs, "output_dim": outputs}
    return Built(parts, {**dims, **architecture})


def _baseline(arguments: Arguments) -> Built:
    """``GaussianMLPBaseline``: its parameters are those of its regressor."""
    observation, _ = arguments.dims()
    given = resolve(arguments.known.get("regressor_args"))
    if given is not None and (type(given) is not dict or len(given) > _MOST_ARGUMENTS):
        raise wrong("regressor_args", given, "a dictionary")
    stated = {text_of(key): value for key, value in (given or {}).items()}
    shape = (observation * arguments.number("num_seq_inputs"),)
    return _regressor(
        Arguments("GaussianMLPRegressor", {**stated, "input_shape": shape, "output_dim": 1})
    )


_MOST_ARGUMENTS = 64
_BUILDERS: dict[str, Callable[[Arguments], Built]] = {
    "GaussianMLPPolicy": _gaussian_policy,
    "CategoricalMLPPolicy": _categorical_policy,
    "DeterministicMLPPolicy": _deterministic_policy,
    "ContinuousMLPQFunction": _q_function,
    "GaussianMLPRegressor": _regressor,
    "GaussianMLPBaseline": _baseline,
}
