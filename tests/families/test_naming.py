"""Names: the variable's own, its layer's where that is not unique, the path, the position."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stubs import graph, model, result, shared

from legacy_weights.families.graph import Graph
from legacy_weights.families.naming import (
    Cell,
    Paths,
    distinct,
    name_cells,
    scope,
    without_common_bundle,
)
from legacy_weights.families.values import Bundle

W, B = np.arange(2.0), np.arange(3.0)


def names(value):
    """Return the names by the paths of a value's arrays, as text."""
    namer = Paths()
    return ["/".join(namer.name(node)) for node in graph(value).arrays]


# Paths -----------------------------------------------------------------------------------------


def test_attributes_keys_and_positions():
    assert names(model(layers=[{"W": W}, {"b": B}])) == ["layers/0/W", "layers/1/b"]


def test_positions_are_padded_to_the_length_of_their_holder():
    assert names([np.zeros(1) for _ in range(11)])[::10] == ["00", "10"]
    assert names([np.zeros(1) for _ in range(10)])[9] == "9"
    assert names([None] * 100 + [W]) == ["100"]
    assert names([None] * 3 + [W] + [None] * 97) == ["003"]


def test_the_positions_of_an_array_of_objects_are_those_of_its_shape():
    grid = np.empty((2, 11), object)
    grid[1, 3] = W
    assert names({"g": grid}) == ["g/1/03"]


def test_the_bare_array_has_no_path():
    assert names(W) == [""]


def test_a_list_of_names_and_values_goes_by_the_names():
    assert names([("W", W), ("b", B)]) == ["W", "b"]
    assert names([[b"W", W], [b"b", B]]) == ["W", "b"]
    assert names({"layers": [("conv1", {"W": W}), ("fc", [B])]}) == [
        "layers/conv1/W",
        "layers/fc/0",
    ]


@pytest.mark.parametrize(
    "value",
    [
        [("W", W), ("W", B)],  # not unique: rather the name of a nonlinearity
        [("W", W), ("b", B, 1)],
        [("W", W), B],
        [(1, W), (2, B)],
        ("W", W),
    ],
)
def test_other_lists_do_not(value):
    assert all(name[-1] in "01" for name in names(value))


def test_of_a_deep_path_the_last_components_are_the_name():
    nested = {"W": W, "b": B}
    for number in range(30):
        nested = {f"level{number}": nested}
    first, second = names(nested)
    assert first.split("/")[-3:] == ["level1", "level0", "W"]
    assert second.split("/")[-3:] == ["level1", "level0", "b"]
    assert len(first.split("/")) == 24


def test_a_name_is_of_bounded_length():
    nested = W
    for number in range(20):
        nested = {f"{number}" + "k" * 399: nested}
    assert names(nested) == ["0" + "k" * 399]


def test_names_below_an_object():
    found = graph(model(cell={"a": [W, B]}))
    below = found.arrays[0].parent.parent
    assert [Paths(below=below).name(node) for node in found.arrays] == [("a", "0"), ("a", "1")]


# Layers ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "layer"),
    [
        (model(layers=[model(W=shared(2))]), ("layers", "0")),
        (model(layers=[model(params=[shared(2)])]), ("layers", "0")),
        (model(layers=[model(params=[[shared(2)]])]), ("layers", "0")),
        (model(layers=[model(output=result(shared(2)))]), ("layers", "0")),
        (model(layers=[shared(2)]), ("layers",)),
        (shared(2), ()),
        ({"encoder": {"W": shared(2)}}, ("encoder",)),
    ],
)
def test_the_layer_of_a_variable(value, layer):
    found = graph(value)
    (node,) = [node for node, raw in found.instances() if raw.cls_name.endswith("SharedVariable")]
    assert scope(node) == layer


# Cells -----------------------------------------------------------------------------------------


def cells(value, *own):
    """Return cells of a value's arrays, of which the first have these own names."""
    found = graph(value)
    known = [*own, *[""] * len(found.arrays)]
    return [Cell(node, [node], name) for node, name in zip(found.arrays, known, strict=False)]


def test_the_own_name_comes_before_the_path():
    assert name_cells(cells({"a": W, "b": B}, "theta")) == [("theta",), ("b",)]


def test_own_names_that_are_not_unique_have_their_layer_in_front():
    value = {"hidden": {"x": W}, "out": {"x": B}}
    assert name_cells(cells(value, "W", "W")) == [("hidden", "W"), ("out", "W")]


def test_own_names_that_even_their_layer_does_not_tell_apart_go_by_the_path():
    assert name_cells(cells({"l": {"a": W, "b": B}}, "W", "W")) == [("l", "a"), ("l", "b")]


def test_keys_that_differ_in_type_are_told_apart():
    found = name_cells(cells({0: W, "0": B}))
    assert sorted(found) == [("0",), ("0 (int)",)]


def test_hidden_and_nameless_is_a_position():
    found = graph(model(y=result(shared(1), shared(2))))
    nodes = [node for node, raw in found.instances() if raw.cls_name.endswith("SharedVariable")]
    assert name_cells([Cell(node, []) for node in nodes]) == [("0",), ("1",)]


# Distinct names --------------------------------------------------------------------------------

NAMES = st.lists(
    st.lists(st.sampled_from(["a", "b", "a/b", "a (2)", "a (array)"]), min_size=1, max_size=3).map(
        tuple
    ),
    max_size=12,
)


@settings(deadline=None)
@given(NAMES, NAMES)
def test_distinct_names_can_all_be_paths(first, second):
    second = [*second, *first][: len(first)]
    found = distinct(first, lambda: second)
    assert len(found) == len(first)
    assert len({"/".join(name) for name in found}) == len(found)
    scopes = {name[:end] for name in found for end in range(1, len(name))}
    assert scopes.isdisjoint(found)


@settings(deadline=None)
@given(NAMES)
def test_distinct_names_stay(names):
    found = distinct(names)
    assert distinct(found) == found


@pytest.mark.parametrize(
    ("first", "found"),
    [
        ([("W",), ("b",)], [("W",), ("b",)]),
        ([("W",), ("W",), ("W",)], [("W",), ("W (2)",), ("W (3)",)]),
        ([("W",), ("W", "b")], [("W (array)",), ("W", "b")]),
        ([("a/b",), ("a", "b")], [("a/b",), ("a", "b (2)")]),
        ([("W",), ("W",), ("W (2)",)], [("W",), ("W (2)",), ("W (2) (2)",)]),
    ],
)
def test_names_are_made_distinct(first, found):
    assert distinct(first) == found


def test_the_better_name_is_for_those_that_are_not_unique():
    assert distinct([("W",), ("W",), ("b",)], lambda: [("x", "W"), ("y", "W"), ("z", "b")]) == [
        ("x", "W"),
        ("y", "W"),
        ("b",),
    ]


def test_many_equal_names_take_linear_time():
    began = time.process_time()
    found = distinct([("W",)] * 50_000)
    assert found[-1] == ("W (50000)",)
    assert time.process_time() - began < 5


# Several pickles -------------------------------------------------------------------------------


def test_the_number_of_the_pickle_is_dropped_where_names_are_unique_without():
    bundled = Graph(Bundle([("0", W), ("1", B)], members=False))
    assert without_common_bundle(bundled, [("0", "W"), ("1", "b")]) == [("W",), ("b",)]
    for kept in (
        [("0", "W"), ("1", "W")],
        [("0", "W"), ("1",)],
        [("0", "a"), ("1", "a", "b")],
    ):
        assert without_common_bundle(bundled, kept) == kept
    assert without_common_bundle(Graph([W]), [("0", "W")]) == [("0", "W")]
