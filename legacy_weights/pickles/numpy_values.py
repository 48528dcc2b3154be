"""NumPy's records as values: dtypes, arrays, scalars, masked arrays.

The forms are those of ``array_reduce``, ``arraydescr_reduce`` and ``gentype_reduce`` in NumPy's C
sources, and of ``MaskedArray.__reduce__`` in ``numpy/ma/core.py``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from legacy_weights.pickles import dtypes
from legacy_weights.pickles.objects import ABSENT, Global, Instance, MaskedArray, ObjectArray

if TYPE_CHECKING:
    from legacy_weights.pickles.machine import Machine

_MAX_RANK = 64


def value_of(value: Any) -> Any:
    """Return what a record is known to stand for, else `value` itself."""
    if type(value) is Instance and value.value is not ABSENT:
        return value.value
    return value


def dtype(machine: Machine, call: Instance) -> Any:
    """``numpy.dtype(code, align, copy)``; the rest follows as its state."""
    if not call.args:
        return call
    code = call.args[0]
    try:
        if isinstance(code, Global):  # numpy.record and other subclasses of void
            call.value = np.dtype("V")
        else:
            call.value = dtypes.from_code(dtypes.text(code))
    except dtypes.DTypeError as error:
        machine.fail(f"numpy.dtype with {error}")
    return call


def dtype_state(machine: Machine, instance: Instance) -> None:
    """Give a dtype its byte order, fields, size and unit."""
    if type(instance.state) is not tuple or not isinstance(instance.value, np.dtype):
        machine.fail("numpy.dtype with a state that is no tuple")
    instance.value = dtypes.from_state(instance.value, _resolved(instance.state))


def _resolved(part: Any) -> Any:
    """Replace the records of dtypes by the dtypes, as deep as a state has them."""
    if type(part) is tuple and len(part) <= dtypes._LEAVES:
        return tuple(_resolved_field(item) for item in part)
    return part


def _resolved_field(part: Any) -> Any:
    if type(part) is tuple:
        return tuple(map(value_of, part[:10_000]))
    if type(part) is dict:
        return {key: _resolved_field(item) for key, item in part.items()}
    return value_of(part)


def scalar(machine: Machine, call: Instance) -> Any:
    """``numpy.core.multiarray.scalar(dtype, bytes)``: a NumPy scalar."""
    dtype = value_of(call.args[0]) if call.args else None
    if not isinstance(dtype, np.dtype) or dtype.hasobject:
        return call
    if len(call.args) == 1:
        return np.zeros((), dtype)[()]
    raw = value_of(call.args[1])
    if not isinstance(raw, bytes | memoryview) or len(raw) != dtype.itemsize:
        machine.fail(f"numpy.scalar of {dtype} without its {dtype.itemsize} bytes")
    return np.ndarray((), dtype, bytes(raw) or b"\0")[()]


def _ndarray(machine: Machine, shape: Any, dtype: Any, fortran: Any, raw: Any) -> Any:
    dtype, raw = value_of(dtype), value_of(raw)
    if not isinstance(dtype, np.dtype) or type(shape) is not tuple or len(shape) > _MAX_RANK:
        machine.fail("numpy.ndarray without a dtype and a shape")
    size = 1
    for length in shape:
        if type(length) is not int or length < 0:
            machine.fail(f"numpy.ndarray of shape {shape!r}")
        size *= length
    if isinstance(raw, list) and dtype.hasobject:
        if len(raw) != size:
            machine.fail(f"numpy.ndarray of shape {shape!r} with {len(raw):,} objects")
        return ObjectArray(shape, raw, bool(fortran), dtype.str)
    if not isinstance(raw, bytes | memoryview) or dtype.hasobject:
        machine.fail(f"numpy.ndarray of {dtype} whose values are a {type(raw).__name__}")
    if len(raw) != size * dtype.itemsize:
        machine.fail(
            f"numpy.ndarray of shape {shape!r} and {dtype} needs {size * dtype.itemsize:,} bytes "
            f"and has {len(raw):,}"
        )
    order: Any = "F" if fortran else "C"
    array: Any = np.ndarray(shape, dtype, raw or b"\0" * max(dtype.itemsize, 1), order=order)
    return array


def array_state(machine: Machine, instance: Instance) -> None:
    """``_reconstruct(cls, (0,), 'b')`` with (version, shape, dtype, is_fortran, data)."""
    state = instance.state
    if type(state) is tuple and len(state) == 4:  # before NumPy 1.0
        state = (0, *state)
    if type(state) is tuple and len(state) == 5 and type(state[1]) is tuple:
        instance.value = _ndarray(machine, *state[1:])
    # Else it is a subclass that keeps a state of its own, mostly with this one inside.
    elif type(state) is tuple:
        for part in state:
            if type(part) is tuple and len(part) == 5 and type(part[1]) is tuple:
                instance.value = _ndarray(machine, *part[1:])
                return


def masked_state(machine: Machine, instance: Instance) -> None:
    """``_mareconstruct(…)`` with (version, shape, dtype, is_fortran, data, mask, fill value)."""
    state = instance.state
    if type(state) is tuple and len(state) == 2 and type(state[0]) is tuple:
        state = state[0]  # with a dictionary of attributes behind it
    if type(state) is not tuple or len(state) != 7:
        return
    _, shape, dtype, fortran, raw, mask, fill_value = state
    data = _ndarray(machine, shape, dtype, fortran, raw)
    dtype = value_of(dtype)
    mask_dtype = _mask_dtype(dtype) if isinstance(dtype, np.dtype) else None
    masks = _ndarray(machine, shape, mask_dtype, fortran, mask)
    instance.value = MaskedArray(data, masks, fill_value)


def _mask_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Return the dtype of a mask: a boolean for each field, as ``numpy.ma.make_mask_descr``."""
    if dtype.subdtype:
        return dtypes.subarray(_mask_dtype(dtype.subdtype[0]), dtype.subdtype[1])
    if dtype.fields is None:
        return np.dtype("?")
    names = list(dtype.names or ())
    formats = [_mask_dtype(dtype.fields[name][0]) for name in names]
    offsets, end = [], 0
    for part in formats:
        offsets.append(end)
        end += part.itemsize
    return dtypes.structured(names, formats, offsets, [None] * len(names), end)


def frombuffer(machine: Machine, call: Instance) -> Any:
    """``_frombuffer(buffer, dtype, shape, order)``, of protocol 5."""
    if len(call.args) == 4:
        raw, dtype, shape, order = call.args
        call.value = _ndarray(machine, shape, dtype, order in ("F", b"F"), raw)
    return call
