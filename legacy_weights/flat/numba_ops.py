"""What the Ops of :mod:`legacy_weights.flat.ops` are in Numba: generated, one line an array."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from pytensor.graph.basic import Apply
from pytensor.link.numba.dispatch.basic import (
    compile_numba_function_src,
    numba_njit,
    register_funcify_and_cache_key,
)

from legacy_weights.flat.ops import Ravel, Unravel, _Flat


@register_funcify_and_cache_key(Unravel)  # type: ignore[untyped-decorator]
def _numba_unravel(op: Unravel, node: Apply, **kwargs: Any) -> tuple[Any, str]:
    ndim = node.inputs[0].type.ndim
    batch = [f"flat.shape[{axis}]" for axis in range(ndim - 1)]
    lines = ["flat = np.ascontiguousarray(theta)"]
    for start, end, shape in op.spans:
        if ndim == 1 and not shape:
            lines.append(f"p{len(lines)} = np.asarray(flat[{start}])")
            continue
        # Only what is contiguous can be reshaped, and a part of several rows is not.
        piece = f"flat[..., {start}:{end}].copy()" if batch else f"flat[{start}:{end}]"
        if op.copy and not batch:
            piece += ".copy()"
        lines.append(f"p{len(lines)} = {piece}.reshape({_tuple(batch + list(map(str, shape)))})")
    lines.append(f"return {_tuple([f'p{i + 1}' for i in range(len(op.shapes))])}")
    if len(op.shapes) == 1:
        lines[-1] = "return p1"
    return _njit("unravel", ["theta"], lines, {}), _key(op, ndim)


@register_funcify_and_cache_key(Ravel)  # type: ignore[untyped-decorator]
def _numba_ravel(op: Ravel, node: Apply, **kwargs: Any) -> tuple[Any, str]:
    names = [f"p{i}" for i in range(len(op.shapes))]
    ndims = tuple(array.type.ndim - len(s) for array, s in zip(node.inputs, op.shapes, strict=True))
    widest = names[ndims.index(max(ndims))]
    batch = [f"{widest}.shape[{axis}]" for axis in range(max(ndims))]
    lines = [f"out = np.empty({_tuple([*batch, str(op.size)])}, dtype)"]
    for name, own, (start, end, shape) in zip(names, ndims, op.spans, strict=True):
        if not own and not shape:
            lines.append(f"out[..., {start}] = {name}.item()")
            continue
        lead = [f"{name}.shape[{axis}]" for axis in range(own)]
        flat = f"np.ascontiguousarray({name}).reshape({_tuple([*lead, str(end - start)])})"
        lines.append(f"out[..., {start}:{end}] = {flat}")
    lines.append("return out")
    dtype = np.dtype(node.outputs[0].type.dtype)
    return _njit("ravel", names, lines, {"dtype": dtype}), _key(op, ndims, dtype.str)


def _tuple(items: Sequence[str]) -> str:
    return f"({', '.join(items)}{',' if len(items) == 1 else ''})"


def _njit(name: str, arguments: Sequence[str], lines: Sequence[str], names: dict[str, Any]) -> Any:
    source = "\n    ".join([f"def {name}({', '.join(arguments)}):", *lines])
    return numba_njit(compile_numba_function_src(source, name, {"np": np} | names))


def _key(op: _Flat, *more: Any) -> str:
    # PyTensor keeps compiled code on disk by this key: count up when the generated code changes.
    properties = (
        "legacy_weights.flat",
        1,
        type(op).__name__,
        [getattr(op, name) for name in op.__props__],
        more,
    )
    return hashlib.sha256(repr(properties).encode()).hexdigest()
