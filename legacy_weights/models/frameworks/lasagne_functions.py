"""Lasagne's nonlinearities (lasagne/nonlinearities.py) by the names that files have for them."""

from __future__ import annotations

from legacy_weights.errors import UnreadableError
from legacy_weights.models.specification import LINEAR, Function
from legacy_weights.tree import JSON

_MODULE = "lasagne.nonlinearities."
_FUNCTIONS = {
    "sigmoid": Function("sigmoid"),
    "softmax": Function("softmax"),
    "tanh": Function("tanh"),
    "rectify": Function("relu"),
    "leaky_rectify": Function("relu", {"slope": 0.01}),
    "very_leaky_rectify": Function("relu", {"slope": 1.0 / 3}),
    "elu": Function("elu"),
    "softplus": Function("softplus"),
    "linear": LINEAR,
    "identity": LINEAR,
}


def function_of(name: JSON, where: str) -> Function:
    """Return a nonlinearity by its dotted name; None is the identity.

    Raises
    ------
    UnreadableError
        If it is none of Lasagne's; the error names the layer.
    """
    if name is None:
        return LINEAR
    short = name.removeprefix(_MODULE) if isinstance(name, str) else ""
    if short not in _FUNCTIONS:
        raise UnreadableError(
            f"the nonlinearity {name!r:.100} is unknown",
            where=where,
            expected=f"one of {', '.join(_FUNCTIONS)} of {_MODULE.rstrip('.')}",
        )
    return _FUNCTIONS[short]
