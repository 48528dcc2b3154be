"""What the inert values of a file are: leaves, instances, standard collections.

A value is plain data (numbers, strings, lists, tuples, dictionaries, NumPy arrays and scalars) or
one of the records of :mod:`legacy_weights.pickles.objects`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from legacy_weights.families.labels import label
from legacy_weights.pickles.numpy_values import beside
from legacy_weights.pickles.objects import (
    ABSENT,
    Global,
    Instance,
)

BLOB = 65_536
"""Byte strings of at least this length are kept as arrays of uint8, not inside JSON."""


class Bundle:
    """Several values of one file: pickles one after another, or the members of an archive.

    Parameters
    ----------
    entries : list of (str, object)
        Labels and values, in order.
    members : bool
        Whether the labels are names (of an archive) rather than positions.
    referenced : sequence of (str, object)
        Further members, which the entries refer to: they stand there.

    Attributes
    ----------
    alone : bool
        Whether there is one entry, and all other members are parts of it.
    numbered : bool
        Whether the names are those that ``numpy.savez`` gives to arrays without one: ``arr_0`` …
        (``numpy/lib/npyio.py``); the entries are then in the order of its arguments.
    """

    __slots__ = ("alone", "entries", "members", "numbered", "referenced")

    def __init__(
        self,
        entries: list[tuple[str, Any]],
        members: bool,
        referenced: Sequence[tuple[str, Any]] = (),
    ) -> None:
        by_name = dict(entries) if members else {}
        numbers = [f"arr_{index}" for index in range(len(entries))]
        self.numbered = bool(entries) and by_name.keys() == set(numbers)
        self.entries = [(n, by_name[n]) for n in numbers] if self.numbered else entries
        self.members = members
        self.referenced = referenced
        self.alone = bool(referenced) and len(entries) == 1


_PLAIN = frozenset({type(None), bool, int, float, complex, str, Global})


def resolve(raw: Any) -> Any:
    """Return what a record stands for: the array of an array's record, else itself."""
    if type(raw) is Instance and raw.value is not ABSENT:
        return raw.value
    return raw


def is_leaf(value: Any) -> bool:
    """Whether a value is written as an array."""
    if isinstance(value, np.ndarray):
        return True
    return type(value) in (bytes, memoryview) and len(value) >= BLOB


def holds_nothing(value: Any) -> bool:
    """Whether a value holds nothing and is no array."""
    kind = type(value)
    if kind in _PLAIN:
        return True
    if kind is bytes or kind is memoryview:
        return len(value) < BLOB
    return isinstance(value, np.generic | np.dtype)


def is_hollow(value: Any) -> bool:
    """Whether a value is a container that holds nothing but plain values."""
    kind = type(value)
    if kind is list or kind is tuple:
        return set(map(type, value)) <= _PLAIN
    return kind is dict and not value


def extras(raw: Instance) -> tuple[Any, ...]:
    """Return what the state of a known value has beside it: what a subclass of ndarray keeps."""
    return tuple(part for part in beside(raw) if type(part) is not dict or part)


def class_name(raw: Any) -> str:
    """Return the name of a record's class without its module, or nothing."""
    if type(raw) is Instance and isinstance(raw.cls, Global):
        return raw.cls.name
    return ""


def is_ordered_dict(raw: Any) -> bool:
    """Whether a record is an OrderedDict (of any module) that carries its pairs as argument.

    nolearn's ``Layers`` is a subclass (``nolearn/lasagne/base.py``).
    """
    if class_name(raw) not in ("OrderedDict", "Layers"):
        return False
    if class_name(raw) == "Layers" and not raw.cls.module.startswith("nolearn."):
        return False
    return len(raw.args) == 1 and type(raw.args[0]) in (list, tuple)


def is_sequence(raw: Any) -> bool:
    """Whether a record is a standard collection that carries its elements as argument."""
    return (
        class_name(raw) in ("deque", "set", "frozenset")
        and bool(raw.args)
        and type(raw.args[0]) in (list, tuple)
    )


def is_on_gpu(raw: Any) -> bool:
    """Whether a record is a value on a GPU, which carries an ndarray as its first argument.

    They are written by ``theano/sandbox/cuda/type.py`` and ``theano/gpuarray/type.py``.
    """
    if class_name(raw) not in ("CudaNdarray_unpickler", "GpuArray_unpickler") or not raw.args:
        return False
    return raw.cls.module.startswith("theano.") and isinstance(resolve(raw.args[0]), np.ndarray)


def attribute_parts(state: Any) -> tuple[Any, ...]:
    """Return the mappings of attributes in a state: of ``__dict__`` and of ``__slots__``."""
    if type(state) is dict or is_ordered_dict(state):
        return (state,)
    if type(state) is tuple and len(state) == 2 and type(state[1]) is dict:
        if type(state[0]) is dict:
            return state
        if state[0] is None:
            return (state[1],)
    return ()


def attributes(raw: Any) -> dict[str, Any]:
    """Return the attributes of a record of an instance, by name."""
    found: dict[str, Any] = {}
    for part in attribute_parts(raw.state) if type(raw) is Instance else ():
        pairs = part.items() if type(part) is dict else part.args[0]
        for pair in pairs:
            if type(pair) in (tuple, list) and len(pair) == 2 and isinstance(pair[0], str | bytes):
                found[label(pair[0])] = pair[1]
    return found
