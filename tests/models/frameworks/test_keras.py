"""Chains of Keras 1.0.8 and 1.2.2, against what Keras predicted."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace

import numpy as np
import pytest
from model_support import assert_same, evaluate, model_of, truth_of
from support import FIXTURES

import legacy_weights
from legacy_weights.errors import LegacyWeightsError, UnreadableError

KERAS = FIXTURES / "families" / "keras"


@pytest.mark.parametrize(
    "name",
    [
        "dense_model_k122",
        "chain_model_k108",
        "chain_model_k122",
        "functional_model_k108",
        "functional_model_k122",
    ],
)
def test_outputs_are_those_of_keras(name):
    x, y = truth_of("keras", name)
    assert_same(evaluate(model_of(f"keras/{name}.h5"), x), y)


def test_weights_alone_with_an_architecture():
    path = KERAS / "dense_k122.h5"
    with pytest.raises(UnreadableError, match="without an architecture") as error:
        legacy_weights.load_model(path)
    assert "architecture=" in error.value.advice
    config = legacy_weights.read(KERAS / "dense_model_k122.h5").metadata["model_config"]
    model = legacy_weights.load_model(legacy_weights.read(path, architecture=config))
    x, y = truth_of("keras", "dense_k122")
    assert_same(evaluate(model, x), y)


def test_early_batch_normalization():
    """Keras 0.3.3 divides by running_std + epsilon, which is no variance yet."""
    path = KERAS / "nested_k033.h5"
    architecture = KERAS / "architecture" / "nested_k033.json"
    model = legacy_weights.load_model(legacy_weights.read(path, architecture=architecture))
    x, y = truth_of("keras", "nested_k033")
    # Its `predict` puts results of float32 into an array of float64.
    assert_same(evaluate(model, x), y.astype(np.float32))


@pytest.mark.parametrize(
    ("version", "divisor"),
    [
        (None, lambda v, e: v + e),
        ("1.0.6", lambda v, e: v + e),
        ("1.0.7", lambda v, e: np.sqrt(v) + e),
        ("1.0.8", lambda v, e: np.sqrt(v + e)),
        ("1.2.2", lambda v, e: np.sqrt(v + e)),
    ],
)
def test_batch_normalization_of_each_version(version, divisor):
    """theano_backend.py, `batch_normalization`; before 1.0.6, normalization.py, mode 0."""
    tree = legacy_weights.read(KERAS / "chain_model_k122.h5")
    metadata = deepcopy(dict(tree.metadata))
    del metadata["keras_version"]
    # The same layers as far as the first batch normalization.
    metadata["model_config"]["config"] = metadata["model_config"]["config"][:3]
    norm = metadata["model_config"]["config"][2]["config"]["name"]
    if version:
        metadata["model_config"]["keras_version"] = version
    snapshot = tree.snapshots[0]
    leaves = snapshot.leaves[:1] + tuple(
        leaf for leaf in snapshot.leaves if leaf.name.startswith(f"{norm}/")
    )
    tree = replace(tree, metadata=metadata, snapshots=(replace(snapshot, leaves=leaves),))
    model = legacy_weights.load_model(tree)
    x = np.random.default_rng(0).normal(size=(4, 2, 3)).astype("f4")
    w, *rest = (variable.get_value() for variable in model.variables.values())
    named = {
        name.rpartition(f"{norm}_")[2]: v
        for name, v in zip([*model.variables][1:], rest, strict=True)
    }
    divided = (x.reshape(4, 6) @ w - named["running_mean"]) / divisor(named["running_std"], 0.01)
    wanted = (divided * named["gamma"] + named["beta"]).astype("f4")
    np.testing.assert_allclose(evaluate(model, x), wanted, rtol=1e-5, atol=1e-6)


def test_versions_that_are_no_numbers_are_refused():
    tree = legacy_weights.read(KERAS / "chain_model_k122.h5")
    for version in (3, "new", "1.2"):
        metadata = {**tree.metadata, "keras_version": version}
        with pytest.raises(UnreadableError, match="version of Keras") as error:
            legacy_weights.load_model(replace(tree, metadata=metadata))
        assert "BatchNormalization" in error.value.where


def test_what_is_trained():
    """The second dense layer has trainable=False; running averages are never trained."""
    model = model_of("keras/dense_model_k122.h5")
    trained = [slot.name for slot in model.flat.layout]
    names = list(model.variables)
    assert len(names) == 6
    assert trained == [*names[:2], *names[4:]]
    chain = model_of("keras/chain_model_k122.h5")
    left = set(chain.variables) - {slot.name for slot in chain.flat.layout}
    assert sorted(name.rpartition("_running_")[2] for name in left) == [
        "mean",
        "mean",
        "std",
        "std",
    ]


def test_a_migrated_model(tmp_path):
    report = legacy_weights.migrate(KERAS / "chain_model_k122.h5", tmp_path / "new.h5")
    x, y = truth_of("keras", "chain_model_k122")
    assert_same(evaluate(legacy_weights.load_model(report.path), x), y)


@pytest.mark.parametrize(
    ("name", "where", "words"),
    [
        ("conv_th_model_k122", "layer 0, conv (Convolution2D)", "Convolution2D cannot be rebuilt"),
        ("merged_model_k122", "layer 0, merge_1 (Merge)", "Merge cannot be rebuilt"),
        ("nested_model_k122", "layer 2, norm (BatchNormalization)", "mode 2"),
        ("shared_model_k122", "merge_2 (Merge)", "no chain"),
    ],
)
def test_other_layers_are_named(name, where, words):
    with pytest.raises(UnreadableError, match=words) as error:
        model_of(f"keras/{name}.h5")
    assert error.value.where == where


# Altered architectures -------------------------------------------------------------------------


def altered(name, change):
    tree = legacy_weights.read(KERAS / f"{name}.h5")
    metadata = deepcopy(dict(tree.metadata))
    change(metadata["model_config"]["config"])
    return replace(tree, metadata=metadata)


def test_a_sequential_in_another():
    """nested_model without the batch normalization of mode 2, which takes no averages."""

    def change(layers):
        del layers[1]["config"][1]

    tree = altered("nested_model_k122", change)
    snapshot = tree.snapshots[0]
    leaves = tuple(leaf for leaf in snapshot.leaves if "norm" not in leaf.name)
    model = legacy_weights.load_model(replace(tree, snapshots=(replace(snapshot, leaves=leaves),)))
    x = np.random.default_rng(0).normal(size=(4, 3)).astype("f4")
    wanted = x
    for name in ("outer/outer", "inner/first", "inner/frozen", "inner/last", "end/end"):
        w, b = (model.variables[f"{name}_{slot}"].get_value() for slot in "Wb")
        wanted = wanted @ w + b
    assert_same(evaluate(model, x), wanted)


@pytest.mark.parametrize(
    ("number", "settings"),
    [
        (0, {"target_shape": [7]}),
        (0, {"target_shape": [-1]}),
        (0, {"target_shape": "6"}),
        (0, {"batch_input_shape": [None, None, 3]}),
        (0, {"batch_input_shape": [None]}),
        (0, {"batch_input_shape": [None, 10**30]}),
        (1, {"output_dim": 4}),
        (1, {"output_dim": 5.0}),
        (1, {"bias": True}),
        (1, {"bias": 0}),
        (1, {"activation": "mine"}),
        (1, {"activation": 3}),
        (1, {"name": "another"}),
        (2, {"mode": 1}),
        (2, {"mode": None}),
        (2, {"axis": 0}),
        (2, {"axis": 2}),
        (2, {"axis": "last"}),
        (2, {"epsilon": "small"}),
        (3, {"alpha": None}),
    ],
)
def test_wrong_settings_are_errors(number, settings):
    def change(layers):
        layers[number]["config"].update(settings)

    with pytest.raises(LegacyWeightsError):
        legacy_weights.load_model(altered("chain_model_k122", change))


@pytest.mark.parametrize(
    "change",
    [
        lambda config: config.update(output_layers=[]),
        lambda config: config.update(output_layers=[["last", 0, 0], ["hidden", 0, 0]]),
        lambda config: config.update(output_layers=[["hidden", 0, 0]]),
        lambda config: config.update(output_layers=[["last", 1, 0]]),
        lambda config: config.update(input_layers=[["hidden", 0, 0]]),
        lambda config: config.update(input_layers=3),
        lambda config: config["layers"][-1].update(inbound_nodes=[[["last", 0, 0]]]),
        lambda config: config["layers"][-1].update(inbound_nodes=[[["none", 0, 0]]]),
        lambda config: config["layers"][-1].update(inbound_nodes=[]),
        lambda config: config["layers"][-1].update(inbound_nodes=None),
        lambda config: config["layers"][-1].update(name="hidden"),
        lambda config: config["layers"].append(config["layers"][-1]),
    ],
)
def test_functional_models_that_are_no_chain(change):
    with pytest.raises(LegacyWeightsError):
        legacy_weights.load_model(altered("functional_model_k122", change))


@pytest.mark.parametrize("config", [3, [], {}, {"class_name": "Graph", "config": {"layers": []}}])
def test_what_is_no_architecture(config):
    tree = legacy_weights.read(KERAS / "dense_model_k122.h5")
    with pytest.raises(UnreadableError):
        legacy_weights.load_model(replace(tree, metadata={"model_config": config}))
