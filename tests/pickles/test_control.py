import io
import pickle
import struct

import pytest
from revive import load, revive

from legacy_weights.errors import DamagedError, LimitError
from legacy_weights.pickles import Machine
from legacy_weights.pickles.objects import PersistentId
from legacy_weights.pickles.opcodes import MemoError, TextModeError, TruncatedError


@pytest.mark.parametrize("version", range(6))
def test_proto(version):
    machine = Machine(b"\x80" + bytes([version]) + b"N.")
    assert machine.load() is None
    # PROTO itself came with protocol 2
    assert machine.protocol == max(version, 2)
    assert machine.python3 == (version > 2)


@pytest.mark.parametrize("version", [6, 7, 255])
def test_a_protocol_of_the_future(version):
    with pytest.raises(DamagedError, match=f"protocol {version} does not exist"):
        load(b"\x80" + bytes([version]) + b"N.")


@pytest.mark.parametrize("length", [0, 1, 2, 3])
def test_frames_may_lie_about_where_they_end(length):
    assert load(b"\x80\x04\x95" + struct.pack("<Q", length) + b"NNN.") is None


@pytest.mark.parametrize("length", [5, 2**31, 2**63, 2**64 - 1])
def test_a_frame_that_does_not_fit(length):
    with pytest.raises(TruncatedError, match="does not fit"):
        load(b"\x80\x04\x95" + struct.pack("<Q", length) + b"NNN.")


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b"K\x01K\x020.", 1),  # POP
        (b"K\x01(0.", 1),  # POP of a MARK
        (b"K\x01(K\x02K\x031.", 1),  # POP_MARK
        (b"K\x01(1.", 1),
        (b"K\x012\x86.", (1, 1)),  # DUP
        (b"](K\x01K\x02\x85e.", [1, (2,)]),
        (b"((K\x01lt.", ([1],)),
        (b"K\x01K\x02.", 2),  # what is left over is nobody's
        (b"(K\x01.", 1),
    ],
)
def test_the_stack(data, value):
    assert load(data) == value


@pytest.mark.parametrize("data", [b"0.", b"1.", b"2.", b"(2.", b"K\x01(2.", b".", b"(."])
def test_nothing_on_the_stack(data):
    with pytest.raises(DamagedError):
        load(data)


@pytest.mark.parametrize("put", [b"p7\n", b"p007\n", b"q\x07", b"r\x07\0\0\0"])
@pytest.mark.parametrize("get", [b"g7\n", b"h\x07", b"j\x07\0\0\0"])
def test_the_memo(put, get):
    found = load(b"]" + put + get + b"\x86.")
    assert found == ([], [])
    assert found[0] is found[1]


def test_memoize_counts():
    assert load(b"K\x05\x94K\x06\x940h\x00h\x01\x86.") == (5, 6)
    # as CPython does, by the number of entries
    data = b"(K\x05q\x07K\x06\x94h\x07h\x01t."
    assert load(data) == pickle.loads(data) == (5, 6, 5, 6)


def test_an_entry_of_the_memo_can_be_set_anew():
    assert load(b"(K\x01q\0h\0K\x02q\0h\0t.") == (1, 1, 2, 2)


@pytest.mark.parametrize("index", [2**31, 2**32 - 1])
def test_a_large_index_costs_nothing(index):
    raw = struct.pack("<I", index)
    assert load(b"Nr" + raw + b"0j" + raw + b".") is None


def test_a_large_index_in_text():
    assert load(b"Np%d\n0g%d\n." % (10**18, 10**18)) is None


@pytest.mark.parametrize("get", [b"g7\n", b"h\x07", b"j\x07\0\0\0"])
def test_what_was_never_remembered(get):
    with pytest.raises(MemoError, match="memo entry 7 was never set"):
        load(b"]q\x06" + get + b".")


@pytest.mark.parametrize("index", [b"-1", b"", b"x", b"1_0", b" 1", b"0x1", b"9" * 30])
@pytest.mark.parametrize("code", [b"p", b"g"])
def test_what_is_no_index(code, index):
    with pytest.raises(DamagedError, match="no memo index"):
        load(b"N" + code + index + b"\n.")


def test_an_index_in_text_mode_or_cut_off():
    for code in (b"p", b"g"):
        with pytest.raises(TextModeError):
            load(b"N" + code + b"1\r\n.")
        with pytest.raises(TruncatedError):
            load(b"N" + code + b"1")
        with pytest.raises(LimitError):
            load(b"N" + code + b"1" * 100_000)


@pytest.mark.parametrize("put", [b"p0\n", b"q\0", b"r\0\0\0\0", b"\x94"])
def test_nothing_to_remember(put):
    with pytest.raises(DamagedError):
        load(put + b"N.")


class Outside(pickle.Pickler):
    def persistent_id(self, obj):
        return obj if isinstance(obj, frozenset | str) else None


def test_persistent_ids_are_records():
    found = load(b"(Parray-1\nU\x07array-2QK\x07QNQ(K\x01tQ](K\x01eQt.")
    assert all(type(part) is PersistentId for part in found)
    assert [part.pid for part in found] == [b"array-1", b"array-2", 7, None, (1,), [1]]
    assert [part.offset for part in found] == [1, 19, 22, 24, 29, 35]


@pytest.mark.parametrize("protocol", range(6))
def test_persistent_ids_are_handed_to_the_reader(protocol):
    file = io.BytesIO()
    Outside(file, protocol).dump(["array-1", 5, "array-1"])
    asked = []

    def persistent_load(pid, offset):
        asked.append((pid, offset))
        return len(asked)

    assert load(file.getvalue(), persistent_load=persistent_load) == [1, 5, 2]
    assert [revive(pid) for pid, _ in asked] == [b"array-1" if protocol == 0 else "array-1"] * 2


def test_a_reader_may_refuse_a_persistent_id():
    def refuse(pid, offset):
        raise DamagedError("there is no such member", where=offset)

    with pytest.raises(DamagedError, match="no such member"):
        load(b"Parray-1\n.", persistent_load=refuse)


@pytest.mark.parametrize("code", [b"\x82\x01", b"\x83\x01\x00", b"\x84\x01\0\0\0"])
def test_extensions_are_named(code):
    with pytest.raises(DamagedError, match="copy_reg extension registry") as caught:
        load(b"\x80\x02" + code + b".")
    assert caught.value.where == 2
