"""The history of a training run as a table: hand-computed columns of every kind."""

import math

import numpy as np
import pytest

from legacy_weights.families.histories import table_of
from legacy_weights.pickles.objects import Global, Instance


def column(*values):
    table, notes = table_of("/log", [{"x": value} for value in values])
    assert notes == []
    return table.columns["x"].load()


def ordered(*pairs):
    return Instance(Global("collections", "OrderedDict"), (list(pairs),), 0)


def test_whole_numbers():
    values = column(1, np.int32(2), np.array(3))
    assert (values.dtype, values.tolist()) == (np.int64, [1, 2, 3])


def test_booleans():
    values = column(True, np.bool_(False))
    assert (values.dtype, values.tolist()) == (np.bool_, [True, False])


def test_what_is_missing_is_nan():
    table, _ = table_of("/log", [{"x": 1}, {}, {"x": None}, {"x": np.float32(0.5)}])
    values = table.columns["x"].load()
    assert values.dtype == np.float64
    assert values[[0, 3]].tolist() == [1.0, 0.5]
    assert math.isnan(values[1])
    assert math.isnan(values[2])


def test_booleans_beside_nan():
    """nolearn without a validation set: ``'valid_loss_best': … else np.nan`` (base.py)."""
    values = column(True, math.nan)
    assert values[0] == 1.0
    assert math.isnan(values[1])


def test_text():
    assert column(b"a", "caf\xe9").tolist() == [b"a", "caf\xe9".encode()]


@pytest.mark.parametrize(
    "values",
    [[1, "a"], [[1], [2]], [1 << 60, 0.5], [1 << 70, 1], [1j, 2j], ["x" * 201, "y"], ["a\0", "b"]],
)
def test_what_fits_no_column_is_noted(values):
    rows = [{"x": value, "epoch": number} for number, value in enumerate(values)]
    table, (note,) = table_of("/log", rows)
    assert list(table.columns) == ["epoch"]
    assert "column 'x' is left out" in note


def test_columns_are_sorted_where_nothing_states_their_order():
    table, _ = table_of("/log", [{"b": 1, "a": 2}, {"c10": 1, "c9": 2}])
    assert list(table.columns) == ["a", "b", "c9", "c10"]


def test_columns_of_ordered_rows():
    table, _ = table_of("/log", [ordered(("b", 1), ("a", 2)), ordered(("c", 0), ("a", 3))])
    assert list(table.columns) == ["b", "a", "c"]
    assert table.columns["a"].load().tolist() == [2, 3]


@pytest.mark.parametrize("rows", [None, 7, [], "text", [1, 2], [{"a": 1}, None], [[1]], {"a": 1}])
def test_what_is_no_history(rows):
    assert table_of("/log", rows) == (None, [])


def test_many_references_to_one_row():
    row = {str(number): number for number in range(1000)}
    table, (note,) = table_of("/log", [row] * 1_000_000)
    assert table is None
    assert "too many values" in note


def test_a_column_of_its_own_for_each_row():
    table, (note,) = table_of("/log", [{str(number): 1} for number in range(5000)])
    assert table is None
    assert "too many values" in note
