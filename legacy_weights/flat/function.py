"""Functions of theta: graphs in which the variables are replaced by parts of a vector.

The variables keep their values; whoever samples, searches or differentiates calls f(theta, data).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pytensor
import pytensor.tensor as pt
from pytensor.graph.replace import graph_replace, vectorize_graph
from pytensor.graph.traversal import ancestors

from legacy_weights.flat.binding import Bound
from legacy_weights.flat.errors import BindingError
from legacy_weights.flat.layout import Layout
from legacy_weights.flat.modes import usable
from legacy_weights.flat.ops import Unravel


def function_of_theta(
    layout: Layout,
    members: Sequence[Bound],
    inputs: Iterable[Any],
    outputs: Any,
    *,
    grad: bool,
    batch: bool,
    mode: Any,
    device: Any,
    dtype: Any,
) -> Any:
    """Compile f(theta, *inputs); see :meth:`FlatVector.function`."""
    several = isinstance(outputs, list | tuple)
    graphs = list(outputs) if several else [outputs]
    theta = pt.vector(dtype=_dtype(layout, dtype), shape=(layout.size,))
    graphs = _replaced(layout, members, graphs, theta)
    if grad:
        _refuse_no_scalar(graphs[0])
        # A cast passes gradients through in the dtype that it made.
        graphs.insert(1, pytensor.grad(graphs[0], theta).astype(theta.type.dtype))
    argument, graphs = _fed(theta, graphs, "theta", batch)
    return pytensor.function(
        [argument, *inputs],
        graphs if several or grad else graphs[0],
        mode=usable(mode, device),
    )


def hessian_vector_product(
    layout: Layout,
    members: Sequence[Bound],
    scalar: Any,
    inputs: Iterable[Any],
    *,
    mode: Any,
    device: Any,
    dtype: Any,
) -> Any:
    """Compile f(theta, v, *inputs) = H(theta) v; see :meth:`FlatVector.hvp`."""
    _refuse_no_scalar(scalar)
    theta = pt.vector(dtype=_dtype(layout, dtype), shape=(layout.size,))
    vector = pt.vector(dtype=theta.type.dtype, shape=(layout.size,))
    (loss,) = _replaced(layout, members, [scalar], theta)
    slope = (pytensor.grad(loss, theta) * vector).sum()
    # A loss that is linear in some variables, or in all, has no curvature there.
    product = pytensor.grad(slope, theta, disconnected_inputs="ignore")
    first, graphs = _fed(theta, [product.astype(theta.type.dtype)], "theta", False)
    second, graphs = _fed(vector, graphs, "v", False)
    return pytensor.function(
        [first, second, *inputs],
        graphs[0],
        mode=usable(mode, device),
        on_unused_input="ignore",  # data, or theta itself, can vanish from a second derivative
    )


def _dtype(layout: Layout, dtype: Any) -> str:
    """Return theta's dtype in the graph: double precision, as optimisers and samplers use."""
    chosen = np.dtype(dtype or np.result_type(layout.dtype, np.float64))
    if not np.can_cast(layout.dtype, chosen, "safe"):
        raise BindingError(
            f"a theta of dtype {chosen} cannot hold variables of {layout.dtype} exactly",
            expected=f"{layout.dtype} or wider",
        )
    return str(chosen)


def _replaced(
    layout: Layout, members: Sequence[Bound], graphs: Sequence[Any], theta: Any
) -> list[Any]:
    """Return the graphs with parts of theta in place of the variables and of their clones."""
    kinds = {entry.dtype for entry in layout}
    if len(kinds) == 1:
        theta = pt.cast(theta, str(kinds.pop()))
    pieces = Unravel(layout.shapes)(theta, return_list=True)
    by_cell = {
        id(member.cell): pt.cast(piece, str(entry.dtype))
        for member, piece, entry in zip(members, pieces, layout, strict=True)
    }
    replacements = {}
    for variable in ancestors(graphs):
        cell = getattr(getattr(variable, "container", None), "storage", None)
        if id(cell) in by_cell:
            replacements[variable] = by_cell[id(cell)]
    if not replacements:
        raise BindingError(
            "none of the outputs depends on a variable of this binding",
            expected="outputs that are computed from the variables",
        )
    return list(graph_replace(list(graphs), replacements))


def _fed(inner: Any, graphs: Sequence[Any], name: str, batch: bool) -> tuple[Any, list[Any]]:
    """Return a named input of any length, and the graphs fed by it, its length checked."""
    size = inner.type.shape[0]
    if batch:
        argument = pt.matrix(name, dtype=inner.type.dtype)
        whole = pt.specify_shape(argument, (None, size))
        return argument, list(vectorize_graph(list(graphs), {inner: whole}))
    argument = pt.vector(name, dtype=inner.type.dtype)
    whole = pt.specify_shape(argument, (size,))
    return argument, list(graph_replace(list(graphs), {inner: whole}, strict=False))


def _refuse_no_scalar(loss: Any) -> None:
    if loss.type.ndim != 0:
        raise BindingError(
            f"the loss has {loss.type.ndim} dimensions", expected="a scalar", advice="Sum it."
        )
