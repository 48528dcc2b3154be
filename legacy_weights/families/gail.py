"""What the names and arguments of GAIL's files mean (openai/imitation, 2016).

A GAIL model keeps its variables in a tree of scopes, after TensorFlow's: ``GaussianPolicy`` has
the scopes ``obsnorm``, ``hidden`` and ``out``, and a variable's name is its path,
``GaussianPolicy/hidden/FeedforwardNet/layer_0/AffineLayer/W`` (policyopt/nn.py,
``variable_scope``).  HDF5 sorts the names; this module knows the order in which the program made
them, which is the order of the flat vector.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from legacy_weights.errors import DamagedError, UnreadableError
from legacy_weights.paths import natural
from legacy_weights.tree import Role, Trainable

TENSORFLOW_SUFFIX = ":0"

# The order in which the program makes them.  Variables: policyopt/nn.py, AffineLayer and
# Standardizer; policyopt/rl.py, GaussianPolicy.  Scopes: policyopt/rl.py, Policy and ValueFunc;
# policyopt/imitation.py, TransitionClassifier and LinearReward.
_VARIABLES = ("logstdevs_1_Da", "count", "mean_1_D", "meansq_1_D", "W", "b")
_SCOPES = ("obsnorm", "inputnorm", "vnorm", "hidden", "out")
_WRAPPERS = ("AffineLayer", "FeedforwardNet", "Standardizer")
_STANDARDIZER = ("count", "mean_1_D", "meansq_1_D")
_LAYER = re.compile(r"layer_([0-9]+)")
_ITERATION = re.compile(r"iter([0-9]+)")

PADDED_TRAJECTORIES = frozenset({"obs_B_T_Do", "a_B_T_Da", "r_B_T", "len_B"})
"""Arrays at the root of a file by scripts/vis_mj.py: padded on the right, lengths in ``len_B``."""

TRAJECTORY = frozenset({"obs_T_Do", "adist_T_Pa", "a_T_Da", "r_T"})
"""Arrays of a group ``000000``, ``000001`` … by policyopt/__init__.py, ``TrajBatch.save_h5``."""


def scopes(name: str) -> tuple[str, ...]:
    """Return the components of a variable's name, without a leading slash and ``:0``."""
    return tuple(name.removesuffix(TENSORFLOW_SUFFIX).strip("/").split("/"))


def order_names(names: Iterable[str]) -> tuple[list[str], bool]:
    """Sort the variables of a model as GAIL makes them and flattens them.

    A scope's own variables come before those of its children (policyopt/nn.py,
    ``variable_scope.get_child_variables``); variables and children in the order of their making.

    Parameters
    ----------
    names : iterable of str
        With or without a leading slash or ``:0``, in any order.

    Returns
    -------
    names : list of str
        As they were given, sorted.
    known : bool
        Whether every name is one that GAIL uses.  Others come after the known ones of their
        scope, in natural order, and their place is a guess.
    """
    ordered = sorted(names, key=_place)
    return ordered, all(_is_known(scopes(name)) for name in ordered)


def _place(name: str) -> list[tuple[int, int, Any]]:
    *inner, last = scopes(name)
    # The root of the tree is the model's own name, which is free.
    branches = [
        _rank(scope, _SCOPES) if i else (0, natural(scope)) for i, scope in enumerate(inner)
    ]
    return [*((1, *branch) for branch in branches), (0, *_rank(last, _VARIABLES))]


def _rank(component: str, places: Sequence[str]) -> tuple[int, Any]:
    if component in places:
        return places.index(component), ()
    if layer := _LAYER.fullmatch(component):
        return len(places), int(layer[1])
    return len(places) + 1, natural(component)


def _is_known(components: Sequence[str]) -> bool:
    _, *inner, last = components
    scopes_known = all(
        scope in _SCOPES or scope in _WRAPPERS or _LAYER.fullmatch(scope) for scope in inner
    )
    return scopes_known and last in _VARIABLES


def role(name: str) -> tuple[Role, Trainable]:
    """Return what a variable is for: the accumulators of a Standardizer are never trained.

    Notes
    -----
    policyopt/nn.py, ``Standardizer`` (``trainable=False``).
    """
    parts = scopes(name)
    if len(parts) > 1 and parts[-2] == "Standardizer" and parts[-1] in _STANDARDIZER:
        return Role.STATE, Trainable.NO
    return Role.WEIGHT, Trainable.YES


def iteration(snapshot: str) -> int | None:
    """Return the iteration that a snapshot's name states: 100 for ``iter0000100``."""
    match = _ITERATION.fullmatch(snapshot)
    return int(match[1]) if match else None


