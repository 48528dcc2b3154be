"""Modes of PyTensor in which functions of theta are right."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np
from pytensor.compile.mode import Mode, get_mode
from pytensor.compile.sharedvalue import SharedVariable
from pytensor.link.c.basic import CLinker
from pytensor.link.jax.linker import JAXLinker
from pytensor.link.numba.linker import NumbaLinker
from pytensor.link.vm import VMLinker

from legacy_weights.flat.errors import BindingError


class PrivateJAXLinker(JAXLinker):  # type: ignore[misc]
    """PyTensor's JAX linker, except that computations never read the caller's memory.

    JAX works in the background and, on a CPU, reads NumPy arguments where they are; the caller
    who reuses theta at once would change a result that is not there yet.

    Parameters
    ----------
    device : jax.Device, optional
        Where to compute, if no argument says so.
    """

    def __init__(self, device: Any = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.device = device

    def accept(self, *arguments: Any, **options: Any) -> Any:
        """Return the linker for a graph: another one, if this has one already."""
        linker = super().accept(*arguments, **options)
        linker.device = self.device
        return linker

    def jit_compile(self, fn: Callable[..., Any]) -> Callable[..., Any]:
        """Return `fn` compiled, called with copies of all arguments but shared variables."""
        import jax
        from jax.sharding import SingleDeviceSharding

        jitted = super().jit_compile(fn)
        theirs = [not isinstance(variable, SharedVariable) for variable in self.fgraph.inputs]
        place: Callable[[Any], Any] = _itself
        if self.device is not None:
            sharding = SingleDeviceSharding(self.device)
            if self.scalar_shape_inputs:  # these must stay Python integers, outside of any jit
                place = jax.jit(lambda value: value, out_shardings=sharding)
            else:
                jitted = jax.jit(jitted, out_shardings=sharding)

        def call(*arguments: Any) -> Any:
            return jitted(
                *(
                    place(np.array(value)) if own and isinstance(value, np.ndarray) else value
                    for value, own in zip(arguments, theirs, strict=True)
                )
            )

        return call


def _itself(value: Any) -> Any:
    return value


def usable(mode: Any, device: Any = None) -> Mode:
    """Return the mode to compile with, the Ops of theta made known to it.

    Parameters
    ----------
    mode : str or Mode, optional
        None is PyTensor's default.
    device : jax.Device, optional
        Of variables that live in JAX: the default mode is then JAX's, on this device.

    Raises
    ------
    BindingError
        The mode is the plain C linker, which lacks ``dot`` and aborts the process where a check
        fails.
    """
    chosen = get_mode("JAX" if mode is None and device is not None else mode)
    if isinstance(chosen.linker, CLinker):
        raise BindingError(
            "the plain C linker ends the process where a length is wrong",
            expected="a mode that raises",
            advice='Use mode="CVM": the same C code, run by a machine that can raise.',
        )
    if isinstance(chosen.linker, NumbaLinker):
        import_module("legacy_weights.flat.numba_ops")
    if isinstance(chosen.linker, JAXLinker):
        import_module("legacy_weights.flat.jax_ops")
        return Mode(PrivateJAXLinker(device), chosen.provided_optimizer)
    return chosen


def quick() -> Mode:
    """Return the mode that builds and runs a setter fastest: Python runs its two nodes."""
    return Mode(VMLinker(use_cloop=False, c_thunks=False), "minimum_compile")
