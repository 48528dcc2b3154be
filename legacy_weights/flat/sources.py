"""Where values come from: files, trees, snapshots, mappings and sequences, all seen alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from os import PathLike
from typing import Any

import numpy as np

import legacy_weights
from legacy_weights.errors import UsageError
from legacy_weights.flat.errors import OrderError
from legacy_weights.tree import AnyArray, Leaf, Order, Snapshot, Tree


@dataclass(frozen=True, slots=True)
class Offer:
    """An array that a source offers.

    Parameters
    ----------
    name : str
    aliases : tuple of str
        Other names for it: its paths, and the names that the file links to it.
    shape : tuple of int
    dtype : numpy.dtype
    load : callable
        Returns the array.
    in_theta : bool
        Whether it is part of the flat vector.
    """

    name: str
    aliases: tuple[str, ...]
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    load: Callable[[], AnyArray]
    in_theta: bool = True


@dataclass(frozen=True, slots=True)
class Source:
    """Arrays on offer, in an order that may mean something.

    Parameters
    ----------
    title : str
        How errors call it.
    offers : tuple of Offer
    order : Order
    complete : bool
        False if the file was cut off while this was written.
    """

    title: str
    offers: tuple[Offer, ...]
    order: Order
    complete: bool = True

    def require_order(self) -> None:
        """Raise OrderError if nothing states the order of the arrays."""
        if self.order is Order.UNKNOWN:
            raise OrderError(
                f"nothing states the order of the arrays in {self.title}",
                expected="an order that the file states",
                advice='Assign by name instead: assign(variables, source, by="name").',
            )


def open_source(source: Any, snapshot: str | None = None) -> Source:
    """Return what `source` offers.

    Parameters
    ----------
    source : path, Tree, Snapshot, mapping of str to array_like, or sequence of array_like
        A path may name any file that :func:`legacy_weights.read` reads.
    snapshot : str, optional
        Which set of weights, if a file has several; by default the file's own choice.

    Raises
    ------
    UsageError
        It is none of these, or the snapshot is not told or not there.
    """
    if isinstance(source, str | PathLike):
        # Looked up at run time: the readers are another room, which flat vectors do not need.
        source = attrgetter("read")(legacy_weights)(source)
    if isinstance(source, Tree):
        return _of_snapshot(_chosen(source, snapshot), source.source.name)
    if snapshot is not None and not isinstance(source, Snapshot):
        raise UsageError(f"a {type(source).__name__} has no snapshots", expected="a file or a tree")
    if isinstance(source, Snapshot):
        if snapshot not in (None, source.name):
            raise UsageError(f"the snapshot is called {source.name!r}", expected=repr(snapshot))
        return _of_snapshot(source, "the tree")
    if isinstance(source, Mapping):
        offers = tuple(_of_values(str(name), values) for name, values in source.items())
        return Source("the mapping", offers, Order.UNKNOWN)
    objects = isinstance(source, np.ndarray) and source.dtype == object
    if objects or (isinstance(source, Sequence) and not isinstance(source, bytes)):
        width = len(str(max(len(source) - 1, 0)))
        offers = tuple(_of_values(f"{i:0{width}d}", values) for i, values in enumerate(source))
        return Source("the sequence", offers, Order.STATED)
    raise UsageError(
        f"the source is a {type(source).__name__}",
        expected="a path, a Tree, a Snapshot, a mapping of names to arrays, or a sequence of them",
    )


def _chosen(tree: Tree, name: str | None) -> Snapshot:
    names = [snapshot.name for snapshot in tree.snapshots]
    wanted = name or tree.default_snapshot or (names[0] if len(names) == 1 else None)
    if wanted in names:
        return tree.snapshots[names.index(wanted)]
    shown = ", ".join(names[:5] + ["…"] * (len(names) > 5)) or "none"
    raise UsageError(
        f"there is no snapshot {wanted!r}" if wanted else "no snapshot is named",
        file=tree.source.name,
        expected=f"one of {shown}",
        advice="Name one: snapshot=….",
    )


def _of_snapshot(snapshot: Snapshot, file: str) -> Source:
    offers = tuple(_of_leaf(leaf, start >= 0, snapshot.name) for leaf, start in snapshot.layout())
    title = f"snapshot {snapshot.name} of {file}"
    return Source(title, offers, snapshot.order, snapshot.complete)


def _of_leaf(leaf: Leaf, in_theta: bool, snapshot: str) -> Offer:
    prefix = f"/snapshots/{snapshot}/"
    paths = [leaf.path, *(path for path, _ in leaf.links)]
    aliases = [name for _, name in leaf.links]
    aliases += paths + [path.removeprefix(prefix) for path in paths if path.startswith(prefix)]
    array = leaf.array
    return Offer(leaf.name, tuple(aliases), array.shape, array.dtype, array.load, in_theta)


def _of_values(name: str, values: Any) -> Offer:
    array = np.asarray(values)
    return Offer(name, (), array.shape, array.dtype, lambda: array)