def trajectory_kind(paths: Iterable[str]) -> str | None:
    """Tell the two kinds of trajectory files by the paths of their datasets.

    Parameters
    ----------
    paths : iterable of str
        Of all datasets, relative to the root.

    Returns
    -------
    str or None
        ``"padded"`` (scripts/vis_mj.py), ``"episodes"`` (``TrajBatch.save_h5``), or None.
    """
    found = {path.strip("/") for path in paths}
    if found >= PADDED_TRAJECTORIES:
        return "padded"
    if not found:
        return None
    groups: dict[str, set[str]] = {}
    for path in found:
        group, _, last = path.rpartition("/")
        groups.setdefault(group, set()).add(last)
    numbered = all(re.fullmatch(r"[0-9]{6,}", group) for group in groups)
    return "episodes" if numbered and all(have >= TRAJECTORY for have in groups.values()) else None


@dataclass(frozen=True, slots=True)
class Arguments:
    """What a log says of its training run: the arguments of run_rl_mj.py or imitate_mj.py.

    Parameters
    ----------
    env_name : str, optional
        Gym's name of the environment, such as ``CartPole-v0``.
    hidden_spec : tuple of mapping, optional
        The hidden layers, one dictionary each.
    enable_obsnorm : bool, optional
        Whether observations are standardized.
    max_traj_len : int, optional
        The longest episode, where it is not the environment's own.
    raw : mapping
        All arguments as the file has them.
    """

    env_name: str | None = None
    hidden_spec: tuple[Mapping[str, Any], ...] | None = None
    enable_obsnorm: bool | None = None
    max_traj_len: int | None = None
    raw: Mapping[str, Any] = field(default_factory=dict)


def parse_args(args: str | bytes | Mapping[str, Any]) -> Arguments:
    """Read the root attribute ``args``.

    ``enable_obsnorm`` was ``obsnorm_mode`` in older files and in imitate_mj.py, and any mode but
    ``none`` meant yes (scripts/vis_mj.py, ``main``).

    Parameters
    ----------
    args : str, bytes or mapping
        JSON text of an object, or the object.

    Raises
    ------
    DamagedError
        If it is no JSON object, or the layers in it are no list of objects.
    """
    raw = args if isinstance(args, Mapping) else _object(args)
    enable_obsnorm: bool | None = None
    if "enable_obsnorm" in raw:
        enable_obsnorm = bool(raw["enable_obsnorm"])
    elif "obsnorm_mode" in raw:
        enable_obsnorm = raw["obsnorm_mode"] != "none"
    spec = raw.get("policy_hidden_spec")
    return Arguments(
        env_name=raw.get("env_name"),
        hidden_spec=None if spec is None else parse_spec(spec),
        enable_obsnorm=enable_obsnorm,
        max_traj_len=raw.get("max_traj_len"),
        raw=dict(raw),
    )


def parse_spec(spec: str | bytes | Sequence[Mapping[str, Any]]) -> tuple[Mapping[str, Any], ...]:
    """Return the layer dictionaries of a specification, which GAIL keeps as JSON text.

    Raises
    ------
    DamagedError
        If it is no list of objects.
    """
    layers = json_value(spec, "policy_hidden_spec") if isinstance(spec, str | bytes) else spec
    if not isinstance(layers, Sequence) or not all(isinstance(layer, Mapping) for layer in layers):
        raise DamagedError(
            f"the layers are {layers!r:.80}",
            where="policy_hidden_spec",
            expected="a JSON list of objects, one a layer",
        )
    return tuple(dict(layer) for layer in layers)


def policy_scope(names: Iterable[str]) -> str:
    """Return the scope in which the policy's variables stand.

    Parameters
    ----------
    names : iterable of str
        The variables of one snapshot.

    Returns
    -------
    str
        ``GibbsPolicy`` or ``GaussianPolicy`` where there is one of them, else the only root.

    Raises
    ------
    UnreadableError
        If there is no policy, or more than one.
    """
    roots = sorted({scopes(name)[0] for name in names if len(scopes(name)) > 1})
    policies = [root for root in roots if root in ("GibbsPolicy", "GaussianPolicy")] or roots
    if len(policies) != 1:
        raise UnreadableError(
            f"the scopes at the root are {', '.join(roots) or 'none'}",
            expected="one policy: GibbsPolicy or GaussianPolicy",
        )
    return policies[0]


def json_value(text: str | bytes, where: str) -> Any:
    """Return the value of a JSON text that stands at `where`."""
    try:
        return json.loads(text)
    except ValueError as error:
        raise DamagedError(f"{error}", where=where, expected="JSON text") from error


def _object(text: str | bytes) -> Mapping[str, Any]:
    value = json_value(text, "args")
    if not isinstance(value, dict):
        raise DamagedError(f"{type(value).__name__}", where="args", expected="a JSON object")
    return value
