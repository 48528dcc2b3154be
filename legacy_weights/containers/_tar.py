"""Tar archives: old (v7), ustar, pax and GNU; every member stays where it is.

Format: POSIX.1-2001 (``pax``, sections *ustar Interchange Format* and *pax Header Block*) and GNU
tar's ``tar.h``.  The standard library's ``tarfile`` is not used: in versions of Python that this
package supports, a crafted header can keep it busy for ever (CVE-2024-6232, CVE-2025-8194), and it
reads extended headers of any declared size into memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from legacy_weights.containers._buffer import Buffer
from legacy_weights.containers._limits import Budget
from legacy_weights.containers._members import Piece, decode, repeated, show
from legacy_weights.containers._streams import CHUNK, broken
from legacy_weights.errors import DamagedError, LimitError, UnreadableError

_BLOCK = 512
_LONGEST_EXTENSIONS = 8 << 20
_SPARSE = b"GNU.sparse"
_WANTED = (b"path", b"linkpath", b"size")
_LINKS = {b"1": "hard link", b"2": "symbolic link"}
_DEVICES = {b"3": "character device", b"4": "block device", b"6": "fifo"}
_DIRECTORIES = (b"5", b"D")
_LABELS = (b"V", b"K")  # volume label; long name of a link's target


@dataclass(frozen=True, slots=True)
class Header:
    """One header block.

    Parameters
    ----------
    raw : bytes
        The name, its prefix included.
    kind : bytes
        The type flag.
    size : int
        Bytes of data that follow, before padding.
    target : bytes
        What a link points to.
    """

    raw: bytes
    kind: bytes
    size: int
    target: bytes


def is_tar(head: bytes) -> bool:
    """Tell whether `head` (512 bytes) is a header block, by its checksum."""
    return len(head) >= _BLOCK and _checksum(head[:_BLOCK])


def unpack_tar(archive: Buffer, budget: Budget, place: str) -> tuple[list[Piece], list[str]]:
    """Find the members of a tar archive, as windows on it.

    Returns
    -------
    pieces : list of Piece
        Regular files, in the order of the archive.
    notes : list of str
        What was left out, and other oddities of the archive.

    Raises
    ------
    DamagedError
        A header is wrong, or the archive ends inside a member.
    UnreadableError
        A member is sparse, or continues in another volume.
    LimitError
        The archive has too many members, or an extended header is too long.
    """
    pieces: list[Piece] = []
    notes: list[str] = []
    for header, start in _members(archive.view, budget, place, notes):
        name, naming = decode(header.raw)
        if header.kind in _LINKS:
            target = decode(header.target)[0]
            kind = _LINKS[header.kind]
            notes.append(f"member {show(name)} is a {kind} to {show(target)} and was left out")
        elif header.kind in _DEVICES:
            notes.append(f"member {show(name)} is a {_DEVICES[header.kind]} and was left out")
        elif header.kind not in _DIRECTORIES:
            stop = start + header.size
            if stop > len(archive):
                raise _cut_off(archive.view, name, stop - start, start, len(pieces), place)
            pieces.append(Piece(archive.window(start, stop), name, naming))
    return pieces, notes + list(repeated(piece.label or "" for piece in pieces))


def _cut_off(
    view: memoryview, name: str, size: int, start: int, complete: int, place: str
) -> DamagedError:
    there = max(0, len(view) - start)
    return DamagedError(
        f"the tar archive ends inside member {show(name)}: {there:,} of {size:,} bytes are there, "
        f"and {complete:,} members before it are complete",
        where=place,
        advice="Get the file again from its source; `tar -xf` saves the complete members",
    )


def _members(
    view: memoryview, budget: Budget, place: str, notes: list[str]
) -> Iterator[tuple[Header, int]]:
    """Yield each header, extended ones merged into the one they describe, and its data's start."""
    position = extended = 0
    common: dict[bytes, bytes] = {}
    special: dict[bytes, bytes] = {}
    while position < len(view):
        block = bytes(view[position : position + _BLOCK])
        if not block.strip(b"\0"):
            notes += _after_end(view, position)
            return
        header = _header(block, position, view, place)
        start = position + _BLOCK
        if header.kind in (b"x", b"X", b"g", b"L"):
            extended += header.size
            data = _extension(view, header, start, extended, place)
            if header.kind == b"L":
                special[b"path"] = data.rstrip(b"\0")
            else:
                (common if header.kind == b"g" else special).update(_pax(data, start, place))
        elif header.kind not in _LABELS:
            header = _merged(header, {**common, **special}, place)
            special = {}
            budget.member(place)
            yield header, start
            if header.kind in _LINKS or header.kind in _DEVICES or header.kind == b"5":
                # These have no data, whatever size an old program stated.
                header = Header(header.raw, header.kind, 0, header.target)
        position = start + -(-header.size // _BLOCK) * _BLOCK
    notes.append("the tar archive has no end mark; it may have been cut off between two members")


def _header(block: bytes, position: int, view: memoryview, place: str) -> Header:
    if len(block) < _BLOCK or not _checksum(block):
        found = f"there is no valid header of a member at byte {position:,} of the tar archive"
        raise broken(found, view, place, packed=False)
    size = _number(block[124:136])
    if size is None:
        raise DamagedError(
            f"the size of the member at byte {position:,} of the tar archive is no number: "
            f"{block[124:136]!r}",
            where=place,
        )
    raw = block[:100].partition(b"\0")[0]
    prefix = block[345:500].partition(b"\0")[0]
    # GNU's magic ends in a blank, and keeps times where ustar has the prefix.
    if block[257:263] == b"ustar\0" and prefix:
        raw = prefix + b"/" + raw
    return Header(raw, block[156:157], size, block[157:257].partition(b"\0")[0])


def _checksum(block: bytes) -> bool:
    stated = _number(block[148:156])
    if stated is None or block[148:149] in b"\x80\xff" or not block[148:156].strip(b"\0 "):
        return False
    rest = block[:148] + b" " * 8 + block[156:]
    # Some old programs summed signed bytes.
    return stated == sum(rest) or stated == sum(rest) - 256 * sum(byte > 127 for byte in rest)


def _number(field: bytes) -> int | None:
    """Return an octal number, or GNU's binary one; None if it is neither or negative."""
    if field[0] == 0x80:
        return int.from_bytes(field[1:], "big")
    digits = field.partition(b"\0")[0].strip(b" ")
    if not digits:
        return 0
    return int(digits, 8) if all(byte in b"01234567" for byte in digits) else None


def _extension(view: memoryview, header: Header, start: int, total: int, place: str) -> bytes:
    if total > _LONGEST_EXTENSIONS:
        raise LimitError(
            f"the extended headers of the tar archive have {total:,} bytes by byte {start:,}",
            where=place,
            expected=f"at most {_LONGEST_EXTENSIONS:,}",
        )
    data = bytes(view[start : start + header.size])
    if len(data) < header.size:
        raise DamagedError("the tar archive ends inside an extended header", where=place)
    return data


def _pax(data: bytes, start: int, place: str) -> dict[bytes, bytes]:
    """Return those of the records ``LENGTH KEY=VALUE`` of a pax header that matter here."""
    records, position = {}, 0
    while position < len(data) and data[position]:
        digits, blank, _ = data[position : position + 20].partition(b" ")
        length = int(digits) if blank and digits.isdigit() else 0
        record = data[position + len(digits) + 1 : position + length]
        key, equals, value = record.partition(b"=")
        if not equals or not value.endswith(b"\n") or position + length > len(data):
            raise DamagedError(
                f"the record at byte {start + position:,} of the tar archive is no pax record",
                where=place,
            )
        if key in _WANTED:
            records[key] = value[:-1]
        elif key.startswith(b"GNU.sparse."):
            records[_SPARSE] = b""
        position += length
    return records


def _merged(header: Header, records: dict[bytes, bytes], place: str) -> Header:
    """Return the header with what extended headers say of it."""
    raw = records.get(b"path", header.raw)
    name = decode(raw)[0]
    if header.kind == b"S" or _SPARSE in records:
        raise UnreadableError(
            f"member {show(name)} is stored as a sparse file",
            where=place,
            advice="Unpack the archive with GNU tar, and give the member by itself",
        )
    if header.kind == b"M":
        raise UnreadableError(
            f"member {show(name)} began in another volume of the tar archive",
            where=place,
            advice="Unpack all volumes with GNU tar, and give the member by itself",
        )
    size = records.get(b"size", b"%d" % header.size)
    if not size.isdigit() or len(size) > 20:
        raise DamagedError(
            f"the size of member {show(name)} is no number: {size[:20]!r}", where=place
        )
    target = records.get(b"linkpath", header.target)
    # Type NUL and a slash at the end are how v7 marks directories.
    kind = b"5" if header.kind == b"\0" and raw.endswith(b"/") else header.kind
    return Header(raw, kind, int(size), target)


def _after_end(view: memoryview, position: int) -> tuple[str, ...]:
    for chunk in range(position, len(view), CHUNK):
        if bytes(view[chunk : chunk + CHUNK]).strip(b"\0"):
            count = len(view) - position
            return (f"{count:,} bytes after the end mark of the tar archive are ignored",)
    return ()
