"""A GAIL policy as a PyTensor graph."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytensor.tensor as pt
from numpy.typing import ArrayLike
from pytensor.tensor.sharedvar import TensorSharedVariable
from pytensor.tensor.variable import TensorVariable

from legacy_weights.errors import LayoutError
from legacy_weights.families.gail import order_names, policy_scope, scopes
from legacy_weights.models.building import build
from legacy_weights.models.distributions import Gaussian, Gibbs, Parts
from legacy_weights.models.frameworks.gail import affine, hidden_layers
from legacy_weights.models.nonlinearities import NONLINEARITIES, Activation
from legacy_weights.models.specification import first_dense
from legacy_weights.models.standardizer import Standardizer
from legacy_weights.models.values import Values
from legacy_weights.tree import JSON

LOGSTDEVS = "logstdevs_1_Da"


@dataclass(frozen=True, slots=True, eq=False)
class PolicyGraph:
    """The symbolic inputs and outputs of a policy, to build on.

    Parameters
    ----------
    observations : TensorVariable
        Input, float64 (batch, observations).
    actions : TensorVariable
        Input, int64 (batch, 1) or float64 (batch, dim).
    old_distribution : TensorVariable
        Input, float64 (batch, k): what the policy that acted gave.
    advantages : TensorVariable
        Input, float64 (batch,).
    normalized : TensorVariable
        Standardized observations (batch, observations).
    distribution : TensorVariable
        (batch, k): log-probabilities, or means and standard deviations side by side.
    log_prob : TensorVariable
        Of `actions`, (batch,).
    entropy : TensorVariable
        In nats, (batch,).
    kl : TensorVariable
        Of the policy from `old_distribution`, (batch,).
    surrogate : TensorVariable
        (): mean of advantage times probability ratio.
    bclone_loss : TensorVariable
        (): minus the mean log-probability of `actions`.
    """

    observations: TensorVariable
    actions: TensorVariable
    old_distribution: TensorVariable
    advantages: TensorVariable
    normalized: TensorVariable
    distribution: TensorVariable
    log_prob: TensorVariable
    entropy: TensorVariable
    kl: TensorVariable
    surrogate: TensorVariable
    bclone_loss: TensorVariable


class Network:
    """The variables of one policy, and the network that they make.

    Parameters
    ----------
    arrays : mapping of str to array
        Every variable of one snapshot by its name in the file.
    hidden_spec : sequence of mapping
        The hidden layers, one dictionary each.
    enable_obsnorm : bool, optional
        Whether observations are standardized; None: if there are arrays for it.

    Attributes
    ----------
    distribution : Gibbs or Gaussian
    observation_width : int
    variables : mapping of str to shared variable
        By their names in the file, in GAIL's order.

    Raises
    ------
    LayoutError
        If an array is missing, superfluous, or of a shape that does not fit the layers.
    """

    def __init__(
        self,
        arrays: Mapping[str, ArrayLike],
        hidden_spec: tuple[Mapping[str, JSON], ...],
        enable_obsnorm: bool | None = None,
    ) -> None:
        scope = policy_scope(arrays)
        hidden = hidden_layers(hidden_spec, f"{scope}/hidden")
        ordered, _ = order_names(name for name in arrays if scopes(name)[0] == scope)
        spellings = {"/".join(scopes(name)): name for name in ordered}
        self._scope = scope
        self._values = Values({plain: arrays[name] for plain, name in spellings.items()}, spellings)
        out = _matrix(arrays, spellings, f"{scope}/out/AffineLayer/W")
        self.distribution = self._distribution(spellings, out[1])
        self._layers = (*hidden, affine(f"{scope}/out", out[1], f"{scope}/out"))
        first = first_dense(hidden)
        width = out[0] if first is None else _matrix(arrays, spellings, first.weights)[0]
        self.observation_width = width
        if enable_obsnorm is None:
            enable_obsnorm = any(name.startswith(f"{scope}/obsnorm/") for name in spellings)
        self.obsnorm = (
            Standardizer(self.observation_width, f"{scope}/obsnorm", self._values)
            if enable_obsnorm
            else None
        )
        self.graph = self._graph()
        made = self._values.variables
        self.variables: dict[str, TensorSharedVariable] = {
            name: made[plain] for plain, name in spellings.items() if plain in made
        }
        left = self._values.unused()
        if left:
            raise LayoutError(
                f"the model has no variable for the {len(left)} arrays {', '.join(left)}",
                expected="an array a variable, as the layers have it",
            )

    def normalized(self, observations: TensorVariable) -> TensorVariable:
        """Return the observations (batch, observations) as the network takes them."""
        return self.obsnorm.standardized(observations) if self.obsnorm else observations

    def actions(
        self,
        normalized: TensorVariable,
        nonlinearities: Mapping[str, Activation] = NONLINEARITIES,
    ) -> Parts:
        """Return the parts of the action distribution of normalized observations.

        Notes
        -----
        policyopt/rl.py, ``_make_actiondist_ops`` of ``GibbsPolicy`` and ``GaussianPolicy``.
        """
        out = self.outputs(normalized, nonlinearities)
        if isinstance(self.distribution, Gibbs):
            return self.distribution.of_scores(out)
        dim = self.distribution.dim
        logstdevs = self._values.variable(f"{self._scope}/{LOGSTDEVS}", (1, dim))
        return self.distribution.of_means(out, logstdevs)

    def outputs(
        self, normalized: TensorVariable, nonlinearities: Mapping[str, Activation]
    ) -> TensorVariable:
        """Return the output of the last layer: unnormalized log-probabilities, or means."""
        output, _ = build(
            self._layers, normalized, (self.observation_width,), self._values, nonlinearities
        )
        return output

    def _distribution(self, names: Mapping[str, Any], n: int) -> Gibbs | Gaussian:
        if self._scope == "GaussianPolicy" or f"{self._scope}/{LOGSTDEVS}" in names:
            return Gaussian(n)
        return Gibbs(n)

    def _graph(self) -> PolicyGraph:
        kind = self.distribution
        observations = pt.tensor(
            "observations", dtype="float64", shape=(None, self.observation_width)
        )
        actions = pt.tensor("actions", dtype=kind.action_dtype, shape=(None, kind.action_width))
        old = pt.tensor("old_distribution", dtype="float64", shape=(None, kind.width))
        advantages = pt.vector("advantages", dtype="float64")
        normalized = self.normalized(observations)
        parts, old_parts = self.actions(normalized), kind.split(old)
        log_prob = kind.log_prob(parts, actions)
        ratio = pt.exp(log_prob - kind.log_prob(old_parts, actions))
        return PolicyGraph(
            observations=observations,
            actions=actions,
            old_distribution=old,
            advantages=advantages,
            normalized=normalized,
            distribution=kind.join(parts),
            log_prob=log_prob,
            entropy=kind.entropy(parts),
            kl=kind.kl(old_parts, parts),
            surrogate=(ratio * advantages).mean(),
            bclone_loss=-log_prob.mean(),
        )


def _matrix(
    arrays: Mapping[str, ArrayLike], spellings: Mapping[str, str], name: str
) -> tuple[int, int]:
    """Return the shape of the weights `name`, which say how wide their layer is."""
    if name not in spellings:
        raise LayoutError("the array is missing", where=name, expected="a matrix")
    shape = np.shape(arrays[spellings[name]])
    if len(shape) != 2:
        raise LayoutError(f"the array is {shape}", where=spellings[name], expected="a matrix")
    return shape
