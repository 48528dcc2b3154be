"""The inert pickle machine: every opcode of protocols 0 to 5, and not one call.

The machine runs the pickle language over a buffer (mostly a memory map) as Python 2 and 3 define
it (``Lib/pickletools.py`` of CPython describes the opcodes), with one difference: what a pickle
names is never looked up.  GLOBAL makes a :class:`~.objects.Global`, and the opcodes that would
call something make an :class:`~.objects.Instance`.

Strings of Python 2 stay bytes.  Long byte strings, the payloads of arrays among them, stay views
of the buffer.  Nothing is trusted: each declared length is held against the bytes that are left,
the memo is a dictionary (an index of 2**31 costs nothing), keys are hashed only where hashing is
cheap, and what repeats a part of the pickle is paid from a budget (see
:class:`~legacy_weights.limits.Limits`).
"""

from __future__ import annotations

import mmap
import struct
import warnings
from collections.abc import Callable, Iterator
from itertools import repeat
from typing import Any, NoReturn

from legacy_weights.errors import DamagedError, LegacyWeightsError, LimitError
from legacy_weights.limits import DEFAULTS, Limits
from legacy_weights.pickles.objects import Global, Instance, PersistentId
from legacy_weights.pickles.opcodes import (
    HANDLERS,
    MemoError,
    TextModeError,
    TruncatedError,
    handlers,
)
from legacy_weights.tree import Call

_ROUND = 65_536
VIEW_FROM = 512
"""Byte strings from this length on stay views of the buffer; shorter ones are copied."""

TEXT_MODE = (
    "The file went through a text-mode transfer that turned each line feed into \\r\\n. "
    "Get it again in binary mode"
)


class Stop(Exception):  # noqa: N818
    """The STOP opcode, with the value of the pickle."""


