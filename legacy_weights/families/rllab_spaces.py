"""rllab's environment specifications and spaces: how many numbers an observation has.

``EnvSpec`` (``rllab/envs/env_spec.py``) keeps an observation space and an action space; a ``Box``
keeps the arrays ``low`` and ``high``, a ``Discrete`` the number ``_n``, a ``Product`` its
``_components`` (``rllab/spaces/``).  The length of a flat element is that of ``flat_dim`` there.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from legacy_weights.errors import LayoutError
from legacy_weights.families.labels import text_of
from legacy_weights.families.values import attributes, class_name, resolve
from legacy_weights.pickles.objects import Instance

_COMPONENTS = 64
_DEPTH = 4
_LARGEST = 2**31


def attribute(raw: Any, name: str) -> Any:
    """Return an attribute of a record, or None."""
    return attributes(raw).get(name)


def spaces(spec: Any) -> tuple[Any, Any]:
    """Return the observation space and the action space of an environment's specification.

    Raises
    ------
    LayoutError
        If it is none.
    """
    known = attributes(spec)
    args: Any = known.get("__args")
    if type(args) in (tuple, list) and len(args) == 2:
        return args[0], args[1]
    kwargs: Any = known.get("__kwargs")
    named = {text_of(key): value for key, value in kwargs.items()} if _is_short(kwargs) else {}
    for place in (named, {name.lstrip("_"): value for name, value in known.items()}):
        if "observation_space" in place and "action_space" in place:
            return place["observation_space"], place["action_space"]
    raise LayoutError("the file states no spaces of the environment (env_spec)")


def _is_short(value: Any) -> bool:
    return type(value) is dict and len(value) <= _COMPONENTS


def flat_dim(space: Any, depth: int = 0) -> int:
    """Return how many numbers a flat element of a space has.

    Raises
    ------
    LayoutError
        If the space is of no known kind.
    """
    known, name = attributes(space), class_name(space)
    if name == "Box":
        low, high = resolve(known.get("low")), resolve(known.get("high"))
        if _is_bound(low) and _is_bound(high) and low.shape == high.shape and low.size:
            return int(low.size)
        raise LayoutError("a Box of the environment has no bounds of one shape")
    if name == "Discrete":
        number: Any = known.get("_n", known.get("n"))
        whole = type(number) is int or isinstance(number, np.integer)
        if whole and 0 < number < _LARGEST:
            return int(number)
        raise LayoutError("a Discrete space of the environment has no number of values")
    parts: Any = known.get("_components")
    if name == "Product" and type(parts) in (tuple, list):
        if depth < _DEPTH and len(parts) <= _COMPONENTS:
            return sum(flat_dim(part, depth + 1) for part in parts)
        raise LayoutError("a Product space of the environment is nested too deeply")
    kind = name if type(space) is Instance else type(space).__name__
    raise LayoutError(f"a space of the environment is a {kind}, whose size is not known")


def _is_bound(value: Any) -> bool:
    return isinstance(value, np.ndarray | np.generic)
