"""Theta in PyTensor graphs: one Op that cuts it into arrays, and one that lays arrays end to end.

Each is the gradient of the other.  Slicing and reshaping with PyTensor's own Ops gives the same
values, but hundreds of nodes, and a graph that takes minutes to compile; and a second derivative
that JAX cannot trace where variables have no static shape.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import numpy as np
import pytensor.tensor as pt
from pytensor.gradient import DisconnectedType
from pytensor.graph.basic import Apply
from pytensor.graph.op import Op
from pytensor.graph.replace import _vectorize_node

from legacy_weights.tree import AnyArray

Shapes = tuple[tuple[int, ...], ...]


class _Flat(Op):  # type: ignore[misc]
    __props__: tuple[str, ...] = ("shapes",)

    def __init__(self, shapes: Shapes) -> None:
        self.shapes = shapes
        self.ends = list(accumulate((math.prod(shape) for shape in shapes), initial=0))
        self.size = self.ends[-1]

    @property
    def spans(self) -> list[tuple[int, int, tuple[int, ...]]]:
        """Start, end and shape of each array."""
        return list(zip(self.ends, self.ends[1:], self.shapes, strict=False))

    def __str__(self) -> str:
        return f"{type(self).__name__}{{{len(self.shapes)} arrays, {self.size} elements}}"


class Unravel(_Flat):
    """Cut the last axis of theta into arrays.

    Parameters
    ----------
    shapes : tuple of tuple of int
        Of the arrays; theta is ``(..., size)`` and the arrays are ``(..., *shape)``.
    copy : bool
        Whether the arrays own their memory; else they are views of theta where they can be.
    static : tuple of tuple of int or None, optional
        What the types of the arrays say of their shapes, if that is less than all: a variable
        takes no update whose type is broadcastable where its own is not.
    """

    __props__ = ("shapes", "copy", "static")

    def __init__(
        self,
        shapes: Shapes,
        copy: bool = False,
        static: tuple[tuple[int | None, ...], ...] | None = None,
    ) -> None:
        super().__init__(shapes)
        self.copy = copy
        self.static = static or shapes
        if not copy:
            self.view_map = {i: [0] for i in range(len(shapes))}

    __str__ = _Flat.__str__  # PyTensor's own would spell out all shapes

    def make_node(self, theta: Any) -> Apply:
        theta = pt.as_tensor_variable(theta)
        batch = theta.type.shape[:-1]
        outputs = [pt.tensor(dtype=theta.type.dtype, shape=batch + shape) for shape in self.static]
        return Apply(self, [theta], outputs)

    def perform(
        self, node: Apply, inputs: Sequence[AnyArray], output_storage: list[list[Any]]
    ) -> None:
        (theta,) = inputs
        batch = theta.shape[:-1]
        for (start, end, shape), output in zip(self.spans, output_storage, strict=True):
            piece = theta[..., start:end]
            output[0] = (piece.copy() if self.copy else piece).reshape(batch + shape)

    def infer_shape(self, fgraph: Any, node: Apply, input_shapes: Any) -> list[tuple[Any, ...]]:
        batch = input_shapes[0][:-1]
        return [tuple(batch) + tuple(map(pt.constant, shape)) for shape in self.shapes]

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        return [[True] * len(self.shapes)]

    def pullback(self, inputs: Any, outputs: Any, cotangents: Any) -> list[Any]:
        return [
            Ravel(self.shapes)(
                *(
                    pt.zeros_like(output) if isinstance(g.type, DisconnectedType) else g
                    for g, output in zip(cotangents, outputs, strict=True)
                )
            )
        ]

    def pushforward(self, inputs: Any, outputs: Any, tangents: Any) -> list[Any]:
        return list(self.make_node(tangents[0]).outputs)


class Ravel(_Flat):
    """Lay arrays end to end along the last axis: ``(..., *shape)`` each to ``(..., size)``.

    An array without the leading axes that others have stands for all of them.
    """

    __str__ = _Flat.__str__

    def make_node(self, *arrays: Any) -> Apply:
        variables = [pt.as_tensor_variable(array) for array in arrays]
        batches = [
            variable.type.shape[: variable.type.ndim - len(shape)]
            for variable, shape in zip(variables, self.shapes, strict=True)
        ]
        dtype = str(np.result_type(*(variable.type.dtype for variable in variables)))
        output = pt.tensor(dtype=dtype, shape=(*max(batches, key=len), self.size))
        return Apply(self, variables, [output])

    def perform(
        self, node: Apply, inputs: Sequence[AnyArray], output_storage: list[list[Any]]
    ) -> None:
        batches = [
            array.shape[: array.ndim - len(shape)]
            for array, shape in zip(inputs, self.shapes, strict=True)
        ]
        theta = np.empty((*max(batches, key=len), self.size), node.outputs[0].type.dtype)
        for (start, end, _), batch, array in zip(self.spans, batches, inputs, strict=True):
            theta[..., start:end] = array.reshape((*batch, end - start))
        output_storage[0][0] = theta

    def infer_shape(self, fgraph: Any, node: Apply, input_shapes: Any) -> list[tuple[Any, ...]]:
        batches = [
            tuple(there[: len(there) - len(shape)])
            for there, shape in zip(input_shapes, self.shapes, strict=True)
        ]
        return [(*max(batches, key=len), pt.constant(self.size))]

    def pullback(self, inputs: Any, outputs: Any, cotangents: Any) -> list[Any]:
        pieces = Unravel(self.shapes)(cotangents[0], return_list=True)
        return [piece.astype(array.type.dtype) for piece, array in zip(pieces, inputs, strict=True)]


@_vectorize_node.register(_Flat)  # type: ignore[untyped-decorator]
def _vectorize_flat(op: _Flat, node: Apply, *inputs: Any) -> Apply:
    return op.make_node(*inputs)
