"""The opcodes: the table of their handlers, and their own errors.

The modules of opcodes fill it when they are imported.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING

from legacy_weights.errors import DamagedError

if TYPE_CHECKING:
    from legacy_weights.pickles.machine import Machine

Handler = Callable[["Machine", int], int]
"""Gets the machine and the offset behind the opcode, returns the offset of the next one."""

HANDLERS: list[Handler | None] = [None] * 256
PROTOCOLS = bytearray(256)


def opcode(code: bytes, protocol: int) -> Callable[[Handler], Handler]:
    """Register the handler of an opcode that came with `protocol`."""

    def register(handler: Handler) -> Handler:
        HANDLERS[code[0]] = handler
        PROTOCOLS[code[0]] = protocol
        return handler

    return register


def _unknown(machine: Machine, position: int) -> int:
    machine.fail(f"{machine.data[position - 1]:#04x} is no opcode of any pickle protocol")


def _note(machine: Machine, position: int) -> int:
    """Note the protocol of the first opcode that is not of protocol 0."""
    code = machine.data[position - 1]
    machine.protocol = max(machine.protocol, PROTOCOLS[code])
    machine.handlers[:] = handlers()[0]
    return machine.handlers[code](machine, position)


@functools.cache
def handlers() -> tuple[list[Handler], list[Handler]]:
    """Return the table of the handlers, and the one that a pickle begins with.

    There the entry of each opcode of a later protocol is a detour that notes it and then puts the
    table right, so that the common path costs nothing.
    """
    plain = [handler or _unknown for handler in HANDLERS]
    noting = [_note if PROTOCOLS[code] else plain[code] for code in range(256)]
    return plain, noting


class TruncatedError(DamagedError):
    """The pickle ends before its STOP opcode."""


class TextModeError(DamagedError):
    """The pickle went through a text-mode transfer."""


class MemoError(DamagedError):
    """The pickle refers to an object that it did not remember."""
