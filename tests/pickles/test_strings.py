import pickle
import pickletools
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from revive import load, revive

from legacy_weights.errors import DamagedError
from legacy_weights.pickles import Machine
from legacy_weights.pickles.objects import Instance


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        (b"''", b""),
        (b'""', b""),
        (b"'abc'", b"abc"),
        (b'"it\'s"', b"it's"),
        (rb"'\'\"\\'", b"'\"\\"),
        (rb"'\x00\xff\n\t\r'", b"\x00\xff\n\t\r"),
        (rb"'\101\0'", b"A\0"),
        (b"'\xe9'", b"\xe9"),
        (rb"'\d'", rb"\d"),  # no escape: Python 2 keeps it, Python 3 warns of it
        (rb"'\u1234'", rb"\u1234"),
    ],
)
def test_strings_of_python_2_in_text_form(argument, value):
    machine = Machine(b"S" + argument + b"\np0\n.")
    found = machine.load()
    assert type(found) is bytes
    assert found == value
    assert machine.python2


@pytest.mark.parametrize(
    "argument", [b"", b"'", b"abc", b"'abc", b"abc'", b"'abc\"", rb"'\x1'", rb"'abc\'"]
)
def test_what_is_no_string(argument):
    with pytest.raises(DamagedError):
        load(b"S" + argument + b"\n.")


@given(st.binary(max_size=300))
def test_byte_strings_stay_bytes(raw):
    opcodes = [
        b"T" + struct.pack("<i", len(raw)) + raw,
        b"B" + struct.pack("<I", len(raw)) + raw,
        b"\x8e" + struct.pack("<Q", len(raw)) + raw,
    ]
    if len(raw) < 256:
        opcodes += [b"U" + bytes([len(raw)]) + raw, b"C" + bytes([len(raw)]) + raw]
    for opcode in opcodes:
        assert load(opcode + b".") == raw
        assert load(b"(" + opcode + b"N" * 9 + b"t.")[0] == raw


def test_only_opcodes_of_python_2_tell_of_it():
    for code in b"STU":
        argument = b"''\n" if code == ord("S") else bytes(4 if code == ord("T") else 1)
        machine = Machine(bytes([code]) + argument + b".")
        assert machine.load() == b""
        assert machine.python2
    for protocol in range(6):
        machine = Machine(pickle.dumps([b"bytes", "text", 1.5], protocol))
        machine.load()
        assert not machine.python2


@settings(max_examples=40)
@given(st.text(st.characters(codec=None, exclude_categories=()), max_size=80))
@pytest.mark.parametrize("protocol", [0, 1, 4])
def test_text_with_lone_surrogates(protocol, text):
    assert load(pickle.dumps(text, protocol)) == text


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        (b"", ""),
        (rb"\u00e9\u20ac\U0001d11e", "é€𝄞"),
        (rb"\u005cn\u000a", "\\n\n"),
        (b"\xe9\r", "é\r"),  # Python 2 escapes neither
        (rb"a\n", "a\\n"),
        (rb"\ud800", "\ud800"),
    ],
)
def test_unicode_strings_in_text_form(argument, value):
    assert load(b"V" + argument + b"\n.") == value


def test_unicode_beyond_unicode():
    for data in (rb"V\U00110000" + b"\n.", b"X\x04\0\0\0\xf4\x90\x80\x80.", b"\x8c\x01\xff."):
        with pytest.raises(DamagedError):
            load(data)


def test_bytearrays_are_records_that_carry_their_bytes():
    value = bytearray(b"x" * 600)
    for protocol in range(6):
        found = load(pickle.dumps([value, value], protocol))
        assert type(found[0]) is Instance
        assert found[0] is found[1]
        assert found[0].cls_name in ("builtins.bytearray", "__builtin__.bytearray")
        assert revive(found[0]) == value


@pytest.mark.parametrize("put", [b"q\x07", b"r\x07\0\0\0", b"p7\n", b""])
@pytest.mark.parametrize("tail", [b"N0", b"N0" * 20])
@pytest.mark.parametrize("opcode", [b"U\x03abc", b"X\x03\0\0\0abc", b"\x8c\x03abc"])
def test_strings_are_remembered(opcode, tail, put):
    machine = Machine(opcode + put + tail + b".")
    value = machine.load()
    assert machine.memo == ({7: value} if put else {})
    # a memo opcode as the argument of another is none
    assert load(b"(" + opcode + b"Kq" + b"Kr" + b"K\x94" + b"N" * 5 + b"t.")[1:4] == (113, 114, 148)


@pytest.mark.parametrize("opcode", [b"U\x03abc", b"X\x03\0\0\0abc", b"\x8c\x03abc"])
@pytest.mark.parametrize("put", [b"q", b"r", b"r\0", b"r\0\0\0"])
def test_a_memo_opcode_that_is_cut_off(opcode, put):
    with pytest.raises(DamagedError, match="truncated"):
        load(opcode + put)


def test_strings_end_where_pickletools_ends_them():
    value = [("x" * n, b"y" * n) for n in (0, 1, 254, 255, 256, 300)]
    for protocol in range(3, 6):
        data = pickle.dumps(value, protocol)
        machine = Machine(data + b"tail")
        assert revive(machine.load()) == value
        assert machine.position == [place for *_, place in pickletools.genops(data)][-1] + 1
