"""Networks of Lasagne: genuine files, hand-made layers of every age, and hostile ones."""

import collections
import time

import numpy as np
import pytest
from stubs import interpret, make, model, result, shared, stub, weights
from support import FIXTURES

import legacy_weights
from legacy_weights.tree import Order, Trainable

DENSE = "lasagne.layers.dense.DenseLayer"
BOTH = {"trainable", "regularizable"}


def source(**attributes):
    """Return an input layer."""
    return make(
        "lasagne.layers.input.InputLayer",
        **{"shape": (None, 3), "input_var": None, "name": None, "params": params()} | attributes,
    )


def params(*pairs):
    return collections.OrderedDict(pairs)


def dense(below, name=None, cls=DENSE, created=None, **attributes):
    """Return a layer with W and b; their names are made as Layer.add_param makes them."""
    prefix = f"{name}." if name else ""
    weight = shared(2, f"{prefix}W", created)
    bias = shared(3, f"{prefix}b", None if created is None else created + 1)
    feeding = {"input_layers" if isinstance(below, list) else "input_layer": below}
    both = params((weight, BOTH), (bias, {"trainable"}))
    own = {"W": weight, "b": bias, "name": name, "params": both}
    return make(cls, **own | feeding | attributes)


def names(value):
    return list(weights(interpret(value)))


def layer(tree, name):
    """Return what the metadata says of a layer."""
    (found,) = [entry for entry in tree.metadata["layers"] if entry["name"] == name]
    return found


def genuine(stem):
    return legacy_weights.read(FIXTURES / "families" / "lasagne" / f"{stem}.pkl")


# Genuine files: the settings are those of fixtures/scripts/lasagne_files.py ----------------------


@pytest.mark.parametrize("stem", ["dense_p0_l01", "dense_p2_l02"])
def test_settings_of_layers(stem):
    tree = genuine(stem)
    layers = tree.metadata["layers"]
    assert [(entry["name"], entry["inputs"]) for entry in layers] == [
        ("in", []),
        ("hidden1", ["in"]),
        ("drop1", ["hidden1"]),
        ("hidden2", ["drop1"]),
        ("output", ["hidden2"]),
    ]
    assert layers[0]["settings"]["shape"] == [None, 6]
    assert layers[2]["settings"]["p"] == 0.5
    assert [entry["settings"].get("num_units") for entry in layers] == [None, 5, None, 4, 3]
    functions = [entry["settings"].get("nonlinearity") for entry in layers]
    assert functions == [None, "rectify", None, "tanh", "softmax"]
    assert layers[1]["params"] == [
        {"attribute": "W", "name": "hidden1.W", "tags": ["regularizable", "trainable"]},
        {"attribute": "b", "name": "hidden1.b", "tags": ["trainable"]},
    ]
    (snapshot,) = tree.snapshots
    assert {leaf.trainable for leaf in snapshot.leaves} == {Trainable.YES}
    assert snapshot.order_note == "chain of Lasagne's layers"


def test_settings_that_are_objects_or_none():
    tree = genuine("unnamed_p0_l01")
    leaky = layer(tree, "dense1")["settings"]["nonlinearity"]
    assert leaky == {"class": "LeakyRectify", "leakiness": 0.2}
    assert layer(tree, "gaussiannoise2")["settings"]["sigma"] == 0.25
    assert layer(tree, "dense3")["settings"]["b"] is None
    assert layer(tree, "dropout4")["settings"]["rescale"] is False


def test_settings_of_a_convolution():
    tree = genuine("conv_dict_p2_l01")
    settings = layer(tree, "conv1")["settings"]
    assert (settings["filter_size"], settings["stride"]) == ([3, 3], [1, 2])
    assert (settings["num_filters"], settings["pad"]) == (4, "same")
    assert layer(tree, "maxpool2d2")["settings"]["pool_size"] == [2, 2]


