"""The headers of zip archives: the directory at the end, and one header before each member.

Format: PKWARE's APPNOTE.TXT 6.3, sections 4.3 and 4.4.
"""

from __future__ import annotations

import itertools
import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace

from legacy_weights.containers._members import decode, show
from legacy_weights.errors import UnreadableError

_LOCAL = struct.Struct("<4s5H3L2H")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_END = struct.Struct("<4s4H2LH")
_END64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR64 = struct.Struct("<4sLQL")

_UNIX = 3


@dataclass(frozen=True, slots=True)
class Entry:
    """A member as a header describes it.

    Parameters
    ----------
    raw : bytes
        The name.
    flags, method, crc, packed, size : int
        As in the header, 64-bit sizes resolved.
    header : int
        Where the local header begins.
    data : int
        Where the packed data begins; 0 before the local header was read.
    mode : int
        Unix mode, 0 if unknown.
    """

    raw: bytes
    flags: int
    method: int
    crc: int
    packed: int
    size: int
    header: int
    data: int = 0
    mode: int = 0

    @property
    def end(self) -> int:
        """Where the packed data ends."""
        return self.data + self.packed

    @property
    def name(self) -> str:
        """The name as text."""
        return decode(self.raw)[0]


@dataclass(frozen=True, slots=True)
class Span:
    """Where the central directory is.

    Parameters
    ----------
    start, end : int
        Its first byte, and the one after its last.
    count : int
        Entries that it promises, modulo 65536 in archives that are not zip64.
    shift : int
        What to add to its offsets: the bytes before the archive.
    trailing : int
        Bytes after the archive.
    """

    start: int
    end: int
    count: int
    shift: int
    trailing: int = 0


class BadDirectoryError(Exception):
    """The central directory cannot be used, for this reason."""


def names(view: memoryview, limit: int = 1000) -> list[str]:
    """Return the names of the first members, or nothing if the directory is damaged."""
    try:
        entries = directory(view, find_directory(view))
        return [entry.name for entry in itertools.islice(entries, limit)]
    except (BadDirectoryError, UnreadableError):
        return []


def directory(view: memoryview, span: Span) -> Iterator[Entry]:
    """Yield the entries of the central directory."""
    position, end, seen = span.start, span.end, 0
    while position < end:
        if position + _CENTRAL.size > end:
            raise BadDirectoryError("its directory ends inside an entry")
        fields = _CENTRAL.unpack_from(view, position)
        if fields[0] != b"PK\x01\x02":
            raise BadDirectoryError(f"its directory has no entry at byte {position:,}")
        flags, method, crc, packed, size = fields[3], fields[4], *fields[7:10]
        long_name, long_extra, long_comment, _, _, attributes, header = fields[10:]
        middle = position + _CENTRAL.size + long_name
        position = middle + long_extra + long_comment
        if position > end:
            raise BadDirectoryError("its directory ends inside an entry")
        extra = bytes(view[middle : middle + long_extra])
        size, packed, header = _wide(extra, size, packed, header)
        mode = attributes >> 16 if fields[1] >> 8 == _UNIX else 0
        raw = bytes(view[middle - long_name : middle])
        yield Entry(raw, flags, method, crc, packed, size, header + span.shift, mode=mode)
        seen += 1
    if seen & 0xFFFF != span.count & 0xFFFF:
        raise BadDirectoryError(f"its directory promises {span.count:,} members and lists {seen:,}")


def find_directory(view: memoryview) -> Span:
    """Return where the directory is, by the record that ends the archive."""
    base = max(0, len(view) - 0xFFFF - _END.size)
    tail = bytes(view[base:])
    found = tail.rfind(b"PK\x05\x06")
    while found >= 0:
        if found + _END.size <= len(tail):
            fields = _END.unpack_from(tail, found)
            after = len(tail) - found - _END.size - fields[7]
            span = _directory_span(view, base + found, fields[1:7], certain=after == 0)
            if span and after >= 0:
                return replace(span, trailing=after)
        found = tail.rfind(b"PK\x05\x06", 0, found)
    raise BadDirectoryError("its directory, which stands at the end, is missing")


def _directory_span(
    view: memoryview, end: int, fields: tuple[int, ...], *, certain: bool
) -> Span | None:
    end, fields = _end64(view, end) or (end, fields)
    disk, first_disk, _, count, size, offset = fields
    if (disk or first_disk) and certain:
        raise UnreadableError(
            "it is one volume of a zip archive in several parts",
            advice="Join the parts first: `zip -s 0 parts.zip --out whole.zip`",
        )
    # Whatever stands before the archive shifts all offsets.
    for start in (end - size, offset):
        if 0 <= start <= end and (not size or bytes(view[start : start + 4]) == b"PK\x01\x02"):
            return Span(start, min(start + size, end), count, start - offset)
    return None


def _end64(view: memoryview, end: int) -> tuple[int, tuple[int, ...]] | None:
    """Return the end of the directory and the wide fields of a zip64 archive."""
    locator = end - _LOCATOR64.size
    if locator < 0 or bytes(view[locator : locator + 4]) != b"PK\x06\x07":
        return None
    last = locator - _END64.size
    for record in (last, _LOCATOR64.unpack_from(view, locator)[2]):
        if 0 <= record <= last and bytes(view[record : record + 4]) == b"PK\x06\x06":
            return record, _END64.unpack_from(view, record)[4:]
    return None


def _wide(extra: bytes, size: int, packed: int, header: int) -> tuple[int, int, int]:
    """Replace sizes that stand in the zip64 field."""
    if 0xFFFFFFFF not in (size, packed, header):
        return size, packed, header
    position, field = 0, b""
    while position + 4 <= len(extra):
        tag, length = struct.unpack_from("<HH", extra, position)
        if tag == 1:
            field = extra[position + 4 : position + 4 + length]
            break
        position += 4 + length
    values = [size, packed, header]
    for index, value in enumerate(values):
        if value == 0xFFFFFFFF and len(field) >= 8:
            values[index] = int.from_bytes(field[:8], "little")
            field = field[8:]
    return values[0], values[1], values[2]


def located(view: memoryview, entry: Entry) -> Entry:
    """Return the entry with the place of its data, from its local header."""
    place = _local_span(view, entry.header)
    if place is None or view[slice(*place[:2])] != entry.raw:
        raise BadDirectoryError(
            f"member {show(entry.name)} is not where its directory says, at byte {entry.header:,}"
        )
    entry = replace(entry, data=place[2])
    if entry.end > len(view):
        raise BadDirectoryError(f"member {show(entry.name)} reaches beyond the end")
    return entry


def local_header(view: memoryview, position: int) -> Entry | None:
    """Return the entry that the header before a member describes, if there is one."""
    place = _local_span(view, position)
    if place is None:
        return None
    name, extra, data = place
    _, _, flags, method, _, _, crc, packed, size, _, _ = _LOCAL.unpack_from(view, position)
    size, packed, _ = _wide(bytes(view[extra:data]), size, packed, 0)
    return Entry(bytes(view[name:extra]), flags, method, crc, packed, size, position, data)


def _local_span(view: memoryview, position: int) -> tuple[int, int, int] | None:
    """Return where a member's name, its extra field and its data begin."""
    if not 0 <= position <= len(view) - _LOCAL.size:
        return None
    header = _LOCAL.unpack_from(view, position)
    name = position + _LOCAL.size
    extra = name + header[9]
    data = extra + header[10]
    return (name, extra, data) if header[0] == b"PK\x03\x04" and data <= len(view) else None
