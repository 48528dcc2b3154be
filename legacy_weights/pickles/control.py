"""Opcodes of the machine itself: the end, the stack, the memo, and what lies outside."""

from __future__ import annotations

import struct

from legacy_weights.errors import LimitError
from legacy_weights.pickles import known
from legacy_weights.pickles.machine import Machine, Stop
from legacy_weights.pickles.opcodes import opcode

_UNSIGNED = struct.Struct("<I").unpack_from
_INDEX = 20
"""Digits of a memo index, and the line feed."""


@opcode(b".", 0)
def stop(machine: Machine, position: int) -> int:
    """End the pickle."""
    raise Stop(machine.pop())


@opcode(b"\x80", 2)
def proto(machine: Machine, position: int) -> int:
    """Name the protocol."""
    version = machine.data[position]
    if version > 5:
        machine.fail(f"pickle protocol {version} does not exist")
    machine.protocol = max(machine.protocol, version)
    machine.python3 |= version > 2
    return position + 1


@opcode(b"\x95", 4)
def frame(machine: Machine, position: int) -> int:
    """Announce a frame; all that matters here is that it fits."""
    (length,) = struct.unpack_from("<Q", machine.data, position)
    if length > machine.end - position - 8:
        machine.truncated(f"a frame of {length:,} bytes does not fit")
    return position + 8


@opcode(b"(", 0)
def mark(machine: Machine, position: int) -> int:
    """Begin a group of objects."""
    if len(machine.marks) >= machine.limits.marks:
        raise LimitError(
            f"objects are nested more than {machine.limits.marks:,} deep", where=machine.position
        )
    machine.marks.append(machine.stack)
    machine.stack = []
    machine.push = machine.stack.append
    return position


@opcode(b"0", 0)
def pop(machine: Machine, position: int) -> int:
    """Drop the topmost object, or the MARK if there is none above it."""
    if machine.stack:
        known.effect(machine, machine.stack.pop())
    else:
        machine.pop_mark()
    return position


@opcode(b"1", 1)
def pop_mark(machine: Machine, position: int) -> int:
    """Drop all above the last MARK."""
    machine.pop_mark()
    return position


@opcode(b"2", 0)
def dup(machine: Machine, position: int) -> int:
    """Repeat the topmost object."""
    machine.push(machine.stack[-1])
    return position


def _index(machine: Machine, position: int) -> tuple[int, int]:
    end = machine.data.find(b"\n", position, position + _INDEX)
    text = machine.data[position:end]
    if end < 0 or not text.isdigit():
        text, end = machine.short_line(position)
        machine.fail(f"{text[:40]!r} is no memo index")
    return int(text), end + 1


@opcode(b"p", 0)
def put(machine: Machine, position: int) -> int:
    """Remember the topmost object under a number."""
    index, end = _index(machine, position)
    machine.memo[index] = machine.stack[-1]
    return end


@opcode(b"q", 1)
def binput(machine: Machine, position: int) -> int:
    """Remember the topmost object under a one-byte number."""
    machine.memo[machine.data[position]] = machine.stack[-1]
    return position + 1


@opcode(b"r", 1)
def long_binput(machine: Machine, position: int) -> int:
    """Remember the topmost object under a four-byte number."""
    machine.memo[_UNSIGNED(machine.data, position)[0]] = machine.stack[-1]
    return position + 4


@opcode(b"\x94", 4)
def memoize(machine: Machine, position: int) -> int:
    """Remember the topmost object under the next number."""
    machine.memo[len(machine.memo)] = machine.stack[-1]
    return position


@opcode(b"g", 0)
def get(machine: Machine, position: int) -> int:
    """Recall an object by its number."""
    index, end = _index(machine, position)
    machine.push(machine.memo[index])
    return end


@opcode(b"h", 1)
def binget(machine: Machine, position: int) -> int:
    """Recall an object by its one-byte number."""
    machine.push(machine.memo[machine.data[position]])
    return position + 1


@opcode(b"j", 1)
def long_binget(machine: Machine, position: int) -> int:
    """Recall an object by its four-byte number."""
    machine.push(machine.memo[_UNSIGNED(machine.data, position)[0]])
    return position + 4


@opcode(b"P", 0)
def persid(machine: Machine, position: int) -> int:
    """Refer to something outside, by a text."""
    text, end = machine.short_line(position)
    machine.push(machine.persistent_load(text, machine.position))
    return end


@opcode(b"Q", 1)
def binpersid(machine: Machine, position: int) -> int:
    """Refer to something outside, by an object."""
    machine.push(machine.persistent_load(machine.pop(), machine.position))
    return position


def _extension(machine: Machine, position: int) -> int:
    machine.fail(
        f"opcode {machine.opcode_name()} names a class by a number of the copy_reg extension "
        "registry, which only the program that wrote the file had"
    )


for _code in (b"\x82", b"\x83", b"\x84"):
    opcode(_code, 2)(_extension)
_extension.__name__ = "ext"
