import json
import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest
from bombs import BOMBS, REFUSED
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from revive import load, revive, same

from legacy_weights.errors import DamagedError, LegacyWeightsError, LimitError
from legacy_weights.limits import Limits
from legacy_weights.pickles import Machine
from legacy_weights.pickles.opcodes import TextModeError, TruncatedError

TEXT = st.text(st.characters(codec=None, exclude_categories=()), max_size=20)
ATOMS = st.one_of(
    *(st.none(), st.booleans(), st.integers(), st.floats(), st.complex_numbers(), TEXT),
    *(st.binary(max_size=20), st.integers(-(2**2100), 2**2100)),
)
KEYS = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), TEXT)
    | st.binary(max_size=600),
    lambda keys: st.one_of(st.tuples(keys), st.tuples(keys, keys), st.frozensets(keys, max_size=3)),
    max_leaves=4,
)
VALUES = st.recursive(
    ATOMS,
    lambda values: st.one_of(
        st.lists(values, max_size=12),
        st.lists(values, max_size=5).map(tuple),
        st.dictionaries(KEYS, values, max_size=5),
        st.sets(KEYS, max_size=5),
        st.frozensets(KEYS, max_size=5),
        st.binary(max_size=600).map(bytearray),
    ),
    max_leaves=30,
)


@pytest.mark.parametrize("dumps", [pickle.dumps, pickle._dumps], ids=["C", "Python"])
@pytest.mark.parametrize("protocol", range(6))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(value=VALUES)
@example(value=[0.5] * 40)
@example(value=[True, 1, 1.0, 255, 256, 65535, 65536, -1, 2**31 - 1, -(2**31), 2**31])
@example(value={"a": "a", b"a": b"a"})
@example(value=[b"", "", (), [], {}, set(), frozenset(), bytearray()])
@example(value=["x" * 255, "x" * 256, b"x" * 255, b"x" * 256, b"x" * 70_000, "\ud800\r\n\x1a\0"])
@example(value=list(range(1200)) + [i * 0.5 for i in range(1200)])
def test_values_are_those_that_were_pickled(dumps, protocol, value):
    data = dumps(value, protocol)
    # The text of protocol 0 does not tell one NaN from another.
    expected = pickle.loads(data) if protocol == 0 else value
    assert same(revive(load(data)), expected)


@pytest.mark.parametrize("protocol", range(6))
def test_cycles_and_sharing_survive(protocol):
    shared, cycle = [1.5], {}
    cycle["self"] = cycle
    ring = [shared, (shared, cycle)]
    ring.append(ring)
    found = load(pickle.dumps(ring, protocol))
    assert found[2] is found
    assert found[1][0] is found[0]
    assert found[1][1]["self"] is found[1][1]


def test_long_byte_strings_are_views_and_short_ones_copies():
    data = pickle.dumps([b"x" * 511, b"y" * 512], 3)
    short, long = load(data)
    assert short == b"x" * 511
    assert type(long) is memoryview
    assert long.obj is data
    assert long.readonly


def test_machine_reads_one_pickle_after_another():
    first, second = pickle.dumps("one", 0), pickle.dumps("two", 2)
    machine = Machine(b"junk" + first + second + b"tail", 4)
    assert machine.load() == "one"
    assert (machine.position, machine.protocol) == (4 + len(first), 0)
    assert machine.load() == "two"
    assert (machine.position, machine.protocol) == (4 + len(first) + len(second), 2)


def test_an_end_before_that_of_the_buffer_is_an_end():
    data = pickle.dumps(list(range(100)), 2)
    with pytest.raises(TruncatedError):
        Machine(data, 0, len(data) - 1).load()


@pytest.mark.parametrize("protocol", range(6))
def test_the_protocol_is_that_of_the_opcodes(protocol):
    machine = Machine(pickle.dumps([1.5, "text"], protocol))
    machine.load()
    assert machine.protocol == protocol


def test_names_are_kept_in_the_order_in_which_they_came():
    data = b"(cb\nB\nca\nA\ncb\nB\nl."
    machine = Machine(data)
    one, two, again = machine.load()
    assert one is again
    assert [(named.dotted, named.offset) for named in machine.globals.values()] == [
        ("b.B", 1),
        ("a.A", 6),
    ]
    assert two.dotted == "a.A"


@pytest.mark.parametrize("protocol", range(6))
def test_every_truncation_is_named_as_one(protocol):
    value = [1.5, "text", 300, b"bytes" * 200, {"key": (1, 2)}, 2**70, -5, None, True]
    data = pickle.dumps(value, protocol)
    for length in range(len(data)):
        with pytest.raises(DamagedError) as caught:
            load(data[:length])
        assert isinstance(caught.value, TruncatedError), (length, str(caught.value))
        assert caught.value.where <= length


