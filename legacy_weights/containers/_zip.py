"""Zip archives, members by the central directory, stored ones in place.

Format: PKWARE's APPNOTE.TXT 6.3, sections 4.3 and 4.4.  The standard library's ``zipfile`` is not
used: it reads the whole directory before a limit can be applied, decodes names by a code page that
it imports on the way, unpacks bz2 and LZMA members without a bound, and differs between the
versions of Python in what it makes of overlapping members.
"""

from __future__ import annotations

import bz2
import itertools
import lzma
import zlib
from collections.abc import Iterator
from dataclasses import replace

from legacy_weights.containers._buffer import Buffer, Sink
from legacy_weights.containers._limits import Budget
from legacy_weights.containers._members import Piece, decode, repeated, show, special
from legacy_weights.containers._streams import CHUNK, Decoder, Inflate, broken, unpack
from legacy_weights.containers._zip_headers import (
    BadDirectoryError,
    Entry,
    directory,
    find_directory,
    local_header,
    located,
)
from legacy_weights.errors import DamagedError, LegacyWeightsError, RefusedError, UnreadableError

_STORED, _DEFLATED, _BZ2, _LZMA = 0, 8, 12, 14
_METHODS = {1: "Shrink", 6: "Implode", 9: "Deflate64", 93: "Zstandard", 95: "xz", 98: "PPMd"}
_ENCRYPTED = 0x0001
_LZMA_HAS_END = 0x0002
_SIZES_FOLLOW = 0x0008
_ALIGN = 64  # so that arrays of unpacked .npy members are aligned in memory
_NO_DIRECTORY = "`zip -FF broken.zip --out repaired.zip` saves the complete ones"


def is_zip(head: bytes) -> bool:
    """Tell whether `head` starts a zip archive, an empty or a formerly spanned one too."""
    return head[:4] in (b"PK\x03\x04", b"PK\x05\x06") or head[:8] == b"PK\x07\x08PK\x03\x04"


def unpack_zip(archive: Buffer, budget: Budget, place: str) -> tuple[list[Piece], list[str]]:
    """Unpack the members of a zip archive.

    Stored members are windows on `archive`; the others are unpacked one after the other into one
    buffer, which they share.

    Returns
    -------
    pieces : list of Piece
        In the order of the central directory; neither directories nor links nor devices.
    notes : list of str
        What was left out, and other oddities of the archive.

    Raises
    ------
    DamagedError
        The directory, a header or a checksum is wrong, or data ends early.
    RefusedError
        Members overlap, or one is encrypted.
    UnreadableError
        A member is compressed by a method that is not known.
    LimitError
        The archive has too many members, or unpacks to too much.
    """
    view = archive.view
    try:
        span, entries = find_directory(view), []
        for entry in directory(view, span):
            budget.member(place)
            entries.append(located(view, entry))
    except BadDirectoryError as error:
        raise _without_directory(view, budget, place, str(error)) from error
    _check_disjoint(entries, place)
    files, notes = _files(entries)
    notes += repeated(entry.name for entry in files)
    if span.trailing:
        notes.append(f"{span.trailing:,} bytes after the end of the zip archive are ignored")
    return _unpack_members(archive, files, budget, place), notes


def _files(entries: list[Entry]) -> tuple[list[Entry], list[str]]:
    files, notes = [], []
    for entry in entries:
        kind = special(entry.mode)
        # Info-ZIP gives what it read from a pipe the mode of a fifo.
        if kind and (kind == "symbolic link" or not entry.size):
            notes.append(f"member {show(entry.name)} is a {kind} and was left out")
        elif not (entry.raw.endswith(b"/") and not entry.size):
            files.append(entry)
    return files, notes


def _unpack_members(
    archive: Buffer, entries: list[Entry], budget: Budget, place: str
) -> list[Piece]:
    view = archive.view
    spans: list[tuple[int, int] | None] = []
    with Sink(budget.limits.memory) as sink:
        for entry in entries:
            inside = _inside(place, entry)
            if entry.method == _STORED and not entry.flags & _ENCRYPTED:
                _check_stored(view, entry, inside)
                spans.append(None)
            else:
                start = sink.align(_ALIGN)
                _unpack_member(view, entry, sink, budget, inside)
                spans.append((start, sink.size))
        unpacked = Buffer(sink.finish())
    pieces = []
    for entry, span in zip(entries, spans, strict=True):
        name, notes = decode(entry.raw)
        buffer = unpacked.window(*span) if span else archive.window(entry.data, entry.end)
        pieces.append(Piece(buffer, name, notes))
    return pieces


def _inside(place: str, entry: Entry) -> str:
    return f"{place} > member {show(entry.name)}"


def _check_disjoint(entries: list[Entry], place: str) -> None:
    ordered = sorted(entries, key=lambda entry: (entry.header, entry.end))
    for first, second in itertools.pairwise(ordered):
        if first.end > second.header:
            raise RefusedError(
                f"members {show(first.name)} and {show(second.name)} share the same bytes",
                where=place,
                expected="members that do not overlap",
                advice="No program that packs files writes this; it is how zip bombs are made",
            )


def _check_stored(view: memoryview, entry: Entry, place: str) -> None:
    if entry.packed != entry.size:
        raise DamagedError("the member is stored, but its two sizes differ", where=place)
    crc = 0
    for position in range(entry.data, entry.end, CHUNK):
        crc = zlib.crc32(view[position : min(position + CHUNK, entry.end)], crc)
    _check_crc(view, entry, crc, place)


