"""What the arrays of Keras are: by names, and by architectures given from outside."""

import json

import numpy as np
import pytest
from support import FIXTURES

import legacy_weights
from legacy_weights.errors import UsageError
from legacy_weights.families import keras
from legacy_weights.families.keras_architecture import loads, parse

KERAS = FIXTURES / "families/keras"


def dense(name, **settings):
    return {"class_name": "Dense", "config": {"name": name, "trainable": True, **settings}}


def sequential(*layers):
    return {"class_name": "Sequential", "config": list(layers)}


def roles(names, config):
    places = keras.places(names, parse(config))
    return {name: keras.role(name, places.get(name))[:2] for name in names}


@pytest.mark.parametrize("stem", ["conv_k033", "nested_k033", "conv_k020"])
def test_an_architecture_tells_running_averages_of_numbered_arrays(stem):
    """The truth was taken from the layers themselves (``running_mean``, ``running_std``)."""
    truth = np.load(KERAS / f"truth/{stem}.npz")
    tree = legacy_weights.read(
        KERAS / f"{stem}.h5", architecture=KERAS / f"architecture/{stem}.json"
    )
    (snapshot,) = tree.snapshots
    state = [leaf.name for leaf in snapshot.leaves if leaf.role == "state"]
    assert state == [name.decode() for name in truth["state"]]
    assert {leaf.trainable for leaf in snapshot.leaves if leaf.role == "weight"} == {1}
    assert tree.warnings == ()
    assert tree.history == ({"action": "architecture", "source": f"{stem}.json"},)


def test_without_an_architecture_numbered_arrays_are_of_unknown_use():
    tree = legacy_weights.read(KERAS / "conv_k033.h5")
    leaves = tree.snapshots[0].leaves
    assert {(leaf.role, leaf.trainable) for leaf in leaves} == {("weight", -1)}
    assert [note for note in tree.warnings if "--architecture" in note]


def test_an_architecture_tells_what_is_trained():
    path = KERAS / "conv_th_k108.h5"
    assert {leaf.trainable for leaf in legacy_weights.read(path).leaves()} == {-1, 0}
    config = json.loads((KERAS / "architecture/conv_th_k108.json").read_text())
    tree = legacy_weights.read(path, architecture=config)
    assert {leaf.trainable for leaf in tree.leaves() if leaf.role == "weight"} == {1}
    assert tree.metadata["model_config"] == config


@pytest.mark.parametrize(
    ("weights", "architecture"),
    [
        ("nested_k033.h5", "conv_k033.json"),  # other counts
        ("conv_k033.h5", "conv1d_k033.json"),  # fewer layers
        ("dense_k122.h5", "conv_k033.json"),  # another version
        ("dense_k122.h5", "conv_th_k108.json"),  # other names
        ("conv_th_model_k122.h5", "conv_k033.json"),  # it has its own
        ("weights_list_p2_k122.pkl", "conv_k033.json"),  # none of Keras
        ("dense_k122.h5", "missing.json"),
        ("dense_k122.h5", "../dense_k122.h5"),
    ],
)
def test_an_architecture_of_another_model_is_refused(weights, architecture):
    with pytest.raises(UsageError):
        legacy_weights.read(KERAS / weights, architecture=KERAS / "architecture" / architecture)


def test_a_graph_of_keras_0_has_no_known_order_of_nodes():
    config = {"name": "Graph", "nodes": {"a": {"name": "Dense"}}, "node_config": [{"name": "a"}]}
    tree = legacy_weights.read(KERAS / "graph_k033.h5", architecture=config)
    assert {leaf.trainable for leaf in tree.leaves()} == {-1}
    assert [note for note in tree.warnings if "graph/param_0" in note]


def test_roles_by_names():
    config = sequential(
        dense("a"),
        dense("b", trainable=False),
        {"class_name": "Own", "config": {"name": "own"}},
        {"class_name": "BatchNormalization", "config": {"name": "n_1"}},
    )
    found = roles(
        ["a/a_W", "b/b_W", "own/own_kernel", "own/param_0", "n_1/n_1_beta", "n_1/n_1_running_std"],
        config,
    )
    assert found == {
        "a/a_W": ("weight", 1),
        "b/b_W": ("weight", 0),
        "own/own_kernel": ("weight", -1),
        "own/param_0": ("weight", -1),
        "n_1/n_1_beta": ("weight", 1),
        "n_1/n_1_running_std": ("state", 0),
    }


def test_a_name_that_only_begins_like_another_layer():
    """`dense_1` is no array `1` of a layer `dense`."""
    found = roles(["dense_1/dense_1_W"], sequential(dense("dense"), dense("dense_1")))
    assert found == {"dense_1/dense_1_W": ("weight", 1)}
    assert roles(["dense_1/dense_1_W"], sequential(dense("dense"))) == {
        "dense_1/dense_1_W": ("weight", -1)
    }


def test_layers_of_one_name_count_as_far_as_they_are_alike():
    one = sequential(dense("x"))
    other = sequential(dense("x", trainable=False))
    assert roles(["m/x_W"], sequential(one, one)) == {"m/x_W": ("weight", 1)}
    assert roles(["m/x_W"], sequential(one, other)) == {"m/x_W": ("weight", -1)}


def test_layers_that_go_both_ways():
    """layers/wrappers.py, ``Bidirectional``, renames the layer inside."""
    lstm = {"class_name": "LSTM", "config": {"name": "lstm_1"}}
    both = {"class_name": "Bidirectional", "config": {"name": "both", "layer": lstm}}
    name = "both/backward_lstm_1_W_i"
    assert roles([name], sequential(both)) == {name: ("weight", 1)}


@pytest.mark.parametrize(
    "config",
    [
        None,
        3,
        [],
        {},
        {"class_name": 3},
        {"class_name": "Model"},
        {"class_name": "Sequential", "config": []},
        {"class_name": "Sequential", "config": [None]},
        {"class_name": "Sequential", "config": [{"class_name": "Dense", "config": 1}]},
        {"name": "Sequential", "layers": [{"name": None}]},
        {"name": "Graph", "nodes": [], "node_config": {}},
    ],
)
def test_what_is_no_architecture(config):
    with pytest.raises(ValueError, match=r"."):
        parse(config)


def test_depth_is_bounded():
    config = dense("a")
    for _ in range(200):
        config = sequential(config)
    with pytest.raises(ValueError, match="deep"):
        parse(config)
    with pytest.raises(ValueError, match="deep"):
        loads("[" * 600 + "]" * 600)
    with pytest.raises(ValueError, match="deep"):
        loads("[" * 100_000)
