"""Opcodes that push plain values: numbers, strings, tuples, lists, dictionaries.

Python 2 writes its ``str`` by STRING, BINSTRING and SHORT_BINSTRING: those stay bytes.
"""

from __future__ import annotations

import codecs
import struct
from typing import Any

import numpy as np

from legacy_weights.errors import LimitError
from legacy_weights.pickles.machine import Machine, opcode
from legacy_weights.pickles.objects import Global, Instance

_DOUBLE = struct.Struct(">d")
_INT = struct.Struct("<i")
_UNSIGNED = struct.Struct("<I")
_SHORT = struct.Struct("<H")
_LONG = struct.Struct("<Q")

_FLOATS = np.dtype([("opcode", "u1"), ("value", ">f8")])
_FLOAT_BATCH = 1000

_WINDOWS_FLOATS = {b"1.#INF": "inf", b"-1.#INF": "-inf", b"1.#QNAN": "nan", b"-1.#IND": "nan"}
"""How Python 2.5 and earlier spelt these on Windows."""


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


# Numbers ---------------------------------------------------------------------------------------


def _integer(machine: Machine, text: bytes) -> int:
    """Return a decimal integer; CPython converts at most 4,300 digits at a time."""
    digits = text.lstrip(b"+-")
    if len(digits) > machine.limits.digits:
        raise LimitError(
            f"an integer of {len(digits):,} decimal digits",
            where=machine.position,
            expected=f"at most {machine.limits.digits:,}",
        )
    if not digits.isdigit():
        machine.fail(f"{text[:40]!r} is no integer")
    value, step = 0, 4000
    for start in range(0, len(digits), step):
        part = digits[start : start + step]
        value = value * 10 ** len(part) + int(part)
    return -value if text.startswith(b"-") else value


@opcode(b"I", 0)
def int_(machine: Machine, position: int) -> int:
    """Push an integer in text form; ``01`` and ``00`` are True and False."""
    text, end = machine.line(position)
    text = text.strip()
    if text in (b"00", b"01"):
        machine.push(text == b"01")
    else:
        machine.push(_integer(machine, text.removesuffix(b"L")))
    return end


@opcode(b"L", 0)
def long(machine: Machine, position: int) -> int:
    """Push a Python 2 ``long`` in text form."""
    text, end = machine.line(position)
    machine.push(_integer(machine, text.strip().removesuffix(b"L")))
    return end


@opcode(b"J", 1)
def binint(machine: Machine, position: int) -> int:
    """Push a four-byte signed integer."""
    machine.push(_INT.unpack_from(machine.data, position)[0])
    return position + 4


@opcode(b"K", 1)
def binint1(machine: Machine, position: int) -> int:
    """Push a one-byte unsigned integer."""
    machine.push(machine.data[position])
    return position + 1


@opcode(b"M", 1)
def binint2(machine: Machine, position: int) -> int:
    """Push a two-byte unsigned integer."""
    machine.push(_SHORT.unpack_from(machine.data, position)[0])
    return position + 2


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
    return _long_bytes(machine, position + 4, _INT.unpack_from(machine.data, position)[0])


@opcode(b"F", 0)
def float_(machine: Machine, position: int) -> int:
    """Push a float in text form."""
    text, end = machine.short_line(position)
    text = text.strip()
    machine.push(float(_WINDOWS_FLOATS.get(text, text)))
    return end


@opcode(b"G", 1)
def binfloat(machine: Machine, position: int) -> int:
    """Push an eight-byte float, or as many as follow one another."""
    data = machine.data
    if data[position + 8 : position + 27 : 9] != b"GGG":
        machine.push(_DOUBLE.unpack_from(data, position)[0])
        return position + 8
    # Python 2 kept many weights as lists of floats, in batches of a thousand.
    first = position - 1
    codes = data[first : min(first + 9 * _FLOAT_BATCH, machine.end - 8) : 9]
    count = len(codes) - len(codes.lstrip(b"G"))
    machine.stack.extend(np.frombuffer(data, _FLOATS, count, first)["value"].tolist())
    return first + 9 * count


# Strings ---------------------------------------------------------------------------------------


@opcode(b"S", 0)
def string(machine: Machine, position: int) -> int:
    """Push a Python 2 ``str`` in its repr form."""
    text, end = machine.line(position)
    if text.endswith(b"\r"):
        text, end = machine.short_line(position)
    text = text.strip(b" ")
    if len(text) < 2 or text[:1] not in b"'\"" or text[-1:] != text[:1]:
        machine.fail("a string argument is not in quotes")
    machine.python2 = True
    machine.push(codecs.escape_decode(text[1:-1])[0])
    return end


