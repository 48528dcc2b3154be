import contextlib
import copy
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from legacy_weights.pickles import dtypes
from legacy_weights.pickles.dtypes import DTypeError, from_code, from_descr, from_state

CODES = [
    *("?", "b", "B", "h", "H", "i", "I", "l", "L", "q", "Q", "p", "P", "e", "f", "d", "g"),
    *("F", "D", "G", "b1", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8"),
    *("c8", "c16", "S", "S0", "S1", "S1000", "U", "U0", "U7", "V", "V0", "V16", "O"),
    *("M8", "m8", "M8[D]", "m8[ns]", "M8[25us]", "M8[generic]", "M8[7Y]", "m8[D/3]", "M8[μs]"),
]


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("order", ["", "<", ">", "=", "|"])
def test_codes_are_those_of_numpy(order, code):
    try:
        expected = np.dtype(order + code)
    except TypeError:
        return
    assert from_code(order + code) == expected


@pytest.mark.parametrize("code", ["O8", "O4", "|O8"])
def test_pointers_have_the_size_of_this_platform(code):
    assert from_code(code) == np.dtype(object)


def test_the_oldest_name_of_bytes():
    assert from_code("|a5") == np.dtype("S5")


@pytest.mark.parametrize(
    "code",
    [
        *("", " f8", "f8 ", "f8,f8", "(2,)f8", "{}", "float64", "object", "T", "f3", "i16", "x"),
        *("f8\n", "<", "S-1", "S99999999999", "U536870912", "V2147483648", "é", "f٨", "f" * 10_000),
        *("numpy.float64", "M8[ns", "M8[]", "M8[x]", "M4[D]", "M8[D/7]", "9" * 5000),
    ],
)
def test_what_is_no_code(code):
    with pytest.raises(DTypeError) as caught:
        from_code(code)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    "unit", ["0D", "00D", "ns/0", "D/4294967296", "9999999999D", "D/00", "10D/0", "-1D", "1e3D"]
)
def test_units_that_would_kill_numpy(unit):
    # numpy.dtype("M8[ns/0]") is a division by zero, SIGFPE, in NumPy 2.4
    with pytest.raises(DTypeError):
        from_code(f"M8[{unit}]")
    count, name = unit[:-1], unit[-1:]
    if count.isdigit():
        state = (4, "<", None, None, None, -1, -1, 0, (None, (name.encode(), int(count), 1, 1)))
        assert from_state(np.dtype("M8"), state) == np.dtype("M8")


DTYPES = hnp.nested_dtypes(
    subtype_strategy=hnp.array_dtypes(
        hnp.scalar_dtypes() | hnp.byte_string_dtypes() | hnp.unicode_string_dtypes(),
        max_size=3,
        allow_subarrays=True,
    )
    | hnp.scalar_dtypes(),
)


@settings(max_examples=40, deadline=None)
@given(DTYPES)
def test_descriptions_are_those_of_numpy(dtype):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        descr = np.lib.format.dtype_to_descr(dtype)
        expected = np.lib.format.descr_to_dtype(descr)
    assert from_descr(descr) == expected


@pytest.mark.parametrize(
    "descr",
    [
        [("a", "<f8"), ("b", "<i4", (2, 3))],
        [(b"a", b"<f8"), ("b", "|S3")],
        [(("title", "a"), "<f8"), ("b", "<i2")],
        [("a", [("x", "<f4"), ("y", "<f4")]), ("b", "|O")],
        [("a", "<i1"), ("", "|V3"), ("b", "<i4")],  # padding
        [("a", ("<f4", (2,)))],
        [],
    ],
)
def test_descriptions_by_hand(descr):
    plain = [
        tuple(part.decode() if isinstance(part, bytes) else part for part in field)
        for field in descr
    ]
    assert from_descr(descr) == np.lib.format.descr_to_dtype(plain)


def test_only_void_without_a_name_is_padding():
    made = from_descr([("", "<f8"), ("b", "<f8")])
    assert made == np.dtype([("f0", "<f8"), ("b", "<f8")])


def deep(levels):
    descr = "<f8"
    for _ in range(levels):
        descr = [("a", descr)]
    return descr


