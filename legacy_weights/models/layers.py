"""Feedforward networks from GAIL's lists of layer dictionaries."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from math import prod
from typing import Any

import numpy as np
import pytensor
import pytensor.tensor as pt
from numpy.typing import ArrayLike, NDArray
from pytensor.tensor.sharedvar import TensorSharedVariable
from pytensor.tensor.variable import TensorVariable

from legacy_weights.errors import LayoutError, UnreadableError
from legacy_weights.families.gail import parse_spec
from legacy_weights.models.nonlinearities import NONLINEARITIES, Nonlinearity

Shape = tuple[int, ...]
_KEYS = {
    "fc": ({"type", "n"}, "'type' and 'n'"),
    "nonlin": ({"type", "func"}, "'type' and 'func'"),
    "reshape": ({"type", "new_shape"}, "'type' and 'new_shape'"),
}


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


class Values:
    """The arrays that a model's variables start from, and the variables made of them.

    Parameters
    ----------
    arrays : mapping of str to array, optional
        By name.  Without it, every variable starts from what the layer suggests.
    spellings : mapping of str to str, optional
        What the variable of a name is called, if not by that name.
    """

    def __init__(
        self,
        arrays: Mapping[str, ArrayLike] | None = None,
        spellings: Mapping[str, str] | None = None,
    ) -> None:
        self._arrays = arrays
        self._spellings = spellings or {}
        self.variables: dict[str, TensorSharedVariable] = {}

    def variable(
        self, name: str, shape: Shape, start: Callable[[], NDArray[Any]]
    ) -> TensorSharedVariable:
        """Return the shared variable `name`, float64, of the static shape `shape`.

        The first call makes it.

        Raises
        ------
        LayoutError
            If there is no such array, or it has another shape.
        """
        if name in self.variables:
            return self.variables[name]
        spelled = self._spellings.get(name, name)
        if self._arrays is None:
            value = start()
        elif name in self._arrays:
            value = np.asarray(self._arrays[name])
        else:
            raise LayoutError(
                "the array is missing", where=spelled, expected=f"{shape}, as the model has it"
            )
        if value.shape != shape:
            raise LayoutError(
                f"the array is {value.shape}",
                where=spelled,
                expected=f"{shape}, as the model has it",
            )
        variable = pytensor.shared(
            np.array(value, np.float64), name=spelled, shape=shape, borrow=True
        )
        self.variables[name] = variable
        return variable


def affine(
    inputs: TensorVariable,
    width: int,
    n: int,
    scope: str,
    values: Values,
    start: Callable[[], NDArray[Any]],
) -> TensorVariable:
    """Return inputs (batch, width) · W (width, n) + b (1, n), shape (batch, n).

    Notes
    -----
    policyopt/nn.py, ``AffineLayer``: b is a row, broadcast over the batch, and starts from zero.
    """
    w = values.variable(f"{scope}/AffineLayer/W", (width, n), start)
    b = values.variable(f"{scope}/AffineLayer/b", (1, n), lambda: np.zeros((1, n)))
    return inputs @ w + b


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
    store = Values(values)
    shape = tuple(int(length) for length in input_shape)
    if inputs is None:
        inputs = pt.tensor("inputs", dtype="float64", shape=(None, *shape))
    network = Layers(parse_spec(spec), shape, scope, np.random.default_rng(rng))
    output, output_shape = network.apply(inputs, store)
    return Feedforward(inputs, output, output_shape, store.variables)


@dataclass(frozen=True, slots=True)
class Layers:
    """The layers of a specification, to be applied to any input.

    Parameters
    ----------
    spec : sequence of mapping
    input_shape : tuple of int
        Without the batch axis.
    scope : str
    rng : numpy.random.Generator
        Draws the starting values.
    """

    spec: Sequence[Mapping[str, Any]]
    input_shape: Shape
    scope: str
    rng: np.random.Generator

    def apply(
        self,
        inputs: TensorVariable,
        values: Values,
        nonlinearities: Mapping[str, Nonlinearity] = NONLINEARITIES,
    ) -> tuple[TensorVariable, Shape]:
        """Return the output (batch, *shape) and its shape without the batch axis."""
        prefix = f"{self.scope}/FeedforwardNet".lstrip("/")
        output, shape = inputs, self.input_shape
        check_layers(self.spec, self.scope)
        for i, layer in enumerate(self.spec):
            where = _where(i, self.scope)
            if layer["type"] == "fc":
                width, n = flat_width(shape, where), int(layer["n"])
                start = partial(_glorot, self.rng, width, n)
                output = affine(output, width, n, f"{prefix}/layer_{i}", values, start)
                shape = (n,)
            elif layer["type"] == "nonlin":
                output = _nonlinearity(layer["func"], where, nonlinearities)(output)
            else:
                output, shape = _reshaped(output, shape, layer["new_shape"], where)
        return output, shape


def check_layers(spec: Sequence[Mapping[str, Any]], scope: str) -> None:
    """Refuse layers that are unknown or say too little or too much.

    Raises
    ------
    UnreadableError
        It names the layer.
    """
    for i, layer in enumerate(spec):
        kind = layer.get("type")
        if kind not in _KEYS:
            raise UnreadableError(
                f"the layer {dict(layer)} is of an unknown type",
                where=_where(i, scope),
                expected="'fc', 'nonlin' or 'reshape'",
            )
        keys, listed = _KEYS[kind]
        if set(layer) != keys:
            raise UnreadableError(
                f"the layer is {dict(layer)}", where=_where(i, scope), expected=f"just {listed}"
            )


def _where(i: int, scope: str) -> str:
    return f"layer {i} of {scope or 'the network'}"


def flat_width(shape: Shape, where: str) -> int:
    """Return the only length of `shape`, or refuse it at `where`: affine layers take vectors."""
    if len(shape) != 1:
        raise UnreadableError(
            f"an affine layer follows the shape {shape}", where=where, expected="one dimension"
        )
    return shape[0]


def _glorot(rng: np.random.Generator, width: int, n: int) -> NDArray[np.float64]:
    bound = np.sqrt(6.0 / (width + n))
    return rng.uniform(-bound, bound, (width, n))


def _reshaped(
    output: TensorVariable, shape: Shape, new_shape: Sequence[int], where: str
) -> tuple[TensorVariable, Shape]:
    new = tuple(int(length) for length in new_shape)
    if prod(new) != prod(shape):
        raise UnreadableError(f"the shape {shape} cannot become {new}", where=where)
    # With -1 for the batch, JAX would meet a length that it cannot know.
    return output.reshape((output.shape[0], *new)), new


def _nonlinearity(
    name: str, where: str, nonlinearities: Mapping[str, Nonlinearity]
) -> Nonlinearity:
    if name not in nonlinearities:
        raise UnreadableError(
            f"the nonlinearity {name!r} is unknown",
            where=where,
            expected=", ".join(nonlinearities),
        )
    return nonlinearities[name]
