"""Reads the pickles of a stream: one, or several one after another, arrays between them too."""

from __future__ import annotations

import mmap
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from legacy_weights.errors import DamagedError, LimitError
from legacy_weights.pickles import Machine
from legacy_weights.pickles.machine import TEXT_MODE
from legacy_weights.pickles.opcodes import HANDLERS, MemoError, TextModeError, TruncatedError
from legacy_weights.readers import npy
from legacy_weights.readers.content import Content

if TYPE_CHECKING:
    from legacy_weights.readers.references import References

Data = bytes | mmap.mmap

_PADDING = b"\0 \t\r\n"
_NEED_OBJECTS = b".012abdeghijlopqrstuQR\x81\x85\x86\x87\x90\x91\x92\x93\x94\x98"
"""Opcodes that act on objects before them, so that no pickle begins with one."""
_BELIEVED = 200
"""So many bytes that run as a pickle are one, even if it breaks off."""


def sniff(data: bytes | mmap.mmap) -> bool:
    """Whether a stream can begin with a pickle: with an opcode that may come first.

    Nothing marks protocols 0 and 1, so this only rules out what is certainly none.
    """
    first = data[0] if len(data) else 0
    if first == 0x80:
        return len(data) > 1 and data[1] <= 5
    return HANDLERS[first] is not None and first not in _NEED_OBJECTS


def read(
    data: Data,
    references: Callable[[], References] | None = None,
    *,
    machine: Callable[..., Machine] = Machine,
) -> Content:
    """Read every pickle of a stream.

    Between pickles there may be arrays in the ``.npy`` format.  A pickle of protocol 0 whose line
    feeds became CR LF is repaired, and the notes say so.

    Parameters
    ----------
    data : bytes or mmap.mmap
    references : callable, optional
        Makes what resolves the references of the stream to what is outside of it.
    machine : callable, optional
        Makes a machine.

    Raises
    ------
    DamagedError
        With the offset of what cannot be carried out, or of the end of a truncated stream.
    LimitError
        If a pickle asks for more than a limit allows.
    """
    try:
        return _read(data, references() if references else None, machine)
    except TextModeError as error:
        if data[:1] == b"\x80":
            raise
        repaired = data[:].replace(b"\r\n", b"\n")
        try:
            content = _read(repaired, resolver := references() if references else None, machine)
        except (DamagedError, LimitError):
            raise error from None
        inline = resolver is not None and resolver.wrappers.inline
        if inline or not content.kind.endswith("pickle 0"):
            # Binary opcodes hold lengths and numbers that the replacement may have changed.
            raise error from None
        changed = len(data) - len(repaired)
        content.notes.insert(
            0,
            f"{changed:,} line ends were repaired: \\r\\n became \\n (a text-mode transfer had "
            "altered the file)",
        )
        return content


def _read(data: Data, references: References | None, make: Callable[..., Machine]) -> Content:
    resolving: dict[str, Any] = {}
    if references is not None:
        resolving = {"persistent_load": references.persistent_load, "built": references.wrappers}
    machine = make(data, **resolving)
    values = [_first(machine)]
    protocols = {machine.protocol}
    notes: list[str] = []
    arrays = Content("", [], "", [], [])
    while machine.position < machine.end:
        start = machine.position
        if _only_padding(data, start):
            break
        if npy.sniff(data[start : start + 6]):
            machine.position = npy.read_array(data, start, arrays, make)[1]
            values.append(arrays.values[-1])
            continue
        value = _next(machine, start, len(values))
        if value is _GARBAGE:
            left = machine.end - start
            notes.append(
                f"{left:,} bytes after the last pickle (from byte {start:,}) are no pickle; "
                "they are kept as a record"
            )
            values.append(bytes(machine.view[start:]) if left < 65_536 else machine.view[start:])
            break
        values.append(value)
        protocols.add(machine.protocol)
    kind = "pickle " + "/".join(map(str, sorted(protocols)))
    pickles = len(values) - len(notes) - len(arrays.values)
    if pickles > 1:
        kind = f"{pickles} × {kind}"
    classes = [*machine.globals.values(), *arrays.classes]
    calls = [*machine.calls.values(), *arrays.calls]
    if references is None:
        return Content(kind, values, machine.writer, classes, notes, calls=calls)
    wrappers = references.wrappers
    kind = wrappers.kind + kind
    classes += wrappers.classes
    notes += references.remarks()
    calls += wrappers.calls
    complete = not wrappers.missing
    return Content(kind, values, machine.writer, classes, notes, complete, calls)


def _first(machine: Machine) -> Any:
    try:
        return machine.load()
    except TextModeError:
        raise
    except DamagedError as error:
        if machine.protocol and _is_text_mode(machine.data):
            error.advice = TEXT_MODE
        raise


def _is_text_mode(data: bytes | mmap.mmap) -> bool:
    """Whether every line feed follows a carriage return."""
    sample = data[: 1 << 20]
    feeds = sample.count(b"\n")
    return feeds > 0 and feeds == sample.count(b"\r\n")


class _Garbage:
    pass


_GARBAGE = _Garbage()


def _next(machine: Machine, start: int, complete: int) -> Any:
    """Return the next pickle of a stream, or say that what follows is none."""
    data = machine.data
    announced = data[start] == 0x80 and start + 1 < machine.end and data[start + 1] <= 5
    names, calls = len(machine.globals), len(machine.calls)
    try:
        return _load_next(machine, counted=announced and data[start + 1] >= 4)
    except (DamagedError, LimitError) as error:
        ran = machine.position - start
        begun = ran >= _BELIEVED or (ran > 0 and isinstance(error, TruncatedError))
        damaged = isinstance(error, TextModeError) and _is_text_mode(data)
        if announced or begun or damaged:
            error.found += (
                f" (pickle {complete + 1} of the file; {complete} before it are complete)"
            )
            raise
        while len(machine.globals) > names:
            machine.globals.popitem()
        while len(machine.calls) > calls:
            machine.calls.popitem()
        return _GARBAGE


def _load_next(machine: Machine, *, counted: bool) -> Any:
    """Run the next pickle, with the right memo.

    One pickler that dumps several times lets later pickles refer to the memo of earlier ones, so
    the memo goes on.  From protocol 4 on, opcodes count the memo's entries: there the next pickle
    begins with an empty memo, unless it then refers to what it has not.
    """
    if not counted:
        return machine.load()
    start, memo = machine.position, machine.memo
    machine.memo = {}
    try:
        return machine.load()
    except MemoError:
        machine.position, machine.memo = start, memo
        return machine.load()


def _only_padding(data: bytes | mmap.mmap, start: int) -> bool:
    if data[start] not in _PADDING:
        return False
    tail = data[start : start + 65_536]
    while not tail.strip(_PADDING):
        start += len(tail)
        if start >= len(data):
            return True
        tail = data[start : start + 65_536]
    return False