def wide(levels):
    descr = "<f8"
    for _ in range(levels):
        descr = [(str(field), descr) for field in range(10)]
    return descr


@pytest.mark.parametrize(
    "descr",
    [
        *(None, 5, (), ("<f8",), {"a": "<f8"}, [5], [()], [("a",)], [("a", None)]),
        *([("a", "<f8", 1, 2)], [(5, "<f8")], [("a", "x")], [("a", "<f8"), ("a", "<f8")]),
        *([("a", "<f8", (-1,))], [("a", "<f8", ("x",))], [("a", "<f8", (2**40,))]),
        *([("a", "<f8", (2**31, 2**31))], [(("t", "a", "b"), "<f8")], deep(50), wide(5)),
        *([("a", "<f8", ((1,),))], [("a", "V2147483647"), ("b", "V2147483647")]),
    ],
)
def test_what_is_no_description(descr):
    with pytest.raises((DTypeError, ValueError)):
        from_descr(descr)


def set_state(code, state):
    """Return what NumPy makes of a state, which it alters."""
    made = np.dtype(code, copy=True)
    made.__setstate__(copy.deepcopy(state))
    return made


FIELDS = {"a": (np.dtype("<f8"), 0), "b": (np.dtype(">i4"), 8)}
TITLED = {"a": (np.dtype("<f8"), 0, "A"), "A": (np.dtype("<f8"), 0, "A")}


@pytest.mark.parametrize(
    ("code", "state"),
    [
        ("V12", (1, "|", None, {**FIELDS, -1: ("a", "b")}, 12, 1)),
        ("V12", (2, "|", None, ("a", "b"), FIELDS, 12, 1)),
        ("V12", (3, "|", None, ("a", "b"), FIELDS, 12, 1, 0)),
        ("V16", (3, "|", None, ("b", "a"), FIELDS, 16, 1, 16)),
        ("V8", (3, "|", None, ("a",), TITLED, 8, 1, 16)),
        ("V16", (3, "|", None, ("a",), {"a": (np.dtype("<f8"), 0)}, 16, 8, 0x80)),
        ("V0", (3, "|", None, (), {}, 0, 1, 16)),
        ("V24", (3, "|", (np.dtype("<f8"), (3,)), None, None, 24, 8, 0)),
        ("V24", (3, "|", (np.dtype(">f4"), (2, 3)), None, None, 24, 4, 0)),
        ("S5", (3, "|", None, None, None, 5, 1, 0)),
        ("U5", (3, ">", None, None, None, 20, 4, 0)),
        ("V5", (3, "|", None, None, None, 5, 1, 0)),
        ("M8", (4, "<", None, None, None, -1, -1, 0, (None, (b"us", 25, 1, 1)))),
        ("m8", (4, ">", None, None, None, -1, -1, 0, (None, (b"D", 1, 1, 1)))),
        ("M8", (4, "<", None, None, None, -1, -1, 0, (None, (b"generic", 1, 1, 1)))),
        ("f8", (3, ">", None, None, None, -1, -1, 0)),
        ("f8", (3, "<", None, None, None, -1, -1, 0)),
        ("f8", (3, "|", None, None, None, -1, -1, 0)),
        ("O", (3, "|", None, None, None, -1, -1, 63)),
    ],
)
def test_states_are_those_of_numpy(code, state):
    expected = set_state(code, state)
    found = from_state(from_code(code), state)
    assert found == expected
    assert found.isalignedstruct == expected.isalignedstruct
    assert (found.itemsize, found.names, found.fields) == (
        expected.itemsize,
        expected.names,
        expected.fields,
    )


@pytest.mark.parametrize("encode", [str.encode, str])
def test_states_of_python_2_have_byte_strings(encode):
    fields = {encode(name): field for name, field in FIELDS.items()}
    names = tuple(map(encode, FIELDS))
    expected = np.dtype([("a", "<f8"), ("b", ">i4")])
    for state in (
        (1, encode("|"), None, {**fields, -1: names}, 12, 1),
        (3, encode("|"), None, names, fields, 12, 1, 0),
    ):
        assert from_state(np.dtype("V12"), state) == expected


