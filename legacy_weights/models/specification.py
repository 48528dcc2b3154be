"""What a network is made of, whatever program wrote it: layers in a chain, with named weights.

A specification knows nothing of PyTensor.  Each framework has a module that turns what a file
states into one; :mod:`legacy_weights.models.building` makes a graph of it.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

Shape = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Function:
    """A nonlinearity by the name that :mod:`legacy_weights.models.nonlinearities` has for it.

    Parameters
    ----------
    name : str
    arguments : mapping of str to float
        Such as a slope, where it is not the usual one.
    """

    name: str
    arguments: Mapping[str, float] = field(default_factory=dict)

    def __str__(self) -> str:
        given = ", ".join(f"{key}={value:g}" for key, value in self.arguments.items())
        return f"{self.name}({given})" if given else self.name


LINEAR = Function("linear")


@dataclass(frozen=True, slots=True)
class Dense:
    """x (batch, width) · weights (width, units) + bias, then a nonlinearity.

    Parameters
    ----------
    where : str
        The layer, as an error names it: its position, name and class.
    units : int
    weights : str
        The variable's name.
    bias : str, optional
    nonlinearity : Function
    row : bool
        Whether the bias is a row (1, units) instead of (units,).
    flattens : bool
        Whether more than one dimension is made one; else it is refused.
    """

    where: str
    units: int
    weights: str
    bias: str | None = None
    nonlinearity: Function = LINEAR
    row: bool = False
    flattens: bool = False

    def __str__(self) -> str:
        names = ", ".join(name for name in (self.weights, self.bias) if name)
        then = "" if self.nonlinearity == LINEAR else f", {self.nonlinearity}"
        return f"dense {self.units}{then} ({names})"


class Spread(enum.StrEnum):
    """What the numbers are by which batch normalization divides, and how."""

    VARIANCE = "variance"
    """By the root of (variance + epsilon)."""
    VARIANCE_OUTSIDE = "variance, epsilon outside of the root"
    """By the root of the variance, + epsilon."""
    DEVIATION = "standard deviation"
    """By (standard deviation + epsilon)."""
    INVERSE = "inverse standard deviation"
    """It is multiplied by."""


@dataclass(frozen=True, slots=True)
class BatchNorm:
    """(x - mean) / spread · gamma + beta, by stored averages.

    Parameters
    ----------
    where : str
    mean, spread : str
        The variables' names.
    kind : Spread
        What `spread` is.
    epsilon : float
    gamma, beta : str, optional
    axes : tuple of int, optional
        Over which the averages were taken, 0 being the batch; by default all but the last.
    """

    where: str
    mean: str
    spread: str
    kind: Spread = Spread.VARIANCE
    epsilon: float = 0.0
    gamma: str | None = None
    beta: str | None = None
    axes: tuple[int, ...] | None = None

    def __str__(self) -> str:
        given = (self.mean, self.spread, self.gamma, self.beta)
        return f"batch normalization ({', '.join(name for name in given if name)})"


@dataclass(frozen=True, slots=True)
class Nonlinearity:
    """A function of each number, or of each row.

    Parameters
    ----------
    where : str
    function : Function
    """

    where: str
    function: Function

    def __str__(self) -> str:
        return str(self.function)


@dataclass(frozen=True, slots=True)
class Reshape:
    """Another shape of the same numbers.

    Parameters
    ----------
    where : str
    shape : tuple of int, optional
        Without the batch axis; by default one dimension.
    """

    where: str
    shape: Shape | None = None

    def __str__(self) -> str:
        return "flatten" if self.shape is None else f"reshape {self.shape}"


@dataclass(frozen=True, slots=True)
class Noise:
    """What was random in training and does nothing in prediction: dropout, Gaussian noise.

    Parameters
    ----------
    where : str
    kind : str
        Its class.
    """

    where: str
    kind: str

    def __str__(self) -> str:
        return "nothing, in prediction"


@dataclass(frozen=True, slots=True)
class Broadcast:
    """A vector of parameters (units,) in each row of the batch, whatever the input.

    Parameters
    ----------
    where : str
    units : int
    parameter : str
        The variable's name.
    """

    where: str
    units: int
    parameter: str

    def __str__(self) -> str:
        return f"the parameter itself ({self.parameter})"


Layer: TypeAlias = Dense | BatchNorm | Nonlinearity | Reshape | Noise | Broadcast


@dataclass(frozen=True, slots=True)
class Specification:
    """A model: chains of layers, each from the input to an output.

    Parameters
    ----------
    framework : str
    input_shape : tuple of int
        Without the batch axis.
    outputs : mapping of str to sequence of layers
        A chain an output.  Chains that name the same variables share them.
    beside : sequence of str
        Arrays of the snapshot that belong to no layer: what an environment keeps.
    """

    framework: str
    input_shape: Shape
    outputs: Mapping[str, Sequence[Layer]]
    beside: Sequence[str] = ()

    def __str__(self) -> str:
        lines = [f"{self.framework}, input {('batch', *self.input_shape)}".replace("'", "")]
        for name, layers in self.outputs.items():
            if len(self.outputs) > 1:
                lines.append(f"{name}:")
            lines += [f"  {layer.where}: {layer}" for layer in layers]
        return "\n".join(lines)


def first_dense(layers: Sequence[Layer]) -> Dense | None:
    """Return the first layer that has weights for each number of its input, if there is one.

    What comes before it keeps how many numbers there are.
    """
    return next((layer for layer in layers if isinstance(layer, Dense)), None)