def test_a_weight_that_two_layers_share():
    tree = genuine("merge_p2_l01")
    shared_by = [
        entry["name"]
        for entry in tree.metadata["layers"]
        for param in entry["params"]
        if param["name"] == "dense5/W"
    ]
    assert shared_by == ["dense5", "dense6"]
    assert layer(tree, "concat7")["inputs"] == ["dense6", "dense3"]
    assert layer(tree, "elemwisesum4")["settings"]["coeffs"] == [1, 0.5]


def test_expressions_are_noted():
    tree = genuine("expression_of_two_p2_l02")
    weight = layer(tree, "dense2")["params"][0]
    assert weight["names"] == ["raw", "offset"]
    assert any("1 parameter of a layer is an expression" in note for note in tree.warnings)


def test_the_version_is_evidence():
    assert "Lasagne 0.2" in genuine("dense_p2_l02").evidence
    assert "Lasagne 0.1 or 0.2" in genuine("dense_p2_l01").evidence


def test_a_shared_variable_that_is_no_parameter():
    tree = genuine("own_class_p2_l01")
    (rate,) = tree.other
    assert (rate.name, rate.array.shape) == ("learning_rate", ())
    assert rate.note == "a shared variable that is no layer's parameter"
    assert "class __main__.Model" in tree.evidence


# Hand-made layers --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "cls",
    [
        "lasagne.layers.base.DenseLayer",
        "lasagne.layers.cuda_convnet.Conv2DCCLayer",
        "lasagne.layers.dnn.Conv2DDNNLayer",
        "lasagne.layers.corrmm.Conv2DMMLayer",
        "lost.OwnLayer",
    ],
)
def test_layers_of_any_module(cls):
    found = interpret(dense(dense(source()), "out", cls))
    assert found.family == "Lasagne"
    assert [leaf.name for leaf in found.snapshots[0].leaves] == ["W", "b", "out.W", "out.b"]


def test_layers_before_there_were_params():
    """get_params gave ``[self.W] + self.get_bias_params()`` (lasagne/layers/dense.py, 2014)."""
    first = make(DENSE, input_layer=source(), W=shared(2), b=shared(3), num_units=3)
    last = make(DENSE, input_layer=first, b=None, W=shared(4), num_units=2)
    del first.input_layer.params, first.input_layer.name
    found = interpret(last)
    (snapshot,) = found.snapshots
    assert [leaf.name for leaf in snapshot.leaves] == ["dense1/W", "b", "dense2/W"]
    assert snapshot.order is Order.FORMAT
    assert "before 0.1" in found.evidence


def test_inputs_come_before_what_they_feed():
    """As in get_all_layers, the first input's whole chain comes first (layers/helper.py)."""
    left, right = dense(source(), "left"), dense(source(), "right")
    top = dense([right, None, left], "top")
    assert names(top)[::2] == ["right.W", "left.W", "top.W"]
    assert names([left, top])[::2] == ["right.W", "left.W", "top.W"]


def test_two_networks_in_a_dictionary_are_ordered_by_their_making():
    first, second = dense(source(), created=5), dense(source(), created=1)
    found = interpret({"generator": first, "critic": second})
    (snapshot,) = found.snapshots
    assert [leaf.name for leaf in snapshot.leaves] == [
        "critic/dense1/W",
        "critic/dense1/b",
        "generator/dense1/W",
        "generator/dense1/b",
    ]
    assert snapshot.order is Order.CREATED


def test_two_networks_without_any_order():
    found = interpret({"one": dense(source(), "b"), "two": dense(source(), "a")})
    (snapshot,) = found.snapshots
    assert snapshot.order is Order.UNKNOWN
    assert [leaf.name for leaf in snapshot.leaves] == ["a.W", "a.b", "b.W", "b.b"]


def test_a_programs_own_list_has_further_parameters():
    network = dense(source(), "out")
    extra = shared(4, "temperature")
    found = interpret(model(network=network, params=[extra, network.b, network.W]))
    (snapshot,) = found.snapshots
    assert [leaf.name for leaf in snapshot.leaves] == ["temperature", "out.b", "out.W"]
    assert snapshot.order is Order.STATED


