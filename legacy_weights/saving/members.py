"""What is to be saved, in its order and with its names: arrays, shared variables, models."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from legacy_weights import paths
from legacy_weights.errors import UsageError
from legacy_weights.hierarchy.plan import snapshot_group
from legacy_weights.saving.columns import as_array
from legacy_weights.tree import AnyArray, Array, Leaf, Order, Role, Snapshot, Trainable

_KINDS = "biufcSUVMm"
_NOTE = "the order in which they were saved"


@dataclass(frozen=True, slots=True)
class _Member:
    """A variable or array with what its holder says of it."""

    name: str
    value: Any
    role: Role = Role.WEIGHT
    trainable: Trainable = Trainable.UNKNOWN


def snapshot_of(saved: Any, name: str, iteration: int | None = None) -> Snapshot:
    """Return a snapshot of arrays, of shared variables, or of what holds variables.

    Parameters
    ----------
    saved : object
        See :func:`legacy_weights.save`.
    name : str
        Of the snapshot.
    iteration : int, optional

    Raises
    ------
    UsageError
        Something is no array, or two have one name.
    """
    members = _members(saved)
    times = Counter(member.name for member in members)
    for member in members:
        if times[member.name] > 1:
            raise UsageError(f"{times[member.name]} arrays are called {member.name!r}")
    places = _places(snapshot_group(name), [member.name for member in members])
    # What stands there twice is one array with two names, in the file as well.
    arrays: dict[int, Array] = {}
    leaves = []
    for member, path in zip(members, places, strict=True):
        if id(member.value) not in arrays:
            arrays[id(member.value)] = Array.of(_values(member))
        array = arrays[id(member.value)]
        leaves.append(Leaf(path, member.name, array, member.role, member.trainable))
    return Snapshot(name, tuple(leaves), Order.STATED, _NOTE, iteration)


def _members(saved: Any) -> list[_Member]:
    if hasattr(saved, "members") and hasattr(saved, "layout"):  # a FlatVector
        return [_Member(member.name, member.variable) for member in saved.members]
    if isinstance(getattr(saved, "variables", None), Mapping):
        return _of_model(saved.variables, getattr(saved, "flat", None))
    if isinstance(saved, Mapping):
        return [_Member(str(name), value) for name, value in saved.items()]
    if isinstance(saved, Iterable) and not isinstance(saved, np.ndarray | str | bytes):
        values = list(saved)
        own = [getattr(value, "name", None) for value in values]
        names = paths.positional([name if isinstance(name, str) else None for name in own])
        return [_Member(name, value) for name, value in zip(names, values, strict=True)]
    raise UsageError(
        f"what is to be saved is a {type(saved).__name__}",
        expected="a mapping of names to arrays or shared variables, a sequence of them, "
        "a FlatVector, or a model with variables",
    )


def _of_model(variables: Mapping[str, Any], flat: Any) -> list[_Member]:
    """Return the variables of a model: its flat vector in order, and behind it what is state."""
    if flat is None:
        return [_Member(str(name), variable) for name, variable in variables.items()]
    names = {id(variable): str(name) for name, variable in variables.items()}
    inside = [variable for variable in flat.variables if id(variable) in names]
    members = [_Member(names[id(v)], v, trainable=Trainable.YES) for v in inside]
    trained = {id(variable) for variable in inside}
    for name, variable in variables.items():
        if id(variable) not in trained:
            members.append(_Member(str(name), variable, Role.STATE, Trainable.NO))
    return members


def _places(group: str, names: Sequence[str]) -> list[str]:
    """Return a path for each name: its scopes are groups, where no array stands in their way."""
    split = [tuple(name.removeprefix("/").split("/")) for name in names]
    scopes = {parts[:end] for parts in split for end in range(1, len(parts))}
    is_clear = len(set(split)) == len(split) and not scopes & set(split)
    if not is_clear or not all(all(parts) for parts in split):
        split = [(name,) for name in names]
    return [f"{group}{paths.join(parts)}" for parts in split]


def _values(member: _Member) -> AnyArray:
    value = member.value
    # Shared variables are known by what they have, so that those of Aesara are saved as well.
    cell = getattr(getattr(value, "container", None), "storage", None)
    if isinstance(cell, list) and len(cell) == 1:
        value = cell[0]
    is_array = hasattr(value, "__array__") or isinstance(value, bool | int | float | complex)
    values = as_array(value) if is_array or isinstance(value, list | tuple) else None
    if values is None or values.dtype.kind not in _KINDS or np.ma.isMaskedArray(value):
        raise UsageError(
            f"{member.name} is a {type(value).__name__}"
            + ("" if values is None else f" of {values.dtype}"),
            expected="an array or a shared variable with one",
            advice="Leave it out, or save what it is made of.",
        )
    return values
