"""A compiled PyTensor function from the flat vector to updates of all variables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytensor
import pytensor.tensor as pt
from pytensor.compile.io import In
from pytensor.link.jax.linker import JAXLinker

from legacy_weights.flat.layout import Layout
from legacy_weights.flat.modes import quick, usable
from legacy_weights.flat.ops import Unravel


def compile_setter(
    layout: Layout, variables: Sequence[Any], mode: Any = None, device: Any = None
) -> Any:
    """Compile theta → updates.

    Parameters
    ----------
    layout : Layout
    variables : sequence of SharedVariable
        One an entry.
    mode : str or Mode, optional
        By default one that builds fast; JAX's if `device` is given.
    device : jax.Device, optional
        Where the variables live.

    Returns
    -------
    pytensor.compile.executor.Function
        Takes theta, of exactly the layout's dtype; returns nothing.
    """
    chosen = quick() if mode is None and device is None else usable(mode, device)
    theta = pt.vector("theta", dtype=str(layout.dtype))
    # SpecifyShape raises in every mode; JAX drops an Assert.
    whole = pt.specify_shape(theta, (layout.size,))
    # Copies: what is a view of theta would change with the caller's array.
    static = tuple(tuple(variable.type.shape) for variable in variables)
    pieces = Unravel(layout.shapes, copy=True, static=static)(whole, return_list=True)
    updates = [
        (variable, _as_type_of(variable, piece))
        for variable, piece in zip(variables, pieces, strict=True)
    ]
    strict = not isinstance(chosen.linker, JAXLinker)  # jax.Arrays are welcome there
    return pytensor.function([In(theta, strict=strict)], updates=updates, mode=chosen)


def _as_type_of(variable: Any, piece: Any) -> Any:
    piece = piece.astype(variable.type.dtype)
    return variable.type.filter_variable(piece)
