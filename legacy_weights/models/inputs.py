"""What a policy is given, checked and brought into the form that its functions take."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from legacy_weights.errors import UsageError
from legacy_weights.models.compiling import exactly
from legacy_weights.models.distributions import Distribution, Float, Rng

_FLOAT = np.dtype(np.float64)
Feed = tuple[Float, NDArray[Any], Float, Float]


class Inputs:
    """Checks what the methods of one policy are given.

    Parameters
    ----------
    width : int
        How many numbers an observation has.
    distribution : Gibbs or Gaussian
    """

    def __init__(self, width: int, distribution: Distribution) -> None:
        self._width = width
        self._distribution = distribution

    def observations(self, obs: ArrayLike) -> Float:
        """Return observations as (batch, observations), float64."""
        batch = np.asarray(obs, _FLOAT, order="C")
        if batch.ndim == 1:
            batch = batch[None]
        if batch.ndim != 2 or batch.shape[1] != self._width:
            raise UsageError(
                f"the observations are {np.shape(obs)}",
                expected=f"(batch, {self._width}) or ({self._width},)",
            )
        return batch if batch.flags.carray else batch.copy()

    def actions(self, actions: ArrayLike, batch: int) -> NDArray[Any]:
        """Return actions as (batch, a), int64 or float64."""
        dtype, width = self._distribution.action_dtype, self._distribution.action_width
        given = np.asarray(actions)
        if dtype.kind == "i" and given.dtype.kind not in "iu":
            raise UsageError(f"the actions are {given.dtype.name}", expected="integers")
        shaped = given.reshape(-1, width) if _is_flat(given, batch, width) else given
        if shaped.shape != (batch, width):
            raise UsageError(f"the actions are {given.shape}", expected=f"{(batch, width)}")
        return self._distribution.checked(exactly(shaped, dtype))

    def distributions(self, distribution: ArrayLike, batch: int) -> Float:
        """Return action distributions as (batch, k), float64."""
        width = self._distribution.width
        old = exactly(distribution, _FLOAT)
        if old.shape != (batch, width):
            if old.shape == (width,) and batch == 1:
                return old[None]
            raise UsageError(f"the distributions are {old.shape}", expected=f"{(batch, width)}")
        return old

    def feed(
        self, obs: ArrayLike, actions: ArrayLike, actiondist: ArrayLike, advantages: ArrayLike
    ) -> Feed:
        """Return observations, actions, distributions, and advantages (batch,)."""
        batch = self.observations(obs)
        gains = exactly(advantages, _FLOAT)
        if gains.shape != (len(batch),):
            raise UsageError(f"the advantages are {gains.shape}", expected=f"({len(batch)},)")
        n = len(batch)
        return batch, self.actions(actions, n), self.distributions(actiondist, n), gains


def _is_flat(actions: NDArray[Any], batch: int, width: int) -> bool:
    """Whether these are the numbers of one action, or one number an action."""
    return actions.ndim == 1 and actions.size == batch * width and 1 in (batch, width)


def subsampled(
    feed: tuple[NDArray[Any], ...], fraction: float | None, rng: Rng | int | None
) -> tuple[NDArray[Any], ...]:
    """Return a fraction of the rows of `feed`, drawn with replacement; all if it is None.

    Notes
    -----
    policyopt/optim.py, ``subsample_feed``.
    """
    if fraction is None:
        return feed
    if not 0.0 < fraction <= 1.0:
        raise UsageError(f"subsample_hvp_frac is {fraction}", expected="above 0, at most 1")
    generator = rng if isinstance(rng, np.random.RandomState) else np.random.default_rng(rng)
    n = int(fraction * len(feed[0]))
    if n == 0:
        raise UsageError(f"{fraction} of {len(feed[0])} observations is none")
    rows = generator.choice(len(feed[0]), size=n)
    return tuple(part[rows] for part in feed)


def standardized(values: Float) -> Float:
    """Return (values - mean) / (standard deviation + 1e-8), (n,) (policyopt/util.py)."""
    centred = values - values.mean()
    return centred / (centred.std() + 1e-8)  # type: ignore[no-any-return]
