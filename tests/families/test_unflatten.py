"""A flat vector is cut into the arrays of its layout, exactly or not at all."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from legacy_weights.errors import LayoutError
from legacy_weights.families.unflatten import Entry, unflatten
from legacy_weights.tree import Array, Leaf, Role, Trainable


def leaf(values, **more):
    array = Array.of(np.asarray(values))
    return Leaf("/snapshots/model/0", "0", array, Role.WEIGHT, origins=("['params']",), **more)


def test_arrays_follow_each_other_in_c_order():
    values = np.arange(8.0)
    layout = [Entry("hidden/W", (2, 3)), Entry("hidden/b", ()), Entry("s", (1,))]
    snapshot, vector = unflatten(leaf(values), layout, note="layout x.json")
    found = {part.name: part.array.load() for part in snapshot.leaves}
    assert found["hidden/W"].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert found["hidden/b"].tolist() == 6
    assert found["s"].tolist() == [7]
    assert [part.path for part in snapshot.leaves] == [
        "/snapshots/model/hidden/W",
        "/snapshots/model/hidden/b",
        "/snapshots/model/s",
    ]
    assert [part.origins for part in snapshot.leaves] == [
        ("['params'][0:6]",),
        ("['params'][6:7]",),
        ("['params'][7:8]",),
    ]
    assert [start for _, start in snapshot.layout()] == [0, 6, 7]
    assert (snapshot.order, snapshot.order_note) == ("stated", "layout x.json")
    assert np.shares_memory(found["hidden/W"], values)
    assert (vector.path, vector.name, vector.role) == ("/other/data/theta", "theta", "data")
    assert vector.trainable is Trainable.NO
    assert vector.array.load() is values


@settings(deadline=None)
@given(st.lists(st.lists(st.integers(0, 4), max_size=3), max_size=6))
def test_the_parts_are_the_vector(shapes):
    layout = [Entry(str(number), tuple(shape)) for number, shape in enumerate(shapes)]
    size = sum(int(np.prod(entry.shape)) for entry in layout)
    values = np.arange(size, dtype=">f4")
    snapshot, _ = unflatten(leaf(values), layout, note="")
    parts = [part.array.load() for part in snapshot.leaves]
    joined = np.concatenate([part.ravel() for part in parts]) if parts else np.empty(0)
    assert joined.tolist() == values.tolist()
    for part, entry in zip(snapshot.leaves, layout, strict=True):
        assert part.array.shape == entry.shape == part.array.load().shape
        assert part.array.dtype == np.dtype(">f4")


@pytest.mark.parametrize("length", [5, 7])
def test_both_numbers_are_in_the_error(length):
    with pytest.raises(LayoutError) as caught:
        unflatten(leaf(np.zeros(length)), [Entry("W", (2, 3))], note="")
    assert caught.value.exit_status == 2
    assert str(length) in str(caught.value)
    assert "6" in str(caught.value)


def test_a_matrix_is_no_vector():
    with pytest.raises(LayoutError):
        unflatten(leaf(np.zeros((2, 3))), [Entry("W", (2, 3))], note="")


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (["W", "b", "W"], "the name 'W' 2 times"),
        (["a", "a/b"], "the array 'a' and, as if that were a group, 'a/b'"),
        (["a/b/c", "a/b"], "the array 'a/b' and, as if that were a group, 'a/b/c'"),
    ],
)
def test_names_that_cannot_stand_beside_each_other(names, found):
    layout = [Entry(name, (1,)) for name in names]
    with pytest.raises(LayoutError, match=found):
        unflatten(leaf(np.zeros(len(names))), layout, note="")


def test_hard_names_are_kept():
    layout = [Entry(name, (1,)) for name in ("", "..", "a%2Fb", "x/", "ab", "abc")]
    snapshot, _ = unflatten(leaf(np.zeros(6)), layout, note="")
    assert [part.name for part in snapshot.leaves] == ["", "..", "a%2Fb", "x/", "ab", "abc"]
    assert len({part.path for part in snapshot.leaves}) == 6


def test_the_vector_takes_nobodys_place():
    vector = leaf(np.zeros(2), links=(("/snapshots/model/tied", "tied"),))
    taken = {"/other/data/theta", "/other/data/theta (2)"}
    _, kept = unflatten(vector, [Entry("W", (2,))], note="", taken=taken)
    assert (kept.path, kept.name) == ("/other/data/theta (3)", "theta (3)")
    assert kept.links == ()


def test_ten_thousand_arrays():
    layout = [Entry(f"{number}/W", (1,)) for number in range(10_000)]
    snapshot, _ = unflatten(leaf(np.zeros(10_000)), layout, note="")
    assert len(snapshot.leaves) == 10_000
