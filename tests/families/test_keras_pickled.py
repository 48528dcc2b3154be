"""Pickled models of Keras: layers in order, running averages, what is frozen, optimizers."""

from pathlib import PurePosixPath

import pytest
from support import FIXTURES, MANIFEST, fixture

import legacy_weights
from legacy_weights.families import interpret
from legacy_weights.families.graph import Graph
from legacy_weights.pickles.objects import Global, Instance

MODELS = [
    entry["file"]
    for entry in MANIFEST
    if entry["file"].startswith("families/keras/") and entry["file"].endswith(".pkl.gz")
]


@pytest.mark.parametrize("file", MODELS)
def test_models_have_the_order_of_their_layers(file):
    """The manifest's names are in the order in which the script added the layers."""
    path, entry = fixture(file)
    tree = legacy_weights.read(path)
    (snapshot,) = tree.snapshots
    assert [leaf.name for leaf in snapshot.leaves if leaf.role == "weight"] == entry["weights"]
    assert snapshot.order == "stated"
    assert {layer["class"].rpartition(".")[2] for layer in tree.metadata["layers"]} <= {
        "Dense",
        "BatchNormalization",
        "Activation",
    }


def test_files_of_each_version_are_there():
    suffixes = {PurePosixPath(file).name.split("_")[-1].split(".")[0] for file in MODELS}
    assert suffixes == {"k122", "k108", "k033", "k020"}


def test_a_frozen_layer_is_not_trained():
    tree = legacy_weights.read(FIXTURES / "families/keras/nested_p2_k122.pkl.gz")
    frozen = {leaf.name for leaf in tree.leaves() if leaf.trainable == 0 and leaf.role == "weight"}
    assert frozen == {"frozen_W", "frozen_b"}


def test_what_an_optimizer_has_is_no_weight():
    """keras/optimizers.py, ``SGD.__init__``: iterations, lr, momentum and decay are variables."""
    tree = legacy_weights.read(FIXTURES / "families/keras/compiled_p2_k122.pkl.gz")
    memory = {leaf.name.rpartition("/")[2] for leaf in tree.other if leaf.role == "optimizer"}
    assert memory >= {"lr", "momentum", "decay", "iterations"}


# Records that no file of Keras has --------------------------------------------------------------


def record(dotted, **state):
    module, _, name = dotted.rpartition(".")
    raw = Instance(Global(module, name), (), 0)
    raw.state = state
    return raw


def model(**state):
    return record("keras.models.Sequential", **state)


BAD = {
    "layers is a number": model(layers=3),
    "layers hold no records": model(layers=[1, None, "x", [2]]),
    "layers are missing": model(),
    "weights is a number": model(layers=[record("keras.layers.core.Dense", trainable_weights=7)]),
    "weights hold no variables": model(
        layers=[record("keras.layers.core.Dense", trainable_weights=[1, "x", None])]
    ),
    "nodes are a list": record("keras.models.Graph", nodes=[1], node_config=[{"name": "a"}]),
    "nodes have no names": record("keras.models.Graph", nodes={1: 2}, node_config=[{}, 3, None]),
    "flattened is text": model(layers=[], _flattened_layers="abc"),
    "trainable is text": model(layers=[record("keras.layers.core.Dense", trainable="no")]),
    "name is a list": model(layers=[record("keras.layers.core.Dense", name=[1], params=[])]),
}


@pytest.mark.parametrize("raw", BAD.values(), ids=BAD)
def test_malformed_models(raw):
    found = interpret(Graph(raw))
    assert found.snapshots == []


def test_a_model_in_itself():
    raw = model(layers=[])
    raw.state["layers"] += [raw, model(layers=[raw])]
    assert interpret(Graph(raw)).snapshots == []


def test_deep_and_wide_models_are_walked_in_bounds():
    deep = model(layers=[])
    for _ in range(3000):
        deep = model(layers=[deep])
    assert interpret(Graph(deep)).snapshots == []
    level = [record("keras.layers.core.Dense", params=[])]
    for _ in range(40):  # 2 to the power of 40 paths
        inner = model(layers=level)
        level = [inner, inner]
    assert interpret(Graph(model(layers=level))).snapshots == []
    many = [record("keras.layers.core.Dense", params=[]) for _ in range(1000)]
    shared = [model(layers=many) for _ in range(1000)]
    found = interpret(Graph(model(layers=shared)))
    assert [note for note in found.warnings if "too many" in note]
