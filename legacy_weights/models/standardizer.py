"""The running mean and standard deviation by which observations are standardized."""

from __future__ import annotations

import numpy as np
import pytensor.tensor as pt
from numpy.typing import NDArray
from pytensor.tensor.variable import TensorVariable

from legacy_weights.models.nonlinearities import relu
from legacy_weights.models.values import Values

_EPSILON = 1e-6


class Standardizer:
    """Standardizes observations (batch, dim) by what it has seen of them.

    Parameters
    ----------
    dim : int
        How many numbers an observation has.
    scope : str
        Where its variables stand; they are ``count`` (), ``mean_1_D`` (1, dim) and ``meansq_1_D``
        (1, dim), the mean of the squares, under ``scope/Standardizer``.
    values : Values

    Notes
    -----
    policyopt/nn.py, ``Standardizer``.
    """

    def __init__(self, dim: int, scope: str, values: Values) -> None:
        prefix = f"{scope}/Standardizer"
        self.count = values.variable(f"{prefix}/count", ())
        self.mean = values.variable(f"{prefix}/mean_1_D", (1, dim))
        self.meansq = values.variable(f"{prefix}/meansq_1_D", (1, dim), "ones")

    def standardized(self, x: TensorVariable) -> TensorVariable:
        """Return (x - mean) / (stdev + 1e-6), where stdev is sqrt(relu(meansq - mean²))."""
        stdev = pt.sqrt(relu(self.meansq - pt.sqr(self.mean)))
        return (x - self.mean) / (stdev + _EPSILON)

    def update(self, points: NDArray[np.float64]) -> None:
        """Take `points` (n, dim) into the running mean, as ``Standardizer.update`` does."""
        count = float(self.count.get_value())
        kept = count / (count + len(points))
        for variable, seen in ((self.mean, points), (self.meansq, points**2)):
            mean = kept * variable.get_value() + (1.0 - kept) * seen.mean(axis=0, keepdims=True)
            variable.set_value(mean)
        self.count.set_value(np.array(count + len(points)))
