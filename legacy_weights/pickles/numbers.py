"""Opcodes that push None, booleans and numbers."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np

from legacy_weights.errors import LimitError
from legacy_weights.pickles.keys import HUGE
from legacy_weights.pickles.machine import Machine
from legacy_weights.pickles.opcodes import opcode

_DOUBLE = struct.Struct(">d").unpack_from
_INT = struct.Struct("<i").unpack_from
_SHORT = struct.Struct("<H").unpack_from

_K, _M, _J, _G = b"KMJG"
# Nine opcodes of one kind in a row are worth a detour by NumPy; picklers write lists in batches
# of a thousand items.
_BATCH = 1000
_RUNS = {
    code: np.dtype([("opcode", "u1"), ("value", value)])
    for code, value in ((b"K", "u1"), (b"M", "<u2"), (b"J", "<i4"), (b"G", ">f8"))
}

_WINDOWS_FLOATS = {b"1.#INF": "inf", b"-1.#INF": "-inf", b"1.#QNAN": "nan", b"-1.#IND": "nan"}
"""How Python 2.5 and earlier spelt these on Windows."""
_DIGITS = 4000


@opcode(b"N", 0)
def none(machine: Machine, position: int) -> int:
    """Push None."""
    machine.push(None)
    return position


@opcode(b"\x88", 2)
def newtrue(machine: Machine, position: int) -> int:
    """Push True."""
    machine.push(True)
    return position


@opcode(b"\x89", 2)
def newfalse(machine: Machine, position: int) -> int:
    """Push False."""
    machine.push(False)
    return position


def _integer(machine: Machine, text: bytes) -> int:
    """Return a decimal integer; CPython converts at most 4,300 digits at a time."""
    if len(text) < _DIGITS and b"_" not in text:
        return int(text)
    if len(text) > machine.limits.digits:
        raise LimitError(
            f"an integer of {len(text):,} decimal digits",
            where=machine.position,
            expected=f"at most {machine.limits.digits:,}",
        )
    machine.huge = True
    digits = text[1:] if text[:1] in (b"-", b"+") else text
    if not digits.isdigit():
        machine.fail(f"{text[:40]!r} is no integer")
    value = 0
    for start in range(0, len(digits), _DIGITS):
        part = digits[start : start + _DIGITS]
        value = value * 10 ** len(part) + int(part)
    return -value if text.startswith(b"-") else value


@opcode(b"I", 0)
def int_(machine: Machine, position: int) -> int:
    """Push an integer in text form; ``01`` and ``00`` are True and False."""
    text, end = machine.line(position)
    if text[:1] == b"0" and text.strip() in (b"00", b"01"):
        machine.push(text[:2] == b"01")
    else:
        machine.push(_integer(machine, text.strip().removesuffix(b"L")))
    return end


@opcode(b"L", 0)
def long(machine: Machine, position: int) -> int:
    """Push a Python 2 ``long`` in text form."""
    text, end = machine.line(position)
    machine.push(_integer(machine, text.strip().removesuffix(b"L")))
    return end


def _run(machine: Machine, first: int) -> int:
    """Push the numbers of a run of one opcode, which begins at `first`."""
    data = machine.data
    code = data[first : first + 1]
    dtype = _RUNS[code]
    width = dtype.itemsize
    codes = data[first : min(first + width * _BATCH, machine.end - width + 1) : width]
    count = len(codes) - len(codes.lstrip(code))
    numbers: Any = np.frombuffer(data, dtype, count, first)["value"]
    machine.stack.extend(numbers.tolist())
    return first + width * count


@opcode(b"K", 1)
def binint1(machine: Machine, position: int) -> int:
    """Push a one-byte unsigned integer, or as many as follow one another."""
    data = machine.data
    if data[position + 1] == _K and data[position + 1 : position + 16 : 2] == b"KKKKKKKK":
        return _run(machine, position - 1)
    machine.push(data[position])
    return position + 1


@opcode(b"M", 1)
def binint2(machine: Machine, position: int) -> int:
    """Push a two-byte unsigned integer, or as many as follow one another."""
    data = machine.data
    if data[position + 2] == _M and data[position + 2 : position + 24 : 3] == b"MMMMMMMM":
        return _run(machine, position - 1)
    machine.push(_SHORT(data, position)[0])
    return position + 2


@opcode(b"J", 1)
def binint(machine: Machine, position: int) -> int:
    """Push a four-byte signed integer, or as many as follow one another."""
    data = machine.data
    if data[position + 4] == _J and data[position + 4 : position + 40 : 5] == b"JJJJJJJJ":
        return _run(machine, position - 1)
    machine.push(_INT(data, position)[0])
    return position + 4


@opcode(b"G", 1)
def binfloat(machine: Machine, position: int) -> int:
    """Push an eight-byte float, or as many as follow one another: lists of weights."""
    data = machine.data
    if data[position + 8] == _G and data[position + 8 : position + 72 : 9] == b"GGGGGGGG":
        return _run(machine, position - 1)
    machine.push(_DOUBLE(data, position)[0])
    return position + 8


@opcode(b"F", 0)
def float_(machine: Machine, position: int) -> int:
    """Push a float in text form."""
    text, end = machine.short_line(position)
    text = text.strip()
    if b"_" in text:  # Python's own literals have them, those of pickles do not
        machine.fail(f"{text[:40]!r} is no float")
    machine.push(float(_WINDOWS_FLOATS.get(text, text)))
    return end


def _long_bytes(machine: Machine, position: int, length: int) -> int:
    raw = machine.payload(position, length)
    machine.push(int.from_bytes(raw, "little", signed=True))
    return position + length


@opcode(b"\x8a", 2)
def long1(machine: Machine, position: int) -> int:
    """Push a ``long`` of up to 255 bytes."""
    return _long_bytes(machine, position + 1, machine.data[position])


@opcode(b"\x8b", 2)
def long4(machine: Machine, position: int) -> int:
    """Push a ``long`` of up to 2**31 - 1 bytes."""
    length = _INT(machine.data, position)[0]
    machine.huge |= length * 8 > HUGE
    return _long_bytes(machine, position + 4, length)
