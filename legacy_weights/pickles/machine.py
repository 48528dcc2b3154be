"""The inert pickle machine: every opcode of protocols 0 to 5, and not one call.

The machine runs the pickle language over a buffer (mostly a memory map) as Python 2 and 3 define
it (``Lib/pickletools.py`` of CPython describes the opcodes), with one difference: what a pickle
names is never looked up.  GLOBAL makes a :class:`~.objects.Global`, and the opcodes that would
call something make an :class:`~.objects.Instance`.

Strings of Python 2 stay bytes.  Long byte strings, the payloads of arrays among them, stay views
of the buffer.  Nothing is trusted: each declared length is held against the bytes that are left,
the memo is a dictionary (an index of 2**31 costs nothing), and keys are hashed only where hashing
is cheap.
"""

from __future__ import annotations

import mmap
import struct
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn

from legacy_weights.errors import DamagedError, LegacyWeightsError, LimitError
from legacy_weights.pickles.objects import Global, PersistentId

Handler = Callable[["Machine", int], int]
"""Gets the machine and the offset behind the opcode, returns the offset of the next one."""

VIEW_FROM = 512
"""Byte strings from this length on stay views of the buffer; shorter ones are copied."""

TEXT_MODE = (
    "The file went through a text-mode transfer that turned each line feed into \\r\\n. "
    "Get it again in binary mode"
)


@dataclass(frozen=True, slots=True)
class Limits:
    """What a pickle may ask for.

    Parameters
    ----------
    marks : int
        Nesting of MARK opcodes.
    line : int
        Length in bytes of a number or a name in text form.
    digits : int
        Decimal digits of an integer in text form.
    key : int
        Elements that hashing one dictionary key may visit.
    """

    marks: int = 100_000
    line: int = 65_536
    digits: int = 100_000
    key: int = 1_000


class Stop(Exception):  # noqa: N818
    """The STOP opcode, with the offset behind it."""


HANDLERS: list[Handler | None] = [None] * 256
PROTOCOLS = bytearray(256)


def opcode(code: bytes, protocol: int) -> Callable[[Handler], Handler]:
    """Register the handler of an opcode that came with `protocol`."""

    def register(handler: Handler) -> Handler:
        HANDLERS[code[0]] = handler
        PROTOCOLS[code[0]] = protocol
        return handler

    return register


