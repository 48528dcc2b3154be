"""Reads the pickles of a stream: one, or several one after another."""

from __future__ import annotations

import mmap
from typing import Any

from legacy_weights.errors import DamagedError
from legacy_weights.pickles import Machine
from legacy_weights.pickles.machine import HANDLERS, TEXT_MODE, TextModeError, TruncatedError
from legacy_weights.readers.content import Content

_PADDING = b"\0 \t\r\n"


def sniff(data: bytes | mmap.mmap) -> bool:
    """Whether a stream can begin with a pickle: with an opcode that may come first.

    Nothing marks protocols 0 and 1, so this only rules out what is certainly none.
    """
    first = data[0] if len(data) else 0
    if first == 0x80:
        return len(data) > 1 and data[1] <= 5
    return HANDLERS[first] is not None and first not in b".0123abdelostu\x85\x86\x87\x90\x93"


def read(data: bytes | mmap.mmap) -> Content:
    """Read every pickle of a stream.

    A pickle of protocol 0 whose line feeds became CR LF is repaired, and the notes say so.

    Raises
    ------
    DamagedError
        With the offset of what cannot be carried out, or of the end of a truncated stream.
    """
    try:
        return _read(data)
    except TextModeError as error:
        if data[:1] == b"\x80":
            raise
        repaired = data[:].replace(b"\r\n", b"\n")
        try:
            content = _read(repaired)
        except DamagedError:
            raise error from None
        if not content.kind.endswith("pickle 0"):
            # Binary opcodes hold lengths and numbers that the replacement may have changed.
            raise error from None
        changed = len(data) - len(repaired)
        content.notes.insert(
            0,
            f"{changed:,} line ends were repaired: \\r\\n became \\n (a text-mode transfer had "
            "altered the file)",
        )
        return content


def _read(data: bytes | mmap.mmap) -> Content:
    machine = Machine(data)
    values = [_first(machine)]
    protocols = [machine.protocol]
    notes: list[str] = []
    while machine.position < machine.end:
        start = machine.position
        if not _only_padding(data, start):
            value = _next(machine, start, len(values))
            if value is not _GARBAGE:
                values.append(value)
                protocols.append(machine.protocol)
                continue
            left = machine.end - start
            notes.append(
                f"{left:,} bytes after the last pickle (from byte {start:,}) are no pickle; "
                "they are kept as a record"
            )
            values.append(bytes(machine.view[start:]) if left < 65_536 else machine.view[start:])
        break
    kinds = sorted(set(protocols))
    kind = "pickle " + "/".join(map(str, kinds))
    if len(protocols) > 1:
        kind = f"{len(protocols)} × {kind}"
    return Content(kind, values, _writer(machine), list(machine.globals.values()), notes)


def _first(machine: Machine) -> Any:
    try:
        return machine.load()
    except TextModeError:
        raise
    except DamagedError as error:
        if machine.data[:2] in (b"\x80\x02", b"\x80\x01") and _is_text_mode(machine):
            error.advice = TEXT_MODE
        raise


def _is_text_mode(machine: Machine) -> bool:
    """Whether every line feed of a damaged pickle follows a carriage return."""
    sample = machine.data[: 1 << 20]
    feeds = sample.count(b"\n")
    return feeds > 0 and feeds == sample.count(b"\r\n")


class _Garbage:
    pass


_GARBAGE = _Garbage()


def _next(machine: Machine, start: int, complete: int) -> Any:
    """Return the next pickle of a stream, or say that what follows is none.

    One pickler that dumps several times lets later pickles refer to the memo of earlier ones,
    so the memo goes on.  From protocol 4 on, opcodes count the memo's entries, and each pickle
    has one of its own.
    """
    data = machine.data
    announced = data[start] == 0x80 and start + 1 < machine.end and data[start + 1] <= 5
    if announced and data[start + 1] >= 4:
        machine.memo = {}
    try:
        return machine.load()
    except TruncatedError as error:
        error.found += f" (pickle {complete + 1} of the file; {complete} before it are complete)"
        raise
    except TextModeError:
        raise
    except DamagedError:
        if announced:
            raise
        return _GARBAGE


def _only_padding(data: bytes | mmap.mmap, start: int) -> bool:
    tail = data[start : start + 65_536]
    while not tail.strip(_PADDING):
        start += len(tail)
        if start >= len(data):
            return True
        tail = data[start : start + 65_536]
    return False


def _writer(machine: Machine) -> str:
    if machine.python2:
        return "Python 2"
    return "Python 3" if machine.python3 else ""
