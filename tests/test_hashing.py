"""The hash of an array against bytes that are put together here, number by number."""

import hashlib
import mmap
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from legacy_weights import hashing


def digest(raw):
    return hashlib.sha256(raw).hexdigest()


@pytest.mark.parametrize(
    ("array", "raw"),
    [
        (np.array([1.5, -2], "<f8"), struct.pack("<2d", 1.5, -2)),
        (np.array([1.5, -2], ">f8"), struct.pack("<2d", 1.5, -2)),
        (np.array([[1, 2], [3, 4]], ">i2", order="F"), struct.pack("<4h", 1, 2, 3, 4)),
        (np.array(7, ">u4"), struct.pack("<I", 7)),
        (np.array([1 + 2j], ">c16"), struct.pack("<2d", 1, 2)),
        (np.array(["ab", "é"], ">U2"), "abé\0".encode("utf-32-le")),
        (np.array([b"ab", b"c"], "S3"), b"ab\0c\0\0"),
        (np.array([3, -1], ">M8[D]"), struct.pack("<2q", 3, -1)),
        (np.array([True, False]), b"\1\0"),
        (np.zeros((3, 0, 2)), b""),
        (np.ndarray((3,), "S0"), b""),
        (np.array([[1, 2]], "<i4").view(np.matrix), struct.pack("<2i", 1, 2)),
        (np.ma.masked_array(np.array([1, 2], "<i4"), [True, False]), struct.pack("<2i", 1, 2)),
        (np.broadcast_to(np.array([1, 2], "<i4"), (2, 2)), struct.pack("<4i", 1, 2, 1, 2)),
        (np.arange(4, dtype="<i4")[::-2], struct.pack("<2i", 3, 1)),
        (np.frombuffer(b"x" + struct.pack("<2d", 1, 2), "<f8", offset=1), struct.pack("<2d", 1, 2)),
    ],
)
def test_values_in_c_order_little_endian(array, raw):
    assert hashing.sha256(array) == digest(raw)
    assert b"".join(map(bytes, hashing.canonical_blocks(array))) == raw


def test_structured_fields_are_swapped_and_gaps_kept():
    dtype = np.dtype(
        {"names": ["a", "b"], "formats": [">i2", (">u4", (2,))], "offsets": [1, 4], "itemsize": 13}
    )
    raw = b"\xaa\x00\x01\xbb\x00\x00\x00\x02\x00\x00\x00\x03\xcc"
    little = b"\xaa\x01\x00\xbb\x02\x00\x00\x00\x03\x00\x00\x00\xcc"
    array = np.frombuffer(raw * 3, dtype)
    assert hashing.sha256(array) == digest(little * 3)
    assert hashing.sha256(array[::2]) == digest(little * 2)


def test_a_field_with_two_names_is_swapped_once():
    dtype = np.dtype({"names": ["a", "b"], "formats": [">i2", ">i2"], "offsets": [0, 0]})
    assert hashing.sha256(np.frombuffer(b"\0\1", dtype)) == digest(b"\1\0")


def test_nan_payloads_survive():
    raw = struct.pack("<Q", 0x7FF4_0000_DEAD_BEEF)
    assert hashing.sha256(np.frombuffer(raw[::-1], ">f8")) == digest(raw)


@pytest.mark.parametrize("dtype", ["<f8", ">f8", "V7", "<U3"])
@pytest.mark.parametrize("order", ["C", "F", "strided"])
def test_arrays_of_many_blocks(monkeypatch, dtype, order):
    monkeypatch.setattr(hashing, "BLOCK", 64)
    size = 7 * 5 * 3
    raw = np.random.default_rng(0).bytes(size * np.dtype(dtype).itemsize)
    array = np.frombuffer(raw, dtype).reshape(7, 5, 3)
    if order == "F":
        array = np.asfortranarray(array)
    elif order == "strided":
        wide = np.zeros((7, 5, 6), dtype)
        wide[:, :, ::2] = array
        array = wide[:, :, ::2]
    little = np.frombuffer(raw, dtype)
    expected = little.byteswap().tobytes() if dtype == ">f8" else raw
    found = list(hashing.canonical_blocks(array))
    assert b"".join(map(bytes, found)) == expected
    assert max(map(len, found)) <= 64 or np.dtype(dtype).itemsize > 64


def test_contiguous_arrays_are_not_copied():
    array = np.arange(10, dtype="<f8")
    (block,) = hashing.canonical_blocks(array)
    assert np.shares_memory(np.frombuffer(block, "u1"), array)


@given(
    hnp.arrays(
        st.one_of(
            hnp.integer_dtypes(),
            hnp.floating_dtypes(),
            hnp.complex_number_dtypes(),
            hnp.boolean_dtypes(),
        ),
        hnp.array_shapes(min_dims=0, max_dims=4, min_side=0),
    )
)
def test_the_layout_in_memory_does_not_matter(array):
    little = array.astype(array.dtype.newbyteorder("<"))
    expected = digest(little.tobytes())
    assert hashing.sha256(array) == expected
    assert hashing.sha256(np.asfortranarray(array).reshape(array.shape, order="A")) == expected


def test_files_and_buffers(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"content")
    assert hashing.sha256_file(path) == digest(b"content")
    assert hashing.sha256_file(str(path)) == digest(b"content")
    assert hashing.sha256_file(b"content") == digest(b"content")
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        assert hashing.sha256_file(mapped) == digest(b"content")
