"""Rows that become columns."""

import numpy as np
import pytest

from legacy_weights.errors import UsageError
from legacy_weights.saving.columns import Columns


def filled(columns, *rows):
    made = Columns(columns)
    for row in rows:
        made.add(row)
    (table,) = made.tables()
    assert (table.path, table.length) == ("/log", len(rows))
    return {name: column.load() for name, column in table.columns.items()}


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        ([1, 2], "i8"),
        ([1, 2.5], "f8"),
        ([2.5, 1], "f8"),
        ([True, 2], "i8"),
        ([np.float32(1), np.float32(2)], "f4"),
        ([1.0, 2j], "c16"),
        ([float("nan"), 1, 2j], "c16"),
        (["a", "abc", ""], "U3"),
        ([b"a", b"abc"], "S3"),
        ([np.datetime64("2016-01-01"), np.datetime64("2016-01-01T00:00:01")], "M8[s]"),
        ([np.datetime64("NaT", "D"), np.datetime64("2016-01-01T00:00:01")], "M8[s]"),
        ([[1, 2], [3, 4.5]], "f8"),
    ],
)
def test_a_column_has_the_dtype_of_its_values(values, dtype):
    found = filled(["x"], *([value] for value in values))["x"]
    assert found.dtype == np.dtype(dtype)
    assert np.array_equal(found, np.array(values, dtype), equal_nan=found.dtype.kind in "fcM")


def test_many_rows_in_the_order_of_the_columns():
    rows = [{"b": -i, "a": i} if i % 2 else (i, -i) for i in range(1000)]
    found = filled(("a", "b"), *rows)
    assert found["a"].tolist() == list(range(1000))
    assert found["b"].tolist() == [-i for i in range(1000)]


def test_a_dtype_that_is_given():
    found = filled({"n": "i4", "x": np.float32, "s": "U4"}, [1.0, 0.1, "ab"], [2, 1, "abcd"])
    assert [values.dtype.str for values in found.values()] == ["<i4", "<f4", "<U4"]
    assert found["x"].tolist() == [float(np.float32(0.1)), 1]


def test_no_columns():
    assert Columns([]).tables() == ()


@pytest.mark.parametrize(
    ("columns", "rows", "message"),
    [
        (["a", "b"], [{"a": 1}], "a row does not fit: it lacks b"),
        (["a"], [{"a": 1, "c": 2}], "a row does not fit: no column is called c"),
        (["a", "b"], [(1,)], "a row has 1 values; expected 2: a, b"),
        (["a"], [[None]], "column 'a' is to have a NoneType; expected a number or text"),
        (["a"], [[1], ["x"]], "column 'a' has int64 and is to have 'x'"),
        (["a"], [["x"], [1]], "column 'a' has <U1 and is to have 1"),
        (["a"], [[1], [[1, 2]]], "is to have a list of shape"),
        (["a"], [[2**53 + 1], [0.5]], "expected values that one dtype holds exactly"),
        (["a"], [[0.5], [2**53 + 1]], "expected values that one dtype holds exactly"),
        (["a"], [[2**70]], "column 'a' is to have a int"),
        ({"a": "i4"}, [[1.5]], "column 'a' has int32 and is to have 1.5"),
        ({"a": "i4"}, [[float("nan")]], "has int32 and is to have nan"),
        ({"a": "i4"}, [[2**31]], "has int32"),
        ({"a": "f8"}, [[1j]], "has float64 and is to have 1j"),
        ({"a": "U2"}, [["abc"]], "has <U2 and is to have 'abc'"),
    ],
)
def test_a_row_that_does_not_fit_changes_nothing(columns, rows, message):
    made = Columns(columns)
    for row in rows[:-1]:
        made.add(row)
    with pytest.raises(UsageError, match=message):
        made.add(rows[-1])
    assert made.length == len(rows) - 1
    (table,) = made.tables()
    assert all(column.shape[0] == len(rows) - 1 for column in table.columns.values())


@pytest.mark.parametrize(
    ("columns", "message"),
    [(["a", "a"], "the columns are"), ([3], "the columns are"), ({"a": object}, "to be of object")],
)
def test_columns_that_cannot_be(columns, message):
    with pytest.raises(UsageError, match=message):
        Columns(columns)
