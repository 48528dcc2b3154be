"""The arguments with which rllab's objects were made, as their pickles state them.

``Serializable.quick_init`` (``rllab/core/serializable.py``) keeps all positional arguments of a
constructor in order, defaults included, so that their number tells its version.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from legacy_weights.errors import LayoutError
from legacy_weights.families.labels import class_of, text_of
from legacy_weights.families.rllab_spaces import attribute, flat_dim, spaces
from legacy_weights.families.values import resolve
from legacy_weights.pickles.objects import Global, Instance

_LAYERS = 64
"""No network of rllab had so many layers; the lists that a file states are no longer."""
_WIDEST = 2**31

_GAUSSIAN = (
    "env_spec hidden_sizes learn_std init_std adaptive_std std_share_network std_hidden_sizes"
)
_REGRESSOR = (
    "hidden_sizes hidden_nonlinearity optimizer use_trust_region step_size learn_std init_std "
    "adaptive_std std_share_network std_hidden_sizes std_hidden_nonlinearity normalize_inputs "
    "normalize_outputs name"
)
_SIGNATURES = {
    "GaussianMLPPolicy": (
        f"{_GAUSSIAN} std_hidden_nonlinearity hidden_nonlinearity output_nonlinearity",
        f"{_GAUSSIAN} min_std std_hidden_nonlinearity hidden_nonlinearity output_nonlinearity "
        "mean_network std_network dist_cls output_gain",
    ),
    "CategoricalMLPPolicy": (
        "env_spec hidden_sizes hidden_nonlinearity prob_network",
        "env_spec hidden_sizes hidden_nonlinearity num_seq_inputs prob_network",
    ),
    "DeterministicMLPPolicy": (
        "env_spec hidden_sizes hidden_nonlinearity hidden_W_init hidden_b_init "
        "output_nonlinearity output_W_init output_b_init bn",
    ),
    "ContinuousMLPQFunction": (
        "env_spec hidden_sizes hidden_nonlinearity hidden_W_init hidden_b_init "
        "action_merge_layer output_nonlinearity output_W_init output_b_init bn",
    ),
    "GaussianMLPBaseline": (
        "env_spec regressor_args",
        "env_spec subsample_factor regressor_args",
        "env_spec subsample_factor num_seq_inputs regressor_args",
    ),
    "GaussianMLPRegressor": (
        f"input_shape output_dim {_REGRESSOR}",
        f"input_shape output_dim mean_network {_REGRESSOR} batchsize subsample_factor",
    ),
}
"""The arguments of every version of the constructors, in order.

From the histories of rll/rllab (2016-04 to 2018) and florensacc/rllab-curriculum (from 2016-03):
``rllab/policies/*_mlp_policy.py``, ``rllab/q_functions/continuous_mlp_q_function.py``,
``rllab/baselines/gaussian_mlp_baseline.py``, ``rllab/regressors/gaussian_mlp_regressor.py``.  What
was first called ``nonlinearity`` and ``std_nonlinearity`` has the later name here.
"""

_TANH, _RECTIFY = (Global("lasagne.nonlinearities", name) for name in ("tanh", "rectify"))
_DEFAULTS: dict[str, dict[str, Any]] = {
    "GaussianMLPPolicy": {
        "hidden_nonlinearity": _TANH,
        "std_hidden_nonlinearity": _TANH,
        "min_std": 1e-6,
    },
    "CategoricalMLPPolicy": {"hidden_nonlinearity": _TANH},
    "DeterministicMLPPolicy": {"hidden_nonlinearity": _RECTIFY, "output_nonlinearity": _TANH},
    "ContinuousMLPQFunction": {"hidden_nonlinearity": _RECTIFY, "action_merge_layer": -2},
    "GaussianMLPRegressor": {"hidden_nonlinearity": _RECTIFY},
}
_COMMON = {
    "hidden_sizes": (32, 32),
    "std_hidden_sizes": (32, 32),
    "learn_std": True,
    "adaptive_std": False,
    "bn": False,
    "num_seq_inputs": 1,
    "min_std": None,
}
"""What the constructors take where the file says nothing: their defaults in rll/rllab."""


def arguments_of(name: str, instance: Instance) -> Arguments:
    """Return the arguments with which the file says that an object was made.

    Raises
    ------
    LayoutError
        If it says nothing, or not which version of the constructor it was.
    """
    return Arguments(name, _given(name, instance))


def _given(name: str, instance: Instance) -> dict[str, Any]:
    """Return the arguments that the file states, by name."""
    args, kwargs = attribute(instance, "__args"), attribute(instance, "__kwargs")
    if type(args) not in (tuple, list):
        raise LayoutError("the file states no arguments of the constructor")
    known = [signature.split() for signature in _SIGNATURES[name]]
    count = len(args)
    fitting = [names for names in known if len(names) == count]
    fitting = fitting or [names for names in known if len(names) > count] or known[-1:]
    if any(names[:count] != fitting[-1][:count] for names in fitting):
        raise LayoutError(f"{count} arguments of the constructor, which fit several versions of it")
    found = dict(zip(fitting[-1], args, strict=False))
    if type(kwargs) is dict and len(kwargs) <= _LAYERS:
        found |= {text_of(key): value for key, value in kwargs.items()}
    return found


class Arguments:
    """The arguments of a constructor, each checked when it is asked for.

    Parameters
    ----------
    name : str
        The class, without its module.
    given : mapping of str to object
        What the file states; for the rest the defaults count.
    """

    def __init__(self, name: str, given: Mapping[str, Any]) -> None:
        self.known = {**_COMMON, **_DEFAULTS.get(name, {}), **given}

    def truth(self, name: str) -> bool:
        """Return a switch."""
        value = self.known.get(name)
        if isinstance(value, bool | np.bool_) or (type(value) is int and value in (0, 1)):
            return bool(value)
        raise wrong(name, value, "True or False")

    def number(self, name: str) -> int:
        """Return a number of units."""
        value: Any = self.known.get(name)
        if _is_count(value):
            return int(value)
        raise wrong(name, value, "a number of units")

    def sizes(self, name: str) -> list[int]:
        """Return the numbers of units of several layers."""
        value: Any = resolve(self.known.get(name))
        if isinstance(value, np.ndarray) and value.ndim == 1 and value.size <= _LAYERS:
            value = list(value)
        if type(value) not in (list, tuple) or len(value) > _LAYERS:
            raise wrong(name, value, f"a list of at most {_LAYERS} numbers")
        if not all(map(_is_count, value)):
            raise wrong(name, value, "numbers of units")
        return [int(size) for size in value]

    def function(self, name: str) -> str | None:
        """Return the dotted name of a nonlinearity; None is the identity."""
        value = self.known.get(name)
        if value is None:
            return None
        if type(value) is Global:
            return value.dotted
        if type(value) is Instance:
            return class_of(value)
        raise wrong(name, value, "a function")

    def without(self, *names: str) -> None:
        """Refuse networks that were built elsewhere."""
        for name in names:
            if self.known.get(name) is not None:
                raise LayoutError(f"a network of its own ({name})")

    def dims(self) -> tuple[int, int]:
        """Return the lengths of a flat observation and of a flat action."""
        observation, action = spaces(self.known.get("env_spec"))
        return flat_dim(observation), flat_dim(action)


def _is_count(value: Any) -> bool:
    kind = type(value)
    return (kind is int or isinstance(value, np.integer)) and 0 < int(value) < _WIDEST


def wrong(name: str, value: Any, expected: str) -> LayoutError:
    """Return the error of an argument of a wrong kind."""
    return LayoutError(f"its {name} is a {type(value).__name__}", expected=expected)
