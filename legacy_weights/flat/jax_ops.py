"""What the Ops of :mod:`legacy_weights.flat.ops` are in JAX; importing this imports JAX."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from pytensor.graph.basic import Apply
from pytensor.link.jax.dispatch import jax_funcify

from legacy_weights.flat.ops import Ravel, Unravel


@jax_funcify.register(Unravel)  # type: ignore[untyped-decorator]
def _jax_unravel(op: Unravel, **kwargs: Any) -> Callable[..., Any]:
    def unravel(theta: jax.Array) -> Any:
        pieces = [
            jax.lax.slice_in_dim(theta, start, end, axis=-1).reshape(theta.shape[:-1] + shape)
            for start, end, shape in op.spans
        ]
        return pieces if len(pieces) > 1 else pieces[0]

    return unravel


@jax_funcify.register(Ravel)  # type: ignore[untyped-decorator]
def _jax_ravel(op: Ravel, node: Apply, **kwargs: Any) -> Callable[..., Any]:
    dtype = node.outputs[0].type.dtype  # PyTensor's sums of single precision are double in JAX

    def ravel(*arrays: jax.Array) -> jax.Array:
        batches = [
            jnp.shape(array)[: jnp.ndim(array) - len(shape)]
            for array, shape in zip(arrays, op.shapes, strict=True)
        ]
        widest = max(batches, key=len)
        pieces = [
            jnp.broadcast_to(jnp.reshape(array, (*batch, end - start)), (*widest, end - start))
            for array, batch, (start, end, _) in zip(arrays, batches, op.spans, strict=True)
        ]
        return jnp.concatenate(pieces, axis=-1).astype(dtype)

    return ravel
