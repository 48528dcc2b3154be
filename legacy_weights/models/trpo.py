"""A natural-gradient step within a trust region, as GAIL takes it (policyopt/optim.py).

Plain NumPy over functions of theta: it knows nothing of models.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

Vector: TypeAlias = NDArray[np.float64]


class StepInfo(NamedTuple):
    """What a step did (policyopt/optim.py, ``NGStepInfo``).

    Parameters
    ----------
    obj0, obj1 : float
        The surrogate objective before and after.
    kl0, kl1 : float
        The mean divergence from the old policy before and after.
    gnorm : float
        The largest component of the objective's gradient.
    bt : int
        How often the line search halved the step.
    """

    obj0: float
    kl0: float
    obj1: float
    kl1: float
    gnorm: float
    bt: int


def conjugate_gradient(
    product: Callable[[Vector], Vector], b: Vector, iterations: int, tolerance: float = 1e-5
) -> Vector:
    """Solve A x = b (n,) from x = 0, with at most `iterations` products A v.

    It stops when the residual is below `tolerance` times b's norm, as ``scipy.sparse.linalg.cg``
    of the time, which policyopt/optim.py, ``ngstep``, called with SciPy's default tolerance.
    """
    x = np.zeros_like(b)
    residual = b.copy()
    direction = residual.copy()
    square = float(residual @ residual)
    enough = tolerance * np.linalg.norm(b)
    for _ in range(iterations):
        if np.sqrt(square) <= enough:
            break
        along = product(direction)
        length = square / float(direction @ along)
        x += length * direction
        residual -= length * along
        square, before = float(residual @ residual), square
        direction = residual + (square / before) * direction
    return x


def line_search(
    loss: Callable[[Vector], float],
    start: Vector,
    loss_at_start: float,
    slope: float,
    step: Vector,
    accept_ratio: float = 0.1,
    shrink: float = 0.5,
    most: int = 10,
) -> tuple[Vector, int]:
    """Shorten `step` until the loss falls by `accept_ratio` of what its slope promises.

    Parameters
    ----------
    loss : callable
        Of a point (n,).
    slope : float
        The loss's derivative along `step` at `start`.

    Returns
    -------
    point : array (n,)
        After `most` failures, the point of the shortest step, unasked.
    failures : int

    Notes
    -----
    policyopt/optim.py, ``btlinesearch``.
    """
    length = 1.0
    for failures in range(most):
        point = start + length * step
        if loss(point) - loss_at_start <= accept_ratio * length * slope:
            return point, failures
        length *= shrink
    return start + length * step, most


def natural_step(
    start: Vector,
    loss: float,
    gradient: Vector,
    loss_and_kl: Callable[[Vector], tuple[float, float]],
    kl_product: Callable[[Vector], Vector],
    *,
    max_kl: float,
    damping: float,
    max_cg_iter: int,
    backtrack: bool,
) -> tuple[Vector, int]:
    """Return the point (n,) that a natural-gradient step reaches, and how often it was halved.

    Parameters
    ----------
    start : array (n,)
    loss, gradient : float, array (n,)
        At `start`.
    loss_and_kl : callable
        Of a point: the loss and the divergence from the policy at `start`.
    kl_product : callable
        Of a vector v (n,): the divergence's Hessian at `start` times v.
    max_kl : float
        What the divergence should be; beyond twice that, the line search goes back.
    damping : float
        This multiple of the identity is added to the Hessian.
    max_cg_iter : int
    backtrack : bool
        Whether to search along the line at all.

    Notes
    -----
    policyopt/optim.py, ``ngstep``.
    """

    def damped(v: Vector) -> Vector:
        return kl_product(v) + damping * v

    direction = conjugate_gradient(damped, -gradient, max_cg_iter)
    curvature = 0.5 * float(direction @ damped(direction))
    step = direction / np.sqrt(curvature / max_kl + 1e-8)
    if not backtrack:
        return start + step, 0

    def within_wall(point: Vector) -> float:
        value, kl = loss_and_kl(point)
        return np.inf if kl > 2 * max_kl else value

    return line_search(within_wall, start, loss, float(gradient @ step), step)
