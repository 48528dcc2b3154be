"""Compressed streams: gzip, bz2, xz, lzma, zlib, and joblib's ``ZF`` files.

Formats: RFC 1952 (gzip), RFC 1950 (zlib), the .xz file format 1.2 and the LZMA_Alone header
(tukaani.org/xz), ``BZh`` followed by the digits of pi, and ``read_zfile`` in
``joblib/numpy_pickle_compat.py``.
"""

from __future__ import annotations

import bz2
import lzma
import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from legacy_weights.containers._buffer import Buffer, Sink
from legacy_weights.containers._limits import Budget
from legacy_weights.containers._transfer import ADVICE, text_damage
from legacy_weights.errors import DamagedError, LimitError

CHUNK = 256 << 10
_TRIAL = 4096
_TRIAL_MEMORY = 256 << 20
_BZ2 = re.compile(rb"BZh[1-9](?:1AY&SY|\x17\x72\x45\x38\x50\x90)")
# The padding is 19 characters wide, 20 by joblib 0.8.4 and older on Python 2 (which adds an L).
_ZF = re.compile(rb"ZF0x([0-9a-fA-F]{1,17})L? {0,32}")
_AGAIN = "Get the file again from its source and compare its size and checksum"


class Decoder(Protocol):
    """What the decompressors of bz2 and lzma have in common."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes | memoryview, max_length: int = -1) -> bytes: ...


class Inflate:
    """zlib's decompressor with the interface of those of bz2 and lzma.

    Parameters
    ----------
    wbits : int
        15 for zlib, 31 for gzip, -15 for raw deflate.
    """

    def __init__(self, wbits: int) -> None:
        self._object = zlib.decompressobj(wbits)
        self.needs_input = True

    @property
    def eof(self) -> bool:
        """Whether the end of the stream was reached."""
        return self._object.eof

    @property
    def unused_data(self) -> bytes:
        """What was fed beyond the end of the stream."""
        return self._object.unused_data

    def decompress(self, data: bytes | memoryview, max_length: int = -1) -> bytes:
        """Return at most `max_length` bytes; feed `data` only if `needs_input`."""
        piece = data if self.needs_input else self._object.unconsumed_tail
        chunk = self._object.decompress(piece, max_length)
        # With all input taken zlib can still hold output back, if it filled the chunk.
        self.needs_input = not self._object.unconsumed_tail and len(chunk) < max_length
        return chunk


@dataclass(frozen=True, slots=True)
class Codec:
    """A kind of compressed stream.

    Parameters
    ----------
    name : str
    decoder : callable
        Makes a decoder that asks for no more than so many bytes of memory.
    matches : callable
        Whether a stream of this kind starts with these bytes (4 KiB are enough).
    repeats : bool
        Whether several streams may follow one another, NUL padding between them included.
    """

    name: str
    decoder: Callable[[int], Decoder]
    matches: Callable[[bytes], bool]
    repeats: bool = False


def pump(
    decoder: Decoder, view: memoryview, start: int, write: Callable[[bytes], None]
) -> int | None:
    """Unpack one stream piece by piece.

    Parameters
    ----------
    decoder : Decoder
        A fresh one.
    view : memoryview
        The stream begins in it at `start`.
    start : int
    write : callable
        Takes each unpacked chunk.

    Returns
    -------
    int or None
        Where the stream ends in `view`; None if `view` ends before the stream does.
    """
    position = start
    while not decoder.eof:
        piece: bytes | memoryview = b""
        if decoder.needs_input:
            piece = view[position : position + CHUNK]
            if not len(piece):
                return None
            position += len(piece)
        write(decoder.decompress(piece, CHUNK))
    return position - len(decoder.unused_data)


def unpack(
    name: str,
    decoder: Decoder,
    view: memoryview,
    start: int,
    write: Callable[[bytes], None],
    place: str,
    before: int = 0,
) -> int:
    """Unpack one stream; what its decoder raises comes out as one of our errors.

    Parameters
    ----------
    name : str
        The kind of stream.
    decoder, view, start, write
        As for :func:`pump`.
    place : str
        For errors.
    before : int
        Bytes that came out of streams before this one.

    Returns
    -------
    int
        Where the stream ends in `view`.

    Raises
    ------
    DamagedError
        The stream is altered, or ends early.
    LimitError
        It asks for too large a dictionary.
    """
    out = before

    def counted(chunk: bytes) -> None:
        nonlocal out
        write(chunk)
        out += len(chunk)

    try:
        end = pump(decoder, view, start, counted)
    except (zlib.error, lzma.LZMAError, OSError, EOFError, ValueError) as error:
        # bz2 raises OSError and ValueError.
        reason = str(error).rpartition(": ")[2]
        if "emory usage limit" in reason:
            raise LimitError(
                f"the {name} data asks for a larger dictionary than the limit `dictionary` allows",
                where=place,
            ) from error
        found = f"the {name} data is damaged ({reason}); {out:,} bytes came out before"
        raise broken(found, view, place) from error
    if end is None:
        raise broken(f"the {name} data ends early; {out:,} bytes came out of it", view, place)
    return end


def broken(
    found: str, view: memoryview, place: str, advice: str = _AGAIN, *, packed: bool = True
) -> DamagedError:
    """Return an error for data that says so if a text-mode transfer broke it."""
    sign = text_damage(view, packed=packed)
    if sign:
        return DamagedError(f"{found}; {sign}", where=place, advice=ADVICE)
    return DamagedError(found, where=place, advice=advice)


def unpack_all(
    codec: Codec, view: memoryview, start: int, budget: Budget, place: str
) -> tuple[Buffer, tuple[str, ...]]:
    """Unpack a stream and those of its kind that follow it.

    Returns
    -------
    buffer : Buffer
        What the streams hold, one after the other.
    notes : tuple of str
        What stands behind the last one.
    """
    with Sink(budget.limits.memory) as sink:

        def write(chunk: bytes) -> None:
            budget.spend(len(chunk), place)
            sink.write(chunk)

        end = start
        while True:
            # A stream may be as small as 14 bytes and hold nothing.
            budget.member(place)
            decoder = codec.decoder(budget.limits.dictionary)
            end = unpack(codec.name, decoder, view, end, write, place, sink.size)
            following = _skip_nul(view, end) if codec.repeats else end
            if not codec.repeats or not codec.matches(bytes(view[following : following + 16])):
                break
            end = following
        return Buffer(sink.finish()), _trailing(codec.name, view, end)


def _skip_nul(view: memoryview, start: int) -> int:
    if start < len(view) and view[start]:
        return start
    for position in range(start, len(view), CHUNK):
        chunk = bytes(view[position : position + CHUNK])
        rest = chunk.lstrip(b"\0")
        if rest:
            return position + len(chunk) - len(rest)
    return len(view)


def _trailing(name: str, view: memoryview, end: int) -> tuple[str, ...]:
    count = len(view) - end
    if not count:
        return ()
    what = "NUL bytes" if _skip_nul(view, end) == len(view) else "bytes of something else"
    return (f"{count:,} {what} after the end of the {name} data are ignored",)


def unpack_zf(view: memoryview, budget: Budget, place: str) -> tuple[Buffer, tuple[str, ...]]:
    """Unpack joblib's ``ZF``, the padded length in hexadecimal digits, and zlib data.

    Raises
    ------
    DamagedError
        The length is not that of the unpacked data, or as for :func:`unpack`.
    """
    match = _ZF.match(bytes(view[:64]))
    assert match is not None
    declared = int(match.group(1), 16)
    buffer, notes = unpack_all(ZLIB, view, match.end(), budget, place)
    if len(buffer) != declared:
        raise broken(
            f"the joblib header states {declared:,} bytes, {len(buffer):,} came out", view, place
        )
    return buffer, notes


def is_zf(head: bytes) -> bool:
    """Tell whether `head` starts a ``ZF`` file of joblib (0.3 to 0.9)."""
    return _ZF.match(head) is not None


def _is_zlib(head: bytes) -> bool:
    if head[:2] == b"x^":
        # Text can start like this (a formula), so it has to unpack to something.
        return _tries(Inflate(15), head)
    return head[:2] in (b"x\x01", b"x\x9c", b"x\xda")


def _is_lzma(head: bytes) -> bool:
    # No magic, so the header has to be one that encoders write: properties below 225, a
    # dictionary of 2^n or 2^n + 2^(n-1) from 4 KiB up, a size that is unknown or below 256 GiB.
    # The second byte is then NUL, and no pickle starts with `]` and NUL.
    if len(head) < 18 or head[0] >= 225 or head[13] != 0:
        return False
    dictionary = int.from_bytes(head[1:5], "little")
    size = int.from_bytes(head[5:13], "little")
    odd = dictionary >> (max(dictionary & -dictionary, 1).bit_length() - 1)
    if dictionary < 4096 or odd not in (1, 3) or 1 << 38 <= size < (1 << 64) - 1:
        return False
    return _tries(lzma.LZMADecompressor(lzma.FORMAT_ALONE, _TRIAL_MEMORY), head)


def _tries(decoder: Decoder, head: bytes) -> bool:
    try:
        return bool(decoder.decompress(head[:_TRIAL], _TRIAL)) or decoder.eof
    except (zlib.error, lzma.LZMAError):
        return False


GZIP = Codec("gzip", lambda _: Inflate(31), lambda head: head[:3] == b"\x1f\x8b\x08", repeats=True)
ZLIB = Codec("zlib", lambda _: Inflate(15), _is_zlib)
BZ2 = Codec(
    "bz2",
    lambda _: bz2.BZ2Decompressor(),
    lambda head: _BZ2.match(head) is not None,
    repeats=True,
)
XZ = Codec(
    "xz",
    lambda memory: lzma.LZMADecompressor(lzma.FORMAT_XZ, memory),
    lambda head: head[:6] == b"\xfd7zXZ\x00",
    repeats=True,
)
LZMA = Codec("lzma", lambda memory: lzma.LZMADecompressor(lzma.FORMAT_ALONE, memory), _is_lzma)
CODECS = (GZIP, BZ2, XZ, ZLIB, LZMA)
