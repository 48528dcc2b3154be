"""Tar archives of every age, as the standard library and GNU tar write them."""

import io
import os
import random
import shutil
import subprocess
import tarfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from legacy_weights.containers import Buffer, Part, open_buffer, unwrap
from legacy_weights.errors import DamagedError, LegacyWeightsError, LimitError, UnreadableError
from legacy_weights.limits import Limits

NOISE = random.Random(9).randbytes(3000)
TEXT = b"(lp0\nI1\na."
FORMATS = [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]
needs_tar = pytest.mark.skipif(not shutil.which("tar"), reason="tar is not installed")


def member(name: str, data: bytes = b"", **fields: object) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.size = len(data)
    for key, value in fields.items():
        setattr(info, key, value)
    return info, data


def tarred(
    *members: tuple[tarfile.TarInfo, bytes], format: int = tarfile.GNU_FORMAT, **options: object
) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=format, **options) as archive:  # type: ignore[call-overload]
        for info, data in members:
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def parts_of(data: bytes, **limits: int) -> list[Part]:
    return unwrap(Buffer(data), limits=Limits(**limits))


def contents(data: bytes) -> dict[str | None, bytes]:
    return {part.label: bytes(part.buffer.view) for part in parts_of(data)}


@pytest.mark.parametrize("format", FORMATS)
def test_formats(format: int) -> None:
    long = "deep/" * 18 + "W.npy"
    data = tarred(
        member("_pkl", TEXT),
        member("_parameters", NOISE),
        member("e"),
        member(long, b"1"),
        format=format,
    )
    assert contents(data) == {"_pkl": TEXT, "_parameters": NOISE, "e": b"", long: b"1"}
    assert all(part.chain == ("tar",) and not part.notes for part in parts_of(data))


@pytest.mark.parametrize("format", FORMATS[1:])
def test_long_names(format: int) -> None:
    names = ["a" * 99, "a" * 100, "a" * 101, "d/" * 200 + "W", "caf\xe9" * 60]
    data = tarred(*(member(name, name.encode()) for name in names), format=format)
    assert contents(data) == {name: name.encode() for name in names}


def test_ustar_prefix() -> None:
    name = "p" * 120 + "/" + "n" * 90
    assert list(contents(tarred(member(name, b"1"), format=tarfile.USTAR_FORMAT))) == [name]


