"""Named transformations: changes of values that a user asks for, each recorded in the history.

A transformation is a function from tree to tree.  Nothing calls one unasked, and each adds one
entry to the tree's history that says what was done to which array.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType

from legacy_weights.errors import UsageError
from legacy_weights.transforms import keras_kernels
from legacy_weights.tree import Tree

Transformation = Callable[[Tree, str], Tree]
"""Takes a tree and what stands behind the ``=`` of its name, nothing by default."""

TRANSFORMATIONS: Mapping[str, Transformation] = MappingProxyType(
    {keras_kernels.NAME: keras_kernels.convert}
)
"""The transformations by their names."""


def transform(tree: Tree, wanted: Iterable[str]) -> Tree:
    """Return a tree after transformations, one after the other.

    Parameters
    ----------
    tree : Tree
    wanted : iterable of str
        Names, with an option behind ``=`` if need be: ``keras-kernels``, ``keras-kernels=tf``.

    Raises
    ------
    UsageError
        If there is no transformation of this name, or it is not for this tree.
    """
    if isinstance(wanted, str):
        wanted = (wanted,)
    for entry in wanted:
        name, _, option = entry.partition("=")
        if name not in TRANSFORMATIONS:
            raise UsageError(
                f"there is no transformation {name!r}",
                expected=f"one of {', '.join(TRANSFORMATIONS)}",
            )
        tree = TRANSFORMATIONS[name](tree, option)
    return tree
