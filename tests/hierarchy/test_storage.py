"""The forms in which arrays are kept, and dtypes as text."""

import numpy as np
import pytest

from legacy_weights.errors import DamagedError, WriteError
from legacy_weights.hierarchy import storage


@pytest.mark.parametrize(
    ("dtype", "shape", "kept", "kept_shape"),
    [
        ("?", (2,), "u1", (2,)),
        ("<U3", (2,), "<u4", (2, 3)),
        (">U3", (), ">u4", (3,)),
        ("<M8[D]", (2,), "<i8", (2,)),
        (">m8[s]", (2,), ">i8", (2,)),
        ("V5", (2, 2), "u1", (2, 2, 5)),
        ("i4,f8", (2,), "u1", (2, 12)),
        ("S0", (2,), "u1", (2, 0)),
        ("S4", (2,), "S4", (2,)),
        (">f8", (2, 3), ">f8", (2, 3)),
        (">f16", (2,), "u1", (2, 16)),
        ("<f16", (2,), "<f16", (2,)),
        ("<f4", (1,) * 33, "<f4", (1,)),
        ("<U3", (2,) + (1,) * 31, "<u4", (6,)),
        ("<f4", (3, 0, 2), "<f4", (3, 0, 2)),
    ],
)
def test_forms(dtype, shape, kept, kept_shape):
    assert storage.form(np.dtype(dtype), shape) == (np.dtype(kept), kept_shape)


def test_text_that_hdf5_would_cut():
    assert storage.is_opaque(np.array([b"ab", b"a\0b"]))
    assert not storage.is_opaque(np.array([b"ab", b"a", b""]))
    assert storage.forms(np.dtype("S3"), (2,)) == [("S3", (2,)), ("u1", (2, 3))]


def test_what_can_be_kept_as_it_is_is_not_copied():
    for values in (np.arange(3.0), np.array([True]), np.array(["ab"]), np.zeros(2, "M8[s]")):
        assert np.shares_memory(storage.store(values), values)


def test_objects_are_refused():
    with pytest.raises(WriteError, match="object"):
        storage.form(np.dtype("O"), ())
    with pytest.raises(WriteError, match="object"):
        storage.dtype_text(np.dtype([("a", "O")]))


def test_the_text_of_a_structured_dtype_says_all():
    dtype = np.dtype([(("Title", "a"), "<i2"), ("b", ">f4", (2,))], align=True)
    assert storage.dtype_text(dtype) == (
        '{"names": ["a", "b"], "formats": ["<i2", {"base": ">f4", "shape": [2]}], '
        '"offsets": [0, 4], "itemsize": 12, "titles": ["Title", null], "aligned": true}'
    )


@pytest.mark.parametrize(
    "text",
    [
        "O",
        "|O",
        "<f7",
        "f8",
        "float64",
        "<i4,<i4",
        "",
        "<f8 ",
        "<M8[10000000000s]",
        "<M8[xx]",
        "__import__('os')",
        "{",
        "[]",
        '{"names": ["a"], "formats": ["|O"], "offsets": [0], "itemsize": 8}',
        '{"names": ["a"], "formats": ["<f8"], "offsets": [4], "itemsize": 8}',
        '{"names": ["a"], "formats": ["<f8"], "offsets": [-8], "itemsize": 8}',
        '{"names": [1], "formats": ["<f8"], "offsets": [0], "itemsize": 8}',
        '{"names": ["a", "a"], "formats": ["<f8", "<f8"], "offsets": [0, 8], "itemsize": 16}',
        '{"names": ["a"], "formats": ["<f8"], "offsets": [0]}',
        '{"base": "<f8", "shape": [true]}',
        '{"base": "<f8", "shape": "12"}',
        '{"a":' * 100000,
        '{"base": ' * 50 + '"<f8"' + ', "shape": [1]}' * 50,
    ],
)
def test_other_texts_are_no_dtypes(text):
    with pytest.raises(DamagedError, match="no dtype"):
        storage.parse_dtype(text)
