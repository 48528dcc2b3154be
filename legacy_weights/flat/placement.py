"""Where a binding keeps the values: on the host or on a device, and how it moves and is copied."""

from __future__ import annotations

from copy import deepcopy
from typing import Any, Self

import numpy as np

from legacy_weights.flat.binding import Bound
from legacy_weights.flat.cells import values_in
from legacy_weights.flat.errors import BindingError
from legacy_weights.flat.host import HostStore
from legacy_weights.flat.layout import Layout


class Placed:
    """What :class:`FlatVector` does with the place of the values."""

    members: tuple[Bound, ...]
    layout: Layout

    def _place(self, backend: str, device: Any) -> None:
        self._cells = [member.cell for member in self.members]
        if backend not in ("host", "jax"):
            raise BindingError(f"backend is {backend!r}", expected='"host" or "jax"')
        if backend == "host" and device is not None:
            raise BindingError("the host backend has no devices", advice='Pass backend="jax".')
        self._store: Any = HostStore(self.layout, self._cells)
        if backend == "jax":
            self.to_device(device)

    def __reduce__(self) -> tuple[Any, ...]:
        where = self.device and (self.device.platform, self.device.id)
        named = {member.name: member.variable for member in self.members}
        return _bind_again, (type(self), named, self.backend, where, self.layout.dtype.str)

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        # PyTensor cannot copy a variable that holds a jax.Array: it finds a NumPy copy made.
        for value in values_in(self._cells):
            if not isinstance(value, np.ndarray):
                memo[id(value)] = np.array(value)
        rebuild, arguments = self.__reduce__()
        return rebuild(*deepcopy(arguments, memo))

    @property
    def backend(self) -> str:
        """``"host"`` or ``"jax"``."""
        return str(self._store.name)

    @property
    def device(self) -> Any:
        """The jax.Device that holds the values; None on the host."""
        return self._store.device

    def to_device(self, device: Any = None) -> Self:
        """Move the values to a JAX device, committed, and return the binding.

        Parameters
        ----------
        device : jax.Device, optional
            By default where the values are, else JAX's default device.

        Raises
        ------
        BindingError
            The values are on several devices and none is named, or JAX cannot hold their dtype.
        """
        from legacy_weights.flat.jax_store import JaxStore

        self._store = JaxStore(self.layout, self._cells, device)
        return self

    def to_host(self) -> Self:
        """Move the values to NumPy arrays, and return the binding."""
        store = HostStore(self.layout, self._cells)
        store.set(self._store.get())
        self._store = store
        return self


def _bind_again(
    kind: type[Any], named: dict[str, Any], backend: str, where: tuple[str, int] | None, dtype: str
) -> Any:
    device = None
    if where is not None:
        import jax

        platform, number = where
        found = [device for device in jax.devices(platform) if device.id == number]
        if not found:
            raise BindingError(
                f"there is no device {number} on {platform} here",
                expected=f"one of {', '.join(map(str, jax.devices(platform)))}",
                advice="Use to_host() before pickling.",
            )
        device = found[0]
    return kind(named, backend, device=device, dtype=dtype)
