"""Policies run in the environments that they were trained in."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from legacy_weights.errors import UsageError
from legacy_weights.models.environments import Environment, find, import_gymnasium, named
from legacy_weights.models.policy import Policy
from legacy_weights.tree import Tree

# What the logs call the return: policyopt/rl.py, and policyopt/imitation.py.
_RETURNS = ("ret", "trueret")


@dataclass(frozen=True, slots=True)
class Replay:
    """What a policy earned.

    Parameters
    ----------
    environment : str
        Its name in Gymnasium.
    logged_environment : str, optional
        The name in the training log.
    deterministic : bool
    seed : int
        Episode i began from the seed `seed` + i.
    returns : tuple of float
        The sum of the rewards of each episode.
    lengths : tuple of int
        Steps of each episode.
    logged_return : float, optional
        What the training log has for the snapshot.
    notes : tuple of str
        What differs from the training run.
    """

    environment: str
    logged_environment: str | None
    deterministic: bool
    seed: int
    returns: tuple[float, ...]
    lengths: tuple[int, ...]
    logged_return: float | None = None
    notes: tuple[str, ...] = ()

    @property
    def mean(self) -> float:
        """Mean return."""
        return float(np.mean(self.returns))

    @property
    def std(self) -> float:
        """Standard deviation of the returns."""
        return float(np.std(self.returns))


def replay(
    policy: Policy,
    env: str | None = None,
    *,
    episodes: int = 10,
    seed: int = 0,
    deterministic: bool = True,
    logged_return: float | None = None,
) -> Replay:
    """Run `policy` for some episodes.

    Parameters
    ----------
    policy : Policy
    env : str, optional
        Gymnasium's name of an environment; by default the one that the log names, with the
        episode length of the log.
    episodes : int
        At least 1.
    seed : int
        Of the first episode; each following one has the next.
    deterministic : bool
        Whether the policy takes its likeliest (mean) action, or draws.
    logged_return : float, optional
        To be kept beside the returns; see :func:`find_logged_return`.

    Raises
    ------
    UsageError
        If Gymnasium or the environment is missing, or its observations or actions do not fit.
    """
    if episodes < 1:
        raise UsageError(f"{episodes} episodes", expected="at least 1")
    recipe = _recipe(policy, env)
    with warnings.catch_warnings():
        # The closest environment may well be an outdated one.
        warnings.filterwarnings("ignore", module="gymnasium")
        environment = recipe.make()
        try:
            runs = _run(policy, environment, recipe, episodes, seed, deterministic)
        finally:
            environment.close()
    return Replay(
        environment=recipe.id,
        logged_environment=policy.arguments.env_name,
        deterministic=deterministic,
        seed=seed,
        returns=tuple(run[0] for run in runs),
        lengths=tuple(run[1] for run in runs),
        logged_return=logged_return,
        notes=recipe.notes,
    )


def find_logged_return(tree: Tree, iteration: int | None) -> float | None:
    """Return what the training log says that the policy of an iteration earned.

    Parameters
    ----------
    tree : Tree
    iteration : int, optional
        None is the last row.
    """
    for table in tree.tables:
        name = next((name for name in _RETURNS if name in table.columns), None)
        if table.path != "/log" or name is None or not table.length:
            continue
        returns = table.columns[name].load()
        if iteration is None:
            return float(returns[-1])
        if "iter" in table.columns:
            rows = np.flatnonzero(table.columns["iter"].load() == iteration)
            return float(returns[rows[-1]]) if len(rows) else None
    return None


def _recipe(policy: Policy, env: str | None) -> Environment:
    registered = import_gymnasium().registry
    logged = policy.arguments
    if env is not None:
        return named(env, registered, logged.max_traj_len)
    if logged.env_name is None:
        raise UsageError("the file names no environment", advice="Name one: env='CartPole-v1'")
    return find(logged.env_name, registered, logged.max_traj_len)


def _run(
    policy: Policy,
    environment: Any,
    recipe: Environment,
    episodes: int,
    seed: int,
    deterministic: bool,
) -> list[tuple[float, int]]:
    observe = recipe.observer(environment)
    rng = np.random.default_rng(seed)
    runs = []
    for episode in range(episodes):
        observation, _ = environment.reset(seed=seed + episode)
        total, steps, done = 0.0, 0, False
        if not episode:
            _refuse_misfits(policy, environment, np.shape(observe(observation)))
        while not done:
            action = policy.act(observe(observation), deterministic, rng)
            step = int(action[0]) if policy.kind == "gibbs" else action
            observation, reward, terminated, truncated, _ = environment.step(step)
            total += float(reward)
            steps += 1
            done = terminated or truncated
        runs.append((total, steps))
    return runs


def _refuse_misfits(policy: Policy, environment: Any, observed: tuple[int, ...]) -> None:
    if observed != (policy.observation_width,):
        raise UsageError(
            f"an observation is {observed}",
            where=environment.spec.id,
            expected=f"({policy.observation_width},), as the policy takes it",
        )
    space = environment.action_space
    there = space.n if policy.kind == "gibbs" and hasattr(space, "n") else space.shape
    wanted = policy.actions if policy.kind == "gibbs" else (policy.action_width,)
    if there != wanted:
        raise UsageError(
            f"the actions are {space}",
            where=environment.spec.id,
            expected=f"{wanted}, as the policy gives them",
        )