@pytest.mark.parametrize(
    "state",
    [
        *((), (5,), (9, "|", None, None, None, 8, 1, 0), (3, "|"), (None,) * 8),
        *((3, "x", None, None, None, -1, -1, 0), (3, None, None, None, None, -1, -1, 0)),
        *((3, "|", None, None, None, "8", 1, 0), (3, "x" * 10_000, None, None, None, -1, -1, 0)),
        (3, "|", None, ("a",), {}, 8, 1, 0),
        (3, "|", None, ("a",), {"a": 5}, 8, 1, 0),
        (3, "|", None, ("a",), {"a": (5, 0)}, 8, 1, 0),
        (3, "|", None, ("a",), {"a": (np.dtype("f8"), -4)}, 8, 1, 0),
        (3, "|", None, ("a",), {"a": (np.dtype("f8"), 4)}, 8, 1, 0),
        (3, "|", None, ("a",), {"a": (np.dtype("f8"), 2**80)}, 8, 1, 0),
        (3, "|", None, ("a",), {"a": (np.dtype("f8"), 0)}, 2**80, 1, 0),
        (3, "|", None, ("a",), {"a": (np.dtype("f8"), 0)}, 2**31, 1, 0),
        (3, "|", None, ("a",), {"a": (np.dtype("f8"), 0, 5)}, 8, 1, 0),
        (3, "|", None, ("a", "a"), {"a": (np.dtype("f8"), 0)}, 8, 1, 0),
        (3, "|", None, "a", {"a": (np.dtype("f8"), 0)}, 8, 1, 0),
        (3, "|", None, (5,), {5: (np.dtype("f8"), 0)}, 8, 1, 0),
        (3, "|", None, ("o", "f"), {"o": (np.dtype("O"), 0), "f": (np.dtype("f8"), 4)}, 16, 1, 0),
        (3, "|", (np.dtype("f8"), (2**20, 2**20)), None, None, 8, 1, 0),
        (3, "|", (np.dtype("f8"), ("x",)), None, None, 8, 1, 0),
    ],
)
def test_what_is_no_state(state):
    with pytest.raises(DTypeError) as caught:
        from_state(np.dtype("V8"), state)
    assert len(str(caught.value)) < 300


def test_a_string_larger_than_numpy_has():
    with pytest.raises(DTypeError):
        from_state(np.dtype("S"), (3, "|", None, None, None, 2**40, 1, 0))


def test_alignment_is_kept():
    dtype = np.dtype([("a", "i1"), ("b", "f8")], align=True)
    made = dtypes.structured(
        ["a", "b"], [np.dtype("i1"), np.dtype("f8")], [0, 8], [None] * 2, 16, True
    )
    assert made == dtype
    assert made.isalignedstruct
    # offsets that are not aligned: the flag would lie
    made = dtypes.structured(
        ["a", "b"], [np.dtype("i1"), np.dtype("f8")], [0, 1], [None] * 2, 9, True
    )
    assert not made.isalignedstruct


def test_leaves_of_nested_structures_are_counted_each_time():
    dtype = np.dtype("f8")
    for _ in range(3):
        dtype = np.dtype([(str(field), dtype) for field in range(10)])
    assert dtypes.count_leaves(dtype) == 1 + 10 + 100 + 1000
    with pytest.raises(DTypeError, match="more than 10,000 fields"):
        dtypes.structured([str(n) for n in range(10)], [dtype] * 10, [0] * 10, [None] * 10, 8000)


@given(st.text(max_size=8) | st.from_regex(r"[<>=|]?[A-Za-z?][0-9]{0,10}", fullmatch=True))
def test_any_text_is_a_dtype_or_our_error(code):
    with contextlib.suppress(DTypeError):
        assert isinstance(from_code(code), np.dtype)


@pytest.mark.parametrize(
    ("raw", "text"),
    [("é", "é"), (b"abc", "abc"), (b"\xc3\xa9", "é"), (b"\xe9", "é"), (memoryview(b"ab"), "ab")],
)
def test_names(raw, text):
    assert dtypes.text(raw) == text


def test_what_is_no_name():
    with pytest.raises(DTypeError):
        dtypes.text(5)
