"""The host store: weights as NumPy arrays, laid end to end in an arena."""

from __future__ import annotations

from collections.abc import Sequence
from operator import is_, itemgetter
from threading import RLock
from typing import Any

import numpy as np

from legacy_weights.flat.arena import Arena
from legacy_weights.flat.cells import Cell, check_value, point, values_in
from legacy_weights.flat.errors import BindingError
from legacy_weights.flat.layout import Layout
from legacy_weights.flat.theta import checked_out, checked_theta
from legacy_weights.tree import AnyArray

_VALUE = itemgetter(0)


class HostStore:
    """Keeps the values of storage cells in one contiguous buffer.

    Nothing is touched before the first :meth:`set` or :meth:`view`.  From then on the value of
    each variable is a view of the buffer, as long as nobody puts another array into its cell.

    Parameters
    ----------
    layout : Layout
    cells : sequence of Cell
        One an entry.
    """

    name = "host"
    device = None

    def __init__(self, layout: Layout, cells: Sequence[Cell]) -> None:
        self._layout = layout
        self._cells = list(cells)
        self._size = layout.size
        self._dtype = layout.dtype
        kinds = {entry.dtype for entry in layout}
        self._mixed = len(kinds) > 1
        self._storage_dtype = layout[0].dtype
        self._converts = self._mixed or self._storage_dtype != self._dtype
        self._arena: Arena | None = None
        self._lock = RLock()  # NumPy lets other threads run while it copies

    def set(self, theta: Any, cast: bool = False) -> None:
        """Give the variables the values of `theta`: all of them, or raise and none."""
        theta = checked_theta(theta, self._size, self._dtype, cast)
        with self._lock:
            if self._mixed:
                self._check_values()
                point(self._cells, self._spread(theta))
                return
            if self._converts:
                theta = theta.astype(self._storage_dtype)
            arena = self._arena
            if arena is not None and self._is_attached(arena) and arena.is_private():
                np.copyto(arena.whole, theta)
            elif arena is None or not self._refill(arena, theta):
                self._rotate(theta)

    def get(self, out: AnyArray | None = None) -> AnyArray:
        """Return the values of the variables in a new array, or in `out`."""
        if out is None:
            out = np.empty(self._size, self._dtype)
        else:
            out = checked_out(out, self._size, self._dtype)
        with self._lock:
            arena = self._arena
            if arena is not None and self._is_attached(arena):
                np.copyto(out, arena.whole)
            else:
                values = self._check_values()
                for entry, value in zip(self._layout, values, strict=True):
                    out[entry.slice].reshape(entry.shape)[...] = value
        return out

    def view(self) -> AnyArray:
        """Return a read-only view of the buffer."""
        if self._converts:
            raise BindingError(
                f"the variables are not stored as {self._dtype}, as theta is",
                expected="one dtype",
                advice="Use get(), which copies.",
            )
        with self._lock:
            arena = self._arena
            if arena is None or not self._is_attached(arena):
                arena = self._rotate(self.get())
            view: AnyArray = arena.whole[:]
        view.flags.writeable = False
        return view

    def save(self) -> Any:
        """Return what :meth:`restore` needs."""
        return self.get()

    def restore(self, saved: Any) -> None:
        """Give the variables the values that they had at :meth:`save`."""
        self.set(saved)

    def as_theta(self, saved: Any) -> AnyArray:
        """Return what :meth:`save` returned as a theta."""
        theta: AnyArray = saved
        return theta

    def _is_attached(self, arena: Arena) -> bool:
        return all(map(is_, map(_VALUE, self._cells), arena.views))

    def _check_values(self) -> list[AnyArray]:
        """Return the values, if they still fit the layout (of JAX arrays on a CPU: views)."""
        values = values_in(self._cells)
        for value, entry in zip(values, self._layout, strict=True):
            check_value(value, entry.name, entry.shape, entry.dtype)
        return [np.asarray(value) for value in values]

    def _refill(self, arena: Arena, theta: AnyArray) -> bool:
        """Take variables that were given other arrays back into the arena, and set it.

        Returns False, and does nothing, if someone else looks at the arena.
        """
        attached = [cell[0] is view for cell, view in zip(self._cells, arena.views, strict=True)]
        if all(attached) or not arena.is_private(attached):
            return False
        values = self._check_values()
        if not any(attached):
            np.copyto(arena.whole, theta)
            point(self._cells, arena.views)
            return True
        # No variable changes its value here, so that a failure has nothing to undo.
        for view, value, there in zip(arena.views, values, attached, strict=True):
            if not there:
                np.copyto(view, value)
        point(self._cells, arena.views)
        np.copyto(arena.whole, theta)
        return True

    def _rotate(self, theta: AnyArray) -> Arena:
        """Leave the arena to whoever looks at it, and take a fresh one."""
        self._check_values()
        arena = Arena(self._storage_dtype, self._layout.shapes)
        np.copyto(arena.whole, theta)
        point(self._cells, arena.views)
        self._arena = arena
        return arena

    def _spread(self, theta: AnyArray) -> list[AnyArray]:
        """Return one array an entry, those of one dtype in one buffer."""
        kinds = {entry.dtype for entry in self._layout}
        views = {
            kind: iter(Arena(kind, [e.shape for e in self._layout if e.dtype == kind]).views)
            for kind in kinds
        }
        values = []
        for entry in self._layout:
            value = next(views[entry.dtype])
            value[...] = theta[entry.slice].reshape(entry.shape)
            values.append(value)
        return values
