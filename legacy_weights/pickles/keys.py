"""Dictionary keys, which Python hashes and compares: only what is cheap and safe to hash is one.

Python hashes a tuple by hashing all it holds, again and again for shared parts and with C
recursion for nested ones, and finds a key among those of equal hash by comparing it with each of
them.  A small pickle could keep it busy for ever, or overflow its stack.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

import numpy as np

from legacy_weights.errors import LimitError
from legacy_weights.pickles import dtypes
from legacy_weights.pickles.objects import Global, Instance, PersistentId

if TYPE_CHECKING:
    from legacy_weights.pickles.machine import Machine

_CHEAP = frozenset({type(None), bool, int, float, bytes, str, Global, Instance, PersistentId})
"""Hashed in no time: small, or of a hash that Python keeps or takes from the address.

Integers are, unless the pickle has one of those that :attr:`~.machine.Machine.huge` tells of.
"""
_SALTED = frozenset({bytes, str})
"""No file can choose their hashes."""
_DISTINCT = 2**61 - 1
"""Smaller integers are their own hashes (``sys.hash_info.modulus``)."""
MANY = 1024
"""So many keys may do what they like."""
HUGE = 16_384
"""Integers of more bits are no keys."""
_SHORT = 16
_POINTER = 8


def checked(machine: Machine, keys: list[Any]) -> list[Any]:
    """Return keys that are cheap to hash; long byte strings become ``bytes``.

    Raises
    ------
    LimitError
        If hashing them would take unduly long.
    """
    if _CHEAP.issuperset(map(type, keys)) and not machine.huge:
        return keys
    return [_checked(machine, key) for key in keys]


def check_grown(machine: Machine, mapping: dict[Any, Any], before: int) -> None:
    """Look for too many keys of one hash in a dictionary, each time that it has doubled."""
    after = len(mapping)
    if after > MANY and after.bit_length() != before.bit_length():
        check_collisions(machine, mapping)


def check_collisions(machine: Machine, keys: Collection[Any]) -> None:
    """Raise if too many keys have the same hash."""
    kinds = set(map(type, keys))
    if kinds <= _SALTED or (kinds == {int} and min(keys) > -_DISTINCT and max(keys) < _DISTINCT):
        return
    hashes = Counter(map(hash, keys))
    if max(hashes.values()) > machine.limits.collisions:
        raise LimitError(
            f"more than {machine.limits.collisions:,} keys of a dictionary have the same hash, "
            "which only a file made to waste time has",
            where=machine.position,
        )


def _checked(machine: Machine, key: Any) -> Any:
    kind = type(key)
    if kind is tuple:
        if len(key) > _SHORT or machine.huge or not _CHEAP.issuperset(map(type, key)):
            _check_tuple(machine, key)
    elif kind is int:
        _check_integer(machine, key)
    elif kind is memoryview:
        machine.spend(len(key))
        return bytes(key)
    elif kind is np.void:
        machine.spend(_cost_of_void(key))
    return key


def _check_integer(machine: Machine, key: int) -> None:
    if key.bit_length() > HUGE:
        raise LimitError(
            f"an integer of {key.bit_length():,} bits is the key of a dictionary",
            where=machine.position,
            expected=f"at most {HUGE:,}",
        )


def _cost_of_void(key: np.void) -> int:
    return key.nbytes + 100 * dtypes.count_leaves(key.dtype)


def _check_tuple(machine: Machine, key: tuple[Any, ...]) -> None:
    limits, cost = machine.limits, 0
    level, depth = [key], 0
    while level:
        depth += 1
        deeper: list[tuple[Any, ...]] = []
        for part in level:
            cost += len(part)
            if cost > limits.key or depth > limits.nesting:
                raise LimitError(
                    f"the key of a dictionary holds more than {limits.key:,} elements "
                    f"or is nested more than {limits.nesting} deep",
                    where=machine.position,
                )
            kinds = set(map(type, part))
            if tuple in kinds:
                deeper.extend(item for item in part if type(item) is tuple)
            if machine.huge and int in kinds:
                for item in part:
                    if type(item) is int:
                        _check_integer(machine, item)
            if np.void in kinds:
                cost += sum(_cost_of_void(item) for item in part if type(item) is np.void)
        level = deeper
    machine.spend(_POINTER * cost)
