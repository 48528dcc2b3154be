"""Feedforward networks from GAIL's lists of layer dictionaries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytensor.tensor as pt
from numpy.typing import ArrayLike
from pytensor.tensor.sharedvar import TensorSharedVariable
from pytensor.tensor.variable import TensorVariable

from legacy_weights.families.gail import parse_spec
from legacy_weights.models.building import build
from legacy_weights.models.frameworks.gail import hidden_layers
from legacy_weights.models.specification import Shape
from legacy_weights.models.values import Values


@dataclass(frozen=True, slots=True, eq=False)
class Feedforward:
    """A network as a PyTensor graph.

    Parameters
    ----------
    inputs : TensorVariable
        (batch, *input_shape), float64.
    output : TensorVariable
        (batch, *output_shape), float64.
    output_shape : tuple of int
        Without the batch axis.
    variables : mapping of str to shared variable
        By their full names, in the order of the layers, W before b.
    """

    inputs: TensorVariable
    output: TensorVariable
    output_shape: Shape
    variables: Mapping[str, TensorSharedVariable]


def feedforward(
    spec: str | Sequence[Mapping[str, Any]],
    input_shape: Sequence[int],
    *,
    inputs: TensorVariable | None = None,
    values: Mapping[str, ArrayLike] | None = None,
    scope: str = "",
    rng: np.random.Generator | int | None = None,
) -> Feedforward:
    """Build a network (batch, *input_shape) → (batch, *output_shape).

    Parameters
    ----------
    spec : list of mapping, or JSON text of one
        A dictionary a layer: ``{"type": "fc", "n": 64}``; ``{"type": "nonlin", "func": "tanh"}``
        (or relu, lrelu, elu); ``{"type": "reshape", "new_shape": [8, 8]}``.
    input_shape : sequence of int
        Without the batch axis.
    inputs : TensorVariable, optional
        What the network reads; a new float64 input if it is not given.
    values : mapping of str to array, optional
        Every variable's value by its full name.  Without it, W starts from Glorot and Bengio's
        uniform distribution (2010) and b from zero, as in GAIL.
    scope : str
        Where the network stands: with ``GibbsPolicy/hidden``, the first layer's weights are
        ``GibbsPolicy/hidden/FeedforwardNet/layer_0/AffineLayer/W``.
    rng : numpy.random.Generator or int, optional
        Draws the starting values.

    Raises
    ------
    UnreadableError
        If a layer is of an unknown kind or cannot follow the one before; it names the layer.
    LayoutError
        If an array is missing or does not fit; it names the variable and both shapes.

    Notes
    -----
    policyopt/nn.py, ``FeedforwardNet``.
    """
    store = Values(values, rng=np.random.default_rng(rng))
    shape = tuple(int(length) for length in input_shape)
    if inputs is None:
        inputs = pt.tensor("inputs", dtype="float64", shape=(None, *shape))
    output, output_shape = build(hidden_layers(parse_spec(spec), scope), inputs, shape, store)
    return Feedforward(inputs, output, output_shape, store.variables)
