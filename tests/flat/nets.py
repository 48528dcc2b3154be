"""Models of the tests, the modes, and what is known about them from outside the code under test."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest
from pytensor.compile.mode import Mode

MODES = {
    "NUMBA": "NUMBA",
    "CVM": "CVM",
    "vm": Mode(linker="vm"),
    "FAST_COMPILE": "FAST_COMPILE",
}
needs_jax = pytest.mark.skipif(find_spec("jax") is None, reason="no JAX")
needs_compiler = pytest.mark.skipif(not pytensor.config.cxx, reason="no C++ compiler")


def host_modes(*names):
    """Return parameters for the modes that compute on the host (all of them by default)."""
    marks = {"CVM": [needs_compiler]}
    return [
        pytest.param(MODES[name], id=name, marks=marks.get(name, [])) for name in names or MODES
    ]


def all_modes():
    """Return parameters for every mode, JAX last."""
    return [*host_modes(), pytest.param("JAX", id="JAX", marks=[needs_jax])]


class Net:
    """A small net with a weight matrix, a row-broadcastable bias, a vector and a scalar."""

    names = ("out/W", "out/b", "scale", "gain")
    shapes = ((2, 3), (1, 3), (3,), ())
    size = 13

    def __init__(self, dtype="float64"):
        make = pytensor.shared
        values = [np.zeros(shape, dtype) for shape in self.shapes]
        self.W = make(values[0], "out/W")
        self.b = make(values[1], "out/b", shape=(1, 3))
        self.scale = make(values[2], "scale")
        self.gain = make(values[3], "gain")
        self.variables = [self.W, self.b, self.scale, self.gain]
        self.x = pt.matrix("x", dtype=dtype)
        self.y = self.gain * pt.tanh(self.x @ self.W + self.b) * self.scale
        self.loss = (self.y**2).sum()

    def arrays(self):
        """Return the present values, as NumPy arrays, by PyTensor's own means."""
        return [np.asarray(variable.get_value()) for variable in self.variables]

    def theta(self):
        """Return the present values, laid end to end."""
        return np.concatenate([array.ravel() for array in self.arrays()])


def set_by_loop(variables, theta):
    """Set the variables one by one, by PyTensor's own means."""
    start = 0
    for variable in variables:
        shape = np.shape(variable.get_value())
        size = int(np.prod(shape))
        variable.set_value(np.array(theta[start : start + size]).reshape(shape))
        start += size


def cell(variable):
    """Return what the variable's storage cell holds."""
    return variable.container.storage[0]
