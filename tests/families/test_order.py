"""The order of weights: what a file states comes before what Theano counted, and a dict is none."""

import time
from collections import OrderedDict

import numpy as np
from stubs import dumps, interpret, model, result, shared, weights

from legacy_weights import families
from legacy_weights.families import order as order_module
from legacy_weights.families.graph import Graph
from legacy_weights.families.values import Bundle
from legacy_weights.pickles import Machine


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


def test_an_ordered_dictionary_of_parameters():
    w, b = shared(2, "W"), shared(3, "b")
    assert order(model(params=OrderedDict([("w", w), ("b", b)])))[:2] == (["W", "b"], "stated")
    assert order(OrderedDict([("W", numbers(1)[0]), ("B", numbers(2)[1])])) == (
        ["W", "B"],
        "stated",
        "OrderedDict",
    )


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


def test_the_order_does_not_depend_on_the_salt_of_hashes():
    w, b = shared(2, "W"), shared(3, "b")
    both = model(W=w, b=b, params=[w, b], _params=[b, w])
    assert order(both)[2] == "`params` list"


def test_a_long_list_costs_no_more_than_its_length():
    """The ATIS folds of the Deep Learning Tutorials (code/rnnslu.py) are lists of 17,613 arrays."""
    places = [(order_module.Turn((0, number), "list"),) for number in range(20_000)]
    began = time.process_time()
    keys, notes = order_module._stated(places)
    assert time.process_time() - began < 2
    assert keys == [((0, number),) for number in range(20_000)]
    assert notes == ["list"]
