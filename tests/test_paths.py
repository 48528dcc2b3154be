"""Names as path components: what stands in the table of the module, and what must always hold."""

import hashlib
import random
import time
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from legacy_weights import paths

# Lone surrogates too, which hypothesis leaves out by default.
ANY = st.text(st.characters(exclude_categories=()), max_size=60)


@pytest.mark.parametrize(
    ("name", "component"),
    [
        ("conv1.W", "conv1.W"),
        ("W", "W"),
        ("größe", "größe"),
        ("a/b", "a%2Fb"),
        (".", "%2E"),
        ("..", "%2E%2E"),
        ("...", "..."),
        (".x", ".x"),
        ("", "%"),
        ("%", "%25"),
        ("100%", "100%25"),
        ("%2F", "%252F"),
        ("a\nb", "a%0Ab"),
        ("nul\0", "nul%00"),
        ("\x7f\x9f", "%7F%C2%9F"),
        ("\u2028", "%E2%80%A8"),
        ("\ud800", "%ED%A0%80"),
        ("_c_W", "%5Fc_W"),
        ("_v_attrs", "%5Fv_attrs"),
        ("_W", "_W"),
        ("__members__", "%5F_members__"),
        ("__members", "__members"),
        ("with space ", "with space "),
    ],
)
def test_a_name_and_its_component(name, component):
    assert paths.encode(name) == component
    assert paths.decode(component) == name


@settings(deadline=None)
@given(ANY)
def test_every_name_comes_back(name):
    assert paths.decode(paths.encode(name)) == name


@settings(deadline=None)
@given(ANY)
def test_a_component_is_one_for_every_store(name):
    component = paths.encode(name)
    assert component not in ("", ".", "..", "__members__")
    assert not component.startswith(("_c_", "_f_", "_g_", "_v_", "_i_", "_p_"))
    assert "/" not in component
    assert not any(ord(char) < 0x20 or 0x7F <= ord(char) < 0xA0 for char in component)
    component.encode()  # no lone surrogates


@settings(deadline=None)
@given(ANY, ANY)
def test_two_names_have_two_components(one, other):
    assert (paths.encode(one) == paths.encode(other)) == (one == other)


@pytest.mark.parametrize("name", ["x" * 241, "é" * 121, "/" * 81, "\ud800" * 28, "a" * 1_000_000])
def test_a_long_name_is_cut_and_told_from_others(name):
    component = paths.encode(name)
    assert len(component.encode()) <= 240
    whole = "".join(
        char
        if char in "xéa"
        else "".join(f"%{b:02X}" for b in char.encode("utf-8", "surrogatepass"))
        for char in name
    )
    assert component.endswith("%~" + hashlib.sha256(whole.encode()).hexdigest()[:16])
    assert paths.encode(name + "x") != component


def test_a_name_of_240_bytes_is_whole():
    assert paths.encode("x" * 240) == "x" * 240
    assert paths.encode("é" * 120) == "é" * 120


def test_join_and_split():
    assert paths.join(("snapshots", "model", "a/b", "")) == "/snapshots/model/a%2Fb/%"
    assert paths.split("/snapshots/model/a%2Fb/%") == ("snapshots", "model", "a/b", "")
    assert paths.join(()) == "/"
    assert paths.split("/") == ()


@settings(deadline=None)
@given(st.lists(ANY, max_size=5))
def test_a_path_comes_back(names):
    assert paths.split(paths.join(names)) == tuple(names)


@pytest.mark.parametrize(
    "ordered",
    [
        ["layer1", "layer2", "layer10"],
        ["", "0", "2", "10", "W", "W1", "W1b", "W2", "W10"],
        ["W01", "W1", "W2"],
        ["x1y2", "x1y10", "x2y1"],
        ["0" * 400 + "1", "2"],
        ["²", "³"],
        ["W", "\ud800"],
    ],
)
def test_names_sort_naturally(ordered):
    assert sorted(random.Random(0).sample(ordered, len(ordered)), key=paths.natural) == ordered


@settings(deadline=None)
@given(ANY, ANY)
def test_natural_order_is_total(one, other):
    first, second = paths.natural(one), paths.natural(other)
    assert (first == second) == (one == other)
    assert (first < second) or (second < first) or one == other


def test_a_key_of_a_megabyte_is_sorted_at_once():
    names = ["1a" * 500_000 + end for end in "ba"]
    tracemalloc.start()
    began = time.process_time()
    assert sorted(names, key=paths.natural) == names[::-1]
    assert time.process_time() - began < 1
    assert tracemalloc.get_traced_memory()[1] < 20e6
    tracemalloc.stop()