class Machine:
    """Runs the pickles of one buffer, one after another, with a memo that they share.

    Parameters
    ----------
    data : bytes or mmap.mmap
        The buffer.
    start, end : int, optional
        The part of it to read.
    persistent_load : callable, optional
        Gets a persistent id and returns what it stands for; by default a
        :class:`~.objects.PersistentId`.
    limits : Limits, optional

    Attributes
    ----------
    position : int
        Offset of the next pickle, after :meth:`load`; else of the opcode that is being run.
    protocol : int
        The highest that the opcodes so far belong to.
    globals : dict
        (module, name) to Global, in the order in which they were met.
    python2, python3 : bool
        Whether an opcode or a name was met that only this Python writes.
    """

    __slots__ = (
        "data",
        "decoded",
        "end",
        "globals",
        "limits",
        "marks",
        "memo",
        "persistent_load",
        "position",
        "protocol",
        "push",
        "python2",
        "python3",
        "stack",
        "view",
    )

    def __init__(
        self,
        data: bytes | mmap.mmap,
        start: int = 0,
        end: int | None = None,
        *,
        persistent_load: Callable[[Any, int], Any] = PersistentId,
        limits: Limits | None = None,
    ) -> None:
        self.data = data
        self.view = memoryview(data).toreadonly()
        self.position = start
        self.end = len(data) if end is None else end
        self.persistent_load = persistent_load
        self.limits = limits or Limits()
        self.memo: dict[int, Any] = {}
        self.globals: dict[tuple[str, str], Global] = {}
        self.decoded: dict[int, tuple[Any, Any]] = {}
        self.protocol = 0
        self.python2 = False
        self.python3 = False
        self._clear()

    def _clear(self) -> None:
        self.stack: list[Any] = []
        self.push = self.stack.append
        self.marks: list[list[Any]] = []

    def load(self) -> Any:
        """Run the next pickle and return its value.

        Raises
        ------
        DamagedError
            With the offset of the opcode that could not be carried out.
        LimitError
            If the pickle asks for more than a limit allows.
        """
        self._clear()
        handlers = _handlers(self.protocol)
        data, end, position = self.data, self.end, self.position
        try:
            # Escapes that Python 2 never writes make `codecs.escape_decode` warn.
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)
                while position < end:
                    self.position = position
                    position = handlers[data[position]](self, position + 1)
            self.truncated("no STOP opcode")
        except Stop:
            self.position += 1
            return self.pop()
        except LegacyWeightsError:
            raise
        except struct.error:
            self.truncated("the argument of the last opcode is cut off")
        except (IndexError, TypeError, ValueError, OverflowError) as error:
            if isinstance(error, IndexError) and self.position + 1 >= self.end:
                self.truncated("the argument of the last opcode is cut off")
            # Stack underflow, unhashable keys, malformed numbers, invalid UTF-8.
            self.fail(f"opcode {self.opcode_name()} cannot be carried out ({error})")

    # What handlers use ---------------------------------------------------------------------

    def pop(self) -> Any:
        """Take the topmost object from the stack."""
        if not self.stack:
            self.fail(f"opcode {self.opcode_name()} finds an empty stack")
        return self.stack.pop()

    def pop_mark(self) -> list[Any]:
        """Take everything above the last MARK."""
        if not self.marks:
            self.fail(f"opcode {self.opcode_name()} finds no MARK")
        items = self.stack
        self.stack = self.marks.pop()
        self.push = self.stack.append
        return items

    def line(self, position: int, limit: int | None = None) -> tuple[bytes, int]:
        """Return the text argument at `position`, without its line feed, and what follows it."""
        stop = self.end if limit is None else min(self.end, position + limit)
        end = self.data.find(b"\n", position, stop)
        if end < 0:
            if stop < self.end:
                raise LimitError(
                    f"opcode {self.opcode_name()} has an argument of more than {limit:,} bytes",
                    where=self.position,
                )
            self.truncated("the argument of the last opcode is cut off")
        return self.data[position:end], end + 1

    def short_line(self, position: int) -> tuple[bytes, int]:
        """Return a number or a name in text form, which never ends in a carriage return."""
        text, end = self.line(position, self.limits.line)
        if text.endswith(b"\r"):
            raise TextModeError(
                "a line ends in \\r\\n", where=self.position, expected="\\n", advice=TEXT_MODE
            )
        return text, end

    def payload(self, position: int, length: int) -> bytes | memoryview:
        """Return a byte string of the buffer: a copy if it is short, else a view."""
        end = position + length
        if length < 0 or end > self.end:
            self.truncated(
                f"opcode {self.opcode_name()} announces {length:,} bytes, and "
                f"{max(self.end - position, 0):,} are left"
            )
        return self.data[position:end] if length < VIEW_FROM else self.view[position:end]

    def text(self, position: int, length: int) -> str:
        """Return a unicode string of the buffer, lone surrogates included."""
        return str(self.payload(position, length), "utf-8", "surrogatepass")

    def find(self, module: str, name: str) -> Global:
        """Return the one record of a name."""
        found = self.globals.get((module, name))
        if found is None:
            found = self.globals[module, name] = Global(module, name, self.position)
        return found

    def opcode_name(self) -> str:
        """Name the opcode that is being run."""
        handler = HANDLERS[self.data[self.position]]
        name = handler.__name__.upper() if handler else "?"
        return f"{name} ({self.data[self.position]:#04x})"

    def check_key(self, key: Any) -> Any:
        """Return a key that is cheap and safe to hash.

        Python hashes a tuple by hashing all it holds, again and again for shared parts and with
        C recursion for nested ones; a small pickle could keep it busy for ever or overflow the
        stack.
        """
        if isinstance(key, memoryview):
            return bytes(key)
        if isinstance(key, tuple):
            todo, visited = [(key, 0)], 0
            while todo:
                part, depth = todo.pop()
                visited += len(part)
                if visited > self.limits.key or depth > 50:
                    raise LimitError(
                        f"a dictionary key holds more than {self.limits.key:,} elements "
                        "or is nested more than 50 deep",
                        where=self.position,
                    )
                todo.extend((item, depth + 1) for item in part if isinstance(item, tuple))
        return key

    def fail(self, found: str) -> NoReturn:
        """Raise the error of a pickle that is no pickle from here on."""
        raise DamagedError(found, where=self.position)

    def truncated(self, found: str) -> NoReturn:
        """Raise the error of a pickle that ends too early."""
        raise TruncatedError(
            f"the pickle is truncated: {found}",
            where=self.position,
            advice=f"The file ends at byte {self.end:,}; get a complete copy",
        )


class TruncatedError(DamagedError):
    """The pickle ends before its STOP opcode."""


class TextModeError(DamagedError):
    """The pickle went through a text-mode transfer."""


def _handlers(protocol: int) -> list[Handler]:
    """Return the table for one pickle.

    Before the first opcode of a later protocol is met, the entry of each such opcode is a
    detour that notes it; it then restores the table, so that the common path costs nothing.
    """
    table: list[Handler] = [handler or _unknown for handler in HANDLERS]
    if protocol:
        return table
    plain = table.copy()

    def note(machine: Machine, position: int) -> int:
        code = machine.data[position - 1]
        machine.protocol = max(machine.protocol, PROTOCOLS[code])
        table[:] = plain
        return plain[code](machine, position)

    for code in range(256):
        if HANDLERS[code] and PROTOCOLS[code]:
            table[code] = note
    return table


def _unknown(machine: Machine, position: int) -> int:
    machine.fail(f"{machine.data[position - 1]:#04x} is no opcode of any pickle protocol")
