import contextlib
import io
import mmap
import pickle
import pickletools
import random
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from revive import revive, same
from support import FIXTURES, MANIFEST, fixture

from legacy_weights.errors import DamagedError, LegacyWeightsError, LimitError
from legacy_weights.pickles.opcodes import TextModeError, TruncatedError
from legacy_weights.readers import pickle as reader

PROTOCOLS = pytest.mark.parametrize("protocol", range(6))
VALUE = {"W": [1.5, 2.5], "name": "layer", "n": 300, "raw": b"x" * 600, "t": (1, None, True)}


def values(data):
    return [revive(value) for value in reader.read(data).values]


def test_a_pickle_begins_with_an_opcode_that_needs_nothing():
    may_begin = {
        ord(opcode.code)
        for opcode in pickletools.opcodes
        if not opcode.stack_before and not opcode.name.endswith(("GET", "PUT"))
    }
    assert {code for code in range(256) if reader.sniff(bytes([code, 2, 0]))} == may_begin


@pytest.mark.parametrize(
    "data", [b"", b"\x80", b"\x80\x06N.", b"\x80\xff", b"\x89PNG"[1:2], b"<html>"]
)
def test_what_begins_no_pickle(data):
    if data != b"P":
        assert not reader.sniff(data)


@PROTOCOLS
def test_one_pickle(protocol):
    content = reader.read(pickle.dumps(VALUE, protocol))
    assert content.kind == f"pickle {protocol}"
    assert content.notes == []
    assert same(revive(content.value()), VALUE)


def test_a_mapped_file(tmp_path):
    path = tmp_path / "a.pkl"
    path.write_bytes(pickle.dumps(VALUE, 0) + pickle.dumps(VALUE, 2) + b"\n" * 70_000)
    with path.open("rb") as file:
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        content = reader.read(mapped)
        assert [revive(value) for value in content.values] == [VALUE, VALUE]
        assert content.kind == "2 × pickle 0/2"


@PROTOCOLS
def test_several_pickles(protocol):
    parts = [["a", ["b"]], np.arange(3.0), {"c": 1}, "a", None]
    content = reader.read(b"".join(pickle.dumps(part, protocol) for part in parts))
    assert content.kind.startswith("5 × pickle ")
    assert same([revive(value) for value in content.values], parts)
    assert len(content.value().entries) == 5


@PROTOCOLS
def test_several_pickles_by_one_pickler(protocol):
    shared = ["shared", {"k": (1.5,)}]
    file = io.BytesIO()
    pickler = pickle.Pickler(file, protocol)
    for number in range(4):
        pickler.dump([shared, f"own {number}", shared])
    first, *rest = reader.read(file.getvalue()).values
    assert first[0] == shared
    for number, value in enumerate(rest, 1):
        assert value[0] is first[0]
        assert value[1:] == [f"own {number}", shared]


def test_protocols_may_change():
    data = b"".join(pickle.dumps(VALUE, protocol) for protocol in (2, 0, 5, 1, 4, 3))
    content = reader.read(data)
    assert content.kind == "6 × pickle 0/1/2/3/4/5"
    assert all(same(revive(value), VALUE) for value in content.values)


def test_many_small_pickles_take_linear_time():
    def seconds(count):
        began = time.process_time()
        assert len(reader.read(b"N." * count).values) == count
        return time.process_time() - began

    seconds(100)
    assert seconds(20_000) < 40 * seconds(1000) + 0.5


@pytest.mark.parametrize("padding", [b"\0", b"\n", b"\r\n", b" \t\0" * 50_000])
def test_padding_is_nothing(padding):
    content = reader.read(pickle.dumps(VALUE, 2) + padding)
    assert len(content.values) == 1
    assert content.notes == []


@pytest.mark.parametrize(
    "garbage",
    [
        *(b"abc", b"\x00\x01", b"\xff" * 100_000, b"I5", b"Some text", b"a\r\nb\r\n"),
        *(b"0", b".", b"c" + b"x" * 70_000, b"T\xff\xff\xff\x7f", b"\x80\x09N.", b"\x80", b"g5\n."),
    ],
)
@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_garbage_is_kept_and_named(protocol, garbage):
    data = pickle.dumps([1, 2], protocol)
    content = reader.read(data + garbage)
    assert content.values[0] == [1, 2]
    assert bytes(content.values[1]) == garbage
    assert content.kind == f"pickle {protocol}"
    assert content.classes == []
    (note,) = content.notes
    assert note.startswith(f"{len(garbage):,} bytes after the last pickle (from byte {len(data)})")


def test_names_in_garbage_are_no_classes():
    content = reader.read(b"cx\nY\n." + b"cos\nsystem\n\xff")
    assert [named.dotted for named in content.classes] == ["x.Y"]


