"""From cells to leaves: names, links, origins, state, and what is no weight."""

import numpy as np
from stubs import clone, constant, dumps, interpret, model, result, shared

from legacy_weights import families
from legacy_weights.families.graph import Graph
from legacy_weights.families.values import Bundle
from legacy_weights.pickles import Machine

W, B = np.arange(2.0), np.arange(3.0)


def leaves(value):
    """Return the leaves of a value's only snapshot by their names."""
    (snapshot,) = interpret(value).snapshots
    return {leaf.name: leaf for leaf in snapshot.leaves}


def links(value):
    """Return name → further names."""
    return {name: [link for _, link in leaf.links] for name, leaf in leaves(value).items()}


# Paths and origins -----------------------------------------------------------------------------


def test_the_path_is_made_of_the_name():
    found = leaves({"a/b": W, "": B, "layer": {"..": W.copy()}})
    assert {leaf.path for leaf in found.values()} == {
        "/snapshots/model/a%2Fb",
        "/snapshots/model/%",
        "/snapshots/model/layer/%2E%2E",
    }


def test_every_path_by_which_the_file_has_an_array_is_an_origin():
    assert leaves({"W": W, "tied": W, "more": [W]})["W"].origins == (
        "['W']",
        "['tied']",
        "['more'][0]",
    )
    variable = shared(W, "W")
    found = leaves({"net": model(weights=variable), "values": [variable.container.storage[0]]})
    assert found["W"].origins == ("['values'][0]", "['net'].weights.container.storage[0]")


def test_an_array_is_there_bit_for_bit():
    values = np.array([np.nan, -0.0, 1e300], ">f8")
    leaf = leaves({"W": values})["W"]
    assert leaf.array.load().tobytes() == values.tobytes()
    assert leaf.array.dtype == np.dtype(">f8")
    assert not leaf.array.load().flags.writeable


# Links -----------------------------------------------------------------------------------------


def test_one_array_under_two_keys_is_a_leaf_and_a_link():
    assert links({"W": W, "tied": W}) == {"W": ["tied"]}
    assert links({"b": W, "a": {"x": W}}) == {"b": ["a/x"]}
    assert links([W, B, W]) == {"0": ["2"], "1": []}


def test_a_variable_in_two_layers_is_a_leaf_and_links():
    tied = shared(2, "W")
    value = model(encoder=model(W=tied), decoder=model(W_prime=tied, b=shared(3, "b")))
    assert links(value) == {"W": ["decoder/W_prime", "encoder/W"], "b": []}
    unnamed = shared(2)
    assert links(model(a=model(W=unnamed), b=model(W=unnamed))) == {"a/W": ["b/W"]}


def test_a_list_of_parameters_and_a_graph_are_no_further_names():
    variable = shared(2, "W")
    value = model(W=variable, params=[variable], y=result(variable), all_params=[variable])
    assert links(value) == {"W": []}


def test_a_clone_has_a_further_name():
    variable = shared(2, "W")
    assert links(model(W=variable, copied=clone(variable))) == {"W": ["copied"]}


def test_two_containers_of_one_array_are_a_leaf_and_a_link():
    values = np.arange(3.0)
    assert links(model(a=shared(values, "V"), b=shared(values, "W"))) == {"V": ["W"]}


def test_a_link_stands_in_nobodys_way():
    assert links({"W": W, "X": [W, {"y": W}], "X/y": B}) == {"W": ["X/0", "X/1/y"], "X/y": []}
    paths = [
        path
        for leaf in leaves({"a": W, "b": {"a": W, "c": {"d": B}}, "e": [W, {"f": W}]}).values()
        for path in (leaf.path, *(link for link, _ in leaf.links))
    ]
    scopes = {path[:end] for path in paths for end, char in enumerate(path) if char == "/"}
    assert len(set(paths)) == len(paths)
    assert scopes.isdisjoint(paths)


# State and trainable ---------------------------------------------------------------------------


def roles(value):
    return {name: (str(leaf.role), int(leaf.trainable)) for name, leaf in leaves(value).items()}


