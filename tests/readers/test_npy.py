import contextlib
import io
import mmap
import pickle
import random
import struct
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from revive import object_array, same, same_array
from support import FIXTURES, MANIFEST

from legacy_weights.errors import DamagedError, LegacyWeightsError
from legacy_weights.pickles.objects import ObjectArray
from legacy_weights.readers import npy as reader

VERSIONS = [(1, 0), (2, 0), (3, 0)]


def saved(value, version=None, **options):
    """Return what NumPy writes."""
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that version 2 or 3 is needed
        np.lib.format.write_array(file, value, version, **options)
    return file.getvalue()


def framed(header, values=b"", major=1):
    """Return a stream with a header of any text."""
    raw = header.encode("utf-8" if major == 3 else "latin-1") if isinstance(header, str) else header
    length = struct.pack("<H" if major == 1 else "<I", len(raw))
    return b"\x93NUMPY" + bytes([major, 0]) + length + raw + values


@pytest.mark.parametrize("version", VERSIONS)
@settings(max_examples=25, deadline=None)
@given(
    hnp.arrays(
        hnp.scalar_dtypes()
        | hnp.byte_string_dtypes()
        | hnp.unicode_string_dtypes()
        | hnp.nested_dtypes(max_leaves=3),
        hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4),
    )
)
def test_arrays_are_those_of_numpy(version, value):
    for array in (value, value.T):
        with contextlib.suppress(UnicodeEncodeError):  # names that version 1 and 2 cannot have
            data = saved(array, version)
            content = reader.read(data)
            expected = np.lib.format.read_array(io.BytesIO(data))
            assert content.kind == f"npy {version[0]}.0"
            assert content.notes == []
            assert content.value().dtype == expected.dtype
            assert content.value().flags.f_contiguous == expected.flags.f_contiguous
            assert same_array(content.value(), expected)


@pytest.mark.parametrize("name", ["é", "€", "a b", "x'y", 'x"y', "\\", "\n", "\x85", "𝄞", "\xad"])
def test_names_of_fields(name):
    value = np.zeros(2, [(name, "f8")])
    assert reader.read(saved(value)).value().dtype == value.dtype


@pytest.mark.parametrize(
    ("literal", "name"),
    [
        (r"'caf\xc3\xa9'", "café"),  # Python 2: UTF-8
        (r"'caf\xe9'", "café"),  # Latin-1
        (r"u'caf\xe9'", "café"),
        ("'caf\xe9'", "café"),
        (r"'it\'s'", "it's"),
        (r'''"it's"''', "it's"),
        (r"b'a'", "a"),
        (r"'\u20ac'", "€"),
        (r"'\t\\'", "\t\\"),
    ],
)
def test_names_by_hand(literal, name):
    header = f"{{'descr': [({literal}, '<f8')], 'fortran_order': False, 'shape': (1,), }}\n"
    assert reader.read(framed(header, bytes(8))).value().dtype.names == (name,)


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ("(2,)", (2,)),
        ("(2L,)", (2,)),
        ("(1, 2)", (1, 2)),
        ("(1L, 2L,)", (1, 2)),
        ("( 2 , 1 )", (2, 1)),
    ],
)
def test_shapes_of_python_2(shape, expected):
    header = f"{{'descr': '<i1', 'fortran_order': False, 'shape': {shape}, }}"
    assert reader.read(framed(header, b"ab")).value().shape == expected


def test_a_header_in_any_order_and_layout():
    header = "{'shape':(2,),\n 'fortran_order' : True , 'descr':'>i2' , 'more': None}   \n"
    assert reader.read(framed(header, b"\0\1\0\2")).value().tolist() == [1, 2]


@pytest.mark.parametrize(
    "value",
    [
        np.array([1, "two", None], object),
        np.asfortranarray(np.array([[1, 2], ["a", "b"]], object)),
        np.array({"a": 1}, object),
        np.empty((0, 3), object),
    ],
    ids=lambda value: str(value.shape),
)
@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4, 5])
def test_objects(value, protocol):
    data = saved(value, pickle_kwargs={"fix_imports": protocol < 3})
    start = data.index(b"\n") + 1
    content = reader.read(data[:start] + pickle.dumps(value, protocol))
    found = content.value().value
    assert type(found) is ObjectArray
    assert same(object_array(found), value)
    assert content.kind == f"npy 1.0 > pickle {protocol}"
    assert "numpy.ndarray" in [named.dotted for named in content.classes]


def test_structures_with_objects():
    value = np.array([(1, "x")], [("a", "i4"), ("b", "O")])
    found = reader.read(saved(value)).value().value
    assert found.items == [(1, "x")]


def test_several_arrays_in_one_file():
    parts = [np.arange(3.0), np.array([1, "x"], object), np.zeros((2, 2), "i1"), np.array(5)]
    content = reader.read(b"".join(map(saved, parts)))
    assert content.kind.startswith("4 × npy 1.0/npy 1.0 > pickle ")
    assert same_array(content.values[0], parts[0])
    assert content.values[1].value.items == [1, "x"]
    assert same_array(content.values[2], parts[2])
    assert same_array(content.values[3], parts[3])


@pytest.mark.parametrize("value", [np.arange(3.0), np.array([None])], ids=["floats", "objects"])
def test_what_stands_behind_is_named(value):
    content = reader.read(saved(value) + b"tail")
    assert len(content.values) == 1
    assert content.notes == ["4 bytes after the values are ignored"]


def test_values_of_a_mapped_file_are_views(tmp_path):
    path = tmp_path / "a.npy"
    value = np.arange(1000.0)
    np.save(path, value)
    with path.open("rb") as file:
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        found = reader.read(mapped).value()
        assert not found.flags.owndata
        assert not found.flags.writeable
        assert same_array(found, value)


