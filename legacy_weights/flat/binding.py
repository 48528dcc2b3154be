"""Which variables can be bound: shared variables with arrays of floats, each in a cell of its own.

Shared variables are known by what they have, not by their class, so that those of PyTensor and of
Aesara bind alike: ``variable.container.storage`` (a list whose first element is the value) and
``variable.type.dtype``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from legacy_weights.flat.cells import Cell
from legacy_weights.flat.errors import BindingError
from legacy_weights.paths import positional
from legacy_weights.tree import AnyArray


@dataclass(frozen=True, slots=True)
class Bound:
    """A shared variable that was looked at.

    Parameters
    ----------
    name : str
        Unique among the variables of the binding.
    variable : SharedVariable
    cell : list
        Where its value is.
    shape : tuple of int
        Of its present value.
    dtype : numpy.dtype
    """

    name: str
    variable: Any
    cell: Cell
    shape: tuple[int, ...]
    dtype: np.dtype[Any]


def bound(
    variables: Iterable[Any] | Mapping[str, Any], *, floats_only: bool = True
) -> tuple[Bound, ...]:
    """Look at shared variables, and refuse what cannot be bound.

    Parameters
    ----------
    variables : iterable or mapping of str to SharedVariable
        Without names given here, a variable is called by its own name; one that has none, or
        shares it with another, by its zero-padded position.
    floats_only : bool
        Whether integers are refused too: they would not survive arithmetic on theta.

    Raises
    ------
    BindingError
        Something is no shared array variable, or two of them share their storage.
    """
    if isinstance(variables, Mapping):
        names, members = [str(name) for name in variables], list(variables.values())
    else:
        members = list(variables)
        names = positional([getattr(variable, "name", None) for variable in members])
    found = tuple(_looked_at(n, v, floats_only) for n, v in zip(names, members, strict=True))
    _refuse_shared_cells(found)
    _refuse_shared_memory(found)
    return found


def _looked_at(name: str, variable: Any, floats_only: bool) -> Bound:
    kind = getattr(variable, "type", None)
    cell = getattr(getattr(variable, "container", None), "storage", None)
    if kind is None or not isinstance(cell, list):
        raise BindingError(
            f"{name} is a {type(variable).__name__}",
            expected="a shared variable",
            advice="Make one with pytensor.shared.",
        )
    value = cell[0]
    # Random states have no dtype, sparse matrices have one but are no arrays.
    if not hasattr(kind, "dtype") or not hasattr(value, "__array__") or hasattr(kind, "format"):
        raise BindingError(
            f"{name} is a shared variable of the type {kind}, and holds a {type(value).__name__}",
            expected="an array",
            advice="Leave it out: random states and sparse matrices are no part of theta.",
        )
    dtype = np.dtype(kind.dtype)
    if floats_only and dtype.kind not in "fc":
        raise BindingError(
            f"{name} is of {dtype}",
            expected="floats",
            advice="Leave it out: values of theta would be truncated.",
        )
    return Bound(name, variable, cell, tuple(value.shape), dtype)


def _refuse_shared_cells(found: Sequence[Bound]) -> None:
    seen: dict[int, Bound] = {}
    for item in found:
        first = seen.setdefault(id(item.cell), item)
        if first is not item:
            how = "are one variable" if first.variable is item.variable else "are clones"
            raise BindingError(
                f"{first.name} and {item.name} {how}: they share one container",
                expected="each container once",
            )


def _refuse_shared_memory(found: Sequence[Bound]) -> None:
    # JAX arrays are immutable: two variables with the same one part at the first change.
    spans: list[tuple[int, int, Bound]] = []
    for item in found:
        value = item.cell[0]
        if isinstance(value, np.ndarray) and value.size:
            spans.append((*_span(value), item))
    spans.sort(key=lambda span: span[:2])
    reach: list[tuple[int, int, Bound]] = []
    for span in spans:
        reach = [other for other in reach if other[1] > span[0]]
        for other in reach:
            if np.shares_memory(other[2].cell[0], span[2].cell[0]):
                raise BindingError(
                    f"{other[2].name} and {span[2].name} are two views of one buffer",
                    expected="a buffer each",
                    advice="Give one of them a copy: v.set_value(v.get_value()).",
                )
        reach.append(span)


def _span(array: AnyArray) -> tuple[int, int]:
    """Return the addresses of the first byte and behind the last."""
    low = high = array.__array_interface__["data"][0]
    for length, stride in zip(array.shape, array.strides, strict=True):
        reach = (length - 1) * stride
        low, high = low + min(reach, 0), high + max(reach, 0)
    return low, high + array.itemsize