def test_tags_that_the_file_does_not_have():
    top = dense(source())
    top.params = params((top.W, None), (top.b, 7))
    (snapshot,) = interpret(top).snapshots
    assert [leaf.trainable for leaf in snapshot.leaves] == [Trainable.UNKNOWN] * 2


def test_what_is_not_trainable_is_state():
    top = dense(source(), "bn")
    top.params = params((top.W, BOTH), (top.b, {"batch_norm_stat"}))
    (snapshot,) = interpret(top).snapshots
    kinds = [(leaf.name, leaf.role, leaf.trainable) for leaf in snapshot.leaves]
    assert kinds == [("bn.W", "weight", Trainable.YES), ("bn.b", "state", Trainable.NO)]


def test_an_expression_gives_its_variables():
    top = dense(source())
    one, two = shared(4, "one"), shared(5, "two")
    top.params = params((result(one, result(two, one)), BOTH), (top.b, BOTH))
    assert names(top) == ["one", "two", "b"]


def test_layers_without_the_variables_of_a_file_do_not_name_them():
    found = interpret({"spec": source(), "W": shared(2, "W")})
    assert found.family == "Theano"
    assert [leaf.name for leaf in found.snapshots[0].leaves] == ["W"]


def test_a_class_that_only_looks_like_a_layer():
    """Many programs keep ``params`` by name; those of Lasagne have variables for keys."""
    held = collections.OrderedDict([("W", shared(2, "W")), ("b", shared(3, "b"))])
    found = interpret(model(input_var=None, params=held))
    assert found.family == "Theano"
    assert [leaf.name for leaf in found.snapshots[0].leaves] == ["W", "b"]


# Hostile files -----------------------------------------------------------------------------------


@pytest.mark.parametrize("wrong", [7, "text", [1, 2], {}, None, collections.OrderedDict(a=1)])
@pytest.mark.parametrize("attribute", ["params", "input_layer", "input_layers", "name"])
def test_attributes_of_the_wrong_kind(attribute, wrong):
    top = dense(dense(source()), "out")
    top.__dict__[attribute] = wrong
    found = interpret(top)
    held = [leaf for snapshot in found.snapshots for leaf in snapshot.leaves] + found.other
    assert len(held) == (2 if attribute == "input_layer" else 4)


def test_a_circle_of_layers():
    first = dense(None, "first")
    second = dense(first, "second")
    first.input_layer = second
    assert sorted(names([first])) == ["first.W", "first.b", "second.W", "second.b"]


def test_a_layer_inside_itself():
    top = dense(source(), "top", input_to_hidden=None, hidden_to_hidden=None)
    top.input_to_hidden = top.hidden_to_hidden = top
    assert names(top) == ["top.W", "top.b"]


def test_a_circle_of_operations():
    top = dense(source())
    loop = result()
    loop.owner.inputs.append(loop)
    top.params = params((loop, BOTH), (top.b, BOTH))
    assert names(top) == ["b"]


def test_many_layers_with_one_list_of_inputs():
    below = [dense(source()) for _ in range(1000)]
    layers = [
        make("lasagne.layers.merge.ConcatLayer", input_layers=below, params=params())
        for _ in range(2000)
    ]
    start = time.process_time()
    found = interpret(layers)
    assert time.process_time() - start < 20
    assert len(found.snapshots[0].leaves) + len(found.other) == 2000


def test_a_long_chain():
    top = source()
    cls = stub(DENSE)
    for _ in range(3):
        top = dense(top)
    assert isinstance(top, cls)
    assert names(top)[-1] == "dense3/b"


def test_settings_are_bounded():
    long = tuple(range(1000))
    deep = ()
    for _ in range(50):
        deep = (deep,)
    top = dense(
        source(), "out", long=long, deep=deep, many=[[[1] * 60] * 60] * 60, weird=np.ones(3)
    )
    (settings,) = [
        entry["settings"] for entry in interpret(top).metadata["layers"] if entry["name"] == "out"
    ]
    assert settings == {}
