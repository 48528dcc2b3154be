"""The gradient of a loss as one symbolic vector."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


def flat_grad(loss: Any, variables: Iterable[Any]) -> Any:
    """Return the gradient of a loss, flattened and laid end to end.

    Parameters
    ----------
    loss : TensorVariable, shape ()
    variables : FlatVector or iterable of SharedVariable
        In the order of the result.

    Returns
    -------
    TensorVariable, shape (size,)
        In C order: ``flat.unflatten`` cuts its values.

    Notes
    -----
    It is the ``flatgrad`` of imitation (policyopt/nn.py).  A graph of it compiles in every mode.
    Its own derivative does not, under JAX, where variables have no static shape: use
    :meth:`FlatVector.hvp`.
    """
    import pytensor
    import pytensor.tensor as pt

    variables = list(getattr(variables, "variables", variables))
    gradients = pytensor.grad(loss, variables)
    return pt.concatenate([gradient.reshape((-1,)) for gradient in gradients])
