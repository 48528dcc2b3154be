"""Zip archives, as the standard library, NumPy and Info-ZIP write them, and as nobody should."""

import io
import os
import random
import shutil
import struct
import subprocess
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from legacy_weights.containers import Buffer, Part, open_buffer, unwrap
from legacy_weights.errors import DamagedError, LegacyWeightsError, RefusedError, UnreadableError
from legacy_weights.limits import Limits

NOISE = random.Random(5).randbytes(3000)
TEXT = b"I1\naF0.5\na" * 3000
METHODS = [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]
needs_zip = pytest.mark.skipif(not shutil.which("zip"), reason="zip is not installed")


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return out.getvalue()


def parts_of(data: bytes, **limits: int) -> list[Part]:
    return unwrap(Buffer(data), limits=Limits(**limits))


def contents(data: bytes) -> dict[str | None, bytes]:
    return {part.label: bytes(part.buffer.view) for part in parts_of(data)}


class Stream(io.RawIOBase):
    """A file that cannot seek, to which zipfile writes sizes behind the data."""

    def __init__(self) -> None:
        self.data = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, chunk: object) -> int:
        self.data += memoryview(chunk)  # type: ignore[arg-type]
        return len(memoryview(chunk))  # type: ignore[arg-type]


@pytest.mark.parametrize("method", METHODS)
def test_methods(method: int) -> None:
    members = {"pkl": TEXT, "ndarray.layer>W": NOISE, "empty": b"", "one": b"."}
    data = zipped(members, method)
    assert contents(data) == members
    assert all(part.chain == ("zip",) and not part.notes for part in parts_of(data))


@pytest.mark.parametrize("method", METHODS)
def test_sizes_behind_the_data(method: int) -> None:
    out = Stream()
    with zipfile.ZipFile(out, "w", method) as archive:  # type: ignore[type-var]
        archive.writestr("a", TEXT)
        archive.writestr("b", NOISE)
    assert contents(bytes(out.data)) == {"a": TEXT, "b": NOISE}


@pytest.mark.parametrize("method", METHODS)
def test_zip64(method: int) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in (("a", TEXT), ("b", NOISE)):
            with archive.open(name, "w", force_zip64=True) as member:
                member.write(data)
    assert contents(out.getvalue()) == {"a": TEXT, "b": NOISE}


def test_zip64_end_record(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zipfile, "ZIP64_LIMIT", 100)
    data = zipped({"a": TEXT, "b": NOISE})
    assert b"PK\x06\x06" in data
    assert b"PK\x06\x07" in data
    assert contents(data) == {"a": TEXT, "b": NOISE}
    assert contents(b"PK\x03\x04 stub " + data) == {"a": TEXT, "b": NOISE}


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_npz(save: object, tmp_path: Path) -> None:
    path = tmp_path / "model"
    arrays = [np.arange(12.0).reshape(3, 4), np.float32(1), np.zeros((0, 3), ">i2")]
    save(path.with_suffix(".npz"), *arrays, **{"layer/W": arrays[0]})  # type: ignore[operator]
    parts = unwrap(open_buffer(path.with_suffix(".npz")))
    names = ["arr_0.npy", "arr_1.npy", "arr_2.npy", "layer/W.npy"]
    assert sorted(str(part.label) for part in parts) == names
    for part in parts:
        found = np.load(io.BytesIO(bytes(part.buffer.view)))
        index = {"arr_1.npy": 1, "arr_2.npy": 2}.get(str(part.label), 0)
        np.testing.assert_array_equal(found, arrays[index])


def test_stored_members_are_views(tmp_path: Path) -> None:
    path = tmp_path / "model.npz"
    path.write_bytes(zipped({"a": NOISE, "b": TEXT}, zipfile.ZIP_STORED))
    file = open_buffer(path)
    whole = np.frombuffer(file.view, np.uint8)
    for part in unwrap(file):
        assert np.shares_memory(np.frombuffer(part.buffer.view, np.uint8), whole)
        assert part.buffer.view.readonly


def test_unpacked_members_are_aligned() -> None:
    for part in parts_of(zipped({"a": b"123", "b": NOISE, "c": b"1"})):
        assert np.frombuffer(part.buffer.view, np.uint8).ctypes.data % 8 == 0