@opcode(b"U", 1)
def short_binstring(machine: Machine, position: int) -> int:
    """Push a Python 2 ``str`` of up to 255 bytes."""
    length = machine.data[position]
    machine.python2 = True
    machine.push(machine.payload(position + 1, length))
    return position + 1 + length


@opcode(b"T", 1)
def binstring(machine: Machine, position: int) -> int:
    """Push a Python 2 ``str`` of up to 2**31 - 1 bytes."""
    length: int = _INT.unpack_from(machine.data, position)[0]
    machine.python2 = True
    machine.push(machine.payload(position + 4, length))
    return position + 4 + length


@opcode(b"C", 3)
def short_binbytes(machine: Machine, position: int) -> int:
    """Push Python 3 ``bytes`` of up to 255 bytes."""
    length = machine.data[position]
    machine.push(machine.payload(position + 1, length))
    return position + 1 + length


@opcode(b"B", 3)
def binbytes(machine: Machine, position: int) -> int:
    """Push Python 3 ``bytes`` of less than 4 GiB."""
    length: int = _UNSIGNED.unpack_from(machine.data, position)[0]
    machine.push(machine.payload(position + 4, length))
    return position + 4 + length


@opcode(b"\x8e", 4)
def binbytes8(machine: Machine, position: int) -> int:
    """Push Python 3 ``bytes`` of any length."""
    length: int = _LONG.unpack_from(machine.data, position)[0]
    machine.push(machine.payload(position + 8, length))
    return position + 8 + length


@opcode(b"\x96", 5)
def bytearray8(machine: Machine, position: int) -> int:
    """Push a ``bytearray``."""
    length: int = _LONG.unpack_from(machine.data, position)[0]
    raw = machine.payload(position + 8, length)
    machine.push(Instance(machine.find("builtins", "bytearray"), (raw,), machine.position))
    return position + 8 + length


@opcode(b"V", 0)
def unicode(machine: Machine, position: int) -> int:
    """Push a unicode string in raw-unicode-escape form (which may end in a carriage return)."""
    text, end = machine.line(position)
    machine.push(codecs.raw_unicode_escape_decode(text)[0])
    return end


@opcode(b"X", 1)
def binunicode(machine: Machine, position: int) -> int:
    """Push a unicode string of less than 4 GiB of UTF-8."""
    length: int = _UNSIGNED.unpack_from(machine.data, position)[0]
    machine.push(machine.text(position + 4, length))
    return position + 4 + length


@opcode(b"\x8c", 4)
def short_binunicode(machine: Machine, position: int) -> int:
    """Push a unicode string of up to 255 bytes of UTF-8."""
    length = machine.data[position]
    machine.push(machine.text(position + 1, length))
    return position + 1 + length


@opcode(b"\x8d", 4)
def binunicode8(machine: Machine, position: int) -> int:
    """Push a unicode string of any length of UTF-8."""
    length: int = _LONG.unpack_from(machine.data, position)[0]
    machine.push(machine.text(position + 8, length))
    return position + 8 + length


# Containers ------------------------------------------------------------------------------------


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
    if len(machine.stack) < count:
        machine.fail(f"opcode {machine.opcode_name()} finds fewer than {count} objects")
    items = tuple(machine.stack[-count:])
    del machine.stack[-count:]
    machine.push(items)


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


def _pairs(machine: Machine, items: list[Any]) -> list[tuple[Any, Any]]:
    if len(items) % 2:
        machine.fail(f"opcode {machine.opcode_name()} finds a key without a value")
    keys = map(machine.check_key, items[::2])
    return list(zip(keys, items[1::2], strict=True))


@opcode(b"d", 0)
def dict_(machine: Machine, position: int) -> int:
    """Make a dictionary of the keys and values above the last MARK."""
    items = machine.pop_mark()
    machine.push(dict(_pairs(machine, items)))
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


def _update(machine: Machine, target: Any, pairs: list[tuple[Any, Any]]) -> None:
    if type(target) is dict:
        target.update(pairs)
    elif type(target) is Instance:
        if target.pairs is None:
            target.pairs = []
        target.pairs.extend(pairs)
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
    value = machine.pop()
    key = machine.pop()
    _update(machine, machine.stack[-1], _pairs(machine, [key, value]))
    return position


@opcode(b"u", 1)
def setitems(machine: Machine, position: int) -> int:
    """Put the keys and values above the last MARK into the dictionary below it."""
    items = machine.pop_mark()
    _update(machine, machine.stack[-1], _pairs(machine, items))
    return position
