"""What is clearly no legacy file, and what must not be taken for such."""

import bz2
import gzip
import io
import pickle
import pickletools
import random
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from legacy_weights.containers import Buffer, describe_wrong_kind, open_buffer
from legacy_weights.errors import DamagedError, LegacyWeightsError, UnreadableError

SHARED = Path(__file__).parents[2] / "shared" / "real"


def found(data: bytes) -> LegacyWeightsError:
    error = describe_wrong_kind(Buffer(data))
    assert error is not None
    assert str(error).isprintable()
    return error


LFS = b"""version https://git-lfs.github.com/spec/v1
oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393
size 12345678
"""


def test_git_lfs_pointer() -> None:
    # The example of git-lfs's docs/spec.md.
    error = found(LFS)
    assert isinstance(error, UnreadableError)
    assert "12,345,678 bytes" in error.found
    assert "sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393" in error.found
    assert error.advice == "Run `git lfs pull` in the checkout"
    assert "an unknown number of bytes" in found(LFS[:60]).found
    assert "hawser" not in found(LFS.replace(b"git-lfs.github", b"hawser.github")).found


def test_git_annex_pointer() -> None:
    error = found(b"/annex/objects/SHA256E-s31390--f50d7ac4.pkl\n")
    assert "SHA256E-s31390--f50d7ac4.pkl" in error.found
    assert "git annex get" in str(error.advice)


PAGE = b"""\xef\xbb\xbf\n<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>
  Page not found \xc2\xb7 GitHub
</title></head></html>"""


@pytest.mark.parametrize(
    "page",
    [
        PAGE,
        b"<HTML><TITLE>Google Drive - Virus scan warning</TITLE>",
        b"<!-- x --><html>\xe9</html>",
    ],
)
def test_web_pages(page: bytes) -> None:
    error = found(page)
    assert "it is a web page" in error.found
    assert "raw file" in str(error.advice)


def test_web_page_shows_its_title() -> None:
    assert "with the title 'Page not found · GitHub'" in found(PAGE).found


def test_xml() -> None:
    error = found(b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>')
    assert "XML document" in error.found
    assert "AccessDenied" in error.found


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "PNG"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF", "JPEG"),
        (b"%PDF-1.5\n%\xd0", "PDF"),
        (b"7z\xbc\xaf\x27\x1c\0\4", "7z"),
        (b"Rar!\x1a\x07\x01\0", "RAR"),
        (b"Rar!\x1a\x07\0", "RAR"),
        (b"\x28\xb5\x2f\xfd\x24\0", "Zstandard"),
        (b"\x04\x22\x4d\x18\x60\x40", "LZ4"),
        (b"\x1f\x9d\x90", "compress"),
        (b"MATLAB 5.0 MAT-file, Platform: GLNXA64", "MATLAB"),
        (b"SQLite format 3\0", "SQLite"),
        (b"Just some words.\nOn two lines.\n", "plain text, beginning with 'Just some words.'"),
        (b'{"class_name": "Sequential", "config": []}', "JSON"),
        (b'[\n {"a": 1}]', "JSON"),
        (b"[1, 2, 3]", "JSON"),
        (b"0.5,1.5,2\n3,4,-1e-5\n", "table of numbers"),
        (b"0.5 1.5\n3\t4\n\n", "table of numbers"),
        (b"import numpy as np\n", "plain text"),
        (b"caf\xc3\xa9\n", "plain text, beginning with 'caf\xe9'"),
        (b'model_checkpoint_path: "model-1"\n', "TensorFlow"),
        (b"\x0a\x14\x0a\x01x\x12\x0bPlaceholder*\x0b\x0a\x05dtype", "TensorFlow"),
        (bytes(40) + (0xDB4775248B80FB57).to_bytes(8, "little"), "TensorFlow checkpoint"),
    ],
)
def test_kinds(data: bytes, what: str) -> None:
    error = found(data)
    assert isinstance(error, UnreadableError)
    assert what in error.found
    assert error.advice


def test_a_program() -> None:
    if not sys.platform.startswith("linux"):
        pytest.skip("needs an ELF file")
    error = describe_wrong_kind(open_buffer(sys.executable))
    assert error is not None
    assert "ELF" in error.found


def test_matlab_by_scipy(tmp_path: Path) -> None:
    scipy_io = pytest.importorskip("scipy.io")
    scipy_io.savemat(tmp_path / "w.mat", {"W": np.eye(3)})
    error = describe_wrong_kind(open_buffer(tmp_path / "w.mat"))
    assert error is not None
    assert "loadmat" in str(error)