@PROTOCOLS
def test_a_second_pickle_that_is_cut_off(protocol):
    one = pickle.dumps(VALUE, protocol)
    with pytest.raises(TruncatedError, match=r"pickle 3 of the file; 2 before it are complete"):
        reader.read(one + one + one[:-5])


def test_a_second_pickle_that_is_damaged():
    one = pickle.dumps(VALUE, 2)
    for damaged in (one.replace(b"\x88", b"\xff"), pickle.dumps([VALUE] * 2, 0)[:-3] + b"\xff."):
        with pytest.raises(DamagedError, match="pickle 2 of the file"):
            reader.read(one + damaged)


def test_a_later_pickle_beyond_the_limits_is_no_garbage():
    with pytest.raises(LimitError, match="pickle 2 of the file"):
        reader.read(b"N." + b"\x80\x02" + b"(" * 200_000)


def crlf(data):
    return data.replace(b"\n", b"\r\n")


@pytest.mark.parametrize(
    "value", [VALUE, ["a\nb", "c\rd"], b"\r\n\0", np.arange(12.0), {"x": "y" * 70_000}, 1.5, ["x"]]
)
def test_protocol_0_in_text_mode_is_repaired(value):
    data = pickle.dumps(value, 0)
    content = reader.read(crlf(data))
    assert same(revive(content.value()), value)
    (note,) = content.notes
    assert note.startswith(f"{data.count(10):,} line ends were repaired")


def test_several_pickles_in_text_mode_are_repaired():
    content = reader.read(crlf(pickle.dumps(VALUE, 0) * 3))
    assert [revive(value) for value in content.values] == [VALUE] * 3


@pytest.mark.parametrize("protocol", range(1, 6))
def test_binary_protocols_in_text_mode_are_named(protocol):
    value = [np.arange(1000.0), list(range(10, 400)), "text\n" * 50]
    damaged = crlf(pickle.dumps(value, protocol))
    with pytest.raises(DamagedError, match="text-mode transfer"):
        reader.read(damaged)


def test_a_damaged_pickle_without_text_mode_is_not_blamed_on_it():
    data = pickle.dumps([np.arange(10.0), "a\nb"], 2)
    with pytest.raises(DamagedError) as caught:
        reader.read(data[:-10])
    assert "text-mode" not in str(caught.value)


def test_text_mode_of_the_fixtures():
    for name in ("crlf_dict_p1", "crlf_dict_p2"):
        path, _ = fixture(f"pickles/damaged/{name}.pkl")
        with pytest.raises(DamagedError, match="text-mode transfer"):
            reader.read(path.read_bytes())


def test_text_mode_that_cannot_be_repaired_is_named():
    # after the repair there is no STOP
    with pytest.raises(TextModeError):
        reader.read(b"(lp0\r\nI1\r\na")
    with pytest.raises(TextModeError):
        reader.read(b"cx\r\nY\r\n" + b"(" * 200_000)


@pytest.mark.parametrize(
    ("data", "writer"),
    [
        (b"U\1a.", "Python 2"),
        (b"S'a'\n.", "Python 2"),
        (b"(ix\nY\n.", "Python 2"),
        (b"c__builtin__\nbytearray\n(X\1\0\0\0aU\x07latin-1tR.", "Python 2"),
        (pickle.dumps(b"a", 0), "Python 3"),
        (pickle.dumps("a", 3), "Python 3"),
        (pickle.dumps("a", 2), ""),
        (pickle.dumps(1.5, 0), ""),
    ],
)
def test_the_writer_shows_or_not(data, writer):
    assert reader.read(data).writer == writer


def test_classes_are_listed():
    content = reader.read(pickle.dumps([np.float64(1), np.arange(2)], 2))
    names = [named.dotted for named in content.classes]
    assert "numpy.dtype" in names
    assert "numpy._core.multiarray._reconstruct" in names


SEEDS = [
    (FIXTURES / entry["file"]).read_bytes()
    for entry in MANIFEST
    if entry["size"] < 1500 and entry["protocol"] is not None and entry["file"].endswith(".pkl")
]


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=100), st.sampled_from(SEEDS), st.booleans())
def test_anything_behind_and_before_a_pickle(data, seed, text_mode):
    for whole in (seed + data, data + seed):
        with contextlib.suppress(LegacyWeightsError):
            reader.read(crlf(whole) if text_mode else whole)


def test_altered_fixtures():
    chance = random.Random(1996)
    for seed in SEEDS:
        for _ in range(4):
            changed = bytearray(seed)
            changed[chance.randrange(len(changed))] = chance.randrange(256)
            with contextlib.suppress(LegacyWeightsError):
                reader.read(bytes(changed))
