"""Models that predict as they did."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pytensor.tensor as pt
from numpy.typing import ArrayLike, NDArray
from pytensor.tensor.sharedvar import TensorSharedVariable
from pytensor.tensor.variable import TensorVariable

from legacy_weights.errors import LayoutError, UnreadableError, UsageError
from legacy_weights.flat import FlatVector
from legacy_weights.models.building import build
from legacy_weights.models.compiling import Compiled, compile_function, exactly, resolve
from legacy_weights.models.specification import Specification
from legacy_weights.models.values import Values


@dataclass(frozen=True, slots=True, eq=False)
class ModelGraph:
    """The symbolic input and outputs of a model, to build on.

    Parameters
    ----------
    input : TensorVariable
        (batch, *input_shape), of the weights' dtype.
    outputs : mapping of str to TensorVariable
        By the names of the specification.
    """

    input: TensorVariable
    outputs: Mapping[str, TensorVariable]

    @property
    def output(self) -> TensorVariable:
        """The output, where there is only one.

        Raises
        ------
        UsageError
            If there are several.
        """
        if len(self.outputs) != 1:
            raise UsageError(
                "the model has several outputs", expected=f"one of {', '.join(self.outputs)}"
            )
        return next(iter(self.outputs.values()))


class Model:
    """A network with its weights: inputs (batch, *input_shape) → outputs.

    Nothing is compiled before it is used.

    Parameters
    ----------
    specification : Specification
    arrays : mapping of str to array
        Every variable of the model by its name, in the file's order.
    theta : sequence of str
        Names of those that make up the flat vector, in its order.
    mode : {None, "C", "JAX"}

    Attributes
    ----------
    layers : Specification
        What the model is made of; prints a line a layer.
    graph : ModelGraph
        Symbolic input and outputs, to build on.
    variables : mapping of str to shared variable
        By their names in the file, in its order, trained or not.
    dtype : numpy.dtype
        float32 or float64, as the weights.

    Raises
    ------
    LayoutError
        If an array is missing, superfluous, or of a shape that does not fit the layers.
    UnreadableError
        If the weights are no floats of 32 or 64 bits.
    """

    def __init__(
        self,
        specification: Specification,
        arrays: Mapping[str, ArrayLike],
        theta: Sequence[str],
        mode: str | None = None,
    ) -> None:
        resolve(mode)
        self.layers = specification
        self.mode = mode
        self.dtype = _dtype_of(arrays)
        values = Values(arrays, dtype=self.dtype)
        self.graph = _graph(specification, values)
        left = values.unused()
        if left:
            raise LayoutError(
                f"the layers have no variable for the {len(left)} arrays {', '.join(left[:8])}",
                expected="an array a variable, as the layers have it",
            )
        made = values.variables
        self.variables: dict[str, TensorSharedVariable] = {name: made[name] for name in arrays}
        self._theta = tuple(theta)

    def __repr__(self) -> str:
        shapes = ", ".join(str(v.type.shape[1:]) for v in self.graph.outputs.values())
        sizes = f"{self.layers.input_shape} → {shapes}, {len(self.variables)} variables"
        return f"Model({self.layers.framework}, {sizes}, {self.dtype}, mode={self.mode!r})"

    @cached_property
    def flat(self) -> FlatVector:
        """The trainable variables as one vector, in the file's order."""
        return FlatVector([self.variables[name] for name in self._theta])

    def predict(self, x: ArrayLike) -> NDArray[Any] | dict[str, NDArray[Any]]:
        """Return the outputs of inputs.

        Parameters
        ----------
        x : array (batch, *input_shape) or (input_shape)
            One input without the batch axis gives outputs without it.

        Returns
        -------
        array or dict of str to array
            (batch, …) of the weights' dtype; by name where there are several outputs.

        Raises
        ------
        UsageError
            If the inputs are of another shape.
        """
        wanted = self.layers.input_shape
        batch = exactly(x, self.dtype)
        single = batch.shape == wanted
        if single:
            batch = batch[None]
        if batch.ndim != len(wanted) + 1 or batch.shape[1:] != wanted:
            shapes = f"{('batch', *wanted)} or {wanted}".replace("'", "")
            raise UsageError(f"the inputs are {np.shape(x)}", expected=shapes)
        outputs = [output[0] if single else output for output in self._predict(batch)]
        named = dict(zip(self.graph.outputs, outputs, strict=True))
        return named if len(named) > 1 else outputs[0]

    @cached_property
    def _predict(self) -> Compiled:
        return compile_function([self.graph.input], list(self.graph.outputs.values()), self.mode)


def _dtype_of(arrays: Mapping[str, ArrayLike]) -> np.dtype[Any]:
    kinds = {np.asarray(array).dtype.newbyteorder("=") for array in arrays.values()}
    if not kinds <= {np.dtype(np.float32), np.dtype(np.float64)}:
        raise UnreadableError(
            f"the weights are {', '.join(sorted(str(kind) for kind in kinds))}",
            expected="float32 or float64",
        )
    # Where both occur, float64 holds each exactly.
    return max(kinds, key=lambda kind: kind.itemsize, default=np.dtype(np.float64))


def _graph(specification: Specification, values: Values) -> ModelGraph:
    shape = specification.input_shape
    inputs = pt.tensor("x", dtype=values.dtype.name, shape=(None, *shape))
    outputs = {}
    for name, layers in specification.outputs.items():
        output, own = build(layers, inputs, shape, values)
        # Of what was reshaped, only the specification knows the static shape.
        outputs[name] = pt.specify_shape(output, (None, *own))
        outputs[name].name = name
    return ModelGraph(inputs, outputs)
