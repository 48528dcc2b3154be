"""NumPy's records as values: dtypes, arrays, scalars, masked arrays.

The forms are those of ``array_reduce``, ``arraydescr_reduce`` and ``gentype_reduce`` in NumPy's C
sources, and of ``MaskedArray.__reduce__`` in ``numpy/ma/core.py``.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from legacy_weights.pickles import dtypes
from legacy_weights.pickles.objects import ABSENT, Global, Instance, MaskedArray, ObjectArray

if TYPE_CHECKING:
    from legacy_weights.pickles.machine import Machine

DType = np.dtype[Any]
Array = np.ndarray[Any, Any]

_MAX_RANK = 64
_PARTS = 64
"""So many parts of the state of a subclass are looked at; no class has as many."""
_MANY = 1 << 20
_FIELD = 200
"""About what a field of a dtype costs, in bytes."""


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
    state = instance.state
    if type(state) is not tuple or len(state) > 10 or not isinstance(instance.value, np.dtype):
        machine.fail("numpy.dtype with a state that is no short tuple")
    machine.spend(sum(_FIELD * len(part) for part in state if type(part) is dict))
    made = dtypes.from_state(instance.value, tuple(map(_resolved, state)))
    if made.fields is not None:
        machine.spend(_FIELD * dtypes.count_leaves(made))
    instance.value = made


def _resolved(part: Any) -> Any:
    """Replace the records of dtypes by the dtypes, in the fields or the subarray of a state."""
    if type(part) is dict:
        return {key: _resolved(field) for key, field in part.items() if type(field) is not dict}
    if type(part) is tuple and len(part) in (2, 3):
        return tuple(map(value_of, part))
    return part


def scalar(machine: Machine, call: Instance) -> Any:
    """``numpy.core.multiarray.scalar(dtype, bytes)``: a NumPy scalar."""
    dtype = value_of(call.args[0]) if call.args else None
    if not isinstance(dtype, np.dtype) or dtype.hasobject or dtype.subdtype:
        return call
    machine.spend(dtype.itemsize)
    if len(call.args) == 1:
        return np.zeros((), dtype)[()]
    raw = value_of(call.args[1])
    if not isinstance(raw, bytes | memoryview) or len(raw) != dtype.itemsize:
        machine.fail(f"numpy.scalar of {_name(dtype)} without its {dtype.itemsize} bytes")
    try:
        return np.ndarray((), dtype, bytes(raw) or b"\0")[()]
    except SystemError:  # NumPy's answer to characters above U+10FFFF
        machine.fail(f"numpy.scalar of {_name(dtype)} with characters that do not exist")


def view(shape: Any, dtype: DType, raw: bytes | memoryview, fortran: bool) -> Array:
    """Return an array over a buffer that has at least its bytes.

    Raises
    ------
    DTypeError
        If the shape is none, or the bytes are too few.
    """
    size = count(shape)
    if size * dtype.itemsize > len(raw):
        raise dtypes.DTypeError(
            f"shape {shape!r} and type {_name(dtype)}, which needs {size * dtype.itemsize:,} bytes "
            f"and has {len(raw):,}"
        )
    if not dtype.itemsize and size > _MANY:
        raise dtypes.DTypeError(f"{size:,} elements of no bytes")
    try:
        return np.ndarray(shape, dtype, raw or b"\0", order="F" if fortran else "C")
    except (TypeError, ValueError, OverflowError) as error:
        raise dtypes.DTypeError(f"shape {shape!r} and type {_name(dtype)} ({error})") from error


def count(shape: Any) -> int:
    """Return the number of elements of a shape.

    Raises
    ------
    DTypeError
        If it is none.
    """
    if type(shape) is not tuple or len(shape) > _MAX_RANK:
        raise dtypes.DTypeError(f"a shape that is no tuple of at most {_MAX_RANK} lengths")
    if not all(type(length) is int and 0 <= length < 2**63 for length in shape):
        raise dtypes.DTypeError("a shape whose lengths are no numbers of elements")
    return math.prod(shape)


def _name(dtype: DType) -> str:
    return str(dtype)[:80]


def _ndarray(machine: Machine, shape: Any, dtype: Any, fortran: Any, raw: Any) -> Any:
    dtype, raw = value_of(dtype), value_of(raw)
    if not isinstance(dtype, np.dtype):
        machine.fail("numpy.ndarray without a dtype")
    try:
        size = count(shape)
        if isinstance(raw, list) and dtype.hasobject:
            if len(raw) != size:
                machine.fail(f"numpy.ndarray of shape {shape!r} with {len(raw):,} objects")
            described = dtype.str if dtype.fields is None else str(dtype)
            return ObjectArray(shape, raw, bool(fortran), described)
        if not isinstance(raw, bytes | memoryview) or dtype.hasobject:
            found = type(raw).__name__
            machine.fail(f"numpy.ndarray of {_name(dtype)} whose values are a {found}")
        if len(raw) > size * dtype.itemsize:
            machine.fail(
                f"numpy.ndarray of shape {shape!r} and type {_name(dtype)} with {len(raw):,} bytes"
            )
        return view(shape, dtype, raw, bool(fortran))
    except dtypes.DTypeError as error:
        machine.fail(f"numpy.ndarray of {error}")


def is_array_state(part: Any) -> bool:
    """Whether something begins like the state of an array: (version, shape, dtype, order, data)."""
    return (
        type(part) is tuple
        and len(part) >= 5
        and type(part[0]) is int
        and type(part[1]) is tuple
        and isinstance(value_of(part[2]), np.dtype)
    )


def _is_old_state(state: Any) -> bool:
    """Whether a state is one from before NumPy 1.0, when it had no version."""
    return type(state) is tuple and len(state) == 4 and type(state[0]) is tuple


def array_state(machine: Machine, instance: Instance) -> None:
    """``_reconstruct(cls, (0,), 'b')`` with (version, shape, dtype, is_fortran, data).

    A subclass may append what it keeps to this state, or put both into a tuple.
    """
    state = instance.state
    if _is_old_state(state):
        state = (0, *state)
    parts = state[:_PARTS] if type(state) is tuple else ()
    found = next(filter(is_array_state, (state, *parts)), None)
    if found is not None:
        instance.value = _ndarray(machine, *found[1:5])


def beside(instance: Instance) -> tuple[Any, ...]:
    """Return what the state of a known value has beside it: what a subclass of ndarray keeps."""
    state = instance.state
    if state is ABSENT or state is None or isinstance(instance.value, np.dtype):
        return ()
    if type(state) is not tuple:
        return (state,)
    if isinstance(instance.value, MaskedArray):
        return state[1:] if len(state) == 2 else ()
    if _is_old_state(state):
        return ()
    if is_array_state(state):
        return state[5 : 5 + _PARTS]
    return tuple(part for part in state[:_PARTS] if not is_array_state(part))


def masked_state(machine: Machine, instance: Instance) -> None:
    """``_mareconstruct(…)`` with (version, shape, dtype, is_fortran, data, mask, fill value)."""
    state = instance.state
    if type(state) is tuple and len(state) == 2:
        state = state[0]  # with a dictionary of attributes behind it
    if not is_array_state(state) or len(state) != 7:
        return
    _, shape, dtype, fortran, raw, mask, fill_value = state
    dtype = value_of(dtype)
    machine.spend(_FIELD * dtypes.count_leaves(dtype))
    data = _ndarray(machine, shape, dtype, fortran, raw)
    masks = _ndarray(machine, shape, _mask_dtype(dtype), fortran, mask)
    instance.value = MaskedArray(data, masks, fill_value)


def _mask_dtype(dtype: DType) -> DType:
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
    """``_frombuffer(buffer, dtype, shape, order, axes)``, of protocol 5."""
    if len(call.args) not in (4, 5):
        return call
    raw, dtype, shape, order = call.args[:4]
    order = dtypes.text(order) if isinstance(order, str | bytes) else ""
    call.value = _ndarray(machine, shape, dtype, order == "F", raw)
    axes = call.args[4] if len(call.args) == 5 else None
    if order == "K" and type(axes) is tuple and isinstance(call.value, np.ndarray):
        # Since NumPy 2.1: the axes in the order of the memory, and what brings them back.
        if len(axes) != len(shape) or not all(type(axis) is int for axis in axes):
            machine.fail("numpy.ndarray with axes that are no permutation")
        call.value = call.value.transpose(axes)
    return call
