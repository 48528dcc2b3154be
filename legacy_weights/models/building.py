"""From a chain of layers to a PyTensor expression."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod

import pytensor.tensor as pt
from pytensor.tensor.variable import TensorVariable

from legacy_weights.errors import UnreadableError
from legacy_weights.models.nonlinearities import NONLINEARITIES, Activation
from legacy_weights.models.specification import (
    LINEAR,
    BatchNorm,
    Broadcast,
    Dense,
    Function,
    Layer,
    Noise,
    Nonlinearity,
    Reshape,
    Shape,
    Spread,
)
from legacy_weights.models.values import Start, Values

Built = tuple[TensorVariable, Shape]


def build(
    layers: Sequence[Layer],
    inputs: TensorVariable,
    shape: Shape,
    values: Values,
    functions: Mapping[str, Activation] = NONLINEARITIES,
) -> Built:
    """Return the output (batch, *shape) of a chain of layers, and its shape without the batch.

    Parameters
    ----------
    layers : sequence of Layer
    inputs : TensorVariable
        (batch, *shape).
    shape : tuple of int
        Of the input, without the batch axis.
    values : Values
        Gives the variables.
    functions : mapping of str to callable
        The nonlinearities by name.

    Raises
    ------
    UnreadableError
        If a layer cannot follow the one before; it names the layer.
    LayoutError
        If an array is missing or does not fit; it names the variable and both shapes.
    """
    output = inputs
    for layer in layers:
        output, shape = _apply(layer, output, shape, values, functions)
    return output, shape


def _apply(
    layer: Layer,
    x: TensorVariable,
    shape: Shape,
    values: Values,
    functions: Mapping[str, Activation],
) -> Built:
    match layer:
        case Dense():
            if layer.flattens:
                x, shape = _reshaped(x, shape, (prod(shape),), layer.where)
            output = _affine(layer, x, shape, values)
            return _call(layer.nonlinearity, output, layer.where, functions), (layer.units,)
        case Nonlinearity():
            return _call(layer.function, x, layer.where, functions), shape
        case Reshape():
            new = (prod(shape),) if layer.shape is None else layer.shape
            return _reshaped(x, shape, new, layer.where)
        case BatchNorm():
            return _normalized(layer, x, shape, values), shape
        case Noise():
            return x, shape
        case Broadcast():
            parameter = values.variable(layer.parameter, (layer.units,))
            # Not alloc or tile, which JAX cannot compile for a batch that it does not know.
            ones = pt.ones_like(x.reshape((x.shape[0], prod(shape)))[:, :1])
            return ones * parameter, (layer.units,)


def _affine(layer: Dense, x: TensorVariable, shape: Shape, values: Values) -> TensorVariable:
    if len(shape) != 1:
        raise UnreadableError(
            f"an affine layer follows the shape {shape}",
            where=layer.where,
            expected="one dimension",
        )
    output = x @ values.variable(layer.weights, (shape[0], layer.units), "glorot")
    if layer.bias is None:
        return output
    bias = (1, layer.units) if layer.row else (layer.units,)
    return output + values.variable(layer.bias, bias)


def _normalized(
    layer: BatchNorm, x: TensorVariable, shape: Shape, values: Values
) -> TensorVariable:
    averaged = tuple(range(len(shape))) if layer.axes is None else layer.axes
    if not set(averaged) <= set(range(len(shape) + 1)) or 0 not in averaged:
        raise UnreadableError(
            f"averages over the axes {averaged} of {('batch', *shape)}",
            where=layer.where,
            expected="axes of the input, the batch among them",
        )
    kept = [axis for axis in range(len(shape) + 1) if axis not in averaged]
    own = tuple(shape[axis - 1] for axis in kept)
    order = ["x" if axis in averaged else kept.index(axis) for axis in range(len(shape) + 1)]

    def part(name: str) -> TensorVariable:
        start: Start = "zeros" if name in (layer.mean, layer.beta) else "ones"
        return values.variable(name, own, start).dimshuffle(order)

    scale = _inverse(part(layer.spread), layer.kind, pt.constant(layer.epsilon, dtype=x.dtype))
    if layer.gamma is not None:
        scale = part(layer.gamma) * scale
    output = (x - part(layer.mean)) * scale
    return output if layer.beta is None else output + part(layer.beta)


def _inverse(spread: TensorVariable, kind: Spread, epsilon: TensorVariable) -> TensorVariable:
    """Return what batch normalization multiplies by."""
    match kind:
        case Spread.VARIANCE:
            return 1 / pt.sqrt(spread + epsilon)
        case Spread.VARIANCE_OUTSIDE:
            return 1 / (pt.sqrt(spread) + epsilon)
        case Spread.DEVIATION:
            return 1 / (spread + epsilon)
        case Spread.INVERSE:
            return spread


def _reshaped(x: TensorVariable, shape: Shape, new: Shape, where: str) -> Built:
    if prod(new) != prod(shape):
        raise UnreadableError(f"the shape {shape} cannot become {new}", where=where)
    if new == shape:
        return x, shape
    # With -1 for the batch, JAX would meet a length that it cannot know.
    return x.reshape((x.shape[0], *new)), new


def _call(
    function: Function,
    x: TensorVariable,
    where: str,
    functions: Mapping[str, Activation],
) -> TensorVariable:
    if function == LINEAR:
        return x
    if function.name not in functions:
        raise UnreadableError(
            f"the nonlinearity {function.name!r} is unknown",
            where=where,
            expected=", ".join(functions),
        )
    return functions[function.name](x, **function.arguments)