def _check_crc(view: memoryview, entry: Entry, crc: int, place: str) -> None:
    if crc != entry.crc:
        found = f"the checksum is wrong: CRC-32 {crc:08x}"
        packed = entry.method != _STORED
        error = broken(found, view[entry.data : entry.end], place, packed=packed)
        error.expected = f"{entry.crc:08x}"
        raise error


def _unpack_member(view: memoryview, entry: Entry, sink: Sink, budget: Budget, place: str) -> None:
    """Append the member to `sink`, with the size and the checksum that its header states."""
    packed = view[entry.data : entry.end]
    decoder, start = _decoder(entry, packed, budget, place)
    first = sink.size
    crc = 0

    def write(chunk: bytes) -> None:
        nonlocal crc
        if sink.size - first + len(chunk) > entry.size:
            raise broken(f"more comes out than the {entry.size:,} bytes stated", packed, place)
        budget.spend(len(chunk), place)
        crc = zlib.crc32(chunk, crc)
        sink.write(chunk)

    unpack("packed", decoder, packed, start, write, place)
    if sink.size - first != entry.size:
        found = f"{sink.size - first:,} bytes came out, {entry.size:,} are stated"
        raise broken(found, packed, place)
    _check_crc(view, entry, crc, place)


def _decoder(entry: Entry, packed: memoryview, budget: Budget, place: str) -> tuple[Decoder, int]:
    """Return a decoder for the member and where in `packed` it starts."""
    if entry.flags & _ENCRYPTED:
        raise RefusedError(
            "the member is encrypted",
            where=place,
            advice="Unpack the archive with its password, and give the member by itself",
        )
    if entry.method == _DEFLATED:
        return Inflate(-15), 0
    if entry.method == _BZ2:
        return bz2.BZ2Decompressor(), 0
    if entry.method == _LZMA:
        return _lzma(entry, packed, budget, place)
    name = _METHODS.get(entry.method, "unknown to us")
    raise UnreadableError(
        f"the member is compressed by method {entry.method} ({name})",
        where=place,
        expected="stored, deflate, bz2 or LZMA",
        advice="Unpack the archive, and give the member by itself",
    )


def _lzma(entry: Entry, packed: memoryview, budget: Budget, place: str) -> tuple[Decoder, int]:
    # Two bytes of version, two of length, five of properties (APPNOTE 5.8.8): with the size they
    # make the header of an .lzma file, whose decoder, other than the raw one, bounds its memory.
    if len(packed) < 9 or bytes(packed[2:4]) != b"\x05\x00":
        raise broken("the member has no LZMA header", packed, place)
    size = b"\xff" * 8 if entry.flags & _LZMA_HAS_END else entry.size.to_bytes(8, "little")
    decoder = lzma.LZMADecompressor(lzma.FORMAT_ALONE, budget.limits.dictionary)
    try:
        decoder.decompress(bytes(packed[4:9]) + size, 0)
    except lzma.LZMAError as error:
        raise broken(f"its LZMA header is damaged ({error})", packed, place) from error
    return decoder, 9


def _without_directory(view: memoryview, budget: Budget, place: str, reason: str) -> DamagedError:
    """Return an error that says which members are there, by their local headers."""
    complete, count = [], 0
    for entry, whole in _walk(view, budget, place):
        count += 1
        if whole:
            complete.append(entry.name)
    shown = ", ".join(show(name) for name in complete[:8]) + (", …" if len(complete) > 8 else "")
    found = f"the zip archive is cut off or damaged: {reason}"
    if count:
        found += f"; it has {count:,} members, {len(complete):,} of them complete"
    if complete:
        found += f" ({shown})"
    advice = "Get the file again from its source" + (f"; {_NO_DIRECTORY}" if complete else "")
    return broken(found, view, place, advice, packed=False)


def _walk(view: memoryview, budget: Budget, place: str) -> Iterator[tuple[Entry, bool]]:
    """Yield the members that stand one after the other, and whether each is complete."""
    position = 4 if bytes(view[:4]) == b"PK\x07\x08" else 0
    for _ in range(budget.limits.members):
        entry = local_header(view, position)
        if entry is None:
            return
        streamed = entry.flags & _SIZES_FOLLOW and not entry.packed
        try:
            position = (_measure if streamed else _verify)(view, entry, budget, place)
            whole = True
        except LegacyWeightsError:
            position, whole = len(view) if streamed else entry.end, False
        yield entry, whole


def _verify(view: memoryview, entry: Entry, budget: Budget, place: str) -> int:
    """Check a member whose header states its sizes; return where it ends."""
    if entry.end > len(view):
        raise DamagedError("the member ends early", where=place)
    if entry.method == _STORED:
        _check_stored(view, entry, place)
    else:
        with Sink(budget.limits.memory) as sink:
            _unpack_member(view, entry, sink, budget, place)
    return entry.end


def _measure(view: memoryview, entry: Entry, budget: Budget, place: str) -> int:
    """Check a member whose sizes and checksum follow it; return where they end."""
    if entry.method != _DEFLATED:
        raise DamagedError("the end of the member cannot be found", where=place)
    crc = 0

    def write(chunk: bytes) -> None:
        nonlocal crc
        budget.spend(len(chunk), place)
        crc = zlib.crc32(chunk, crc)

    end = unpack("packed", Inflate(-15), view, entry.data, write, place)
    end += 4 if bytes(view[end : end + 4]) == b"PK\x07\x08" else 0
    _check_crc(view, replace(entry, crc=int.from_bytes(view[end : end + 4], "little")), crc, place)
    sizes = 8 if bytes(view[end + 12 : end + 14]) == b"PK" else 16
    return end + 4 + (sizes if end + 4 + sizes <= len(view) else 8)