@needs_zip
@pytest.mark.parametrize(
    "options", [["-0"], ["-9"], ["-Z", "bzip2"], ["-fz"], ["-r", "-D"], ["-r"]]
)
def test_info_zip(options: list[str], tmp_path: Path) -> None:
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "deep" / "er" / "W.npy").write_bytes(NOISE)
    (tmp_path / "pkl").write_bytes(TEXT)
    names = ["pkl", "deep"] if "-r" in options else ["pkl", "deep/er/W.npy"]
    subprocess.run(["zip", "-q", *options, "out.zip", *names], cwd=tmp_path, check=True)
    found = contents((tmp_path / "out.zip").read_bytes())
    assert found == {"pkl": TEXT, "deep/er/W.npy": NOISE}


@needs_zip
def test_info_zip_to_a_pipe(tmp_path: Path) -> None:
    (tmp_path / "pkl").write_bytes(TEXT)
    run = subprocess.run(["zip", "-q", "-", "pkl"], cwd=tmp_path, check=True, capture_output=True)
    assert contents(run.stdout) == {"pkl": TEXT}
    command = ["zip", "-q", "-", "-"]
    run = subprocess.run(command, input=TEXT, check=True, capture_output=True)
    assert contents(run.stdout) == {"-": TEXT}


@needs_zip
def test_links_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "pkl").write_bytes(TEXT)
    (tmp_path / "link").symlink_to("/etc/passwd")
    os.mkfifo(tmp_path / "pipe")
    subprocess.run(["zip", "-q", "-y", "out.zip", "pkl", "link"], cwd=tmp_path, check=True)
    (part,) = parts_of((tmp_path / "out.zip").read_bytes())
    assert part.label == "pkl"
    assert part.notes == ("member 'link' is a symbolic link and was left out",)
    subprocess.run(["zip", "-q", "-y", "links.zip", "link"], cwd=tmp_path, check=True)
    with pytest.raises(UnreadableError, match="no file in it; member 'link' is a symbolic link"):
        parts_of((tmp_path / "links.zip").read_bytes())


@needs_zip
def test_encrypted(tmp_path: Path) -> None:
    (tmp_path / "pkl").write_bytes(TEXT)
    for option in ("-0", "-9"):
        command = ["zip", "-q", option, "-P", "secret", "out.zip", "pkl"]
        subprocess.run(command, cwd=tmp_path, check=True)
        with pytest.raises(RefusedError, match="zip > member 'pkl': the member is encrypted"):
            parts_of((tmp_path / "out.zip").read_bytes())


@needs_zip
def test_volumes(tmp_path: Path) -> None:
    (tmp_path / "big").write_bytes(np.random.default_rng(0).bytes(150_000))
    subprocess.run(["zip", "-q", "-s", "64k", "out.zip", "big"], cwd=tmp_path, check=True)
    first, last = (tmp_path / "out.z01").read_bytes(), (tmp_path / "out.zip").read_bytes()
    assert first[:8] == b"PK\x07\x08PK\x03\x04"
    with pytest.raises(DamagedError, match="directory, which stands at the end, is missing"):
        parts_of(first)
    with pytest.raises(UnreadableError, match="one volume"):
        parts_of(b"PK\x03\x04" + last)


def test_names() -> None:
    data = zipped({"caf\xe9.npy": b"1", "\u6728": b"2"})
    assert list(contents(data)) == ["caf\xe9.npy", "\u6728"]
    # Python 2 writes the bytes of a str as they are.
    for raw, name in (
        (b"caf\xc3\xa9", "caf\xe9"),
        (b"cafe\xe9", "cafe\xe9"),
        (b"a\nb\0c\xff", "a\nb\0c\xff"),
    ):
        plain = "x" * len(raw)
        (part,) = parts_of(zipped({plain: NOISE}).replace(plain.encode(), raw))
        assert part.label == name
        assert bool(part.notes) == (raw != b"caf\xc3\xa9")
        assert all(note.isprintable() for note in part.notes)


def test_a_name_twice() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a", b"1")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("a", b"2")
    first, second = parts_of(out.getvalue())
    assert (first.label, first.buffer.data) == ("a", b"1")
    assert (second.label, second.buffer.data) == ("a", b"2")
    assert first.notes == ("2 members are called 'a'; all are read",)


