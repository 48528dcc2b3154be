"""Texts for a terminal."""

import pytest

from legacy_weights.terminal import plural, shape, shown, size, table, width


@pytest.mark.parametrize(
    ("name", "cell"),
    [
        ("W", "W"),
        ("", "''"),
        (" ", "' '"),
        (" W", "' W'"),
        ("größe", "größe"),
        ("重み", "重み"),
        ("\t", r"\t"),
        ("x" * 120, "x" * 120),
        ("x" * 100 + "y" * 100, "x" * 60 + "…" + "y" * 59),
    ],
)
def test_a_name_is_seen_as_it_is(name, cell):
    assert shown(name) == cell


def test_columns_are_aligned_by_what_a_terminal_shows():
    rows = [["重み", "1"], ["W", "2"], ["e\u0301x", "3"]]
    assert list(table(rows, ("  ", "  "))) == ["  重み  1", "  W     2", "  e\u0301x    3"]
    assert width("重み") == 4
    assert width("e\u0301") == 1


def test_an_overlong_cell_does_not_widen_the_others():
    long = "x" * 100
    assert list(table([["W", "1"], [long, "2"]], ("", " "))) == ["W 1", f"{long} 2"]


def test_a_table_without_rows():
    assert list(table([], ("", ""))) == []


@pytest.mark.parametrize(
    ("count", "found"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (1023, "1,023 bytes"),
        (1024, "1.0 KiB"),
        (1536, "1.5 KiB"),
        (10_188, "9.9 KiB"),
        (10_240, "10 KiB"),
        (208_478, "204 KiB"),
        (2_892_386, "2.8 MiB"),
        (1_048_575, "1.0 MiB"),
        (1 << 40, "1.0 TiB"),
        (1 << 70, "1048576 PiB"),
    ],
)
def test_sizes(count, found):
    assert size(count) == found


def test_words():
    assert plural(1, "array") == "1 array"
    assert plural(7850, "number") == "7,850 numbers"
    assert shape(()) == "scalar"
    assert shape((784, 10)) == "784×10"
