"""Policies that act and learn as GAIL's did."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pytensor.tensor.sharedvar import TensorSharedVariable

from legacy_weights.errors import UsageError
from legacy_weights.families.gail import Arguments, role
from legacy_weights.flat import FlatVector
from legacy_weights.models.compiling import exactly, resolve
from legacy_weights.models.distributions import Float, Gibbs, Rng
from legacy_weights.models.functions import Functions
from legacy_weights.models.graph import Network, PolicyGraph
from legacy_weights.models.inputs import Inputs, standardized, subsampled
from legacy_weights.models.trpo import StepInfo, natural_step
from legacy_weights.tree import Role

_FLOAT = np.dtype(np.float64)


class Policy:
    """A stochastic policy: observations (batch, observations) → distributions over actions.

    Every method takes a batch (batch, observations), or one observation (observations,) and
    leaves the batch axis out of what it returns then.  Nothing is compiled before it is used.

    Parameters
    ----------
    network : Network
    arguments : Arguments
        What the file says of the training run.
    mode : {None, "C", "JAX"}

    Attributes
    ----------
    kind : str
        ``"gibbs"`` (one of k actions) or ``"gaussian"`` (a vector of numbers).
    variables : mapping of str to shared variable
        Trained or not, by their names in the file, in GAIL's order.
    flat : FlatVector
        Over the trainable ones.
    graph : PolicyGraph
        Symbolic inputs and outputs, to build on.
    """

    def __init__(
        self, network: Network, arguments: Arguments | None = None, mode: str | None = None
    ) -> None:
        resolve(mode)
        self._network = network
        self._distribution = network.distribution
        self.mode = mode
        self.arguments = arguments or Arguments()
        self.kind: str = network.distribution.kind
        self.graph: PolicyGraph = network.graph
        self.variables: Mapping[str, TensorSharedVariable] = network.variables
        trainable = [v for name, v in self.variables.items() if role(name)[0] is Role.WEIGHT]
        self.flat = FlatVector(trainable)
        self._functions = Functions(network, trainable, mode)
        self._width = network.observation_width
        self._inputs = Inputs(self._width, network.distribution)
        self._observations = self._inputs.observations

    def __repr__(self) -> str:
        chosen = f"one of {self.actions}" if self.actions else f"{self.action_width} numbers"
        sizes = f"{self._width} numbers → {chosen}, {self.flat.size:,} parameters"
        return f"Policy({self.kind}, {sizes}, mode={self.mode!r})"

    @property
    def observation_width(self) -> int:
        """How many numbers an observation has."""
        return self._width

    @property
    def action_width(self) -> int:
        """How many numbers an action has: 1 where it is an index."""
        return self._distribution.action_width

    @property
    def actions(self) -> int | None:
        """How many actions there are to choose from; None where they are numbers."""
        return self._distribution.k if isinstance(self._distribution, Gibbs) else None

    def act(
        self, obs: ArrayLike, deterministic: bool = True, rng: Rng | int | None = None
    ) -> NDArray[Any]:
        """Return actions: int64 (batch, 1), or float64 (batch, dim).

        Parameters
        ----------
        obs : array (batch, observations) or (observations,)
        deterministic : bool
            The likeliest action, or the mean; otherwise actions are drawn.
        rng : numpy.random.Generator, numpy.random.RandomState or int, optional
            Draws the actions.  A RandomState gives those that GAIL drew from the same state.

        Notes
        -----
        policyopt/rl.py, ``Policy.sample_actions``.
        """
        batch = self._observations(obs)
        if deterministic:
            actions: NDArray[Any] = self._functions.act(batch)
        else:
            if rng is None:
                rng = self._rng
            elif not isinstance(rng, np.random.RandomState):
                rng = np.random.default_rng(rng)
            actions = self._distribution.sample(self._functions.distribution(batch), rng)
        return actions if batch is obs or np.ndim(obs) == 2 else actions[0]

    def action_distribution(self, obs: ArrayLike) -> Float:
        """Return (batch, k): log-probabilities, or means and standard deviations side by side."""
        return self._unbatched(obs, self._functions.distribution(self._observations(obs)))

    def log_prob(self, obs: ArrayLike, actions: ArrayLike) -> Float:
        """Return the log-probabilities (or their densities) of `actions`, (batch,)."""
        batch = self._observations(obs)
        result = self._functions.log_prob(batch, self._inputs.actions(actions, len(batch)))
        return self._unbatched(obs, result)

    def entropy(self, obs: ArrayLike) -> Float:
        """Return the entropy of the action distributions in nats, (batch,)."""
        return self._unbatched(obs, self._functions.entropy(self._observations(obs)))

    def kl(self, obs: ArrayLike, old_actiondist: ArrayLike) -> Float:
        """Return the divergence of the policy from `old_actiondist` (batch, k), (batch,)."""
        batch = self._observations(obs)
        result = self._functions.kl(batch, self._inputs.distributions(old_actiondist, len(batch)))
        return self._unbatched(obs, result)

    def normalized(self, obs: ArrayLike) -> Float:
        """Return the observations as the network takes them, (batch, observations)."""
        return self._unbatched(obs, self._functions.normalized(self._observations(obs)))

    def bclone_loss(self, obs: ArrayLike, actions: ArrayLike) -> float:
        """Return the loss of behavioural cloning: minus the mean log-probability of `actions`."""
        batch = self._observations(obs)
        return float(self._functions.bclone_loss(batch, self._inputs.actions(actions, len(batch))))

    def bclone_loss_and_grad(self, obs: ArrayLike, actions: ArrayLike) -> tuple[float, Float]:
        """Return :meth:`bclone_loss` and its gradient (flat.size,)."""
        batch = self._observations(obs)
        actions = self._inputs.actions(actions, len(batch))
        loss, gradient = self._functions.bclone_loss_and_grad(batch, actions)
        return float(loss), gradient

    def surrogate(
        self, obs: ArrayLike, actions: ArrayLike, actiondist: ArrayLike, advantages: ArrayLike
    ) -> tuple[float, float]:
        """Return TRPO's objective, the mean of advantage · ratio, and the mean divergence."""
        objective, kl = self._functions.surrogate(
            *self._inputs.feed(obs, actions, actiondist, advantages)
        )
        return float(objective), float(kl)

    def surrogate_and_grad(
        self, obs: ArrayLike, actions: ArrayLike, actiondist: ArrayLike, advantages: ArrayLike
    ) -> tuple[float, float, Float]:
        """Return :meth:`surrogate` and the objective's gradient (flat.size,)."""
        feed = self._inputs.feed(obs, actions, actiondist, advantages)
        objective, kl, gradient = self._functions.surrogate_and_grad(*feed)
        return float(objective), float(kl), gradient

    def kl_hvp(self, obs: ArrayLike, actiondist: ArrayLike, v: ArrayLike) -> Float:
        """Return the Hessian of the mean divergence from `actiondist` times `v`, (flat.size,)."""
        batch = self._observations(obs)
        v = exactly(v, _FLOAT)
        if v.shape != (self.flat.size,):
            raise UsageError(f"v is {v.shape}", expected=f"({self.flat.size},)")
        product: Float = self._functions.kl_hvp(
            batch, self._inputs.distributions(actiondist, len(batch)), v
        )
        return product

    def trpo_step(
        self,
        obs: ArrayLike,
        actions: ArrayLike,
        actiondist: ArrayLike,
        advantages: ArrayLike,
        max_kl: float = 0.01,
        damping: float = 0.1,
        *,
        subsample_hvp_frac: float | None = None,
        grad_stop_tol: float = 1e-6,
        max_cg_iter: int = 10,
        enable_bt: bool = True,
        rng: Rng | int | None = None,
    ) -> StepInfo:
        """Take one step of trust-region policy optimization.

        Parameters
        ----------
        obs : array (batch, observations)
        actions : array (batch, a)
        actiondist : array (batch, k)
            What this policy gave for `obs` when the actions were drawn.
        advantages : array (batch,)
            Raw: they are standardized here, as by GAIL.
        max_kl : float
            The mean divergence that the step aims at; twice that is never exceeded.
        damping : float
            Added to the diagonal of the divergence's Hessian.
        subsample_hvp_frac : float, optional
            The Hessian is taken on this fraction of the batch, drawn with replacement.  GAIL's
            TRPO used 0.1; None takes the whole batch, and draws nothing.
        grad_stop_tol : float
            No step is taken if no component of the gradient is as large.
        max_cg_iter : int
            Iterations of conjugate gradient.
        enable_bt : bool
            Whether to search along the line.
        rng : numpy.random.Generator, numpy.random.RandomState or int, optional
            Draws the fraction.

        Returns
        -------
        StepInfo
            obj0, kl0, obj1, kl1, gnorm, bt.

        Raises
        ------
        UsageError
            If `actiondist` is not what this policy gives.

        Notes
        -----
        policyopt/rl.py, ``TRPO``; policyopt/optim.py, ``make_ngstep_func``.  After an exception
        the parameters are as before.
        """
        feed = self._inputs.feed(
            obs, actions, actiondist, standardized(exactly(advantages, _FLOAT))
        )
        objective, kl, gradient = self._functions.surrogate_and_grad(*feed)
        if not np.isclose(kl, 0.0):
            raise UsageError(
                f"the policy is {float(kl):.7f} nats away from actiondist",
                expected="0: the distributions that this policy gives for obs",
            )
        gnorm = float(np.abs(gradient).max())
        before = (float(objective), float(kl))
        if gnorm < grad_stop_tol:
            return StepInfo(*before, *before, gnorm, 0)
        sample = subsampled(feed, subsample_hvp_frac, rng)

        def kl_product(v: Float) -> Float:
            # The line search has not begun: the parameters are where the step starts.
            product: Float = self._functions.kl_hvp(sample[0], sample[2], exactly(v, _FLOAT))
            return product

        start = self.flat.get()
        with self.flat.trial() as trial:

            def loss_and_kl(theta: Float) -> tuple[float, float]:
                trial.set(theta)
                objective, kl = self._functions.surrogate(*feed)
                return -float(objective), float(kl)

            theta, halvings = natural_step(
                start,
                -before[0],
                -gradient,
                loss_and_kl,
                kl_product,
                max_kl=max_kl,
                damping=damping,
                max_cg_iter=max_cg_iter,
                backtrack=enable_bt,
            )
            loss, kl = loss_and_kl(theta)
            trial.keep()
        return StepInfo(*before, -loss, kl, gnorm, halvings)

    def update_obsnorm(self, obs: ArrayLike) -> None:
        """Take observations (n, observations) into the normalizer's running mean.

        A policy without a normalizer ignores them (policyopt/nn.py, ``NoOpStandardizer``).
        """
        if self._network.obsnorm is not None:
            self._network.obsnorm.update(self._observations(obs))

    @cached_property
    def _rng(self) -> np.random.Generator:
        return np.random.default_rng()

    @staticmethod
    def _unbatched(obs: ArrayLike, result: Any) -> Float:
        return result if np.ndim(obs) == 2 else result[0]  # type: ignore[no-any-return]
