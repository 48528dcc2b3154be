"""Changes of single arrays, lazy and in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from legacy_weights.tree import JSON, AnyArray, Array, Leaf, Tree


@dataclass(frozen=True, slots=True, eq=False)
class Change:
    """What is done to an array.

    Parameters
    ----------
    words : str
        For the history: ``flip axes 2, 3``.
    apply : callable
        Returns a view or a copy of an array, of the same dtype and size.
    """

    words: str
    apply: Callable[[AnyArray], AnyArray]


def flip(axes: Sequence[int]) -> Change:
    """Reverse an array along some axes."""
    return Change(f"flip {_axes(axes)}", lambda values: np.flip(values, tuple(axes)))


def transpose(axes: Sequence[int]) -> Change:
    """Put the axes of an array into this order."""
    words = f"transpose to axes {', '.join(map(str, axes))}"
    return Change(words, lambda values: values.transpose(tuple(axes)))


def regroup(outer: int, inner: int) -> Change:
    """Reorder the first axis, which counts `outer` × `inner`, so that it counts the other way."""

    def apply(values: AnyArray) -> AnyArray:
        parted = values.reshape(outer, inner, *values.shape[1:])
        return parted.swapaxes(0, 1).reshape(values.shape)

    return Change(f"reorder rows from {outer}×{inner} to {inner}×{outer}", apply)


def _axes(axes: Sequence[int]) -> str:
    return ("axis " if len(axes) == 1 else "axes ") + ", ".join(map(str, axes))


def changed(leaf: Leaf, changes: Sequence[Change]) -> Leaf:
    """Return a leaf whose array is changed when it is asked for."""
    old = leaf.array
    # The shape comes from an array without values.
    probe: AnyArray = np.broadcast_to(np.zeros((), np.uint8), old.shape)
    for change in changes:
        probe = change.apply(probe)

    def load() -> AnyArray:
        values = old.load()
        for change in changes:
            values = change.apply(values)
        values = np.ascontiguousarray(values).reshape(probe_shape)
        values.setflags(write=False)
        return values

    probe_shape = probe.shape
    words = "; ".join(change.words for change in changes)
    note = f"{leaf.note}; {words}" if leaf.note else words
    return replace(leaf, array=Array(old.dtype, probe_shape, load), note=note)


def with_changes(tree: Tree, wanted: Mapping[str, Sequence[Change]], step: dict[str, JSON]) -> Tree:
    """Return a tree with changed arrays, and with the step in its history.

    Parameters
    ----------
    tree : Tree
    wanted : mapping of str to sequence of Change
        By the paths of the arrays.
    step : dict
        ``action`` and what else is to be told; the arrays are added.
    """
    snapshots = tuple(
        replace(
            snapshot,
            leaves=tuple(
                changed(leaf, wanted[leaf.path]) if leaf.path in wanted else leaf
                for leaf in snapshot.leaves
            ),
        )
        for snapshot in tree.snapshots
    )
    arrays: list[JSON] = [
        {"path": path, "done": [change.words for change in changes]}
        for path, changes in wanted.items()
    ]
    return replace(tree, snapshots=snapshots, history=(*tree.history, {**step, "arrays": arrays}))