def v7(name: bytes, data: bytes, signed: bool = False) -> bytes:
    """Return a member as Unix V7 wrote it: no magic, blanks around octal numbers."""
    head = name.ljust(100, b"\0") + b"   644 \0   765 \0    24 \0"
    head += b"%11o " % len(data) + b"%11o " % 500_000_000 + b" " * 8
    head = head.ljust(512, b"\0")
    checksum = sum(byte - 256 if signed and byte > 127 else byte for byte in head)
    head = head[:148] + b"%6o\0 " % checksum + head[156:]
    return head + data.ljust(-(-len(data) // 512) * 512, b"\0")


def test_v7() -> None:
    end = bytes(1024)
    data = v7(b"model.pkl", NOISE) + v7(b"folder/", b"") + end
    assert contents(data) == {"model.pkl": NOISE}
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        assert archive.getnames() == ["model.pkl", "folder"]
    (part,) = parts_of(v7(b"caf\xe9", NOISE, signed=True) + end)
    assert part.label == "caf\xe9"
    assert part.notes == ("the name of member 'caf\xe9' is not UTF-8 and was read as Latin-1",)


@pytest.mark.parametrize(
    "data", [bytes(10240), b"\x80\x02" + NOISE, b"(dp0\n" * 200, np.zeros(500).tobytes()]
)
def test_what_is_none(data: bytes) -> None:
    (part,) = parts_of(data)
    assert part.chain == ()


def test_pax_records() -> None:
    info, data = member("short", NOISE)
    info.pax_headers = {"path": "\u6728/\xe9 = x\ny", "comment": "8 size=3\n", "mtime": "1.5"}
    made = tarred((info, data), format=tarfile.PAX_FORMAT)
    assert list(contents(made).values()) == [NOISE]
    globals_ = {"comment": "all of them"}
    made = tarred(member("a", TEXT), format=tarfile.PAX_FORMAT, pax_headers=globals_)
    assert contents(made) == {"a": TEXT}


def test_members_are_views(tmp_path: Path) -> None:
    path = tmp_path / "main_loop.tar"
    path.write_bytes(tarred(member("_pkl", TEXT), member("_parameters", NOISE)))
    file = open_buffer(path)
    whole = np.frombuffer(file.view, np.uint8)
    for part in unwrap(file):
        assert np.shares_memory(np.frombuffer(part.buffer.view, np.uint8), whole)


@needs_tar
@pytest.mark.parametrize("format", ["v7", "oldgnu", "gnu", "ustar", "posix"])
@pytest.mark.parametrize("packer", ["", "-z", "-j", "-J"])
def test_system_tar(format: str, packer: str, tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "W.npy").write_bytes(NOISE)
    (tmp_path / "pkl").write_bytes(TEXT)
    options = ["-c", f"--format={format}", "-f", "out", *([packer] if packer else [])]
    subprocess.run(["tar", *options, "pkl", "deep"], cwd=tmp_path, check=True)
    parts = unwrap(open_buffer(tmp_path / "out"))
    assert {part.label: part.buffer.data for part in parts} == {"pkl": TEXT, "deep/W.npy": NOISE}
    assert parts[0].chain[-1] == "tar"
    assert len(parts[0].chain) == 1 + bool(packer)


@needs_tar
def test_links_and_devices_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "pkl").write_bytes(TEXT)
    os.link(tmp_path / "pkl", tmp_path / "same")
    (tmp_path / "soft").symlink_to("/etc/passwd")
    os.mkfifo(tmp_path / "pipe")
    names = ["pkl", "same", "soft", "pipe"]
    subprocess.run(["tar", "-cf", "out", *names], cwd=tmp_path, check=True)
    (part,) = unwrap(open_buffer(tmp_path / "out"))
    assert part.label == "pkl"
    assert part.notes == (
        "member 'same' is a hard link to 'pkl' and was left out",
        "member 'soft' is a symbolic link to '/etc/passwd' and was left out",
        "member 'pipe' is a fifo and was left out",
    )
    subprocess.run(["tar", "-cf", "links", "soft"], cwd=tmp_path, check=True)
    with pytest.raises(UnreadableError, match="tar: the tar archive has no file in it; member"):
        unwrap(open_buffer(tmp_path / "links"))


def test_devices() -> None:
    data = tarred(
        member("null", type=tarfile.CHRTYPE, devmajor=1, devminor=3),
        member("disk", type=tarfile.BLKTYPE),
        member("new", TEXT, type=b"7"),
        member("unknown", TEXT, type=b"Q"),
    )
    parts = parts_of(data)
    assert [part.label for part in parts] == ["new", "unknown"]
    assert parts[0].notes == (
        "member 'null' is a character device and was left out",
        "member 'disk' is a block device and was left out",
    )


@needs_tar
def test_sparse(tmp_path: Path) -> None:
    with open(tmp_path / "W", "wb") as file:
        file.seek(10 << 20)
        file.write(b"end")
    for format in ("gnu", "posix"):
        command = ["tar", "-cSf", "out", f"--format={format}", "W"]
        subprocess.run(command, cwd=tmp_path, check=True)
        with pytest.raises(UnreadableError, match=r"member .* is stored as a sparse file"):
            unwrap(open_buffer(tmp_path / "out"))


def test_trailing_bytes() -> None:
    data = tarred(member("a", NOISE))
    (part,) = parts_of(data + bytes(100_000))
    assert part.notes == ()
    (part,) = parts_of(data + b"garbage")
    (note,) = part.notes
    assert "bytes after the end mark of the tar archive are ignored" in note


def test_a_name_twice() -> None:
    first, second = parts_of(tarred(member("a", b"1"), member("a", b"2")))
    assert (first.buffer.data, second.buffer.data) == (b"1", b"2")
    assert first.notes == ("2 members are called 'a'; all are read",)


class TestDamage:
    def test_cut_off(self) -> None:
        data = tarred(member("a", TEXT), member("b", TEXT), member("c", NOISE))
        with pytest.raises(DamagedError) as caught:
            parts_of(data[: 5 * 512 + 1000])
        assert "ends inside member 'c': 1,000 of 3,000 bytes are there" in str(caught.value)
        assert "2 members before it are complete" in str(caught.value)

    def test_header(self) -> None:
        data = bytearray(tarred(member("a", TEXT), member("b", TEXT)))
        data[1024] ^= 1
        with pytest.raises(DamagedError, match="no valid header of a member at byte 1,024"):
            parts_of(bytes(data))

    def test_text_mode(self) -> None:
        data = tarred(member("a", TEXT), member("b", TEXT)).replace(b"\n", b"\r\n")
        with pytest.raises(DamagedError, match="every line feed in it follows a carriage return"):
            parts_of(data)

    def test_negative_and_odd_sizes(self) -> None:
        # CVE-2025-8194: a negative size led the standard library back to the same header for ever.
        for field in (
            b"\xff" * 12,
            b"\x80" + b"\xff" * 11,
            b"-0000000010\0",
            b"12345678\x009 \0",
            b"99",
        ):
            head = bytearray(tarred(member("a", TEXT))[:512])
            head[124:136] = field.ljust(12, b"\0")
            head[148:156] = b" " * 8
            head[148:156] = b"%06o\0 " % sum(head)
            with pytest.raises(DamagedError):
                parts_of(bytes(head) + bytes(9000))

    @pytest.mark.parametrize(
        "records",
        [
            b"9 size=-5\n",
            b"30 path=x\n",
            b"0 a=b\n",
            b"1 a=b\n",
            b"x a=b\n",
            b"99999999999999999999999 a=b\n",
            b"7 path\n\n",
            b"11 size=1e3\n",
            b"1" * 900,  # CVE-2024-6232: the standard library searched such digits for hours
            b"44 size=111111111111111111111111111111111111\n",
        ],
    )
    def test_pax_records(self, records: bytes) -> None:
        data = tarred(member("h", records, type=b"x"), member("a", TEXT))
        with pytest.raises(DamagedError):
            parts_of(data)

    def test_long_headers(self) -> None:
        for kind in (b"x", b"g", b"L"):
            half = member("h", bytes(5 << 20), type=kind)
            assert len(parts_of(tarred(half, member("a", TEXT)))) == 1
            with pytest.raises(LimitError, match=r"extended headers .* 10,485,760 bytes"):
                parts_of(tarred(half, half, member("a", TEXT)))
        with pytest.raises(DamagedError, match="inside an extended header"):
            parts_of(tarred(member("h", bytes(2000), type=b"x"))[:1024])

    def test_other_volume(self) -> None:
        with pytest.raises(UnreadableError, match="member 'a' began in another volume"):
            parts_of(tarred(member("a", TEXT, type=b"M")))


names = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=300)


@given(st.dictionaries(names, st.binary(max_size=1200), min_size=1), st.sampled_from(FORMATS[1:]))
def test_round_trip(members: dict[str, bytes], format: int) -> None:
    plain = {f"_{name}_": b"." + data for name, data in members.items()}
    data = tarred(*(member(name, content) for name, content in plain.items()), format=format)
    assert contents(data) == plain


@given(st.integers(0, 511), st.binary(min_size=1, max_size=12), st.booleans())
def test_bytes_of_a_header(place: int, value: bytes, valid: bool) -> None:
    data = bytearray(tarred(member("a", TEXT), member("b", NOISE)))
    data[1024 + place : 1024 + place + len(value)] = value
    if valid:
        data[1024 + 148 : 1024 + 156] = b" " * 8
        data[1024 + 148 : 1024 + 156] = b"%06o\0 " % sum(data[1024:1536])
    try:
        parts = parts_of(bytes(data))
    except LegacyWeightsError:
        return
    assert parts[0].buffer.view == TEXT
