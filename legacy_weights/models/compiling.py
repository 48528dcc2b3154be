"""The modes in which models run, and how their functions are compiled."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from itertools import chain
from typing import Any, Literal, TypeAlias

import numpy as np
import pytensor
from numba.core.errors import NumbaPerformanceWarning
from numpy.typing import NDArray
from pytensor.compile.mode import Mode, get_mode
from pytensor.graph.basic import Variable
from pytensor.link.numba.linker import NumbaLinker

from legacy_weights.errors import UsageError

ModeName: TypeAlias = Literal["C", "JAX"] | None
Compiled: TypeAlias = Callable[..., Any]

# The plain C linker aborts the process where an assertion fails; CVM is its safe sibling.
_MODES = {None: None, "C": "CVM", "JAX": "JAX"}


def resolve(mode: str | None) -> Mode:
    """Return PyTensor's mode for one of ours.

    Parameters
    ----------
    mode : {None, "C", "JAX"}
        None is PyTensor's default (NUMBA, unless it is configured otherwise); ``"C"`` is its
        ``"CVM"``.

    Raises
    ------
    UsageError
        If there is no such mode.
    """
    if mode not in _MODES:
        raise UsageError(f"the mode {mode!r} is unknown", expected='None, "C" or "JAX"')
    return get_mode(_MODES[mode])


def uses_numba(mode: str | None) -> bool:
    """Whether functions of this mode are compiled by Numba."""
    return isinstance(resolve(mode).linker, NumbaLinker)


def compile_function(
    inputs: Sequence[Variable[Any, Any]],
    outputs: Variable[Any, Any] | Sequence[Variable[Any, Any]],
    mode: str | None,
) -> Compiled:
    """Compile a function that trusts its caller.

    The inputs are not checked: they must be NumPy arrays of the right dtype and dimensions that
    are contiguous in C order, aligned and writeable (see :func:`exactly`), for Numba compiles
    anew for every other kind.

    Returns
    -------
    callable
        Returns NumPy arrays in every mode.
    """
    with warnings.catch_warnings():
        # JAX drops assertions; that batches are of one length is checked by the caller.
        warnings.filterwarnings("ignore", "Skipping Assert", UserWarning)
        function: Any = pytensor.function(
            [pytensor.In(variable, borrow=True) for variable in inputs],
            outputs,
            mode=resolve(mode),
            trust_input=True,
            on_unused_input="ignore",
        )
    if uses_numba(mode):
        return _without_machinery(function)
    return _in_numpy(function) if mode == "JAX" else function


def _without_machinery(function: Any) -> Compiled:
    """Return what Numba made of `function`, to be called without PyTensor's storage and hooks.

    These cost 3 µs a call, a third of what a small policy costs.  There must be no updates.
    """
    compiled = getattr(function.vm, "jit_fn", None)
    if compiled is None:
        plain: Compiled = function
        return plain
    containers = function.input_storage
    explicit = len(function.maker.inputs) - len(function.get_shared())
    shared = [container.storage for container in containers[explicit:]]
    single = function.unpack_single

    def run(*arguments: NDArray[Any]) -> Any:
        # Numba compiles now, and would have the caller know what PyTensor could do better.
        nonlocal run
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NumbaPerformanceWarning)
            outputs = compiled(*arguments)
        run = compiled
        return outputs

    def call(*arguments: NDArray[Any]) -> Any:
        outputs = run(*arguments, *chain.from_iterable(shared))
        return outputs[0] if single else list(outputs)

    return call


def _in_numpy(function: Compiled) -> Compiled:
    """Return `function` with results that are NumPy's own: those of JAX are read-only."""

    def call(*arguments: NDArray[Any]) -> Any:
        results = function(*arguments)
        if isinstance(results, list):
            return [np.array(result) for result in results]
        return np.array(results)

    return call


def exactly(values: Any, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Return `values` as an array that every mode takes as it is: C order, aligned, writeable."""
    array = np.asarray(values, dtype, order="C")
    return array if array.flags.carray else array.copy()
