"""Cuts a flat parameter vector into the arrays of a known layout."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Container, Sequence
from dataclasses import replace
from typing import NamedTuple

from legacy_weights import paths
from legacy_weights.errors import LayoutError
from legacy_weights.tree import AnyArray, Array, Leaf, Order, Role, Snapshot, Trainable


class Entry(NamedTuple):
    """One array of a layout: its name and its shape."""

    name: str
    shape: tuple[int, ...]


def cut(vector: Leaf, layout: Sequence[Entry], *, snapshot: str = "model") -> list[Leaf]:
    """Cut a flat vector into named arrays; each is a view of the vector.

    Parameters
    ----------
    vector : Leaf
    layout : sequence of Entry
    snapshot : str
        To which the arrays belong.

    Raises
    ------
    LayoutError
        As :func:`unflatten`.
    """
    total = sum(_size(entry.shape) for entry in layout)
    if vector.array.shape != (total,):
        raise LayoutError(
            f"the vector has the shape {vector.array.shape} and the layout {total:,} numbers",
            where=vector.path,
            expected=f"a vector of {total:,} numbers",
        )
    _check_names([entry.name for entry in layout])
    leaves, start = [], 0
    for entry in layout:
        stop = start + _size(entry.shape)
        leaves.append(
            Leaf(
                path=paths.join(("snapshots", snapshot, *entry.name.split("/"))),
                name=entry.name,
                array=_part(vector.array, start, stop, entry.shape),
                role=Role.WEIGHT,
                trainable=Trainable.UNKNOWN,
                origins=tuple(f"{origin}[{start}:{stop}]" for origin in vector.origins),
            )
        )
        start = stop
    return leaves


def unflatten(
    vector: Leaf, layout: Sequence[Entry], *, note: str, taken: Container[str] = ()
) -> tuple[Snapshot, Leaf]:
    """Cut a flat vector into named arrays, and keep it.

    Parameters
    ----------
    vector : Leaf
        Of an array of one dimension.
    layout : sequence of Entry
        In the order of the vector; arrays are stored one after the other, in C order.
    note : str
        What states the layout, in words.
    taken : container of str
        Paths at which other arrays stand.

    Returns
    -------
    snapshot : Snapshot
        The named arrays; each is a view of the vector.
    vector : Leaf
        The vector itself, as data beside them.

    Raises
    ------
    LayoutError
        If the sizes do not sum to the vector's length, names repeat, or one is the scope of
        another.
    """
    leaves = cut(vector, layout)
    numbered = (f"theta ({number})" for number in itertools.count(2))
    for name in itertools.chain(["theta"], numbered):
        path = paths.join(("other", Role.DATA.section, name))
        if path not in taken:
            break
    kept = replace(
        vector,
        path=path,
        name=name,
        role=Role.DATA,
        trainable=Trainable.NO,
        links=(),
        note="the flat vector as the file has it",
    )
    return Snapshot("model", tuple(leaves), Order.STATED, note), kept


def _check_names(names: Sequence[str]) -> None:
    name, times = Counter(names).most_common(1)[0] if names else ("", 1)
    if times > 1:
        raise LayoutError(f"the layout has the name {name!r} {times} times")
    known = set(names)
    for name in names:
        scopes = itertools.accumulate(name.split("/")[:-1], "{}/{}".format)
        scope = next((scope for scope in scopes if scope in known), None)
        if scope is not None:
            raise LayoutError(
                f"the layout has the array {scope!r} and, as if that were a group, {name!r}"
            )


def _size(shape: tuple[int, ...]) -> int:
    size = 1
    for length in shape:
        size *= length
    return size


def _part(vector: Array, start: int, stop: int, shape: tuple[int, ...]) -> Array:
    def load() -> AnyArray:
        return vector.load()[start:stop].reshape(shape)

    return Array(vector.dtype, shape, load)
