"""Names and keys as text: decoded, told apart by type, of bounded length."""

import time

import numpy as np
import pytest

from legacy_weights.families.labels import class_of, key_repr, label, short, text_of, typed_label
from legacy_weights.pickles.objects import Global, Instance


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("W", "W"),
        (b"W", "W"),
        (b"caf\xc3\xa9", "café"),
        (b"q\xe9", "qé"),
        ("\ud800", "\ud800"),
        (0, "0"),
        (None, "None"),
        (True, "True"),
        (2.5, "2.5"),
        (float("nan"), "nan"),
        ((1, "a"), "(1, 'a')"),
        ((1,), "(1,)"),
        (((1, 2), 3), "((1, 2), 3)"),
        (np.int64(3), "3"),
        (np.str_("W"), "W"),
        (np.bytes_(b"W"), "W"),
        (memoryview(b"W"), "W"),
        (Global("m", "C"), "m.C"),
        (Instance(Global("m", "C"), (), 0), "<m.C>"),
    ],
)
def test_a_key_as_text(key, text):
    assert text_of(key) == text
    assert type(text_of(key)) is str
    assert label(key) == text


def test_keys_of_equal_text_are_told_apart():
    keys = ["0", 0, b"q\xe9", "qé", None, "None", 2.5, "2.5", (1, "a"), "(1, 'a')", True, "True"]
    assert len({typed_label(key) for key in keys}) == len(keys)
    assert typed_label(0) == "0 (int)"
    assert typed_label(b"q\xe9") == "qé (bytes)"
    assert typed_label(b"W") == "W"  # a str of Python 2, as most names are


@pytest.mark.parametrize(
    ("key", "shown"),
    [("W", "'W'"), (b"W", "'W'"), (b"q\xe9", r"b'q\xe9'"), ("qé", "'qé'"), (3, "3"), ("'", '"\'"')],
)
def test_a_key_in_a_path(key, shown):
    assert key_repr(key) == shown


@pytest.mark.parametrize("key", ["k" * 400, b"k" * 400])
def test_a_name_of_400_characters_is_whole(key):
    assert label(key) == "k" * 400


@pytest.mark.parametrize(
    "key", ["k" * 1_000_000, b"k" * 1_000_000, memoryview(b"\xff" * 1_000_000)]
)
def test_a_name_of_a_megabyte_is_cut_and_says_so(key):
    assert len(label(key)) < 2000
    assert "1,000,000" in label(key)
    assert label(key) != label(key[:-1])


def test_the_thousand_objects_below_one_key_share_its_text():
    key = b"conv1.W"
    assert label(key) is label(bytes(bytearray(key)))


def test_a_key_that_holds_itself_many_times_over_is_cut():
    nested = ("x" * 300,)
    for _ in range(40):
        nested = (nested,) * 20
    began = time.process_time()
    assert len(key_repr(nested)) < 100_000
    assert time.process_time() - began < 1


def test_integers_are_never_printed_at_length():
    assert len(key_repr(1 << 1_000_000)) <= 80


def test_a_text_is_cut_to_its_beginning():
    assert short("x" * 240) == "x" * 240
    assert short("x" * 241) == "x" * 220 + "…(241 characters)"


def test_the_class_of_chained_calls_is_the_first_callable():
    call = Instance(Global("m", "make"), (), 0)
    for _ in range(3):
        call = Instance(call, (), 0)
    assert class_of(call) == "m.make"


def test_the_name_of_a_class_is_bounded():
    call = Instance(Global("m" * 60_000, "C" * 60_000), (), 0)
    assert len(class_of(call)) < 500
    for _ in range(100_000):
        call = Instance(call, (), 0)
    began = time.process_time()
    class_of(call)
    assert time.process_time() - began < 0.1