class Purse:
    """What all pickles of one file may spend together, beyond what their own bytes allow.

    Parameters
    ----------
    left : int
    """

    __slots__ = ("left",)

    def __init__(self, left: int) -> None:
        self.left = left


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
    built : callable, optional
        Called after each BUILD with the machine, the instance (the topmost object of the stack,
        which may be replaced) and the offset behind the opcode.  Returns the offset of the next
        opcode: streams exist in which other bytes stand between opcodes.
    limits : Limits, optional
    purse : Purse, optional
        That of the file; by default the machine has one of its own.

    Attributes
    ----------
    position : int
        Offset of the next pickle, after :meth:`load`; else of the opcode that is being run.
    protocol : int
        The highest that the opcodes of the last pickle belong to.
    globals : dict
        (module, name) to Global, in the order in which they were met.
    calls : dict
        Calls outside of known data types, by name and whether they are exploits.
    huge : bool
        Whether an integer was met that is too large for a dictionary key.
    python2, python3 : bool
        Whether an opcode or a name was met that only this Python writes.
    """

    __slots__ = (
        "budget",
        "built",
        "calls",
        "data",
        "end",
        "globals",
        "handlers",
        "huge",
        "limits",
        "marks",
        "memo",
        "persistent_load",
        "position",
        "protocol",
        "purse",
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
        built: Callable[[Machine, Instance, int], int] | None = None,
        limits: Limits = DEFAULTS,
        purse: Purse | None = None,
    ) -> None:
        self.data = data
        self.view = memoryview(data).toreadonly()
        self.position = start
        self.end = len(data) if end is None else end
        self.persistent_load = persistent_load
        self.built = built
        self.limits = limits
        self.memo: dict[int, Any] = {}
        self.globals: dict[tuple[str, str], Global] = {}
        self.calls: dict[tuple[str, bool], Call] = {}
        self.budget = self.limits.growth * (self.end - start)
        self.purse = Purse(limits.free) if purse is None else purse
        self.protocol = 0
        self.huge = False
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
        self.protocol = 0
        self.handlers = table = handlers()[1].copy()
        data, end, position = self.data, self.end, self.position
        try:
            # Escapes that Python 2 never writes make `codecs.escape_decode` warn.
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)
                for chunk in self._chunks():
                    for _ in chunk:
                        if position >= end:
                            self.truncated("no STOP opcode")
                        self.position = position
                        position = table[data[position]](self, position + 1)
        except Stop as stop:
            self.position += 1
            return stop.args[0]
        except LegacyWeightsError:
            raise
        except KeyError as error:  # of the memo
            found = f"memo entry {error.args[0]} was never set"
            raise MemoError(found, where=self.position) from None
        except struct.error:
            self.truncated("the argument of the last opcode is cut off")
        except (IndexError, TypeError, ValueError, OverflowError) as error:
            if isinstance(error, IndexError) and not str(error).startswith("list "):
                self.truncated("the argument of the last opcode is cut off")
            # Stack underflow, unhashable keys, malformed numbers, invalid UTF-8.
            self.fail(f"opcode {self.opcode_name()} cannot be carried out ({str(error)[:200]})")

    def _chunks(self) -> Iterator[repeat[None]]:
        """Yield rounds of opcodes; between them the memo and the stack are held to their limits.

        Raises
        ------
        LimitError
            The memo, the stack, or the opcodes are too many.
        """
        limits, left = self.limits, self.limits.opcodes
        size = min(_ROUND, 1 + min(limits.memo, limits.stack) // 16)
        while left > 0:
            yield repeat(None, min(size, left))
            left -= size
            held = len(self.stack) + sum(map(len, self.marks))
            self._hold("memo", len(self.memo), limits.memo)
            self._hold("stack", held, limits.stack)
        self._hold("opcodes", limits.opcodes + 1, limits.opcodes)

    def _hold(self, name: str, count: int, limit: int) -> None:
        if count > limit:
            raise LimitError(
                f"the pickle exceeds the limit `{name}` of {limit:,}",
                where=self.position,
                advice=f"If you trust it, raise it: --limit {name}=NUMBER",
            )

    @property
    def writer(self) -> str:
        """Which Python wrote what was read, or nothing if it does not show."""
        if self.python2:
            return "Python 2"
        return "Python 3" if self.python3 else ""

    def inner(self, position: int) -> tuple[Any, int]:
        """Run a pickle that stands between two opcodes of this one.

        It has a memo of its own and refers to nothing outside; what it costs is paid from the
        budget of this machine.

        Returns
        -------
        value : object
        position : int
            The offset behind it.
        """
        machine = Machine(self.data, position, self.end, limits=self.limits, purse=self.purse)
        machine.globals, machine.calls, machine.budget = self.globals, self.calls, self.budget
        value = machine.load()
        self.budget = machine.budget
        self.huge |= machine.huge
        self.python2 |= machine.python2
        self.python3 |= machine.python3
        return value, machine.position

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
            self.text_mode()
        return text, end

    def payload(self, position: int, length: int) -> bytes | memoryview:
        """Return a byte string of the buffer: a copy if it is short, else a view."""
        end = position + length
        if length < 0:
            self.fail(f"opcode {self.opcode_name()} announces {length:,} bytes")
        if end > self.end:
            self.truncated(
                f"opcode {self.opcode_name()} announces {length:,} bytes, and "
                f"{max(self.end - position, 0):,} are left"
            )
        return self.data[position:end] if length < VIEW_FROM else self.view[position:end]

    def find(self, module: str, name: str) -> Global:
        """Return the one record of a name."""
        found = self.globals.get((module, name))
        if found is None:
            found = self.globals[module, name] = Global(module, name, self.position)
        return found

    def opcode_name(self) -> str:
        """Name the opcode that is being run."""
        handler = HANDLERS[self.data[self.position]]
        name = handler.__name__.strip("_").upper() if handler else "?"
        return f"{name} ({self.data[self.position]:#04x})"

    def spend(self, amount: int) -> None:
        """Pay for what repeats a part of the pickle, in bytes or steps.

        Raises
        ------
        LimitError
            If all that a pickle of this size may spend is spent, and so is the file's purse.
        """
        self.budget -= amount
        if self.budget < 0:
            self.purse.left += self.budget
            self.budget = 0
            if self.purse.left < 0:
                raise LimitError(
                    "the pickle repeats parts of itself so often that it would grow beyond measure",
                    where=self.position,
                    advice="If you trust it, raise the limits `free` and `growth`",
                )

    def fail(self, found: str) -> NoReturn:
        """Raise the error of a pickle that is no pickle from here on."""
        raise DamagedError(found, where=self.position)

    def text_mode(self) -> NoReturn:
        """Raise the error of a line that ends in a carriage return and a line feed."""
        raise TextModeError(
            "a line ends in \\r\\n", where=self.position, expected="\\n", advice=TEXT_MODE
        )

    def truncated(self, found: str) -> NoReturn:
        """Raise the error of a pickle that ends too early."""
        raise TruncatedError(
            f"the pickle is truncated: {found}",
            where=self.position,
            advice=f"The file ends at byte {self.end:,}; get a complete copy",
        )
