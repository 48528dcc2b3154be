"""The JAX store: weights as jax.Arrays that are committed to one device.

Nothing is ever written in place.  JAX reads NumPy arrays in the background, on a CPU without
copying them: who overwrites one while a computation is in flight changes its result.  So theta is
copied first, and each :meth:`JaxStore.set` makes new arrays.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import accumulate
from operator import attrgetter, is_, itemgetter
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytensor.link.jax.dispatch  # noqa: F401 (it sets jax_enable_x64 from floatX)
from jax.sharding import SingleDeviceSharding

from legacy_weights.errors import LayoutError
from legacy_weights.flat.cells import Cell, check_value, point, values_in
from legacy_weights.flat.errors import BindingError
from legacy_weights.flat.layout import Layout
from legacy_weights.flat.theta import check_dtype, checked_out, checked_theta
from legacy_weights.tree import AnyArray

_AVAL = attrgetter("aval")
_VALUE = itemgetter(0)
_ALIGNMENT = 64  # bytes
_WORTH_ALIGNING = 1 << 20  # bytes
_PIECE = 1 << 20  # elements


class JaxStore:
    """Keeps the values of storage cells on one device.

    Parameters
    ----------
    layout : Layout
    cells : sequence of Cell
        One an entry; their values move to the device at once.
    device : jax.Device, optional
        By default where the values are, else JAX's default device.

    Raises
    ------
    BindingError
        The values are on several devices and none is named, or JAX cannot hold their dtype.
    """

    name = "jax"

    def __init__(self, layout: Layout, cells: Sequence[Cell], device: Any = None) -> None:
        self._layout = layout
        self._cells = list(cells)
        self._size = layout.size
        self._dtype = layout.dtype
        self._shape = (layout.size,)
        self._small = layout.size * layout.dtype.itemsize < _WORTH_ALIGNING
        for dtype in {layout.dtype} | {entry.dtype for entry in layout}:
            if jax.dtypes.canonicalize_dtype(dtype) != dtype:
                raise BindingError(
                    f"JAX would turn {dtype} into {jax.dtypes.canonicalize_dtype(dtype)}",
                    expected="jax_enable_x64",
                    advice="Set PyTensor's floatX to float64 before it is imported.",
                )
        self.device = _device_of(cells) if device is None else _checked_device(device)
        self._unravel, self._ravel = _programs(
            layout.shapes,
            tuple(entry.dtype for entry in layout),
            layout.dtype,
            SingleDeviceSharding(self.device),
        )
        self._avals: list[Any] = [None] * len(self._cells)
        values = self._placed()
        self._kind = type(values[0])  # of all concrete arrays; to ask for jax.Array takes longer
        point(self._cells, values)

    def set(self, theta: Any, cast: bool = False) -> None:
        """Give the variables new arrays with the values of `theta`: all of them, or none.

        `theta` is free again when this returns; XLA may still be at work on its copy.
        """
        source = theta if type(theta) is self._kind and not cast else self._source(theta, cast)
        try:
            values = self._unravel(source)
        except ValueError:
            self._refuse_elsewhere(source)
            raise
        present = list(map(_VALUE, self._cells))
        try:
            # XLA gives the arrays of all runs of one program the same avals.
            fit = all(map(is_, map(_AVAL, present), self._avals))
        except AttributeError:  # an array of NumPy has none
            fit = False
        if not fit:
            self._check(present)
        point(self._cells, values, present)

    def _source(self, theta: Any, cast: bool) -> Any:
        """Return what XLA shall cut: a copy of an array of the host, a jax.Array itself."""
        if type(theta) is np.ndarray and theta.dtype == self._dtype and theta.shape == self._shape:
            return theta.copy() if self._small else _private(theta)
        if isinstance(theta, jax.Array):
            return self._cast(theta) if cast else theta
        return _private(checked_theta(theta, self._size, self._dtype, cast))

    def get(self, out: AnyArray | None = None) -> AnyArray:
        """Return the values of the variables in a new NumPy array, or in `out`."""
        if out is None:
            out = np.empty(self._size, self._dtype)
        else:
            out = checked_out(out, self._size, self._dtype)
        if self.device.platform == "cpu":
            for entry, value in zip(self._layout, self._present(), strict=True):
                out[entry.slice].reshape(entry.shape)[...] = np.asarray(value)
        else:  # one transfer, and no copies that JAX would keep beside the variables
            out[...] = np.asarray(self.get_on_device())
        return out

    def get_on_device(self) -> jax.Array:
        """Return the values of the variables as one new array on the device."""
        theta: jax.Array = self._ravel(self._placed())
        return theta

    def view(self) -> AnyArray:
        """Return the values as a read-only NumPy array; the variables never change it."""
        view = np.asarray(self.get_on_device())
        view.flags.writeable = False
        return view

    def save(self) -> Any:
        """Return what :meth:`restore` needs: the arrays themselves, for they are immutable."""
        return self._placed()

    def restore(self, saved: Any) -> None:
        """Give the variables the values that they had at :meth:`save`."""
        point(self._cells, saved)

    def as_theta(self, saved: Any) -> AnyArray:
        """Return what :meth:`save` returned as a theta."""
        return np.asarray(self._ravel(saved))

    def _present(self) -> list[Any]:
        """Return what the cells hold, if it still fits the layout."""
        values = values_in(self._cells)
        self._check(values)
        return values

    def _check(self, values: Sequence[Any]) -> None:
        for value, entry in zip(values, self._layout, strict=True):
            check_value(value, entry.name, entry.shape, entry.dtype)
        self._avals = [getattr(value, "aval", None) for value in values]

    def _cast(self, theta: Any) -> Any:
        return (
            theta.astype(self._dtype) if check_dtype(theta.dtype, self._dtype, "", True) else theta
        )

    def _refuse_elsewhere(self, theta: Any) -> None:
        if isinstance(theta, jax.Array) and theta.committed and theta.devices() != {self.device}:
            raise BindingError(
                f"theta is on {', '.join(map(str, theta.devices()))}",
                expected=f"{self.device}, where the variables are",
                advice="Move it with jax.device_put.",
            )

    def _placed(self) -> list[jax.Array]:
        """Return the values as committed arrays on the device; those that are stay themselves."""
        here = {self.device}
        values: list[jax.Array] = []
        for value in self._present():
            if not isinstance(value, jax.Array):
                value = jax.device_put(np.array(value), self.device)
            elif not value.committed or value.devices() != here:
                value = jax.device_put(value, self.device)
            values.append(value)
        return values


@lru_cache(maxsize=64)
def _programs(
    shapes: tuple[tuple[int, ...], ...],
    dtypes: tuple[np.dtype[Any], ...],
    dtype: np.dtype[Any],
    sharding: SingleDeviceSharding,
) -> tuple[Callable[[Any], list[jax.Array]], Callable[[Sequence[Any]], jax.Array]]:
    """Return theta → arrays and arrays → theta, compiled once for all bindings of these shapes."""
    ends = list(accumulate((math.prod(shape) for shape in shapes), initial=0))

    def unravel(theta: jax.Array) -> list[jax.Array]:
        # This runs once for each shape and dtype of theta: a check that costs nothing later.
        if theta.shape != (ends[-1],):
            raise LayoutError(f"theta has the shape {theta.shape}", expected=f"({ends[-1]},)")
        check_dtype(theta.dtype, dtype, "theta", False)
        # A copy where nothing is cut: JAX would hand the caller's array through, who may donate it.
        source = jnp.copy(theta) if len(shapes) == 1 else theta
        return [
            jax.lax.slice(source, (start,), (end,)).reshape(shape).astype(kind)
            for start, end, shape, kind in zip(ends, ends[1:], shapes, dtypes, strict=False)
        ]

    def ravel(values: Sequence[jax.Array]) -> jax.Array:
        pieces = [value.reshape(-1).astype(dtype) for value in values]
        return jnp.concatenate(pieces) if len(pieces) > 1 else jnp.copy(pieces[0])

    return jax.jit(unravel, out_shardings=sharding), jax.jit(ravel, out_shardings=sharding)


def _private(theta: AnyArray) -> AnyArray:
    """Return a copy in native byte order that nobody else holds."""
    # XLA uses aligned memory as it is, and copies the rest once more: 200 MB took 40 ms, not 200.
    raw = np.empty(theta.nbytes + _ALIGNMENT, np.uint8)
    skip = -raw.__array_interface__["data"][0] % _ALIGNMENT
    copy: AnyArray = raw[skip : skip + theta.nbytes].view(theta.dtype.newbyteorder("="))
    # Piece by piece, for between differently aligned addresses a long copy is slow.
    for start in range(0, theta.size, _PIECE):
        np.copyto(copy[start : start + _PIECE], theta[start : start + _PIECE])
    return copy


def _checked_device(device: Any) -> Any:
    if not isinstance(device, jax.Device):
        raise BindingError(
            f"device is a {type(device).__name__}",
            expected="a jax.Device",
            advice="jax.devices() lists them.",
        )
    return device


def _device_of(cells: Sequence[Cell]) -> Any:
    values = [cell[0] for cell in cells]
    devices = {
        device
        for value in values
        if isinstance(value, jax.Array) and value.committed
        for device in value.devices()
    }
    if len(devices) > 1:
        raise BindingError(
            f"the variables are on {', '.join(sorted(map(str, devices)))}",
            expected="one device",
            advice="Name the one to move them to: device=….",
        )
    return devices.pop() if devices else jnp.zeros(()).devices().pop()