def test_every_truncation_is_named():
    for value in (np.arange(6.0), np.array([1, None], object), np.zeros(2, [("a", "i2")])):
        data = saved(value)
        for length in range(6, len(data)):
            with pytest.raises(DamagedError):
                reader.read(data[:length])


def test_a_truncation_says_how_much_is_there():
    data = saved(np.arange(6.0))
    with pytest.raises(DamagedError, match=r"truncated: 43 of 48 bytes"):
        reader.read(data[:-5])
    with pytest.raises(DamagedError, match=r"truncated: 0 of 48 bytes"):
        reader.read(saved(np.arange(2)) + data[:-48])


@pytest.mark.parametrize(
    "header",
    [
        *("", "{", "5", "None", "'x'", "[]", "()", "{}", "{'descr': '<f8'}", "{5: 6}", "{'a' 'b'}"),
        "{'descr': '<f8', 'fortran_order': False}",
        "{'descr': '<f8', 'fortran_order': 0, 'shape': (1,)}",
        "{'descr': '<f8', 'shape': (1,)}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': 1}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': [1]}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (True,)}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (-1,)}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (1.0,)}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (1,)} + 1",
        "{'descr': 'float64', 'fortran_order': False, 'shape': (1,)}",
        "{'descr': 'M8[ns/0]', 'fortran_order': False, 'shape': (1,)}",
        "{'descr': 5, 'fortran_order': False, 'shape': (1,)}",
        "{'descr': None, 'fortran_order': False, 'shape': (1,)}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (%s)}" % ("1," * 65),
        "{'descr': '<f8', 'fortran_order': False, 'shape': (10000000000000000000, 0)}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (4611686018427387904, 0)}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (4611686018427387904,)}",
        "{'descr': '|S0', 'fortran_order': False, 'shape': (4611686018427387904,)}",
        "{'descr': '|V0', 'fortran_order': False, 'shape': (1000000000,)}",
        "{'descr': [('a', '<f8', (2147483647, 9))], 'fortran_order': False, 'shape': (1,)}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (__import__('os').getpid(),)}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (2**70,)}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (0x10,)}",
        "{'descr': '\\U00110000', 'fortran_order': False, 'shape': (1,)}",
        "(" * 1000 + ")" * 1000,
        "[" * 60_000,
        "{'descr': '" + "x" * 60_000,
        "'" + "\\" * 60_001,
    ],
)
def test_what_is_no_header(header):
    with pytest.raises(DamagedError) as caught:
        reader.read(framed(header, bytes(8)))
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize("version", [b"\0\0", b"\4\0", b"\xff\xff"])
def test_versions_of_the_future(version):
    with pytest.raises(DamagedError, match="version"):
        reader.read(b"\x93NUMPY" + version + bytes(100))


def test_a_header_that_does_not_fit():
    for data in (
        framed("{}")[:8] + b"\xff\xff" + b"{}",
        b"\x93NUMPY\2\0\xff\xff\xff\xff" + b"{}" * 9,
    ):
        with pytest.raises(DamagedError, match="does not fit"):
            reader.read(data)


def test_a_header_that_is_not_utf_8():
    with pytest.raises(DamagedError):
        reader.read(framed(b"{'\xff': 1}", major=3))


@pytest.mark.parametrize(
    "pickled",
    [
        *(b"N.", b"]N.", b"cos\nsystem\n.", b"cos\nsystem\n(U\4trueo."[:-1] + b"tR."),
        *(b"", b"\xff", b"(((", b"\x80\x02cnumpy\nndarray\n)R."),
        saved(np.array([1, 2, 3], object)).partition(b"\n")[2],
    ],
)
def test_a_pickle_that_is_not_the_array(pickled):
    header = "{'descr': '|O', 'fortran_order': False, 'shape': (2,), }\n"
    with pytest.raises(LegacyWeightsError) as caught:
        reader.read(framed(header, pickled))
    assert caught.value.where >= len(framed(header))


@pytest.mark.parametrize(
    "entry",
    [entry for entry in MANIFEST if entry["file"].endswith(".npy")],
    ids=lambda entry: entry["file"],
)
def test_fixtures(entry):
    content = reader.read((FIXTURES / entry["file"]).read_bytes())
    value = content.value()
    if isinstance(value, np.ndarray):
        (truth,) = entry["arrays"]
        assert list(value.shape) == truth["shape"]
        if isinstance(truth["dtype"], str):
            assert value.dtype.str == truth["dtype"]
    else:
        assert type(value.value) is ObjectArray


SEEDS = [
    saved(np.arange(6.0).reshape(2, 3)),
    saved(np.zeros(2, [("a", "i4"), ("b", [("c", "S3")], (2,))])),
    saved(np.array([1, "x", None], object)),
    saved(np.array(["2012"], "M8[Y]")),
]


def test_altered_files():
    chance = random.Random(2012)
    for _ in range(800):
        changed = bytearray(chance.choice(SEEDS))
        for _ in range(chance.randint(1, 3)):
            changed[chance.randrange(6, len(changed))] = chance.choice(
                b"0123456789(),[]{}'<>|fVSO\0\xff"
            )
        with contextlib.suppress(LegacyWeightsError):
            reader.read(bytes(changed))


TOKENS = ["{", "}", "(", ")", "[", "]", ",", ":", "'descr'", "'shape'", "'<f8'", "5", "True", " "]


@given(st.lists(st.sampled_from(TOKENS) | st.text(max_size=3), max_size=30).map("".join))
def test_any_header(header):
    with contextlib.suppress(LegacyWeightsError, UnicodeEncodeError):
        reader.read(framed(header, bytes(64), major=3))
