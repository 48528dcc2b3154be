"""Action distributions: of one action among k, and of k numbers.

An action distribution is a matrix (batch, k): log-probabilities, or means and standard deviations
side by side.  Graphs are made of its parts, for the gradient of cutting a matrix that was put
together is costly, and JAX cannot compile its second derivative.

The formulas are those of GAIL (policyopt/rl.py, ``GibbsPolicy`` and ``GaussianPolicy``;
policyopt/thutil.py; policyopt/util.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import pytensor.tensor as pt
from numpy.typing import NDArray
from pytensor.tensor.variable import TensorVariable

from legacy_weights.errors import UsageError

Float: TypeAlias = NDArray[np.float64]
Parts: TypeAlias = tuple[TensorVariable, ...]
Rng: TypeAlias = "np.random.Generator | np.random.RandomState"


@dataclass(frozen=True)
class Gibbs:
    """One of k actions, by their log-probabilities (batch, k).

    Actions are indices, int64 (batch, 1).

    Parameters
    ----------
    k : int
        How many actions there are.
    """

    k: int
    kind = "gibbs"
    action_width = 1
    action_dtype = np.dtype(np.int64)

    @property
    def width(self) -> int:
        """Columns of a matrix of distributions."""
        return self.k

    @property
    def outputs(self) -> int:
        """Columns of the network's output: unnormalized log-probabilities."""
        return self.k

    def split(self, distribution: TensorVariable) -> Parts:
        """Return the parts of a matrix: itself."""
        return (distribution,)

    def join(self, parts: Parts) -> TensorVariable:
        """Return the matrix of the parts: the only one."""
        return parts[0]

    def of_scores(self, scores: TensorVariable) -> Parts:
        """Return the log-probabilities of unnormalized ones, both (batch, k)."""
        largest = scores.max(axis=1, keepdims=True)
        total = pt.exp(scores - largest).sum(axis=1, keepdims=True)
        return (scores - (largest + pt.log(total)),)

    def log_prob(self, parts: Parts, actions: TensorVariable) -> TensorVariable:
        """Pick the log-probability of each action."""
        # Not by indexing with arange(batch), which JAX cannot compile.
        chosen = pt.eq(actions, np.arange(self.k)[None])
        return pt.switch(chosen, parts[0], 0.0).sum(axis=1)

    def kl(self, old: Parts, new: Parts) -> TensorVariable:
        """Return Σ p (log p - log q) (policyopt/thutil.py, ``categorical_kl``)."""
        return (pt.exp(old[0]) * (old[0] - new[0])).sum(axis=1)

    def entropy(self, parts: Parts) -> TensorVariable:
        """Return -Σ p log(p + 1e-10) (policyopt/util.py, ``categorical_entropy``)."""
        p = pt.exp(parts[0])
        return -(p * pt.log(p + 1e-10)).sum(axis=1)

    def mode(self, parts: Parts) -> TensorVariable:
        """Return the first of the likeliest actions."""
        # Of the probabilities, as GAIL: exp can round two log-probabilities to one number.
        return pt.argmax(pt.exp(parts[0]), axis=1)[:, None]

    def sample(self, distribution: Float, rng: Rng) -> NDArray[np.int64]:
        """Draw as ``rng.choice(k, p=p)`` a row would, from the same random numbers."""
        cumulated = np.exp(distribution).cumsum(axis=1)
        cumulated /= cumulated[:, -1:]
        below = cumulated <= rng.random((len(distribution), 1))
        return np.asarray(below.sum(axis=1, keepdims=True), np.int64)

    def checked(self, actions: NDArray[Any]) -> NDArray[Any]:
        """Raise UsageError where an action is none of the k."""
        if actions.size and not (actions.min() >= 0 and actions.max() < self.k):
            raise UsageError(
                f"the actions are from {actions.min()} to {actions.max()}",
                expected=f"0 to {self.k - 1}",
            )
        return actions


@dataclass(frozen=True)
class Gaussian:
    """Independent normal numbers, by their means and standard deviations (batch, 2 dim).

    Actions are float64 (batch, dim).

    Parameters
    ----------
    dim : int
        How many numbers an action has.
    """

    dim: int
    kind = "gaussian"
    action_dtype = np.dtype(np.float64)

    @property
    def action_width(self) -> int:
        """Columns of a matrix of actions."""
        return self.dim

    @property
    def width(self) -> int:
        """Columns of a matrix of distributions."""
        return 2 * self.dim

    @property
    def outputs(self) -> int:
        """Columns of the network's output: the means."""
        return self.dim

    def split(self, distribution: TensorVariable) -> Parts:
        """Return the means and the standard deviations of a matrix, both (batch, dim)."""
        return distribution[:, : self.dim], distribution[:, self.dim :]

    def join(self, parts: Parts) -> TensorVariable:
        """Return the matrix of means and standard deviations."""
        return pt.concatenate(parts, axis=1)

    def of_means(self, means: TensorVariable, logstdevs: TensorVariable) -> Parts:
        """Return the distributions of means (batch, dim) and log standard deviations (1, dim)."""
        # GAIL adds a least standard deviation, which its programs set to 0.
        return means, pt.ones_like(means) * pt.exp(logstdevs)

    def log_prob(self, parts: Parts, actions: TensorVariable) -> TensorVariable:
        """Return the log density (policyopt/thutil.py, ``gaussian_log_density``)."""
        means, stdevs = parts
        normalizer = -0.5 * (self.dim * np.log(2.0 * np.pi) + 2.0 * pt.log(stdevs).sum(axis=1))
        return -0.5 * pt.sqr((actions - means) / stdevs).sum(axis=1) + normalizer

    def kl(self, old: Parts, new: Parts) -> TensorVariable:
        """Return the divergence of diagonal Gaussians (policyopt/thutil.py, ``gaussian_kl``)."""
        (old_means, old_stdevs), (means, stdevs) = old, new
        return 0.5 * (
            pt.sqr(old_stdevs / stdevs).sum(axis=1)
            + pt.sqr((means - old_means) / stdevs).sum(axis=1)
            + 2.0 * (pt.log(stdevs).sum(axis=1) - pt.log(old_stdevs).sum(axis=1))
            - self.dim
        )

    def entropy(self, parts: Parts) -> TensorVariable:
        """Return the differential entropy (policyopt/util.py, ``gaussian_entropy``)."""
        return 0.5 * self.dim * (1.0 + np.log(2.0 * np.pi)) + pt.log(parts[1]).sum(axis=1)

    def mode(self, parts: Parts) -> TensorVariable:
        """Return the means."""
        return parts[0]

    def sample(self, distribution: Float, rng: Rng) -> Float:
        """Draw standard normal numbers, scale and shift them."""
        noise = rng.standard_normal((len(distribution), self.dim))
        return noise * distribution[:, self.dim :] + distribution[:, : self.dim]

    def checked(self, actions: NDArray[Any]) -> NDArray[Any]:
        """Return the actions: all numbers are allowed."""
        return actions


Distribution: TypeAlias = Gibbs | Gaussian
