"""Inert values as Python's own again, so that they can be compared with what was pickled."""

import array
import collections
import datetime
import decimal
import fractions
import struct
import uuid

import numpy as np

from legacy_weights.pickles import Machine
from legacy_weights.pickles.objects import ABSENT, Global, Instance, ObjectArray

TYPES = {
    **{kind.__name__: kind for kind in (set, frozenset, slice, range, list, dict)},
    "xrange": range,
    **{
        f"{kind.__module__}.{kind.__qualname__}": kind
        for kind in (
            *(collections.OrderedDict, collections.Counter, collections.deque, datetime.date),
            *(datetime.datetime, datetime.time, datetime.timedelta, decimal.Decimal),
            *(collections.defaultdict, fractions.Fraction, uuid.UUID, array.array),
        )
    },
}
"""The closed list of what a test may call."""


def load(data, **options):
    """Return the inert value of a pickle."""
    return Machine(data, **options).load()


def kind_of(raw):
    """Return the type that a name stands for."""
    return TYPES[raw.dotted.removeprefix("builtins.").removeprefix("__builtin__.")]


def revive(raw):
    """Return the value that `pickle.load` would have made, of the types listed above."""
    kind = type(raw)
    if kind in (list, tuple):
        return kind(map(revive, raw))
    if kind is dict:
        return {revive(key): revive(value) for key, value in raw.items()}
    if kind is memoryview:
        return bytes(raw)
    if kind is Global:
        return kind_of(raw)
    if kind is Instance:
        return _instance(raw)
    return raw


def _instance(raw):
    if isinstance(raw.value, bytes | memoryview):
        return bytearray(raw.value)
    if isinstance(raw.value, ObjectArray):
        return object_array(raw.value)
    if raw.value is not ABSENT:
        return raw.value
    kind, args = kind_of(raw.cls), list(map(revive, raw.args))
    if kind is uuid.UUID:
        return uuid.UUID(int=revive(raw.state)["int"])
    if args and kind in (datetime.date, datetime.time, datetime.datetime, decimal.Decimal):
        args[0] = (
            args[0].decode() if isinstance(args[0], bytes) and kind is decimal.Decimal else args[0]
        )
    made = kind(*args)
    for item in raw.items or ():
        (made.add if kind is set else made.append)(revive(item))
    for key, value in raw.pairs or ():
        made[revive(key)] = revive(value)
    return made


def object_array(raw):
    """Return an array of objects."""
    flat = np.empty(len(raw.items), object)
    for index, item in enumerate(raw.items):
        flat[index] = revive(item)
    return flat.reshape(raw.shape)


def same(one, other):
    """Whether two values are equal in value, type, order and every bit of their floats."""
    if type(one) is not type(other):
        return False
    if isinstance(one, list | tuple | collections.deque):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict):
        return same(list(one.items()), list(other.items()))
    if isinstance(one, float):
        return struct.pack("d", one) == struct.pack("d", other)
    if isinstance(one, complex):
        return same((one.real, one.imag), (other.real, other.imag))
    if isinstance(one, np.ndarray):
        return same_array(one, other)
    return bool(one == other)


def same_array(one, other):
    """Whether two arrays are equal in dtype, shape and every bit."""
    if one.dtype != other.dtype or one.shape != other.shape:
        return False
    if one.dtype.kind == "O":
        return all(map(same, one.ravel().tolist(), other.ravel().tolist()))
    return one.tobytes() == other.tobytes()
