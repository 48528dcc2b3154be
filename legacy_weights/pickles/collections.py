"""Opcodes that make and fill tuples, lists, dictionaries and sets."""

from __future__ import annotations

from typing import Any

from legacy_weights.pickles import keys
from legacy_weights.pickles.machine import Machine
from legacy_weights.pickles.objects import Global, Instance
from legacy_weights.pickles.opcodes import opcode


@opcode(b")", 1)
def empty_tuple(machine: Machine, position: int) -> int:
    """Push an empty tuple."""
    machine.push(())
    return position


@opcode(b"t", 0)
def tuple_(machine: Machine, position: int) -> int:
    """Make a tuple of all above the last MARK."""
    items = machine.pop_mark()
    machine.push(tuple(items))
    return position


def _tuple_of(machine: Machine, count: int) -> None:
    stack = machine.stack
    if len(stack) < count:
        machine.fail(f"opcode {machine.opcode_name()} finds fewer than {count} objects")
    stack[-count:] = [tuple(stack[-count:])]


@opcode(b"\x85", 2)
def tuple1(machine: Machine, position: int) -> int:
    """Make a tuple of the topmost object."""
    _tuple_of(machine, 1)
    return position


@opcode(b"\x86", 2)
def tuple2(machine: Machine, position: int) -> int:
    """Make a tuple of the two topmost objects."""
    _tuple_of(machine, 2)
    return position


@opcode(b"\x87", 2)
def tuple3(machine: Machine, position: int) -> int:
    """Make a tuple of the three topmost objects."""
    _tuple_of(machine, 3)
    return position


@opcode(b"]", 1)
def empty_list(machine: Machine, position: int) -> int:
    """Push an empty list."""
    machine.push([])
    return position


@opcode(b"l", 0)
def list_(machine: Machine, position: int) -> int:
    """Make a list of all above the last MARK."""
    items = machine.pop_mark()
    machine.push(items)
    return position


@opcode(b"}", 1)
def empty_dict(machine: Machine, position: int) -> int:
    """Push an empty dictionary."""
    machine.push({})
    return position


@opcode(b"d", 0)
def dict_(machine: Machine, position: int) -> int:
    """Make a dictionary of the keys and values above the last MARK."""
    items = machine.pop_mark()
    made: dict[Any, Any] = {}
    _update(machine, made, items)
    machine.push(made)
    return position


@opcode(b"\x8f", 4)
def empty_set(machine: Machine, position: int) -> int:
    """Push an empty set; it stays a record, since its elements may not be hashable here."""
    machine.push(Instance(machine.find("builtins", "set"), (), machine.position))
    return position


@opcode(b"\x91", 4)
def frozenset_(machine: Machine, position: int) -> int:
    """Make a frozenset of all above the last MARK."""
    items = machine.pop_mark()
    cls = machine.find("builtins", "frozenset")
    machine.push(Instance(cls, (items,), machine.position))
    return position


def _extend(machine: Machine, target: Any, items: list[Any]) -> None:
    if type(target) is list:
        target.extend(items)
    elif type(target) is Instance:
        if target.items is None:
            target.items = []
        target.items.extend(items)
    else:
        _wrong_target(machine, target, "a list")


def _update(machine: Machine, target: Any, items: list[Any]) -> None:
    """Put keys and values, one after the other, into a dictionary."""
    if len(items) % 2:
        machine.fail(f"opcode {machine.opcode_name()} finds a key without a value")
    names = keys.checked(machine, items[::2])
    if type(target) is dict:
        before = len(target)
        if len(names) > keys.MANY:
            keys.check_collisions(machine, names)
        target.update(zip(names, items[1::2], strict=True))
        if len(target) > keys.MANY:
            keys.check_grown(machine, target, before)
    elif type(target) is Instance:
        if target.pairs is None:
            target.pairs = []
        target.pairs.extend(zip(names, items[1::2], strict=True))
    else:
        _wrong_target(machine, target, "a dictionary")


def _wrong_target(machine: Machine, target: Any, expected: str) -> None:
    what = target if isinstance(target, Global) else type(target).__name__
    machine.fail(f"opcode {machine.opcode_name()} acts on {what} instead of on {expected}")


@opcode(b"a", 0)
def append(machine: Machine, position: int) -> int:
    """Append the topmost object to the list below it."""
    item = machine.pop()
    _extend(machine, machine.stack[-1], [item])
    return position


@opcode(b"e", 1)
def appends(machine: Machine, position: int) -> int:
    """Append all above the last MARK to the list below it."""
    items = machine.pop_mark()
    _extend(machine, machine.stack[-1], items)
    return position


@opcode(b"\x90", 4)
def additems(machine: Machine, position: int) -> int:
    """Add all above the last MARK to the set below it."""
    items = machine.pop_mark()
    _extend(machine, machine.stack[-1], items)
    return position


@opcode(b"s", 0)
def setitem(machine: Machine, position: int) -> int:
    """Put a key and a value into the dictionary below them."""
    if len(machine.stack) < 3:
        machine.fail(f"opcode {machine.opcode_name()} finds fewer than 3 objects")
    items = machine.stack[-2:]
    del machine.stack[-2:]
    _update(machine, machine.stack[-1], items)
    return position


@opcode(b"u", 1)
def setitems(machine: Machine, position: int) -> int:
    """Put the keys and values above the last MARK into the dictionary below it."""
    items = machine.pop_mark()
    _update(machine, machine.stack[-1], items)
    return position
