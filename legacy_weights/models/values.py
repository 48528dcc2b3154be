"""The shared variables of a model, made when a layer asks for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import pytensor
from numpy.typing import ArrayLike, NDArray
from pytensor.tensor.sharedvar import TensorSharedVariable

from legacy_weights.errors import LayoutError
from legacy_weights.models.specification import Shape

Start = Literal["glorot", "zeros", "ones"]
"""What a variable without a value starts from."""


class Values:
    """The arrays that a model's variables start from, and the variables made of them.

    Parameters
    ----------
    arrays : mapping of str to array, optional
        By name.  Without it, every variable starts from what the layer suggests.
    spellings : mapping of str to str, optional
        What the variable of a name is called, if not by that name.
    dtype : dtype
        Of all variables.
    rng : numpy.random.Generator, optional
        Draws the starting values.
    """

    def __init__(
        self,
        arrays: Mapping[str, ArrayLike] | None = None,
        spellings: Mapping[str, str] | None = None,
        dtype: Any = np.float64,
        rng: np.random.Generator | None = None,
    ) -> None:
        self._arrays = arrays
        self._spellings = spellings or {}
        self._rng = rng
        self.dtype = np.dtype(dtype)
        self.variables: dict[str, TensorSharedVariable] = {}

    def variable(self, name: str, shape: Shape, start: Start = "zeros") -> TensorSharedVariable:
        """Return the shared variable `name` of the static shape `shape`.

        The first call makes it.

        Raises
        ------
        LayoutError
            If there is no such array, or it has another shape.
        """
        if name in self.variables:
            return self.variables[name]
        spelled = self._spellings.get(name, name)
        if self._arrays is None:
            value = _start(start, shape, self._rng)
        elif name in self._arrays:
            value = np.asarray(self._arrays[name])
        else:
            raise LayoutError(
                "the array is missing", where=spelled, expected=f"{shape}, as the model has it"
            )
        if value.shape != shape:
            raise LayoutError(
                f"the array is {value.shape}",
                where=spelled,
                expected=f"{shape}, as the model has it",
            )
        variable = pytensor.shared(
            np.array(value, self.dtype, order="C"), name=spelled, shape=shape, borrow=True
        )
        self.variables[name] = variable
        return variable

    def unused(self) -> list[str]:
        """Return the names of arrays of which no variable was made."""
        given = self._arrays or {}
        return [self._spellings.get(name, name) for name in given if name not in self.variables]


def _start(start: Start, shape: Shape, rng: np.random.Generator | None) -> NDArray[Any]:
    if start != "glorot":
        return np.zeros(shape) if start == "zeros" else np.ones(shape)
    bound = np.sqrt(6.0 / sum(shape))
    return np.random.default_rng(rng).uniform(-bound, bound, shape)