def test_comment_and_trailing_bytes() -> None:
    out = io.BytesIO(zipped({"a": NOISE}))
    with zipfile.ZipFile(out, "a") as archive:
        archive.comment = b"PK\x05\x06 is in the comment, " * 20
    assert contents(out.getvalue()) == {"a": NOISE}
    (part,) = parts_of(out.getvalue() + b"tail" * 1000)
    assert part.notes == ("4,000 bytes after the end of the zip archive are ignored",)


def test_empty_archive() -> None:
    with pytest.raises(UnreadableError, match="zip: the zip archive has no file in it"):
        parts_of(zipped({}))
    with pytest.raises(UnreadableError, match="no file"):
        parts_of(zipped({"only/": b""}))


class TestDamage:
    @pytest.mark.parametrize("method", METHODS)
    def test_checksum(self, method: int) -> None:
        data = bytearray(zipped({"good": NOISE, "bad": TEXT}, method))
        with zipfile.ZipFile(io.BytesIO(bytes(data))) as archive:
            info = archive.getinfo("bad")
        data[info.header_offset + 30 + 3 + info.compress_size // 2] ^= 1
        with pytest.raises(DamagedError) as caught:
            parts_of(bytes(data))
        assert caught.value.where == "zip > member 'bad'"

    def test_checksum_in_words(self) -> None:
        data = zipped({"a": b"abc"}, zipfile.ZIP_STORED).replace(b"abc", b"abd")
        # CRC-32 of abc and abd by `zlib.crc32`, as any tool states them.
        with pytest.raises(DamagedError, match=r"wrong: CRC-32 [0-9a-f]{8}; expected 352441c2"):
            parts_of(data)

    def test_cut_off(self) -> None:
        data = zipped({"a.npy": NOISE, "b.npy": NOISE, "c.npy": NOISE})
        middle = data.index(b"c.npy") + 1000
        with pytest.raises(DamagedError) as caught:
            parts_of(data[:middle])
        text = str(caught.value)
        assert "directory, which stands at the end, is missing" in text
        assert "it has 3 members, 2 of them complete ('a.npy', 'b.npy')" in text
        assert "zip -FF" in text

    @pytest.mark.parametrize("method", METHODS[:2])
    def test_cut_off_with_sizes_behind(self, method: int) -> None:
        out = Stream()
        with zipfile.ZipFile(out, "w", method) as archive:  # type: ignore[type-var]
            for name in "abc":
                archive.writestr(name, TEXT)
        data = bytes(out.data)
        cut = data[: data.rindex(b"PK\x03\x04") + 50]
        count = "3 members, 2 of them" if method else "1 members, 0 of them"
        with pytest.raises(DamagedError, match=f"it has {count} complete"):
            parts_of(cut)

    @needs_zip
    def test_repair_advice_works(self, tmp_path: Path) -> None:
        data = zipped({"a.npy": NOISE, "b.npy": NOISE})
        (tmp_path / "broken.zip").write_bytes(data[: data.index(b"PK\x01\x02")])
        command = ["zip", "-FF", "broken.zip", "--out", "repaired.zip"]
        subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, input=b"y\n")
        repaired = (tmp_path / "repaired.zip").read_bytes()
        assert contents(repaired) == {"a.npy": NOISE, "b.npy": NOISE}

    def test_directory_that_lies(self) -> None:
        data = zipped({"a": NOISE, "b": NOISE})
        end = data.rindex(b"PK\x05\x06")
        entry = data.index(b"PK\x01\x02")
        for place, value in (
            (end + 10, struct.pack("<H", 3)),  # count
            (end + 16, struct.pack("<L", 7)),  # offset
            (entry + 42, struct.pack("<L", 9)),  # header of the first member
            (entry + 42, struct.pack("<L", 1 << 30)),
            (entry + 20, struct.pack("<L", 1 << 30)),  # packed size
            (entry + 28, struct.pack("<H", 999)),  # length of the name
            (entry + 46, b"z"),  # name
        ):
            lying = data[:place] + value + data[place + len(value) :]
            if value == struct.pack("<L", 7):
                # The directory is found by its end, and the offset is taken for a prefix.
                with pytest.raises(DamagedError, match="is not where its directory says"):
                    parts_of(lying)
            else:
                with pytest.raises(DamagedError, match="it has 2 members, 2 of them complete"):
                    parts_of(lying)

    def test_stated_sizes_are_not_trusted(self) -> None:
        data = zipped({"a": TEXT})
        entry = data.index(b"PK\x01\x02")
        for size, message in ((10, "more comes out than the 10"), (1 << 31, "2,147,483,648 are")):
            lying = data[: entry + 24] + struct.pack("<L", size) + data[entry + 28 :]
            with pytest.raises(DamagedError, match=message):
                parts_of(lying)
        stored = zipped({"a": TEXT}, zipfile.ZIP_STORED)
        entry = stored.index(b"PK\x01\x02")
        lying = stored[: entry + 24] + struct.pack("<L", 10) + stored[entry + 28 :]
        with pytest.raises(DamagedError, match="its two sizes differ"):
            parts_of(lying)

    @pytest.mark.parametrize("method", [9, 93, 95, 200])
    def test_unknown_methods(self, method: int) -> None:
        data = bytearray(zipped({"a": TEXT}))
        struct.pack_into("<H", data, data.index(b"PK\x01\x02") + 10, method)
        with pytest.raises(UnreadableError, match=rf"method {method} .*expected stored, deflate"):
            parts_of(bytes(data))

    def test_text_mode(self) -> None:
        data = zipped({"a": NOISE * 10, "b": NOISE})
        with pytest.raises(DamagedError, match="every line feed in it follows"):
            parts_of(data.replace(b"\n", b"\r\n"))


