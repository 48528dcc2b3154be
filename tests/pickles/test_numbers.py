import pickle
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from revive import load, same

from legacy_weights.errors import DamagedError


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b"N.", None),
        (b"\x88.", True),
        (b"\x89.", False),
        (b"I01\n.", True),
        (b"I00\n.", False),
        (b"I1\n.", 1),
        (b"I0\n.", 0),
        (b"I-42\n.", -42),
        (b"I+42\n.", 42),
        (b"I-9223372036854775808\n.", -(2**63)),
        (b"I9223372036854775808L\n.", 2**63),
        (b"I7\r\n.", 7),
        (b"L0L\n.", 0),
        (b"L-1L\n.", -1),
        (b"L12\n.", 12),
        (b"K\xff.", 255),
        (b"M\xff\xff.", 65535),
        (b"J\xff\xff\xff\xff.", -1),
        (b"J\x00\x00\x00\x80.", -(2**31)),
        (b"\x8a\x00.", 0),
        (b"\x8a\x01\xff.", -1),
        (b"\x8a\x02\xff\x00.", 255),
        (b"\x8b\x02\x00\x00\x00\x00\x80.", -32768),
        (b"F1.5\n.", 1.5),
        (b"F-1e-300\n.", -1e-300),
        (b"F3\n.", 3.0),
        (b"Finf\n.", float("inf")),
        (b"F-inf\n.", float("-inf")),
        (b"F1.#INF\n.", float("inf")),
        (b"F-1.#INF\n.", float("-inf")),
        (b"G?\xf8\x00\x00\x00\x00\x00\x00.", 1.5),
    ],
)
def test_numbers_by_hand(data, value):
    assert same(load(data), value)


@pytest.mark.parametrize("data", [b"Fnan\n.", b"F-nan\n.", b"F1.#QNAN\n.", b"F-1.#IND\n."])
def test_no_number(data):
    value = load(data)
    assert value != value


@pytest.mark.parametrize(
    "text",
    [
        *(b"I\n", b"Ix\n", b"I1_0\n", b"I--1\n", b"I0x10\n", b"I1.5\n", b"L1_0L\n", b"LL\n"),
        *(b"F\n", b"F1_0\n", b"Fx\n", b"I" + b"9" * 5000 + b"x\n", b"L--" + b"9" * 5000 + b"L\n"),
    ],
)
def test_what_is_no_number(text):
    with pytest.raises(DamagedError):
        load(text + b".")


@pytest.mark.parametrize("digits", [3999, 4000, 4001, 4300, 8000, 8001, 20_000])
def test_long_integers_in_text(digits):
    # repunits: (10**n - 1) / 9
    assert load(b"L" + b"1" * digits + b"L\n.") == (10**digits - 1) // 9
    assert load(b"I-" + b"1" * digits + b"\n.") == -(10**digits - 1) // 9


NUMBERS = st.one_of(
    *(st.integers(0, 255), st.integers(0, 65535), st.integers(-(2**31), 2**31 - 1), st.floats())
)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(NUMBERS, st.integers(1, 30)).map(lambda run: [run[0]] * run[1]), max_size=20)
)
@pytest.mark.parametrize("protocol", [1, 2])
def test_runs_of_numbers(protocol, runs):
    numbers = [number for run in runs for number in run]
    found = load(pickle.dumps(numbers, protocol))
    assert list(map(type, found)) == list(map(type, numbers))
    assert pickle.dumps(found, protocol) == pickle.dumps(numbers, protocol)


@pytest.mark.parametrize(("code", "form"), [(b"K", "B"), (b"M", "<H"), (b"J", "<i"), (b"G", ">d")])
@pytest.mark.parametrize("count", [1, 8, 9, 10, 999, 1000, 1001, 2500])
def test_a_run_ends_where_it_ends(code, form, count):
    values = [1 + number % 200 for number in range(count)]
    run = b"".join(code + struct.pack(form, value) for value in values)
    assert load(b"(" + run + b"l.") == values


@pytest.mark.parametrize(("code", "form"), [(b"K", "B"), (b"M", "<H"), (b"J", "<i"), (b"G", ">d")])
def test_a_run_of_opcodes_inside_a_number_is_none(code, form):
    inner = struct.unpack(form, code * struct.calcsize(form))[0]
    values = [inner] * 20
    run = b"".join(code + struct.pack(form, value) for value in values)
    assert load(b"(" + run + b"l.") == values
