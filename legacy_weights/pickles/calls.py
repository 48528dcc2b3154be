"""Opcodes by which a pickle names classes and would call them: here they only make records."""

from __future__ import annotations

from typing import Any

from legacy_weights.pickles import known, suspects
from legacy_weights.pickles.machine import Machine
from legacy_weights.pickles.objects import ABSENT, Global, Instance
from legacy_weights.pickles.opcodes import opcode


def _name(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _global_lines(machine: Machine, position: int) -> tuple[Global, int]:
    module, position = machine.short_line(position)
    name, position = machine.short_line(position)
    return machine.find(_name(module), _name(name)), position


@opcode(b"c", 0)
def global_(machine: Machine, position: int) -> int:
    """Name a class or function."""
    named, end = _global_lines(machine, position)
    machine.push(named)
    return end


@opcode(b"\x93", 4)
def stack_global(machine: Machine, position: int) -> int:
    """Name a class or function by two strings on the stack."""
    name, module = machine.pop(), machine.pop()
    if not isinstance(name, str) or not isinstance(module, str):
        machine.fail("STACK_GLOBAL finds names that are no text")
    machine.push(machine.find(module, name))
    return position


def _make(
    machine: Machine,
    cls: Any,
    args: Any,
    kwargs: dict[Any, Any] | None = None,
    *,
    by_new: bool = False,
) -> None:
    if not isinstance(cls, Global | Instance):
        what = type(cls).__name__
        machine.fail(f"opcode {machine.opcode_name()} would call an object of type {what}")
    if type(args) is not tuple:
        what = type(args).__name__
        machine.fail(f"opcode {machine.opcode_name()} finds arguments of type {what}, not a tuple")
    instance = Instance(cls, args, machine.position)
    if type(cls) is not Global or (level := cls.trust) is None or level < suspects.Trust.OUTSIDE:
        suspects.look(machine, instance, by_new=by_new)
    elif level == suspects.Trust.OUTSIDE and not by_new:
        suspects.look(machine, instance, by_new=False)
    if kwargs:
        instance.kwargs = kwargs
        machine.push(instance)
        return
    value = known.construct(machine, instance)
    if value is not instance and type(value) is Instance:  # copy_reg names a class as argument
        suspects.look(machine, value, by_new=True)
    machine.push(value)


@opcode(b"R", 0)
def reduce(machine: Machine, position: int) -> int:
    """Would call a callable with a tuple of arguments."""
    args, callable_ = machine.pop(), machine.pop()
    _make(machine, callable_, args)
    return position


@opcode(b"\x81", 2)
def newobj(machine: Machine, position: int) -> int:
    """Would call ``cls.__new__(cls, *args)``."""
    args, cls = machine.pop(), machine.pop()
    _make(machine, cls, args, by_new=True)
    return position


@opcode(b"\x92", 4)
def newobj_ex(machine: Machine, position: int) -> int:
    """Would call ``cls.__new__(cls, *args, **kwargs)``."""
    kwargs, args, cls = machine.pop(), machine.pop(), machine.pop()
    if type(kwargs) is not dict:
        machine.fail("NEWOBJ_EX finds keyword arguments that are no dictionary")
    _make(machine, cls, args, kwargs, by_new=True)
    return position


@opcode(b"i", 0)
def inst(machine: Machine, position: int) -> int:
    """Would make an old-style instance of a class named in the argument."""
    cls, end = _global_lines(machine, position)
    args = tuple(machine.pop_mark())
    machine.python2 = True
    _make(machine, cls, args)
    return end


@opcode(b"o", 1)
def obj(machine: Machine, position: int) -> int:
    """Would make an old-style instance of a class on the stack."""
    items = machine.pop_mark()
    if not items:
        machine.fail("OBJ finds no class")
    machine.python2 = True
    _make(machine, items[0], tuple(items[1:]))
    return position


@opcode(b"b", 0)
def build(machine: Machine, position: int) -> int:
    """Would call ``__setstate__``, or update ``__dict__``."""
    state = machine.pop()
    target = machine.stack[-1]
    if type(target) is not Instance:
        what = target if isinstance(target, Global) else type(target).__name__
        machine.fail(f"BUILD acts on {what}, which has no state")
    if target.state is not ABSENT:
        target.earlier = target.earlier or []
        target.earlier.append(target.state)
    target.state = state
    if type(state) is dict or type(state) is tuple:
        suspects.look_at_state(machine, state)
    known.complete(machine, target)
    return position if machine.built is None else machine.built(machine, target, position)


@opcode(b"\x97", 5)
def next_buffer(machine: Machine, position: int) -> int:
    """Refer to a buffer that was kept outside the pickle."""
    machine.fail("the pickle keeps its buffers elsewhere (protocol 5, out of band)")


@opcode(b"\x98", 5)
def readonly_buffer(machine: Machine, position: int) -> int:
    """Make the topmost buffer read-only, which all of ours are."""
    return position
