"""Compressed streams, as the standard library, system tools and joblib write them."""

import bz2
import gzip
import io
import lzma
import pickle
import random
import shutil
import struct
import subprocess
import zlib
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from legacy_weights.containers import Buffer, Part, unwrap
from legacy_weights.errors import DamagedError, LimitError
from legacy_weights.limits import Limits

NOISE = random.Random(3).randbytes(70_000)
TEXT = b"(lp0\n" + b"F0.5\na" * 200_000 + b"."


def only(data: bytes, **limits: int) -> Part:
    (part,) = unwrap(Buffer(data), limits=Limits(**limits))
    assert part.label is None
    return part


def alone(data: bytes) -> bytes:
    return lzma.compress(data, lzma.FORMAT_ALONE)


def zf(data: bytes, width: int = 19, suffix: str = "") -> bytes:
    return b"ZF" + (hex(len(data)) + suffix).ljust(width).encode() + zlib.compress(data)


WRITERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "lzma": alone,
    "zlib": zlib.compress,
    "joblib-ZF": zf,
}
each = pytest.mark.parametrize("kind", WRITERS)


@each
@pytest.mark.parametrize("data", [b"", b"N.", NOISE, TEXT], ids=["empty", "tiny", "noise", "text"])
def test_whole(kind: str, data: bytes) -> None:
    part = only(WRITERS[kind](data))
    assert part.chain == (kind,)
    assert part.buffer.data == data
    assert part.notes == ()


@pytest.mark.parametrize("level", range(10))
def test_levels(level: int) -> None:
    assert only(zlib.compress(TEXT, level)).buffer.data == TEXT
    assert only(gzip.compress(TEXT, level)).buffer.data == TEXT
    if level:
        assert only(bz2.compress(TEXT, level)).buffer.data == TEXT
    for kind in (lzma.FORMAT_XZ, lzma.FORMAT_ALONE):
        assert only(lzma.compress(TEXT[:5000], kind, preset=level)).buffer.data == TEXT[:5000]


@pytest.mark.parametrize(
    "tool", ["gzip -c", "bzip2 -c", "xz -c", "xz --format=lzma -c", "xz -C sha256 -c"]
)
def test_system_tools(tool: str) -> None:
    command = tool.split()
    if not shutil.which(command[0]):
        pytest.skip(f"{command[0]} is not installed")
    packed = subprocess.run(command, input=TEXT, capture_output=True, check=True).stdout
    assert only(packed).buffer.data == TEXT


@pytest.mark.parametrize("kind", ["gzip", "bz2", "xz"])
def test_several_streams(kind: str) -> None:
    first, second = WRITERS[kind](TEXT), WRITERS[kind](NOISE)
    assert only(first + second).buffer.data == TEXT + NOISE
    padded = only(first + b"\0" * 8 + second + b"\0" * 300_000)
    assert padded.buffer.data == TEXT + NOISE
    assert padded.notes == (f"300,000 NUL bytes after the end of the {kind} data are ignored",)
    assert only(WRITERS[kind](b"") * 50 + first).buffer.data == TEXT


@each
def test_trailing_bytes(kind: str) -> None:
    part = only(WRITERS[kind](NOISE) + b"garbage")
    assert part.buffer.data == NOISE
    name = "zlib" if kind == "joblib-ZF" else kind
    assert part.notes == (
        f"7 bytes of something else after the end of the {name} data are ignored",
    )


def test_the_second_stream_is_damaged() -> None:
    with pytest.raises(DamagedError, match=r"the gzip data ends early; 1,200,006 bytes came out"):
        only(gzip.compress(TEXT) + gzip.compress(TEXT)[:20])


def test_gzip_header_fields() -> None:
    out = io.BytesIO()
    with gzip.GzipFile("model name.pkl", "wb", fileobj=out, mtime=0) as file:
        file.write(NOISE)
    assert only(out.getvalue()).buffer.data == NOISE
    # RFC 1952: extra field, name, comment, header checksum.
    body = gzip.compress(NOISE, mtime=0)[10:]
    head = b"\x1f\x8b\x08\x1e" + bytes(6) + b"\x03\x00abc" + b"name\0" + b"comment\0"
    head += struct.pack("<H", zlib.crc32(head) & 0xFFFF)
    assert only(head + body).buffer.data == NOISE


