"""Lasagne's nonlinearities (lasagne/nonlinearities.py) by the names that files have for them."""

from __future__ import annotations

from legacy_weights.errors import UnreadableError
from legacy_weights.models.frameworks.json_values import Settings
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


def function_of(stated: JSON, where: str) -> Function:
    """Return a nonlinearity.

    Parameters
    ----------
    stated : JSON
        Its name, dotted or in the module; ``{"class", …}`` with the attributes of a
        ``LeakyRectify`` or ``ScaledTanH``; None is the identity.
    where : str
        The layer.

    Raises
    ------
    UnreadableError
        If it is none of Lasagne's; the error names the layer.
    """
    if stated is None:
        return LINEAR
    if isinstance(stated, dict):
        own = Settings(stated, where)
        if stated.get("class") == "LeakyRectify":
            return Function("relu", {"slope": own.number("leakiness")})
        if stated.get("class") in ("ScaledTanH", "ScaledTanh"):
            scales = {key: own.number(key) for key in ("scale_in", "scale_out")}
            return Function("scaled_tanh", scales)
    short = stated.removeprefix(_MODULE) if isinstance(stated, str) else ""
    if short not in _FUNCTIONS:
        raise UnreadableError(
            f"the nonlinearity {stated!r:.100} is unknown",
            where=where,
            expected=f"one of {', '.join(_FUNCTIONS)} of {_MODULE.rstrip('.')}",
        )
    return _FUNCTIONS[short]