def test_empty() -> None:
    assert isinstance(found(b""), DamagedError)


def test_pytorch_zip() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name in ("archive/data.pkl", "archive/data/0", "archive/version"):
            archive.writestr(name, b"3\n")
    error = found(out.getvalue())
    assert "PyTorch" in error.found
    assert "'archive/data.pkl', 'archive/data/0', 'archive/version'" in error.found
    assert "torch.load" in str(error.advice)
    # The magic number of torch/serialization.py, as its first pickle holds it.
    magic = pickle.dumps(0x1950A86A20F9469CFC6C, 2)
    assert "PyTorch" in found(magic + b"\x80\x02M\xe9\x03.").found


class TestTextMode:
    ARRAY = np.arange(40.0)

    def npy(self) -> bytes:
        out = io.BytesIO()
        np.save(out, self.ARRAY)
        return out.getvalue()

    @pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
    def test_numpy_line_feeds(self, version: tuple[int, int]) -> None:
        out = io.BytesIO()
        np.lib.format.write_array(out, self.ARRAY, version)
        assert describe_wrong_kind(Buffer(out.getvalue())) is None
        error = found(out.getvalue().replace(b"\n", b"\r\n"))
        assert isinstance(error, DamagedError)
        assert "text-mode transfer" in error.found
        assert error.where == out.getvalue().index(b"\n")

    def test_decoded_as_text(self) -> None:
        hdf5 = b"\x89HDF\r\n\x1a\n" + bytes(8)
        samples = {
            "a NumPy array": self.npy(),
            "gzip data": gzip.compress(b"x", mtime=0),
            "an HDF5 file": hdf5,
            "a pickle of protocol 2": b"\x80\x02]q\0.",
        }
        for kind, data in samples.items():
            for altered in (
                data.decode("latin-1").encode(),
                data.decode("utf-8", "replace").encode(),
            ):
                error = found(altered)
                assert isinstance(error, DamagedError)
                assert f"it was {kind}" in error.found
                assert "binary mode" in str(error.advice)

    @pytest.mark.parametrize(
        ("old", "new"),
        [(b"\r\n", b"\n"), (b"\n", b"\r\n"), (b"\x1a\n", b"\x1a\r\n"), (b"\x89", b"\t")],
    )
    def test_hdf5(self, old: bytes, new: bytes) -> None:
        data = b"\x89HDF\r\n\x1a\n" + bytes(8)
        assert describe_wrong_kind(Buffer(data)) is None
        assert "it was an HDF5 file" in found(data.replace(old, new)).found


class TestWhatIsRight:
    @pytest.mark.parametrize(
        "data",
        [
            b"I1\n.",
            b"I01\n.",
            b"L123L\n.",
            b"F0.5\n.",
            b"N.",
            b"S'text'\n.",
            b"S'text'\np0\n.",
            b"Vtext\np0\n.",
            b"(lp0\n.",
            b"(dp0\n.",
            b"(dp1\r\nS'a'\r\n",
            b"(t.",
            b"((lp0\n",
            b"(i__main__\nModel\n",
            b"ccopy_reg\n_reconstructor\n",
            b"c__builtin__\r\nset\r\n",
            b"Pndarray.W\n.",
            b"].",
            b"}.",
            b").",
            b"]q\0.",
            b"K\x41.",
            b"\x80\x02}.",
            gzip.compress(b"x", mtime=0),
            bz2.compress(b"x"),
            b"\x89HDF\r\n\x1a\n",
            random.Random(0).randbytes(100),
            bytes(100),
        ],
    )
    def test_nothing_is_said(self, data: bytes) -> None:
        assert describe_wrong_kind(Buffer(data)) is None

    @pytest.mark.skipif(not SHARED.exists(), reason="the real files are not here")
    def test_real_files(self) -> None:
        files = [path for path in SHARED.rglob("*") if path.is_file() and path.suffix != ".tsv"]
        assert len(files) > 20
        for path in files:
            assert describe_wrong_kind(open_buffer(path)) is None


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.tuples(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


@given(values, st.integers(0, 5), st.booleans())
@example([None], 1, True)  # all of it printable: ]Na.
def test_pickles_are_never_wrong(value: object, protocol: int, optimize: bool) -> None:
    data = pickle.dumps(value, protocol)
    if optimize:
        data = pickletools.optimize(data)
    assert describe_wrong_kind(Buffer(data)) is None


@given(st.binary(max_size=300) | st.text().map(str.encode))
def test_anything(data: bytes) -> None:
    error = describe_wrong_kind(Buffer(data))
    assert error is None or (str(error).isprintable() and len(str(error)) < 600)
