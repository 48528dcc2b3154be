"""The order of weights: what a file states comes before what Theano counted, and a dict is none."""

import time
from collections import OrderedDict, deque

import numpy as np
import pytest
from stubs import clone, dumps, graph, interpret, model, result, shared, stub, weights

from legacy_weights import families
from legacy_weights.families.graph import Graph
from legacy_weights.families.naming import Cell
from legacy_weights.families.order import stated_lists
from legacy_weights.families.values import Bundle
from legacy_weights.pickles import Machine
from legacy_weights.tree import Trainable


def order(value):
    """Return the names in order, the order and its note."""
    found = interpret(value)
    (snapshot,) = found.snapshots
    return [*weights(found)], str(snapshot.order), snapshot.order_note


def numbers(count):
    return [np.arange(float(number + 1)) for number in range(count)]


# What states an order --------------------------------------------------------------------------


def test_a_list_of_parameters():
    w, b = shared(2, "W", created=2), shared(3, "b", created=1)
    assert order(model(W=w, b=b, params=[w, b])) == (["W", "b"], "stated", "`params` list")
    assert order(model(W=w, b=b, _params=(b, w))) == (["b", "W"], "stated", "`_params` list")


def test_a_list_of_parameters_under_a_key():
    a, b = numbers(2)
    assert order({"params": [b, a], "epoch": 3}) == (
        ["params/0", "params/1"],
        "stated",
        "`params` list",
    )
    assert order({"params": [b, a], "W": a, "b": b})[0] == ["b", "W"]


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


def test_an_ordered_dictionary_of_parameters():
    w, b = shared(2, "W"), shared(3, "b")
    assert order(model(params=OrderedDict([("w", w), ("b", b)])))[:2] == (["W", "b"], "stated")
    assert order(OrderedDict([("W", numbers(1)[0]), ("B", numbers(2)[1])])) == (
        ["W", "B"],
        "stated",
        "OrderedDict",
    )


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


def test_lists_and_tuples():
    a, b, c = numbers(3)
    assert order([c, [a, (b,)]])[1:] == ("stated", "list")
    assert order([c, [a, (b,)]])[0] == ["0", "1/0", "1/1/0"]


def test_layers_in_a_list_each_with_a_list():
    layers = [model(b=shared(1, "b"), W=shared(2, "W")) for _ in range(11)]
    for layer in layers:
        layer.params = [layer.W, layer.b]
    found, kind, note = order(model(layers=layers))
    assert found[:3] == ["layers/00/W", "layers/00/b", "layers/01/W"]
    assert found[-1] == "layers/10/b"
    assert (kind, note) == ("stated", "list, `params` list")


def test_pickles_one_after_another():
    found = Graph(Bundle([(str(i), value) for i, value in enumerate(numbers(3))], members=False))
    (snapshot,) = families.interpret(found).snapshots
    assert (snapshot.order, snapshot.order_note) == ("stated", "pickles one after another")


def test_the_numbers_of_savez():
    entries = [(f"arr_{i}", value) for i, value in reversed(list(enumerate(numbers(12))))]
    (snapshot,) = families.interpret(Graph(Bundle(entries, members=True))).snapshots
    assert [leaf.name for leaf in snapshot.leaves] == [f"arr_{i}" for i in range(12)]
    assert (snapshot.order, snapshot.order_note) == ("format", "numbers of numpy.savez")


def test_a_single_array_needs_no_order():
    assert order({"W": numbers(1)[0]}) == (["W"], "stated", "a single array")
    assert order(numbers(1)[0]) == (["0"], "stated", "a single array")


# What does not ---------------------------------------------------------------------------------


def test_a_dictionary_states_none():
    a, b = numbers(2)
    assert order({"W10": a, "W9": b}) == (["W9", "W10"], "unknown", "")


def test_layers_in_a_dictionary():
    layer = lambda n: model(W=(w := shared(n, "W")), params=[w])  # noqa: E731
    assert order({"b": layer(1), "a": layer(2)}) == (["a/W", "b/W"], "unknown", "")


def test_two_lists_of_one_object_have_no_order_between_them():
    a, b, c = numbers(3)
    assert order({"params": [a], "parameters": [b, c]})[1] == "unknown"


def test_the_inputs_of_an_operation_are_no_order():
    w, b = shared(1), shared(2)
    assert order(model(y=result(w, b)))[1] == "unknown"


def test_of_keys_that_look_alike():
    a, b, c, d = numbers(4)
    assert order({1: [a, b], "1": [c, d]})[1] == "unknown"
    assert order([{1: a}, {"1": b}])[1] == "stated"


def test_too_deep():
    deep = other = numbers(1)[0]
    for _ in range(80):
        deep = [deep]
    assert order([deep, other + 1])[1] == "unknown"
    assert order([deep])[1] == "stated"


# Theano's counter ------------------------------------------------------------------------------


def test_the_counter_comes_last():
    w, b = shared(2, "W", created=7), shared(3, "b", created=10)
    assert order(model(W=w, b=b)) == (["W", "b"], "created", "Theano's creation counter")
    assert order(model(b=w, W=b))[0] == ["W", "b"]
    assert order([b, w]) == (["b", "W"], "stated", "list")


def test_the_counter_orders_what_a_list_of_layers_does_not():
    """The list states which layer comes first, though it was made last."""
    late = model(W=shared(2, "W", created=9), b=shared(3, "b", created=10))
    early = model(W=shared(2, "W", created=1), b=shared(3, "b", created=2))
    names, kind, note = order(model(layers=[late, early]))
    assert names == ["layers/0/W", "layers/0/b", "layers/1/W", "layers/1/b"]
    assert (kind, note) == ("created", "list, Theano's creation counter")


def test_lists_below_attributes_do_not_contradict_the_counter():
    """``W[0], b[0], W[1], b[1]``: that all of W come before all of b is stated nowhere."""
    w, b = ([shared(n, created=c) for n, c in ((2, at), (3, at + 10))] for at in (1, 2))
    assert order(model(W=w, b=b))[:2] == (["W/0", "b/0", "W/1", "b/1"], "created")


def test_a_counter_that_is_missing_or_repeated_counts_for_nothing():
    assert order(model(W=shared(2, "W", 7), b=shared(3, "b")))[1] == "unknown"
    assert order(model(W=shared(2, "W", 7), b=shared(3, "b", 7)))[1] == "unknown"


def test_pickles_of_two_processes_have_two_counters():
    first = model(W=shared(2, "W", 9), b=shared(3, "b", 10))
    second = model(V=shared(2, "V", 1), c=shared(3, "c", 10))
    machine = Machine(dumps(first, second))
    bundle = Bundle([("0", machine.load()), ("1", machine.load())], members=False)
    found = families.interpret(Graph(bundle))
    assert [*weights(found)] == ["W", "b", "V", "c"]
    assert found.snapshots[0].order == "created"


# Lists that overlap ----------------------------------------------------------------------------


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


def test_the_order_does_not_depend_on_the_salt_of_hashes():
    w, b = shared(2, "W"), shared(3, "b")
    both = model(W=w, b=b, params=[w, b], _params=[b, w])
    assert order(both)[2] == "`params` list"


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
