"""Buffers, nesting, limits, and what hostile or random bytes may do."""

import gc
import gzip
import io
import mmap
import os
import random
import struct
import subprocess
import sys
import tarfile
import textwrap
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from legacy_weights.containers import Buffer, open_buffer, unwrap
from legacy_weights.errors import (
    DamagedError,
    LegacyWeightsError,
    LimitError,
    UnreadableError,
    UsageError,
)
from legacy_weights.limits import Limits

RNG = random.Random(7)
NOISE = RNG.randbytes(5000)
PICKLE = b"(lp0\nI1\na." + NOISE


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return out.getvalue()


def tarred(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def contents(data: bytes, **limits: int) -> dict[str | None, bytes]:
    parts = unwrap(Buffer(data), limits=Limits(**limits))
    return {part.label: bytes(part.buffer.view) for part in parts}


class TestBuffer:
    def test_maps_a_file(self, tmp_path: Path) -> None:
        path = tmp_path / "a b.pkl"
        path.write_bytes(PICKLE)
        with open_buffer(path) as buffer:
            assert isinstance(buffer.data, mmap.mmap)
            assert buffer.view.readonly
            assert len(buffer) == len(PICKLE)
            assert buffer.data[3:9] == PICKLE[3:9]
            assert buffer.data.find(b"\n", 5, 20) == PICKLE.find(b"\n", 5, 20)
            assert buffer.view == PICKLE

    def test_arrays_outlive_it(self, tmp_path: Path) -> None:
        path = tmp_path / "a"
        path.write_bytes(NOISE)
        with open_buffer(path) as buffer:
            array = np.frombuffer(buffer.window(8, 4008).view, "<f4")
        buffer.close()
        gc.collect()
        assert array.tobytes() == NOISE[8:4008]
        assert not array.flags.writeable

    def test_windows_copy_only_when_asked(self, tmp_path: Path) -> None:
        path = tmp_path / "a"
        path.write_bytes(NOISE)
        with open_buffer(path) as buffer:
            whole = np.frombuffer(buffer.view, np.uint8)
            part = buffer.window(100, 200)
            assert np.shares_memory(np.frombuffer(part.view, np.uint8), whole)
            assert part.data == NOISE[100:200]
            assert part.window(5, 7).data == NOISE[105:107]
            assert buffer.window(0, len(NOISE)).data is buffer.data
            del whole

    def test_closing_a_window_leaves_its_file_open(self, tmp_path: Path) -> None:
        path = tmp_path / "a"
        path.write_bytes(NOISE)
        with open_buffer(path) as buffer:
            buffer.window(0, 3).close()
            buffer.window(0, len(NOISE)).close()
            assert buffer.view == NOISE

    def test_large_copies_go_to_a_file(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("legacy_weights.containers._buffer.Sink.__init__.__defaults__", (100,))
        part = Buffer(NOISE).window(1, 4001)
        assert isinstance(part.data, mmap.mmap)
        assert part.data[:] == NOISE[1:4001]

    def test_empty_file(self, tmp_path: Path) -> None:
        path = tmp_path / "empty.pkl"
        path.touch()
        with pytest.raises(DamagedError, match=r"empty\.pkl: the file is empty"):
            open_buffer(path)

    def test_no_such_file(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match=r"nothing: no such file"):
            open_buffer(tmp_path / "nothing")
        (tmp_path / "file").write_bytes(b"x")
        with pytest.raises(UsageError, match="no such file"):
            open_buffer(tmp_path / "file" / "below")
        with pytest.raises(UsageError, match="null"):
            open_buffer("a\0b")

    def test_broken_links(self, tmp_path: Path) -> None:
        plain, annex = tmp_path / "plain", tmp_path / "annex"
        plain.symlink_to("gone")
        annex.symlink_to(".git/annex/objects/1/2/SHA256E-s9--ab/SHA256E-s9--ab")
        with pytest.raises(UsageError, match="symbolic link to 'gone'"):
            open_buffer(plain)
        with pytest.raises(UsageError, match="git annex get"):
            open_buffer(annex)

    def test_what_is_no_regular_file(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "fifo")
        for path, kind in (
            (tmp_path, "directory"),
            (tmp_path / "fifo", "fifo"),
            ("/dev/null", "device"),
        ):
            with pytest.raises(UnreadableError, match=f"it is a {kind}; expected a regular file"):
                open_buffer(path)

    def test_symbolic_link_to_a_file(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_bytes(b"abc")
        (tmp_path / "link").symlink_to("file")
        assert open_buffer(tmp_path / "link").view == b"abc"

    def test_permission(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(*_: object) -> int:
            raise PermissionError(13, "Permission denied")

        (tmp_path / "file").write_bytes(b"abc")
        monkeypatch.setattr("os.open", refuse)
        with pytest.raises(UnreadableError, match=r"file: the system refuses .* permission denied"):
            open_buffer(tmp_path / "file")


class TestNesting:
    def test_plain_data_comes_back_as_it_is(self) -> None:
        for data in (
            PICKLE,
            b"\x80\x02}q\x00.",
            b"\x93NUMPY\x01\x00",
            b"\x89HDF\r\n\x1a\n",
            b"\0" * 2048,
            b"",
        ):
            buffer = Buffer(data)
            (part,) = unwrap(buffer)
            assert (part.label, part.chain, part.notes) == (None, (), ())
            assert part.buffer is buffer

    def test_any_order(self) -> None:
        inner = zipped({"W.npy": NOISE, "b.npy": b"\x93NUMPY"})
        data = gzip.compress(tarred({"a/model.npz": inner, "a/log.pkl.z": zlib.compress(PICKLE)}))
        parts = unwrap(Buffer(data))
        assert [(part.label, part.chain) for part in parts] == [
            ("a/model.npz!/W.npy", ("gzip", "tar", "zip")),
            ("a/model.npz!/b.npy", ("gzip", "tar", "zip")),
            ("a/log.pkl.z", ("gzip", "tar", "zlib")),
        ]
        assert [bytes(part.buffer.view) for part in parts] == [NOISE, b"\x93NUMPY", PICKLE]

    def test_zip_in_zip(self) -> None:
        data = zipped({"x": zipped({"y": NOISE}, zipfile.ZIP_STORED)}, zipfile.ZIP_STORED)
        assert contents(data) == {"x!/y": NOISE}

    def test_hdf5_first_in_a_tar(self) -> None:
        # Its signature then stands at byte 512, where HDF5 allows it for a file of its own.
        hdf5 = b"\x89HDF\r\n\x1a\n" + NOISE
        assert contents(tarred({"weights.h5": hdf5})) == {"weights.h5": hdf5}

    def test_names_are_nothing(self, tmp_path: Path) -> None:
        path = tmp_path / "model.npz"
        path.write_bytes(gzip.compress(PICKLE))
        (part,) = unwrap(open_buffer(path))
        assert part.chain == ("gzip",)
        assert part.buffer.data == PICKLE

    def test_notes_stand_once(self) -> None:
        data = gzip.compress(zipped({"a": b"1", "b": b"2"}) + b"tail") + b"\0" * 9
        first, second = unwrap(Buffer(data))
        assert first.notes == (
            "9 NUL bytes after the end of the gzip data are ignored",
            "4 bytes after the end of the zip archive are ignored",
        )
        assert second.notes == ()

    def test_errors_name_the_place(self) -> None:
        damaged = gzip.compress(PICKLE)[:-100]
        with pytest.raises(DamagedError) as caught:
            unwrap(Buffer(zipped({"good": b"1", "bad.gz": damaged})))
        assert caught.value.where == "zip > member 'bad.gz' > gzip"


class TestLimits:
    def test_ratio_and_free(self) -> None:
        bomb = gzip.compress(bytes(3 << 20))
        assert len(contents(bomb)[None]) == 3 << 20
        with pytest.raises(LimitError, match="unpacks to more than 2,097,152 bytes") as caught:
            contents(bomb, unpacked_free=2 << 20)
        assert caught.value.where == "gzip"
        with pytest.raises(LimitError):
            contents(bomb, unpacked=2 << 20)
        assert contents(bomb, unpacked_free=0, ratio=2000)
        with pytest.raises(LimitError):
            contents(bomb, unpacked_free=0)

    def test_nested_bombs_count_together(self) -> None:
        data = gzip.compress(gzip.compress(zipped({"a": bytes(1 << 20), "b": bytes(1 << 20)})))
        assert contents(data, unpacked_free=(2 << 20) + 10_000)
        with pytest.raises(LimitError):
            contents(data, unpacked_free=2 << 20)

    def test_stored_members_are_free(self) -> None:
        data = zipped({"a": NOISE, "b": NOISE}, zipfile.ZIP_STORED)
        assert len(contents(data, unpacked=0)) == 2
        assert len(contents(tarred({"a": NOISE}), unpacked=0)) == 1

    def test_memory_of_a_small_bomb(self) -> None:
        # A megabyte of zeros a kilobyte: what a file below 1 MB may unpack to is the free amount.
        bomb = gzip.compress(bytes(1 << 20)) * 300
        assert len(bomb) < 1 << 20
        with pytest.raises(LimitError, match="268,435,456"):
            unwrap(Buffer(bomb))

    def test_depth(self) -> None:
        data = PICKLE
        for _ in range(8):
            data = gzip.compress(data, 0)
        assert contents(data)[None] == PICKLE
        with pytest.raises(LimitError, match="wrapped more than 8 times: gzip > gzip"):
            contents(gzip.compress(data))

    def test_members(self) -> None:
        for pack in (zipped, tarred):
            data = pack({str(index): b"x" for index in range(5)})
            assert len(contents(data, members=5)) == 5
            with pytest.raises(LimitError, match="more than 4 members or streams"):
                contents(data, members=4)
        inner = zipped({"1": b"x", "2": b"x"})
        with pytest.raises(LimitError, match="more than 5 members"):
            contents(tarred({"a": inner, "b": inner}), members=5)

    def test_memory_and_file_hold_the_same(self) -> None:
        data = gzip.compress(NOISE)
        (part,) = unwrap(Buffer(data), limits=Limits(memory=1000))
        assert isinstance(part.buffer.data, mmap.mmap)
        assert part.buffer.data[:] == NOISE
        assert isinstance(unwrap(Buffer(data))[0].buffer.data, bytes)
        members = {str(index): RNG.randbytes(index * 37) for index in range(50)}
        assert contents(zipped(members), memory=1000) == members


AUDIT = """
import sys
sys.path[:0] = sys.argv[1:3]
from test_containers import samples
from legacy_weights.containers import Buffer, describe_wrong_kind, unwrap
from legacy_weights.errors import LegacyWeightsError
made = samples()
events = []
sys.addaudithook(lambda name, args: events.append((name, args)))
for data in made:
    try:
        for part in unwrap(Buffer(data)):
            describe_wrong_kind(part.buffer)
    except LegacyWeightsError as error:
        str(error)
seen = [e for e in events if e[0] not in ("object.__getattr__", "sys._getframe")]
print(seen)
"""


def samples() -> list[bytes]:
    """Return files of every kind, whole and broken."""
    import bz2
    import lzma

    methods = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
    members = {"a.npy": NOISE, "../../etc/passwd": PICKLE, "caf\xe9": b"", "d/": b""}
    whole = [zipped(members, method) for method in methods]
    whole += [gzip.compress(NOISE), bz2.compress(NOISE), lzma.compress(NOISE), zlib.compress(NOISE)]
    whole += [lzma.compress(NOISE, lzma.FORMAT_ALONE), tarred(members)]
    whole += [b"ZF" + hex(len(NOISE)).ljust(19).encode() + zlib.compress(NOISE)]
    whole += [
        gzip.compress(tarred({"x.npz": whole[1]})),
        PICKLE,
        b"<html></html>",
        b"{}",
        b"1,2\n3",
    ]
    flipped = []
    for data in whole:
        altered = bytearray(data)
        altered[len(data) // 2] ^= 0x10
        flipped.append(bytes(altered))
    return whole + [data[:-7] for data in whole] + flipped


def test_nothing_is_imported_or_opened() -> None:
    here = Path(__file__).parent
    run = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(AUDIT), str(here), str(here.parent)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.strip() == "[]"


def test_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    monkeypatch.chdir(inner)
    evil = {"../up": b"1", f"{tmp_path}/absolute": b"2", "x/../../up2": b"3", "C:\\up": b"4"}
    for pack in (zipped, tarred):
        assert set(contents(pack(evil)).values()) == {b"1", b"2", b"3", b"4"}
    assert [path.name for path in tmp_path.rglob("*")] == ["a", "b"]


BOUNDED = """
import resource, sys, time
sys.path[:0] = sys.argv[1:3]
from test_containers import greedy
from legacy_weights.containers import Buffer, describe_wrong_kind, unwrap
from legacy_weights.errors import LegacyWeightsError
made = greedy()
resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
for name, data in made.items():
    assert len(data) < 1 << 20, name
    start, result = time.monotonic(), ""
    try:
        result = str(len(unwrap(Buffer(data))))
    except LegacyWeightsError as error:
        result = str(error)
    describe_wrong_kind(Buffer(data))
    seconds = time.monotonic() - start
    print(f"{name}\t{seconds:.1f}\t{result}")
    sys.stdout.flush()
"""


def greedy() -> dict[str, bytes]:
    """Return small files that ask for much."""
    import bz2
    import lzma

    def tar(kind: bytes, data: bytes) -> bytes:
        info = tarfile.TarInfo("h")
        info.size, info.type = len(data), kind
        return info.tobuf() + data + bytes(-len(data) % 512)

    mega = bytes(1 << 20)
    member = gzip.compress(mega)
    empty = gzip.compress(b"")
    one = zipped({"a": b""})
    start, end = one.index(b"PK\x01\x02"), one.index(b"PK\x05\x06")
    last = struct.pack(
        "<4s4H2LH", b"PK\5\6", 0, 0, 20_000, 20_000, 20_000 * (end - start), start, 0
    )
    return {
        "zeros in gzip": member * 900,
        "zeros in bz2": bz2.compress(bytes(20 << 20)) * 20,
        "zeros in xz": lzma.compress(bytes(20 << 20)) * 20,
        "zeros in zip": zipped({str(index): mega for index in range(300)}),
        "gzip of empty gzip": gzip.compress(empty * 100_000) * 100,
        "empty bz2": bz2.compress(b"") * 70_000,
        "empty xz": lzma.compress(b"") * 30_000,
        "headers of tar": gzip.compress(tar(b"0", b"") * 30_000) * 10,
        "records of pax": gzip.compress(tar(b"x", b"5 a=\n" * 100_000)) * 200,
        "entries of zip": one[:start] + one[start:end] * 20_000 + last,
        "links of tar": gzip.compress(tar(b"2", b"") * 9_000) * 10,
        "dictionary of lzma": b"]\0\0\0\x80" + b"\xff" * 8 + bytes(100),
        "names of zip": zipped({"n" * 60_000 + str(index): b"" for index in range(7)}),
        "tags of html": b"<title" * 100_000,
        "blanks of html": b"<title>" + b" " * 900_000,
        "digits": b"1" * 900_000 + b"x",
        "brackets": b"[" + b" " * 900_000,
        "feeds": b"PK\x03\x04" + b"\r\n" * 400_000,
        "ends of zip": b"PK\x03\x04" + b"PK\x05\x06" * 200_000,
    }


def test_small_files_cost_little() -> None:
    here = Path(__file__).parent
    run = subprocess.run(
        [sys.executable, "-c", BOUNDED, str(here), str(here.parent)],
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    rows = [line.split("\t") for line in run.stdout.splitlines()]
    assert len(rows) == len(run.stdout.splitlines()) == 19
    assert all(float(seconds) < 30 for _, seconds, _ in rows), run.stdout


def outcome(data: bytes) -> None:
    """Unwrap with small limits; only our own errors may come out, in one short paragraph."""
    limits = Limits(unpacked=1 << 20, unpacked_free=1 << 20, members=100, depth=4, memory=1 << 16)
    message = ""
    try:
        unwrap(Buffer(data), limits=limits)
    except LegacyWeightsError as error:
        message = str(error)
    assert len(message) < 2000
    assert message.isprintable()


STARTS = (
    b"",
    b"\x1f\x8b\x08",
    b"BZh91AY&SY",
    b"\xfd7zXZ\0",
    b"x\x9c",
    b"x^",
    b"ZF0x12 ",
    b"PK\x03\x04",
)
quiet = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


@given(st.sampled_from(STARTS), st.binary(max_size=2000))
@settings(quiet, max_examples=300)
def test_random_bytes(start: bytes, rest: bytes) -> None:
    outcome(start + rest)


@given(st.sampled_from(samples()), st.data())
@settings(quiet, max_examples=400)
def test_altered_files(sample: bytes, draw: st.DataObject) -> None:
    data = bytearray(sample[: draw.draw(st.integers(0, len(sample)))])
    for _ in range(draw.draw(st.integers(0, 6))):
        if data:
            # Headers stand at either end.
            offset = draw.draw(st.integers(0, min(len(data) - 1, 600)))
            place = offset if draw.draw(st.booleans()) else len(data) - 1 - offset
            data[place] = draw.draw(st.sampled_from((0, 1, 0x20, 0x7F, 0x80, 0xFF)))
    outcome(bytes(data))


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA])
def test_every_truncation_of_a_zip(method: int) -> None:
    archive = zipped({"a.npy": b"\x93NUMPY" + NOISE[:60], "b": PICKLE[:40]}, method)
    for data in (archive, gzip.compress(archive)):
        for length in range(4, len(data)):
            with pytest.raises(DamagedError):
                unwrap(Buffer(data[:length]))


def test_every_truncation_of_a_tar() -> None:
    members = {"a.npy": NOISE[:600], "b": PICKLE[:40]}
    data = tarred(members)
    # Each has a header of 512 bytes, and data that is padded to a multiple of them.
    first, second = 512 + 600, 512 + 1024 + 512 + 40
    for length in range(512, second + 600):
        if first <= length <= 512 + 1024:
            (part,) = unwrap(Buffer(data[:length]))
            assert part.buffer.view == members["a.npy"]
            assert "no end mark" in part.notes[0]
        elif length >= second:
            assert contents(data[:length]) == members
        else:
            with pytest.raises(DamagedError):
                unwrap(Buffer(data[:length]))
