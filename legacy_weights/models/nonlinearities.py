"""The nonlinearities that specifications name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import factorial
from typing import TypeAlias

import pytensor.tensor as pt
from pytensor.tensor.variable import TensorVariable

Activation: TypeAlias = Callable[..., TensorVariable]


def _like(value: float, x: TensorVariable) -> TensorVariable:
    """Return a constant of the dtype of x: PyTensor would take float64 for most numbers."""
    return pt.constant(value, dtype=x.dtype)


def relu(x: TensorVariable, slope: float = 0.0) -> TensorVariable:
    """Return x where it is positive, elsewhere `slope` times x.

    The form with abs(x) is Theano's (theano/tensor/nnet/nnet.py, ``relu``): it rounds as the
    original did, and its gradient at 0 is the mean of the two slopes.
    """
    if slope == 0.0:
        return 0.5 * (x + abs(x))
    return _like(0.5 * (1 + slope), x) * x + _like(0.5 * (1 - slope), x) * abs(x)


def elu(x: TensorVariable, alpha: float = 1.0) -> TensorVariable:
    """Return x where it is positive, elsewhere `alpha` (exp(x) - 1).

    That is theano/tensor/nnet/nnet.py, ``elu``.
    """
    negative = pt.expm1(x) if alpha == 1.0 else _like(alpha, x) * pt.expm1(x)
    return pt.switch(x > 0, x, negative)


def softmax(x: TensorVariable) -> TensorVariable:
    """Return exp(x) of each row, divided by the row's sum."""
    e = pt.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def hard_sigmoid(x: TensorVariable) -> TensorVariable:
    """Return 0.2 x + 0.5 between 0 and 1 (theano/tensor/nnet/sigm.py, ``hard_sigmoid``)."""
    return pt.clip(_like(0.2, x) * x + 0.5, 0.0, 1.0)


def softsign(x: TensorVariable) -> TensorVariable:
    """Return x / (1 + abs(x)) (keras/backend/theano_backend.py, ``softsign``)."""
    return x / (1.0 + abs(x))


def scaled_tanh(x: TensorVariable, scale_in: float = 1.0, scale_out: float = 1.0) -> TensorVariable:
    """Return `scale_out` tanh(`scale_in` x) (lasagne/nonlinearities.py, ``ScaledTanH``)."""
    return _like(scale_out, x) * pt.tanh(_like(scale_in, x) * x)


def at_least(x: TensorVariable, least: float) -> TensorVariable:
    """Return the greater of x and `least`."""
    return pt.maximum(x, _like(least, x))


NONLINEARITIES: Mapping[str, Activation] = {
    "relu": relu,
    "elu": elu,
    "tanh": pt.tanh,
    "scaled_tanh": scaled_tanh,
    "sigmoid": pt.sigmoid,
    "hard_sigmoid": hard_sigmoid,
    "softmax": softmax,
    "softplus": pt.softplus,
    "softsign": softsign,
    "exp": pt.exp,
    "at_least": at_least,
}

_HALVINGS = 7
_TERMS = 12


def arithmetic_tanh(x: TensorVariable) -> TensorVariable:
    """Return tanh(x) by additions, multiplications and one division.

    Numba calls the C library for each tanh; arithmetic it turns into vector instructions, about
    six times as fast on a batch.  The error stays below 2e-15 of the value.

    Notes
    -----
    With e(y) = exp(y) - 1, tanh(x) is e(2x) / (e(2x) + 2), and e(2y) is e(y) (e(y) + 2): the
    Taylor series at 2x / 2**7, then seven doublings.  Beyond 20, tanh is 1 in double precision.
    """
    y = pt.clip(x, -20.0, 20.0) * 2.0 ** (1 - _HALVINGS)
    series = pt.constant(1.0 / factorial(_TERMS), dtype="float64")
    for term in range(_TERMS - 1, 0, -1):
        series = series * y + 1.0 / factorial(term)
    e = series * y
    for _ in range(_HALVINGS):
        e = e * (e + 2.0)
    return e / (e + 2.0)


ARITHMETIC: Mapping[str, Activation] = {**NONLINEARITIES, "tanh": arithmetic_tanh}
"""The same functions, in forms that Numba turns into vector instructions."""