def overlapping(copies: int) -> bytes:
    """Return an archive whose entries all lead to one member (Fifield 2019, full overlap)."""
    data = zipped({"a": bytes(100_000)})
    start, end = data.index(b"PK\x01\x02"), data.index(b"PK\x05\x06")
    fields = list(struct.unpack("<4s4H2LH", data[end:]))
    fields[3:6] = [copies, copies, copies * (end - start)]
    return data[:start] + data[start:end] * copies + struct.pack("<4s4H2LH", *fields)


def test_overlapping_members() -> None:
    with pytest.raises(RefusedError, match="members 'a' and 'a' share the same bytes"):
        parts_of(overlapping(500))


def test_overlapping_by_quoting() -> None:
    # Fifield 2019, quoted overlap: a stored block of the first member holds the second's header.
    inner = zipped({"b": TEXT})
    local = inner[: inner.index(b"PK\x01\x02")]
    outer = zipped({"a": local}, zipfile.ZIP_STORED)
    start = outer.index(local)
    directory = outer.index(b"PK\x01\x02", start + len(local))
    entry = bytearray(inner[inner.index(b"PK\x01\x02") : inner.index(b"PK\x05\x06")])
    struct.pack_into("<L", entry, 42, start)
    end = list(struct.unpack("<4s4H2LH", outer[-22:]))
    end[3:6] = [2, 2, end[5] + len(entry)]
    quoted = outer[:-22] + bytes(entry) + struct.pack("<4s4H2LH", *end)
    assert directory < len(outer)
    with pytest.raises(RefusedError, match="members 'a' and 'b' share the same bytes"):
        parts_of(quoted)


names = st.text(st.characters(codec="utf-8", exclude_characters="\0/\\"), min_size=1, max_size=20)


@given(st.dictionaries(names, st.binary(max_size=300), min_size=1), st.sampled_from(METHODS))
def test_round_trip(members: dict[str, bytes], method: int) -> None:
    assume_plain = {f"_{name}": b"." + data for name, data in members.items()}
    data = zipped(assume_plain, method)
    assert contents(data) == assume_plain
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert [part.label for part in parts_of(data)] == archive.namelist()


@given(st.integers(0, 400), st.integers(0, 255))
def test_bytes_of_the_directory(place: int, value: int) -> None:
    data = bytearray(zipped({"a": TEXT, "b": NOISE, "c": b""}))
    data[len(data) - 1 - place] = value
    try:
        parts = parts_of(bytes(data), unpacked=1 << 20)
    except LegacyWeightsError:
        return
    assert {bytes(part.buffer.view) for part in parts} <= {TEXT, NOISE, b""}