def test_what_a_list_states_is_trained_and_what_it_leaves_out_is_state():
    w = shared(2, "W")
    layer = model(W=w, mean=shared(2, "mean"), params=[w])
    assert roles(model(layer=layer, rate=shared(1, "rate"))) == {
        "W": ("weight", 1),
        "rate": ("weight", -1),
        "mean": ("state", 0),
    }
    assert roles(model(layer=layer, rate=shared(1, "rate"), params=[w])) == {
        "W": ("weight", 1),
        "mean": ("state", 0),
        "rate": ("state", 0),
    }


def test_integers_are_never_trained():
    assert roles([np.zeros(2, int), np.zeros(2), np.zeros(2, bool), np.zeros(2, complex)]) == {
        "0": ("weight", 0),
        "1": ("weight", -1),
        "2": ("weight", 0),
        "3": ("weight", -1),
    }


def test_state_comes_after_the_weights():
    w = shared(2, "W")
    value = model(a=shared(1, "a"), W=w, params=[w])
    (snapshot,) = interpret(value).snapshots
    assert [(leaf.name, start) for leaf, start in snapshot.layout()] == [("W", 0), ("a", -1)]


def test_without_an_order_names_sort_naturally_layer_by_layer():
    value = {"layer10": {"W": W, "b": B}, "layer9": {"W": B.copy(), "b": W.copy()}}
    assert [*leaves(value)] == ["layer9/W", "layer9/b", "layer10/W", "layer10/b"]


# Several arrays in one cell --------------------------------------------------------------------


def test_the_arrays_of_one_variable_are_named_below_it():
    cls = "theano.compile.sharedvalue.SharedVariable"
    value = {"a": {"W": W}, "b": {"W": B}, "n": 3}
    assert [*leaves(shared(value, "g", cls=cls))] == ["g/a/W", "g/b/W"]
    assert [*leaves(shared({"W": W, "n": 3}, "g", cls=cls))] == ["g"]
    assert [*leaves(shared([W, B], None, cls=cls))] == ["0/0", "0/1"]


# What is no weight -----------------------------------------------------------------------------


def others(value):
    return {(leaf.path, str(leaf.role), leaf.note) for leaf in interpret(value).other}


def test_the_rest_stands_below_other_by_its_role():
    value = model(
        W=shared(2, "W"),
        cost=result(shared(2, "W"), constant(2), constant([1, 2])),
        rng=np.random.RandomState(1),
        costs=[B],
        y=result(model(hidden=B.copy())),
    )
    assert others(value) >= {
        ("/other/constants/0000", "constant", "cost"),
        ("/other/constants/0001", "constant", "cost"),
        ("/other/data/costs/0", "data", "kept by lost_models.Model"),
        ("/other/unclassified/0000", "other", "y"),
    }
    assert {path.split("/")[2] for path, role, _ in others(value) if role == "random"} == {"random"}


def test_data_keeps_its_name():
    assert others(model(layers=[model(W=W)], b=B)) == {
        ("/other/data/layers/0/W", "data", "kept by lost_models.Model"),
        ("/other/data/b", "data", "kept by lost_models.Model"),
    }


def test_every_array_has_one_place():
    value = model(W=shared(W, "W"), data={"x": B}, again=B, costs=[constant(1), constant(1)])
    found = interpret(value)
    everything = [*(leaf for s in found.snapshots for leaf in s.leaves), *found.other]
    assert len({leaf.path for leaf in everything}) == len(everything) == 4
    assert sorted(found.places.values()) == sorted(leaf.path for leaf in everything)


# Several pickles -------------------------------------------------------------------------------


def bundle(*values):
    machine = Machine(dumps(*values))
    entries = [(str(number), machine.load()) for number in range(len(values))]
    return families.interpret(Graph(Bundle(entries, members=False)))


def test_names_in_a_row_of_pickles():
    def found(*values):
        (snapshot,) = bundle(*values).snapshots
        return [leaf.name for leaf in snapshot.leaves]

    assert found({"W": W}, {"b": B}) == ["W", "b"]
    assert found({"W": W}, {"W": B}) == ["0/W", "1/W"]
    assert found({"a": W}, {"a": {"b": B}}) == ["0/a", "1/a/b"]
    assert found({"epoch": 3}, W, B) == ["1", "2"]
    assert found(shared(2, "W"), shared(3, "b")) == ["W", "b"]
    assert found(*[np.zeros(1) for _ in range(11)])[-2:] == ["09", "10"]
