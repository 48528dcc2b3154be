"""Opcodes that push strings: of bytes, and of text.

Python 2 writes its ``str`` by STRING, BINSTRING and SHORT_BINSTRING: those stay bytes.

Picklers remember every string, so the opcodes of short ones carry out a BINPUT, LONG_BINPUT or
MEMOIZE behind them themselves; in files full of names that saves a third of the time.
"""

from __future__ import annotations

import codecs
import struct

from legacy_weights.pickles.machine import Machine
from legacy_weights.pickles.objects import Instance
from legacy_weights.pickles.opcodes import opcode

_INT = struct.Struct("<i").unpack_from
_UNSIGNED = struct.Struct("<I").unpack_from
_LONG = struct.Struct("<Q").unpack_from

_BINPUT, _LONG_BINPUT, _MEMOIZE = b"qr\x94"
_AHEAD = 5
"""The length of the longest memo opcode: so many bytes are looked at behind a string."""


@opcode(b"S", 0)
def string(machine: Machine, position: int) -> int:
    """Push a Python 2 ``str`` in its repr form."""
    text, end = machine.line(position)
    if text.endswith(b"\r"):
        machine.text_mode()
    text = text.strip(b" ")
    if len(text) < 2 or text[:1] not in b"'\"" or text[-1:] != text[:1]:
        machine.fail("a string argument is not in quotes")
    machine.python2 = True
    machine.push(codecs.escape_decode(text[1:-1])[0])
    return end


@opcode(b"U", 1)
def short_binstring(machine: Machine, position: int) -> int:
    """Push a Python 2 ``str`` of up to 255 bytes."""
    data = machine.data
    machine.python2 = True
    start = position + 1
    end = start + data[position]
    if end + _AHEAD > machine.end:
        machine.push(machine.payload(start, end - start))
        return end
    text = data[start:end]
    machine.push(text)
    code = data[end]
    if code == _BINPUT:
        machine.memo[data[end + 1]] = text
        return end + 2
    if code == _LONG_BINPUT:
        machine.memo[_UNSIGNED(data, end + 1)[0]] = text
        return end + 5
    return end


@opcode(b"T", 1)
def binstring(machine: Machine, position: int) -> int:
    """Push a Python 2 ``str`` of up to 2**31 - 1 bytes."""
    length: int = _INT(machine.data, position)[0]
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
    length: int = _UNSIGNED(machine.data, position)[0]
    machine.push(machine.payload(position + 4, length))
    return position + 4 + length


@opcode(b"\x8e", 4)
def binbytes8(machine: Machine, position: int) -> int:
    """Push Python 3 ``bytes`` of any length."""
    length: int = _LONG(machine.data, position)[0]
    machine.push(machine.payload(position + 8, length))
    return position + 8 + length


@opcode(b"\x96", 5)
def bytearray8(machine: Machine, position: int) -> int:
    """Push a ``bytearray``, as the record of one."""
    length: int = _LONG(machine.data, position)[0]
    raw = machine.payload(position + 8, length)
    instance = Instance(machine.find("builtins", "bytearray"), (raw,), machine.position)
    instance.value = raw
    machine.push(instance)
    return position + 8 + length


@opcode(b"V", 0)
def unicode(machine: Machine, position: int) -> int:
    """Push a unicode string in raw-unicode-escape form (which may end in a carriage return)."""
    text, end = machine.line(position)
    machine.push(codecs.raw_unicode_escape_decode(text)[0])
    return end


def _text(machine: Machine, position: int, length: int) -> int:
    """Push a unicode string of UTF-8, lone surrogates included."""
    machine.push(str(machine.payload(position, length), "utf-8", "surrogatepass"))
    return position + length


@opcode(b"X", 1)
def binunicode(machine: Machine, position: int) -> int:
    """Push a unicode string of less than 4 GiB of UTF-8."""
    data = machine.data
    length: int = _UNSIGNED(data, position)[0]
    start = position + 4
    end = start + length
    if end + _AHEAD > machine.end:
        return _text(machine, start, length)
    text = data[start:end].decode("utf-8", "surrogatepass")
    machine.push(text)
    code = data[end]
    if code == _BINPUT:
        machine.memo[data[end + 1]] = text
        return end + 2
    if code == _LONG_BINPUT:
        machine.memo[_UNSIGNED(data, end + 1)[0]] = text
        return end + 5
    return end


@opcode(b"\x8c", 4)
def short_binunicode(machine: Machine, position: int) -> int:
    """Push a unicode string of up to 255 bytes of UTF-8."""
    data = machine.data
    start = position + 1
    end = start + data[position]
    if end >= machine.end:
        return _text(machine, start, end - start)
    text = data[start:end].decode("utf-8", "surrogatepass")
    machine.push(text)
    if data[end] == _MEMOIZE:
        machine.memo[len(machine.memo)] = text
        return end + 1
    return end


@opcode(b"\x8d", 4)
def binunicode8(machine: Machine, position: int) -> int:
    """Push a unicode string of any length of UTF-8."""
    return _text(machine, position + 8, _LONG(machine.data, position)[0])
