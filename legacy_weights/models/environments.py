"""What Gym's environments of 2016 are called today, and what has changed in them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from legacy_weights.errors import UsageError

_NAME = re.compile(r"(?P<base>.+?)(?:-v(?P<version>[0-9]+))?")
_MUJOCO = frozenset(
    (
        "Ant",
        "HalfCheetah",
        "Hopper",
        "Humanoid",
        "HumanoidStandup",
        "InvertedDoublePendulum",
        "InvertedPendulum",
        "Reacher",
        "Swimmer",
        "Walker2d",
    )
)
# Gym's timestep_limit of 2016; MuJoCo's others had 1,000.
_LIMITS = {"CartPole": 200, "MountainCar": 200, "Acrobot": 200, "Pendulum": 200, "Reacher": 50}


@dataclass(frozen=True, slots=True)
class Environment:
    """How to make the environment of a log today.

    Parameters
    ----------
    id : str
        Its name in Gymnasium.
    max_episode_steps : int, optional
        Where an episode ends; None leaves it to the environment.
    options : mapping
        Further arguments of ``gymnasium.make``.
    raw_state : bool
        Whether the policy sees the environment's state instead of its observation.
    notes : tuple of str
        What differs from the environment that the log was made in.
    """

    id: str
    max_episode_steps: int | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    raw_state: bool = False
    notes: tuple[str, ...] = ()

    def make(self) -> Any:
        """Return the environment (``gymnasium.Env``)."""
        gymnasium = import_gymnasium()
        limit = (
            {} if self.max_episode_steps is None else {"max_episode_steps": self.max_episode_steps}
        )
        # The checker would complain of actions beyond the bounds, which the old policies take.
        return gymnasium.make(self.id, disable_env_checker=True, **limit, **self.options)

    def observer(self, environment: Any) -> Callable[[Any], Any]:
        """Return the function that makes of an observation what the policy sees."""
        if self.raw_state:
            return lambda _: environment.unwrapped.state
        return lambda observation: observation


def find(name: str, registered: Iterable[str], max_traj_len: int | None = None) -> Environment:
    """Find the environment that a log names among those that are registered now.

    Parameters
    ----------
    name : str
        As in the log: ``CartPole-v0``, ``Hopper-v1``, or ``Walker2d`` without a version.
    registered : iterable of str
        The environments that there are.
    max_traj_len : int, optional
        The longest episode of the log, if it is not the environment's own.

    Raises
    ------
    UsageError
        If none fits.
    """
    match = _NAME.fullmatch(name)
    base = match["base"] if match else name
    ids = set(registered)
    # Version 4 is MuJoCo's last with the observations of 2016.
    wanted = [f"{base}-v4", f"{base}-v5"] if base in _MUJOCO else [f"{base}-v1", f"{base}-v0"]
    found = next((id_ for id_ in wanted if id_ in ids), name if name in ids else None)
    if found is None:
        raise UsageError(
            f"Gymnasium has no environment for {name!r}",
            expected=f"one of {', '.join(wanted)}",
            advice="Name one that it has, or install its extra (mujoco, classic-control)",
        )
    notes = [] if found == name else [f"{name} of the log is {found} today"]
    limit = max_traj_len or _LIMITS.get(base) or (1000 if base in _MUJOCO else None)
    if limit is not None:
        notes.append(f"episodes end after {limit:,} steps, as in the log")
    if base in _MUJOCO:
        notes.append("MuJoCo's simulation has changed since 2016: returns differ somewhat")
    options: dict[str, Any] = {}
    if base == "Ant" and found.endswith("-v4"):
        options["use_contact_forces"] = True
        notes.append("contact forces are part of the observation and of the cost, as in 2016")
    if base == "Acrobot":
        notes.append("the policy sees the raw state (4 numbers), which was the observation in 2016")
    return Environment(found, limit, options, base == "Acrobot", tuple(notes))


def named(name: str, registered: Iterable[str], max_traj_len: int | None = None) -> Environment:
    """Return the environment that a user asks for: as it is, if there is one of this name."""
    if name not in set(registered):
        return find(name, registered, max_traj_len)
    base = name.rpartition("-v")[0]
    options = {"use_contact_forces": True} if name == "Ant-v4" else {}
    return Environment(name, None, options, base == "Acrobot")


def import_gymnasium() -> Any:
    """Return the module ``gymnasium``, or say how to get it."""
    try:
        import gymnasium
    except ImportError as error:
        raise UsageError(
            "Gymnasium is not installed", advice="pip install 'legacy-weights[gym]'"
        ) from error
    return gymnasium
