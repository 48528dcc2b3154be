"""GAIL's lists of layer dictionaries (policyopt/nn.py, ``FeedforwardNet``)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from legacy_weights.errors import UnreadableError
from legacy_weights.models.specification import Dense, Function, Layer, Nonlinearity, Reshape

_KEYS = {
    "fc": ({"type", "n"}, "'type' and 'n'"),
    "nonlin": ({"type", "func"}, "'type' and 'func'"),
    "reshape": ({"type", "new_shape"}, "'type' and 'new_shape'"),
}
_FUNCTIONS = {
    "relu": Function("relu"),
    "lrelu": Function("relu", {"slope": 0.01}),
    "elu": Function("elu"),
    "tanh": Function("tanh"),
}
"""policyopt/nn.py, ``NonlinearityLayer``."""


def affine(scope: str, n: int, where: str) -> Dense:
    """Return GAIL's ``AffineLayer`` at `scope`: its b is a row, broadcast over the batch."""
    base = f"{scope}/AffineLayer"
    return Dense(where, n, f"{base}/W", f"{base}/b", row=True)


def hidden_layers(spec: Sequence[Mapping[str, Any]], scope: str) -> tuple[Layer, ...]:
    """Return the layers of a ``FeedforwardNet`` at `scope`.

    Raises
    ------
    UnreadableError
        If a layer is unknown, or says too little or too much; it names the layer.
    """
    prefix = f"{scope}/FeedforwardNet".lstrip("/")
    return tuple(
        _layer(layer, f"{prefix}/layer_{i}", f"layer {i} of {scope or 'the network'}")
        for i, layer in enumerate(spec)
    )


def _layer(layer: Mapping[str, Any], scope: str, where: str) -> Layer:
    kind = layer.get("type")
    if kind not in _KEYS:
        raise UnreadableError(
            f"the layer {dict(layer)} is of an unknown type",
            where=where,
            expected="'fc', 'nonlin' or 'reshape'",
        )
    keys, listed = _KEYS[kind]
    if set(layer) != keys:
        raise UnreadableError(f"the layer is {dict(layer)}", where=where, expected=f"just {listed}")
    if kind == "fc":
        return affine(scope, int(layer["n"]), where)
    if kind == "reshape":
        return Reshape(where, tuple(int(length) for length in layer["new_shape"]))
    if layer["func"] not in _FUNCTIONS:
        raise UnreadableError(
            f"the nonlinearity {layer['func']!r} is unknown",
            where=where,
            expected=", ".join(_FUNCTIONS),
        )
    return Nonlinearity(where, _FUNCTIONS[layer["func"]])
