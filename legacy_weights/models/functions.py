"""The compiled functions of a policy, each compiled when it is first asked for."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import pytensor.tensor as pt
from pytensor.compile.sharedvalue import SharedVariable
from pytensor.graph.basic import Variable

from legacy_weights.flat import flat_grad
from legacy_weights.models.compiling import Compiled, compile_function, uses_numba
from legacy_weights.models.distributions import Parts
from legacy_weights.models.graph import Network
from legacy_weights.models.nonlinearities import ARITHMETIC, NONLINEARITIES


class Functions:
    """The functions of one policy in one mode.

    They take and return NumPy arrays, and do not check what they take.

    Parameters
    ----------
    network : Network
    trainable : sequence of shared variables
        In the order of the flat vector.
    mode : str, optional
    """

    def __init__(
        self, network: Network, trainable: Sequence[SharedVariable], mode: str | None
    ) -> None:
        self._network = network
        self._graph = network.graph
        self._trainable = trainable
        self._mode = mode
        self._nonlinearities = ARITHMETIC if uses_numba(mode) else NONLINEARITIES

    @cached_property
    def distribution(self) -> Compiled:
        """Map observations to distribution."""
        return self._compile(
            [self._graph.observations], self._network.distribution.join(self._parts)
        )

    @cached_property
    def act(self) -> Compiled:
        """Map observations to deterministic actions."""
        actions = self._network.distribution.mode(self._parts)
        return self._compile([self._graph.observations], actions)

    @cached_property
    def normalized(self) -> Compiled:
        """Map observations to standardized observations."""
        return self._compile([self._graph.observations], self._graph.normalized)

    @cached_property
    def log_prob(self) -> Compiled:
        """Map observations and actions to log_prob."""
        return self._compile([self._graph.observations, self._graph.actions], self._graph.log_prob)

    @cached_property
    def entropy(self) -> Compiled:
        """Map observations to entropy."""
        return self._compile([self._graph.observations], self._graph.entropy)

    @cached_property
    def kl(self) -> Compiled:
        """Map observations and old distributions to kl."""
        inputs = [self._graph.observations, self._graph.old_distribution]
        return self._compile(inputs, self._graph.kl)

    @cached_property
    def bclone_loss(self) -> Compiled:
        """Map observations and actions to loss."""
        inputs = [self._graph.observations, self._graph.actions]
        return self._compile(inputs, self._graph.bclone_loss)

    @cached_property
    def bclone_loss_and_grad(self) -> Compiled:
        """Map observations and actions to loss, flat gradient."""
        loss = self._graph.bclone_loss
        inputs = [self._graph.observations, self._graph.actions]
        return self._compile(inputs, [loss, flat_grad(loss, self._trainable)])

    @cached_property
    def surrogate(self) -> Compiled:
        """Map observations, actions, old distributions, advantages to surrogate, mean kl."""
        return self._compile(self._feed, [self._graph.surrogate, self._graph.kl.mean()])

    @cached_property
    def surrogate_and_grad(self) -> Compiled:
        """Map observations, actions, old distributions, advantages to both and a gradient."""
        surrogate = self._graph.surrogate
        gradient = flat_grad(surrogate, self._trainable)
        return self._compile(self._feed, [surrogate, self._graph.kl.mean(), gradient])

    @cached_property
    def kl_hvp(self) -> Compiled:
        """Map observations, old distributions, v to the Hessian of the mean kl times v."""
        v = pt.vector("v", dtype="float64")
        gradient = flat_grad(self._graph.kl.mean(), self._trainable)
        product = flat_grad((gradient * v).sum(), self._trainable)
        return self._compile([self._graph.observations, self._graph.old_distribution, v], product)

    @property
    def _feed(self) -> list[Variable]:
        graph = self._graph
        return [graph.observations, graph.actions, graph.old_distribution, graph.advantages]

    @property
    def _parts(self) -> Parts:
        return self._network.actions(self._graph.normalized, self._nonlinearities)

    def _compile(self, inputs: Sequence[Variable], outputs: Any) -> Compiled:
        return compile_function(inputs, outputs, self._mode)
