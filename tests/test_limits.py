"""Every limit by its option: a file at the limit passes, one beyond it is refused."""

import gzip
import io
import lzma
import pickle
import tarfile
import zipfile
from dataclasses import fields

import h5py
import numpy as np
import pytest
from bombs import integer
from hostile_files import hdf5, npy_of
from support import ROOT

import legacy_weights
from legacy_weights.cli import main
from legacy_weights.errors import LimitError, UsageError
from legacy_weights.limits import Limits, parse

ARRAYS = pickle.dumps([1.0, 2.0], 2)
SCALAR = b"cnumpy\nscalar\ncnumpy\ndtype\n(U\x04V101tR\x85R."


def tar(count):
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        for index in range(count):
            info = tarfile.TarInfo(f"{index}.npy")
            info.size = len(npy_of([1.0]))
            archive.addfile(info, io.BytesIO(npy_of([1.0])))
    return file.getvalue()


def raw_lzma(data):
    return lzma.compress(data, lzma.FORMAT_XZ, filters=[{"id": lzma.FILTER_LZMA2, "preset": 9}])


FILES = {
    "opcodes": (b"(" + b"N" * 50 + b"l.", 53, 52),
    "memo": (b"".join(b"Nq" + bytes([i]) + b"0" for i in range(64)) + b"N.", 64, 20),
    "stack": (b"(" + b"N" * 64 + b"l.", 100, 20),
    "marks": (b"(" * 10 + b"l" * 10 + b".", 10, 9),
    "line": (b"c" + b"x" * 20 + b"\ny\n.", 21, 20),
    "digits": (b"L" + b"9" * 5000 + b"\n.", 5000, 4999),
    "key": (b"}(" + b"N" * 20 + b"tNs.", 20, 19),
    "nesting": (b"})\x85\x85Ns.", 3, 2),
    "arrays": (npy_of([1.0]) * 3, 3, 2),
    "unpacked": (gzip.compress(npy_of([1.0])), 136, 135),
    "members": (tar(3), 3, 2),
    "depth": (gzip.compress(gzip.compress(npy_of([1.0]))), 2, 1),
    "dictionary": (raw_lzma(npy_of([1.0])), 128 << 20, 1 << 20),
    "unbacked": (hdf5(lambda h5: h5.create_dataset("x", (1 << 20,), "f8")), 8 << 20, 1 << 20),
}
"""A file, a value of its limit that it just keeps, and one that it does not."""


@pytest.mark.parametrize("name", FILES)
def test_a_limit_changes_by_its_option(name, tmp_path, capsys):
    data, enough, short = FILES[name]
    path = tmp_path / "file"
    path.write_bytes(data)
    assert main(["inspect", str(path), "--limit", f"{name}={enough}"]) in (0, 1)
    assert main(["inspect", str(path), "--limit", f"{name}={short}"]) == 3
    assert main([str(path), "--dry-run", "--limit", f"{name}={short}"]) == 3
    with pytest.raises(LimitError):
        legacy_weights.read(path, limits=Limits(**{name: short}))


def test_ratio_and_what_is_free_of_it(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(gzip.compress(npy_of(np.zeros(100_000))))
    legacy_weights.read(path)
    with pytest.raises(LimitError, match="unpacks to more than"):
        legacy_weights.read(path, limits=Limits(ratio=5, unpacked_free=1000))
    legacy_weights.read(path, limits=Limits(ratio=5))
    legacy_weights.read(path, limits=Limits(ratio=2000, unpacked_free=0))


def test_growth_and_what_is_free_of_it(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(SCALAR)
    with pytest.raises(LimitError, match="grow beyond measure"):
        legacy_weights.read(path, limits=Limits(free=100, growth=0))


def test_what_is_free_is_shared_by_all_pickles_of_a_file(tmp_path):
    path = tmp_path / "file"
    limits = Limits(free=250, growth=0)  # a pickle spends 101
    for count in (2, 3):
        with zipfile.ZipFile(path, "w") as archive:
            for index in range(count):
                archive.writestr(f"{index}.pkl", b"\x80\x02" + SCALAR)
        if count == 2:
            legacy_weights.read(path, limits=limits)
    with pytest.raises(LimitError, match=r"member '2.pkl', byte .* grow beyond measure"):
        legacy_weights.read(path, limits=limits)


def test_collisions(tmp_path):
    path = tmp_path / "file"
    keys = b"".join(integer(k * (2**61 - 1)) + b"N" for k in range(1, 2000))
    path.write_bytes(b"}(" + keys + b"u.")
    with pytest.raises(LimitError, match="same hash"):
        legacy_weights.read(path)
    legacy_weights.read(path, limits=Limits(collisions=2000))


def test_attribute(tmp_path):
    path = tmp_path / "file.h5"
    with h5py.File(path, "w") as h5:
        h5.attrs["x"] = np.zeros(1000)
        h5["W"] = [1.0]

    def unread(limits):
        return "$unread" in str(
            [r.content for r in legacy_weights.read(path, limits=limits).records()]
        )

    assert unread(Limits(attribute=7999))
    assert not unread(Limits(attribute=8000))


def test_memory_goes_to_a_temporary_file(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(gzip.compress(npy_of(np.arange(1000.0))))
    (leaf,) = legacy_weights.read(path, limits=Limits(memory=100)).leaves()
    assert leaf.array.load()[999] == 999.0


def test_options_are_parsed():
    assert parse(["memo=7", "unpacked=8G", "line=2K"]) == Limits(
        memo=7, unpacked=8 << 30, line=2048
    )
    assert parse([]) == Limits()
    for wrong in ("memo", "memo=", "memo=-1", "memo=1x", "nothing=1", "memo=1e3", "=1"):
        with pytest.raises(UsageError, match="is no limit"):
            parse([wrong])


def test_every_limit_stands_in_the_docs_with_its_default():
    text = (ROOT / "docs/safety.md").read_text()
    for field in fields(Limits):
        assert f"| `{field.name}` | {field.default:,} | " in text
