"""Nets of scikit-neuralnetwork: genuine files, nets as users set them up, and hostile ones."""

import numpy as np
import pytest
from stubs import interpret, make, weights
from support import FIXTURES

import legacy_weights
from legacy_weights.tree import Trainable

LAYER = "sknn.nn.Layer"


def layer(name, **attributes):
    return make(LAYER, name=name, type="Tanh", units=3, frozen=False, **attributes)


def net(*values, cls="sknn.mlp.Classifier", **attributes):
    layers = [layer(f"hidden{index}") for index in range(len(values))]
    own = {"layers": layers, "weights": list(values), "learning_rule": "sgd"}
    return make(cls, **own | attributes)


def pair():
    return [np.ones((2, 3)), np.ones(3)]


def genuine(stem):
    return legacy_weights.read(FIXTURES / "families" / "sknn" / f"{stem}_s07.pkl")


# Genuine files: the settings are those of fixtures/scripts/sknn_files.py -------------------------


@pytest.mark.parametrize("stem", ["classifier_p0", "classifier_p2"])
def test_settings(stem):
    tree = genuine(stem)
    settings = tree.metadata["net"]
    assert settings["learning_rule"] == "momentum"
    assert settings["learning_rate"] == 0.05
    layers = [(entry["name"], entry["type"], entry["units"]) for entry in settings["layers"]]
    assert layers == [("hidden0", "Rectifier", 6), ("second", "Tanh", 5), ("output", "Softmax", 3)]


def test_the_labels_are_data():
    """``label_binarizers`` keep the classes: 0, 10 and 20 in the script."""
    (classes,) = [leaf for leaf in genuine("classifier_p2").other if "classes_" in leaf.name]
    assert classes.role == "data"
    assert classes.array.load().tolist() == [0, 10, 20]


def test_a_convolution():
    (convolution, _) = genuine("convolution_p2").metadata["net"]["layers"]
    assert convolution["kernel_shape"] == [3, 3]
    assert convolution["pool_shape"] == [2, 2]


def test_a_pipeline_keeps_what_scales():
    tree = genuine("pipeline_p2")
    names = {leaf.name.rpartition("/")[2] for leaf in tree.other if leaf.role == "data"}
    assert {"scale_", "min_"} <= names


# Hand-made nets ----------------------------------------------------------------------------------


def test_a_layer_that_is_frozen():
    value = net(pair(), pair())
    value.layers[0].frozen = True
    (snapshot,) = interpret(value).snapshots
    known = {leaf.name: leaf.trainable for leaf in snapshot.leaves}
    assert known == {
        "hidden0/weights": Trainable.NO,
        "hidden0/biases": Trainable.NO,
        "hidden1/weights": Trainable.YES,
        "hidden1/biases": Trainable.YES,
    }


def test_parameters_as_get_parameters_gives_them():
    """Named tuples of three: weights, biases, and the layer's name (sknn/nn.py)."""
    assert list(weights(interpret(net((*pair(), "hidden0"))))) == [
        *("hidden0/weights", "hidden0/biases"),
    ]


def test_batch_normalization():
    """From the last layer down: beta, gamma, mean, inv_std, W (sknn/backend/lasagne/mlp.py)."""
    values = [np.full(3, number) for number in range(4)] + [np.ones((2, 3))]
    (snapshot,) = interpret(net(values, normalize="batch")).snapshots
    assert [(leaf.name, leaf.role) for leaf in snapshot.leaves] == [
        ("hidden0/beta", "weight"),
        ("hidden0/gamma", "weight"),
        ("hidden0/weights", "weight"),
        ("hidden0/mean", "state"),
        ("hidden0/inv_std", "state"),
    ]


def test_two_nets():
    assert list(weights(interpret([net(pair()), net(pair())]))) == [
        *("0/hidden0/weights", "0/hidden0/biases", "1/hidden0/weights", "1/hidden0/biases"),
    ]


def test_a_net_without_values():
    found = interpret(net(weights=None))
    assert (found.family, found.snapshots) == ("scikit-neuralnetwork", [])


# Hostile files -----------------------------------------------------------------------------------


@pytest.mark.parametrize("wrong", [7, "text", None, [1], {"a": 1}, [None], np.ones(2)])
@pytest.mark.parametrize("attribute", ["layers", "weights", "normalize", "label_binarizers"])
def test_attributes_of_the_wrong_kind(attribute, wrong):
    value = net(pair(), **{attribute: wrong})
    found = interpret(value)
    held = [leaf for snapshot in found.snapshots for leaf in snapshot.leaves] + found.other
    assert len(held) == 2 * (attribute != "weights") + isinstance(wrong, np.ndarray)


def test_one_list_of_values_for_many_layers():
    values = [np.ones(2) for _ in range(1000)]
    assert len(weights(interpret(net(*[values] * 1000)))) == 1000