@each
def test_truncated(kind: str) -> None:
    packed = WRITERS[kind](TEXT)
    for length in (len(packed) // 2, len(packed) - 1):
        with pytest.raises(
            DamagedError, match=r"data ends early; [0-9,]+ bytes came out"
        ) as caught:
            only(packed[:length])
        assert caught.value.where == kind
        assert "again" in str(caught.value.advice)


def test_truncated_says_how_much_came_out() -> None:
    packed = gzip.compress(NOISE, 0)  # stored: a byte in, a byte out
    with pytest.raises(DamagedError, match="ends early; 12,345 bytes came out of it"):
        only(packed[: 10 + 5 + 12345])


@pytest.mark.parametrize("kind", ["gzip", "bz2", "xz", "zlib", "joblib-ZF"])
def test_flipped_bits(kind: str) -> None:
    packed = bytearray(WRITERS[kind](TEXT))
    for place in (len(packed) // 2, len(packed) - 3):
        packed[place] ^= 4
        with pytest.raises(DamagedError, match=r"data (is damaged|ends early)"):
            only(bytes(packed))
        packed[place] ^= 4


def test_every_flip_of_a_small_gzip() -> None:
    data = pickle.dumps({"W": [0.5, 1.5], "b": b"text"}, 2)
    packed = gzip.compress(data, mtime=0)
    for place in range(3, len(packed)):
        for bit in (1, 8, 128):
            altered = bytearray(packed)
            altered[place] ^= bit
            try:
                part = only(bytes(altered))
            except DamagedError:
                continue
            # The time, the flags of the compressor, the system, and the text flag are not checked.
            assert place in (3, 4, 5, 6, 7, 8, 9)
            assert part.buffer.data == data


def test_text_mode_damage_is_named() -> None:
    packed = gzip.compress(NOISE)
    with pytest.raises(DamagedError, match=r"every line feed .* text-mode") as caught:
        only(packed.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))
    assert "binary mode" in str(caught.value.advice)
    with pytest.raises(DamagedError, match=r"U\+FFFD"):
        only(packed[:3] + packed[3:].decode("utf-8", "replace").encode())
    with pytest.raises(DamagedError, match="valid UTF-8"):
        only(bz2.compress(NOISE).decode("latin-1").encode())
    big = np.random.default_rng(0).bytes(2 << 20)
    with pytest.raises(DamagedError, match="no carriage return"):
        only(gzip.compress(big, 1).replace(b"\r\n", b"\n"))


class TestZlib:
    @pytest.mark.parametrize(
        "text", [b"x^2 + y^2 = r^2\n", b"x^", b"x\n", b"x", b"x^2" * 5000, b"x\x02abc", b"X\x9c"]
    )
    def test_text_is_none(self, text: bytes) -> None:
        assert only(text).chain == ()

    def test_level_of_joblib(self) -> None:
        # Level 3 and below write 78 5E, which reads `x^`.
        packed = zlib.compress(TEXT, 3)
        assert packed[:2] == b"x^"
        assert only(packed).buffer.data == TEXT

    def test_damage(self) -> None:
        with pytest.raises(DamagedError, match="zlib data is damaged"):
            only(b"x\x9c" + b"\xff" * 50)


class TestLzma:
    @pytest.mark.parametrize(
        "data",
        [
            pickle.dumps([], 1),
            pickle.dumps([1.5, 2], 1),
            pickle.dumps([b""] * 100, 1),
            b"]" + bytes(40),
            b"]\0\0\x80\0" + b"\xff" * 8 + b"\0" + b"\xff" * 60,
            bytes(100),
            np.zeros(50).tobytes(),
            np.arange(50).tobytes(),
        ],
    )
    def test_what_is_none(self, data: bytes) -> None:
        assert only(data).chain == ()

    def test_known_size(self) -> None:
        # As by the LZMA SDK: the size in the header, no end mark.
        packed = alone(TEXT)
        with_size = packed[:5] + struct.pack("<Q", len(TEXT)) + packed[13:]
        assert only(with_size).buffer.data == TEXT
        with pytest.raises(DamagedError):
            only(packed[:5] + struct.pack("<Q", len(TEXT) + 9) + packed[13:])

    def test_dictionary(self) -> None:
        with pytest.raises(LimitError, match="`dictionary`"):
            only(lzma.compress(TEXT), dictionary=1 << 20)


class TestJoblib:
    @pytest.mark.parametrize("width", [3, 18, 19, 20, 21])
    def test_widths(self, width: int) -> None:
        # joblib 0.9 pads to len("0x10000000000000000"), Python 2's hex() of that number adds an L.
        part = only(zf(NOISE, width))
        assert part.chain == ("joblib-ZF",)
        assert part.buffer.data == NOISE
        assert only(zf(NOISE, width, "L")).buffer.data == NOISE

    def test_length_is_checked(self) -> None:
        packed = b"ZF" + hex(len(NOISE) + 1).ljust(19).encode() + zlib.compress(NOISE)
        with pytest.raises(DamagedError, match="states 70,001 bytes, 70,000 came out"):
            only(packed)

    def test_what_is_none(self) -> None:
        assert only(b"ZF is a gear maker").chain == ()


@given(st.binary(max_size=5000), st.sampled_from(sorted(WRITERS)), st.integers(1, 64))
def test_round_trip(data: bytes, kind: str, memory: int) -> None:
    # What was packed twice comes out whole as well, by a file instead of memory.
    part = only(WRITERS[kind](WRITERS["gzip"](b"." + data)), memory=memory)
    assert part.buffer.data[:] == b"." + data
    assert part.chain == (kind, "gzip")


@each
def test_pieces_of_any_size(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    data = TEXT[:3000] + NOISE[:500] + bytes(3000)
    packed = WRITERS[kind](data)
    for chunk in (1, 2, 3, 64, 1000, len(data)):
        monkeypatch.setattr("legacy_weights.containers._streams.CHUNK", chunk)
        assert only(packed).buffer.data == data
        with pytest.raises(DamagedError, match="ends early"):
            only(packed[:-1])
