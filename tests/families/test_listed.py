"""Lists of parameters: which weights they state, and in which order."""

import time
from collections import OrderedDict, deque

import numpy as np
import pytest
from stubs import clone, graph, interpret, model, result, shared, stub, weights

from legacy_weights.families.graph import Graph
from legacy_weights.families.listed import stated_lists
from legacy_weights.families.naming import Cell
from legacy_weights.tree import Trainable


def order(value):
    """Return the names in order, the order and its note."""
    found = interpret(value)
    (snapshot,) = found.snapshots
    return [*weights(found)], str(snapshot.order), snapshot.order_note


def numbers(count):
    return [np.arange(float(number + 1)) for number in range(count)]


def test_the_names_of_the_parameters():
    """kusanagi's ``get_params`` (kusanagi/ghost/regression/BaseRegressor.py) goes by them."""
    w, b, noise = (shared(size, name) for size, name in [(2, "net>W"), (3, "net>b"), (1, "noise")])
    state = {"net>W": w, "net>b": b, "noise": noise, "param_names": ["net>b", "gone", "net>W"]}
    assert order(state) == (["net>b", "net>W"], "stated", "`param_names` list")
    (snapshot,) = interpret(state).snapshots
    assert [leaf.name for leaf in snapshot.leaves if leaf.role == "state"] == ["noise"]
    assert order(model(**state))[0] == ["net>b", "net>W"]


def test_names_of_parameters_that_are_fixed():
    """``get_params`` of kusanagi leaves out what `fixed_params` names."""
    w, b = shared(2, "W"), shared(3, "b")
    found = interpret({"W": w, "b": b, "param_names": ["W", "b"], "fixed_params": ["W", 3]})
    known = {leaf.name: leaf.trainable for leaf in found.snapshots[0].leaves}
    assert known == {"W": Trainable.NO, "b": Trainable.YES}


@pytest.mark.parametrize("names", [3, "W", {"W": 1}, [], [b"\xff", 1, None, ["W"]], ["v"]])
def test_names_of_parameters_that_are_none(names):
    w, b = shared(2, "W", created=2), shared(3, "b", created=1)
    assert order({"W": w, "b": b, "param_names": names})[:2] == (["b", "W"], "created")


def test_a_long_list_of_names_that_many_share():
    names = [f"n{number}" for number in range(20_000)]
    holders = [{"W": shared(1, "W"), "param_names": names} for _ in range(500)]
    start = time.perf_counter()
    interpret(holders)
    assert time.perf_counter() - start < 5


@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_collections_of_parameters(protocol):
    """A class of lists, a named tuple, a queue: each states an order; what it lacks is state."""
    w, b, c = shared(2, "W"), shared(3, "b"), shared(1, "c")
    listed, pair = stub("lost_models.Parameters", list), stub("lost_models.Pair", tuple)
    for params in (listed([w, b]), pair((w, b)), deque([w, b])):
        (snapshot,) = interpret(model(b=b, c=c, W=w, params=params), protocol).snapshots
        found = [(leaf.name, leaf.role) for leaf in snapshot.leaves]
        assert found == [("W", "weight"), ("b", "weight"), ("c", "state")]
        assert snapshot.order_note == "`params` list"


def test_a_set_of_parameters_states_which_but_no_order():
    w, b, c = shared(2, "W"), shared(3, "b"), shared(1, "c")
    found = interpret(model(b=b, c=c, W=w, params={w, b}))
    assert [leaf.role for leaf in found.snapshots[0].leaves] == ["weight", "weight", "state"]
    assert found.snapshots[0].order == "unknown"


def test_parameters_as_keys_of_their_tags():
    """Lasagne's ``layer.params`` (lasagne/layers/base.py, ``add_param``)."""
    w, b = shared(2, "W"), shared(3, "b")
    tags = OrderedDict([(w, {"trainable"}), (b, {"trainable", "bias"})])
    assert order(model(W=w, b=b, params=tags))[:2] == (["W", "b"], "stated")


def mlp():
    """Return the tutorial's two layers, whose lists are parts of the model's."""
    layers = [model(W=shared(2, "W"), b=shared(3, "b")) for _ in range(2)]
    for layer in layers:
        layer.params = [layer.b, layer.W]
    return layers


def test_of_two_lists_the_one_nearest_to_the_root_counts():
    one, two = mlp()
    params = [two.W, one.W, one.b, two.b]
    assert order(model(hidden=one, out=two, params=params))[0] == [
        "out/W",
        "hidden/W",
        "hidden/b",
        "out/b",
    ]


def test_of_two_lists_of_one_object_the_longest_counts():
    w, b = shared(2, "W"), shared(3, "b")
    assert order(model(W=w, b=b, params=[w], all_params=[b, w]))[0] == ["b", "W"]


def test_what_is_no_variable_in_a_list_does_not_matter():
    w, b = shared(2, "W"), shared(3, "b")
    assert order(model(W=w, b=b, params=[None, b, "x", result(w), w]))[0] == ["b", "W"]


def test_lists_in_a_list():
    one, two = mlp()
    both = model(hidden=one, out=two, params=[two.params, one.params])
    assert order(both)[0] == ["out/b", "out/W", "hidden/b", "hidden/W"]


def test_a_clone_in_a_list_stands_for_its_original():
    w, b = shared(2, "W"), shared(3, "b")
    assert order(model(W=w, b=b, params=[clone(b), clone(w)]))[:2] == (["b", "W"], "stated")


def test_a_list_that_holds_a_variable_twice():
    w, b = shared(2, "W"), shared(3, "b")
    assert order(model(W=w, b=b, params=[w, b, w]))[0] == ["W", "b"]


@pytest.mark.parametrize("depth", [2, 8, 30])
def test_deep_lists_in_a_list_are_looked_into_up_to_a_point(depth):
    value = [np.arange(2.0)]
    for _ in range(depth):
        value = [value]
    found = graph({"params": value, "x": 1})
    (node,) = found.arrays
    assert bool(stated_lists(found, [Cell(node, [node])])) == (depth < 9)


def test_one_list_of_many_objects_is_gone_through_once():
    arrays = numbers(2000)
    params = [[array] for array in arrays]
    value = [{"params": params} for _ in range(2000)]
    began = time.process_time()
    found = Graph(value)
    listed = stated_lists(found, [Cell(node, [node]) for node in found.arrays])
    assert len(listed) == 2000
    assert time.process_time() - began < 10