@pytest.mark.parametrize(
    ("data", "offset"),
    [
        (b"\x80\x02]q\x00\xff.", 5),  # no opcode
        (b"N0.", 2),  # nothing left for STOP
        (b"(1.", 2),
        (b"N.", None),
        (b"Na.", 1),  # APPEND to nothing
        (b"](u.", 2),  # SETITEMS on a list
        (b"}(Nu.", 3),  # a key without a value
        (b"}]Ns.", 3),  # an unhashable key
        (b"NN\x87.", 2),  # TUPLE3 of two
        (b"X\x02\x00\x00\x00\xff\xff.", 0),  # not UTF-8
        (b"T\xff\xff\xff\xffabc.", 0),  # a negative length
        (b"\x8b\xff\xff\xff\xffabc.", 0),
    ],
)
def test_errors_name_the_offset(data, offset):
    if offset is None:
        assert load(data) is None
        return
    with pytest.raises(DamagedError) as caught:
        load(data)
    assert caught.value.where == offset


@pytest.mark.parametrize(
    "data",
    [
        *(b"T\xff\xff\xff\x7f", b"X\xff\xff\xff\xff", b"B\xff\xff\xff\xff", b"U\xff", b"C\xff"),
        *(b"\x8d" + b"\xff" * 8, b"\x8e" + b"\xff" * 8, b"\x96" + b"\xff" * 8, b"\x8a\xff"),
        *(b"\x8b\xff\xff\xff\x7f", b"\x95" + b"\xff" * 8, b"\x8c\xff"),
    ],
)
def test_a_length_past_the_end_is_a_truncation(data):
    with pytest.raises(TruncatedError):
        load(data + b"abc.")


def test_a_line_that_ends_in_a_carriage_return_is_named():
    for data in (b"cos\r\nsystem\r\n.", b"S'a'\r\n.", b"S'" + b"a" * 70_000 + b"'\r\n."):
        with pytest.raises(TextModeError):
            load(data)


def test_messages_stay_short():
    long = b"x" * 60_000
    for data in (
        b"F" + long + b"\n.",
        b"(c" + long + b"\n" + long + b"\nNb.",
        b"g" + long + b"\n.",
    ):
        with pytest.raises(LegacyWeightsError) as caught:
            load(data)
        assert len(str(caught.value)) < 500


@pytest.mark.parametrize(
    ("limits", "data"),
    [
        (Limits(marks=10), b"(" * 11),
        (Limits(line=10), b"c" + b"x" * 11 + b"\ny\n."),
        (Limits(digits=5000), b"L" + b"9" * 5001 + b"\n."),
        (Limits(key=20), b"}(" + b"N" * 21 + b"tNs."),
        (Limits(nesting=3), b"})\x85\x85\x85Ns."),
        (Limits(free=100, growth=0), b"cnumpy\nscalar\ncnumpy\ndtype\n(U\x04V101tR\x85R."),
    ],
)
def test_each_limit_limits(limits, data):
    with pytest.raises(LimitError):
        load(data, limits=limits)


def test_within_its_limits_a_pickle_is_read():
    assert load(b"(" * 10 + b"l" * 10 + b".", limits=Limits(marks=10)) == [[[[[[[[[[]]]]]]]]]]
    assert load(b"L" + b"9" * 5000 + b"\n.", limits=Limits(digits=5000)) == 10**5000 - 1
    assert load(b"}(" + b"N" * 20 + b"tNs.", limits=Limits(key=20)) == {(None,) * 20: None}
    assert load(b"})\x85\x85Ns.", limits=Limits(nesting=3)) == {(((),),): None}


REFUSALS = {"DamagedError", "TruncatedError", "LimitError"}
CHILD = """
import json, resource, sys, time
sys.path.insert(0, sys.argv[1])
from bombs import BOMBS
from legacy_weights.errors import LegacyWeightsError
from legacy_weights.pickles import Machine

resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
for name, data in BOMBS.items():
    began, outcome = time.process_time(), "read"
    try:
        value = Machine(data).load()
        del value  # what was made must not overflow the stack when it goes
    except LegacyWeightsError as error:
        outcome = type(error).__name__
    except BaseException as error:
        outcome = f"foreign: {error!r:.200}"
    print(json.dumps([name, outcome, time.process_time() - began]), flush=True)
"""


@pytest.fixture(scope="module")
def outcomes():
    """Return what became of each bomb, in one gigabyte of address space."""
    pytest.importorskip("resource")
    run = subprocess.run(
        [sys.executable, "-c", CHILD, str(Path(__file__).parent.parent)],
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
    )
    return {name: found for name, *found in map(json.loads, run.stdout.splitlines())}


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_are_harmless(outcomes, name):
    outcome, seconds = outcomes[name]
    assert outcome in (REFUSALS if name in REFUSED else {"read"})
    assert seconds < 10
