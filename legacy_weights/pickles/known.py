"""The few callables whose result is a plain value: NumPy's, and some of the standard library's.

A pickle that names one of them gets the value itself (`construct`), or a record that carries it
once its state is known (`complete`).  Every other callable stays an inert record.  The forms are
those of ``copy_reg.py`` and ``Modules/arraymodule.c`` in Python 2.7; NumPy's are in
:mod:`legacy_weights.pickles.numpy_values`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from legacy_weights.pickles import dtypes, numpy_values
from legacy_weights.pickles.objects import ABSENT, Global, Instance

if TYPE_CHECKING:
    from legacy_weights.pickles.machine import Machine

_PYTHON = {"__builtin__": "builtins", "copy_reg": "copyreg", "builtins": "builtins"}
_POINTER = 8
_ATTRIBUTE = 200
_CODECS = {"latin1": "latin-1", "latin-1": "latin-1", "ascii": "ascii", "utf-8": "utf-8"}


def _key(cls: Any) -> str:
    """Return the name under which this module knows a callable, whatever its module path."""
    if not isinstance(cls, Global):
        return ""
    module = cls.module
    if module == "numpy" or module.startswith("numpy."):
        return f"numpy:{cls.name}"
    if module.startswith("dill."):
        return f"dill:{cls.name}"
    return f"{_PYTHON.get(module, module)}.{cls.name}"


def construct(machine: Machine, instance: Instance) -> Any:
    """Return the value of a call, or the record of it."""
    handler = _CONSTRUCT.get(_key(instance.cls))
    return instance if handler is None else handler(machine, instance)


def complete(machine: Machine, instance: Instance) -> None:
    """Set `instance.value` where its class and its state make a plain value."""
    handler = _COMPLETE.get(_key(instance.cls))
    if handler is not None:
        try:
            handler(machine, instance)
        except dtypes.DTypeError as error:
            machine.fail(f"{instance.cls_name} with {error}")


def effect(machine: Machine, dropped: Any) -> None:
    """Note what a call would do whose result a pickle drops: dill so sets attributes.

    It fills the cells of closures, and names classes, after the functions that refer to them
    (``_save_with_postproc`` in ``dill/_dill.py``).
    """
    if type(dropped) is not Instance or not _sets_attribute(dropped.cls):
        return
    if len(dropped.args) != 3 or type(dropped.args[0]) is not Instance:
        return
    target, name, value = dropped.args
    machine.spend(_ATTRIBUTE)
    named = isinstance(name, str | bytes)
    if target.state is ABSENT and named:
        target.state = {name: value}
    else:
        target.earlier = target.earlier or []
        target.earlier.append({name: value} if named else dropped.args)


def _sets_attribute(cls: Any) -> bool:
    """Whether a callable is ``setattr``, or what dill looks up in its place."""
    if type(cls) is Instance and _key(cls.cls) == "builtins.getattr" and len(cls.args) == 3:
        cls = cls.args[2]  # getattr(dill._dill, '_setattr', setattr)
    return _key(cls) in ("builtins.setattr", "dill:_setattr")


def _encode(machine: Machine, call: Instance) -> Any:
    """Return the bytes that Python 3 wrote as text, in protocols that have no bytes."""
    raw = _encoded(machine, call.args)
    if raw is None:
        return call
    machine.python3 = True
    return raw


def _encoded(machine: Machine, args: tuple[Any, ...]) -> bytes | None:
    """Return a text encoded, if these are a text and an encoding that bytes are written in."""
    if len(args) != 2 or not isinstance(args[0], str) or not isinstance(args[1], str | bytes):
        return None
    codec = _CODECS.get(dtypes.text(args[1]))
    if codec is None:
        return None
    machine.spend(len(args[0]))
    return args[0].encode(codec)


def _bytes(machine: Machine, call: Instance) -> Any:
    return call if call.args else b""


def _complex(machine: Machine, call: Instance) -> Any:
    if len(call.args) == 2 and all(type(part) in (int, float) for part in call.args):
        return complex(*call.args)
    return call


def _bytearray(machine: Machine, call: Instance) -> Any:
    args = call.args
    if not args:
        call.value = b""
    elif len(args) == 1 and isinstance(args[0], bytes | memoryview):
        call.value = args[0]
    else:
        raw = _encoded(machine, args)
        call.value = ABSENT if raw is None else raw
    return call


def _reconstructor(machine: Machine, call: Instance) -> Any:
    """``copy_reg._reconstructor(cls, base, state)``: a new-style instance, protocols 0 and 1."""
    if len(call.args) != 3 or not isinstance(call.args[0], Global | Instance):
        return call
    cls, base, state = call.args
    instance = Instance(cls, (), call.offset)
    if not (isinstance(base, Global) and base.name == "object"):
        instance.base = state
    return instance


def _newobj(machine: Machine, call: Instance) -> Any:
    """``copy_reg.__newobj__(cls, *args)``."""
    if not call.args or not isinstance(call.args[0], Global | Instance):
        return call
    cls = call.args[0]
    if _key(cls) == "copyreg.__newobj__":
        return call
    machine.spend(_POINTER * len(call.args))
    return construct(machine, Instance(cls, call.args[1:], call.offset))


def _array(machine: Machine, call: Instance) -> Any:
    """``array.array(typecode, values)``, whose values are a list or, for ``c``, a string."""
    if len(call.args) != 2 or not isinstance(call.args[0], bytes | str):
        return call
    code, values = dtypes.text(call.args[0]), call.args[1]
    dtype = _TYPECODES.get(code)
    if dtype is None:
        return call
    if isinstance(values, bytes | memoryview):
        if len(values) % dtype.itemsize == 0:
            call.value = np.frombuffer(values, dtype) if values else np.empty(0, dtype)
    elif type(values) in (list, str):
        machine.spend(_POINTER * len(values))
        items = list(values)
        fits = set(map(type, items)) <= _ITEMS[dtype.kind]
        if fits and (dtype.kind not in "SU" or set(map(len, items)) <= {1}):
            with np.errstate(over="ignore"):
                call.value = np.array(items, dtype)
    return call


def _array_reconstructor(machine: Machine, call: Instance) -> Any:
    """``array._array_reconstructor(array, typecode, format, bytes)``, of Python 3."""
    if len(call.args) == 4 and isinstance(call.args[1], str) and type(call.args[2]) is int:
        dtype = _FORMATS.get(call.args[2])
        raw = call.args[3]
        if dtype is not None and isinstance(raw, bytes | memoryview):
            if len(raw) % np.dtype(dtype).itemsize:
                machine.fail("array.array with a part of an element")
            call.value = np.frombuffer(raw, dtype) if raw else np.empty(0, dtype)
    return call


def _dill_array(machine: Machine, call: Instance) -> Any:
    """Dill's ``_create_array(f, args, state, npdict)``: a subclass of ndarray and its attributes.

    It is what ``f(*args)`` would be after BUILD with that state (``dill/_dill.py``).
    """
    args = call.args
    if len(args) not in (3, 4) or _key(args[0]) not in _COMPLETE or type(args[1]) is not tuple:
        return call
    instance = Instance(args[0], args[1], call.offset)
    attributes = args[3] if len(args) == 4 else None
    instance.state = (args[2], attributes) if attributes else args[2]
    complete(machine, instance)
    return instance


_TYPECODES = {
    **{code: np.dtype(code) for code in "bBhHiIfd"},
    **{"l": np.dtype("<i8"), "L": np.dtype("<u8"), "q": np.dtype("<i8"), "Q": np.dtype("<u8")},
    **{"c": np.dtype("S1"), "u": np.dtype("<U1")},
}
"""The type codes of Python 2's ``array``; ``l`` has the eight bytes of 64-bit Unix."""
_ITEMS: dict[str, set[type]] = {"i": {int}, "u": {int}, "f": {int, float}, "S": {bytes}, "U": {str}}
_FORMATS = dict(
    enumerate(
        [
            *("u1", "i1", "<u2", ">u2", "<i2", ">i2", "<u4", ">u4", "<i4", ">i4"),
            *("<u8", ">u8", "<i8", ">i8", "<f4", ">f4", "<f8", ">f8"),
        ]
    )
)
"""Machine formats, as numbered in CPython's ``Modules/arraymodule.c``."""


_Construct = Callable[["Machine", Instance], Any]
_CONSTRUCT: dict[str, _Construct] = {
    "_codecs.encode": _encode,
    "array.array": _array,
    "array._array_reconstructor": _array_reconstructor,
    "builtins.bytes": _bytes,
    "builtins.complex": _complex,
    "builtins.bytearray": _bytearray,
    "copyreg._reconstructor": _reconstructor,
    "copyreg.__newobj__": _newobj,
    "dill:_create_array": _dill_array,
    "numpy:dtype": numpy_values.dtype,
    "numpy:scalar": numpy_values.scalar,
    "numpy:_frombuffer": numpy_values.frombuffer,
}
_COMPLETE: dict[str, Callable[[Machine, Instance], None]] = {
    "numpy:dtype": numpy_values.dtype_state,
    "numpy:_reconstruct": numpy_values.array_state,
    "numpy:_mareconstruct": numpy_values.masked_state,
    "numpy:_mrreconstruct": numpy_values.masked_state,
}
