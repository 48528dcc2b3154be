"""Layouts from outside: JSON, or a migrated file."""

import json
import pickle

import numpy as np
import pytest

import legacy_weights
from legacy_weights.errors import LayoutError, UsageError
from legacy_weights.families.unflatten import Entry
from legacy_weights.layouts import load_layout

LAYOUT = [{"name": "hidden/W", "shape": [2, 3]}, {"name": "hidden/b", "shape": [3]}]


@pytest.fixture
def layout(tmp_path):
    def write(content):
        path = tmp_path / "layout.json"
        raw = content if isinstance(content, bytes) else json.dumps(content).encode()
        path.write_bytes(raw)
        return path

    return write


@pytest.fixture
def vector(tmp_path):
    path = tmp_path / "theta.pkl"
    path.write_bytes(pickle.dumps(np.arange(9.0), 2))
    return path


def test_a_layout_is_names_and_shapes(layout):
    assert load_layout(layout(LAYOUT)) == [Entry("hidden/W", (2, 3)), Entry("hidden/b", (3,))]
    assert load_layout(layout([])) == []
    assert load_layout(layout([{"name": "s", "shape": [], "more": 1}])) == [Entry("s", ())]
    assert load_layout(str(layout(LAYOUT))) == load_layout(layout(LAYOUT))
    assert load_layout(layout(b"\xef\xbb\xbf" + json.dumps(LAYOUT).encode()))[0].name == "hidden/W"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not json",
        b"\xff\xfe\x00",
        b"[" * 100_000,
        {},
        {"name": "W", "shape": [2]},
        ["W"],
        [{"name": "W"}],
        [{"shape": [2]}],
        [{"name": 1, "shape": [2]}],
        [{"name": "W", "shape": [-1]}],
        [{"name": "W", "shape": [2.0]}],
        [{"name": "W", "shape": ["2"]}],
        [{"name": "W", "shape": [True]}],
        [{"name": "W", "shape": 2}],
    ],
)
def test_what_is_no_layout_is_wrong_usage(layout, content):
    path = layout(content)
    with pytest.raises(LayoutError) as caught:
        load_layout(path)
    assert caught.value.exit_status == 2
    assert str(path) in str(caught.value)
    assert '[{"name": "W", "shape": [784, 10]}' in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_error_says_where(layout):
    with pytest.raises(LayoutError, match="1/shape"):
        load_layout(layout([LAYOUT[0], {"name": "b"}]))


@pytest.mark.parametrize("name", ["missing.json", "."])
def test_what_is_no_file_is_wrong_usage(tmp_path, name):
    with pytest.raises(UsageError) as caught:
        load_layout(tmp_path / name)
    assert caught.value.exit_status == 2


# A vector with a layout ------------------------------------------------------------------------


def test_a_flat_vector_is_cut(layout, vector):
    tree = legacy_weights.read(vector, layout=layout(LAYOUT))
    (snapshot,) = tree.snapshots
    assert [leaf.path for leaf in snapshot.leaves] == [
        "/snapshots/model/hidden/W",
        "/snapshots/model/hidden/b",
    ]
    assert snapshot.leaves[1].array.load().tolist() == [6, 7, 8]
    assert [leaf.path for leaf in tree.other] == ["/other/data/theta"]
    assert tree.other[0].array.load().tolist() == list(range(9))
    (record,) = tree.records()
    assert record.content["value"] == {"$array": "/other/data/theta"}
    assert tree.history[0]["action"] == "unflatten"


def test_a_layout_that_does_not_fit_has_both_numbers(layout, vector):
    with pytest.raises(LayoutError) as caught:
        legacy_weights.read(vector, layout=layout(LAYOUT[:1]))
    assert caught.value.exit_status == 2
    assert "9" in str(caught.value)
    assert "6" in str(caught.value)


def test_a_layout_is_for_one_vector(layout, tmp_path):
    for value in ([np.zeros(9), np.zeros(9)], np.zeros((3, 3)), {"n": 1}):
        path = tmp_path / "other.pkl"
        path.write_bytes(pickle.dumps(value, 2))
        with pytest.raises(LayoutError):
            legacy_weights.read(path, layout=layout(LAYOUT))


def test_data_called_theta_keeps_its_place(layout, tmp_path):
    path = tmp_path / "policy.pkl"
    path.write_bytes(pickle.dumps({"params": np.arange(9.0), "theta": np.zeros(2)}, 2))
    tree = legacy_weights.read(path, layout=layout(LAYOUT))
    assert {leaf.path: leaf.array.size for leaf in tree.other} == {
        "/other/data/theta": 2,
        "/other/data/theta (2)": 9,
    }


def test_the_layout_of_a_migrated_file(layout, vector, tmp_path):
    report = legacy_weights.migrate(vector, tmp_path / "first.h5", layout=layout(LAYOUT))
    assert load_layout(report.path) == [Entry("hidden/W", (2, 3)), Entry("hidden/b", (3,))]
    tree = legacy_weights.read(vector, layout=report.path)
    assert [leaf.name for leaf in tree.snapshots[0].leaves] == ["hidden/W", "hidden/b"]


def test_a_migrated_file_without_weights_has_no_layout(tmp_path):
    path = tmp_path / "options.pkl"
    path.write_bytes(pickle.dumps({"n": 1}, 2))
    report = legacy_weights.migrate(path)
    with pytest.raises(LayoutError, match="no snapshot"):
        load_layout(report.path)
