"""Networks of Lasagne and nolearn, against what Lasagne 0.1 and 0.2.dev1 computed."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace

import numpy as np
import pytest
from model_support import assert_same, evaluate, model_of, truth_of
from support import FIXTURES

import legacy_weights
from legacy_weights.errors import LegacyWeightsError, UnreadableError
from legacy_weights.tree import Array

LASAGNE = FIXTURES / "families" / "lasagne"


@pytest.mark.parametrize(
    ("file", "truth"),
    [
        ("lasagne/dense_p0_l01.pkl", "dense_l01"),
        ("lasagne/dense_p2_l02.pkl", "dense_l02"),
        ("lasagne/batch_norm_p2_l02.pkl", "batch_norm_l02"),
        ("lasagne/single_p0_l01.pkl", "single_l01"),
        ("lasagne/unnamed_p2_l02.pkl", "unnamed_l02"),
        ("nolearn/adam_p2_n06.pkl.gz", "adam_n06"),
        ("nolearn/momentum_p2_n06.pkl.gz", "momentum_n06"),
    ],
)
def test_outputs_are_those_of_lasagne(file, truth):
    x, y = truth_of(file.partition("/")[0], truth)
    assert_same(evaluate(model_of(file), x), y)


def test_best_weights_are_a_snapshot():
    best = model_of("nolearn/momentum_p2_n06.pkl.gz", snapshot="best_weights")
    tree = legacy_weights.read(FIXTURES / "families" / "nolearn" / "momentum_p2_n06.pkl.gz")
    (snapshot,) = [snapshot for snapshot in tree.snapshots if snapshot.name == "best_weights"]
    for leaf in snapshot.leaves:
        np.testing.assert_array_equal(best.variables[leaf.name].get_value(), leaf.array.load())


def test_running_averages_are_not_trained():
    model = model_of("lasagne/batch_norm_p2_l02.pkl")
    trained = [slot.name for slot in model.flat.layout]
    left = set(model.variables) - set(trained)
    assert left
    assert all(name.endswith(("mean", "inv_std")) for name in left)


@pytest.mark.parametrize(
    ("file", "where", "words"),
    [
        ("conv1d_p2_l02", "layer 1, conv1d1", "Conv1DLayer cannot be rebuilt"),
        ("recurrent_p2_l01", "layer 1, lstm1", "LSTMLayer cannot be rebuilt"),
        ("own_class_p2_l01", "layer 1, norm", "__main__.CenterScaleLayer cannot be rebuilt"),
        ("merge_p2_l02", "layer 2, left", "fed by none; expected a chain"),
        ("heads_list_p2_l01", "layer 3, spread", "fed by body; expected a chain: mean"),
        ("expression_p2_l02", "layer 2, back", "an expression"),
    ],
)
def test_what_is_no_chain_of_dense_layers_is_named(file, where, words):
    with pytest.raises(UnreadableError, match=words) as error:
        legacy_weights.load_model(LASAGNE / f"{file}.pkl")
    assert error.value.where.startswith(where)


# Altered settings ------------------------------------------------------------------------------


def altered(change, name="unnamed_p0_l01"):
    tree = legacy_weights.read(LASAGNE / f"{name}.pkl")
    metadata = deepcopy(dict(tree.metadata))
    change(metadata["layers"])
    return replace(tree, metadata=metadata)


def dense(layers):
    return next(layer for layer in layers if layer["class"].endswith("DenseLayer"))


@pytest.mark.parametrize(
    ("stated", "function"),
    [
        ("linear", lambda p: p),
        (None, lambda p: p),
        ("rectify", lambda p: np.maximum(p, 0)),
        ("leaky_rectify", lambda p: np.where(p > 0, p, 0.01 * p)),
        ("very_leaky_rectify", lambda p: np.where(p > 0, p, p / 3)),
        ({"class": "LeakyRectify", "leakiness": 0.3}, lambda p: np.where(p > 0, p, 0.3 * p)),
        (
            {"class": "ScaledTanH", "scale_in": 0.5, "scale_out": 2.4},
            lambda p: 2.4 * np.tanh(0.5 * p),
        ),
        ("elu", lambda p: np.where(p > 0, p, np.expm1(p))),
        ("sigmoid", lambda p: 1 / (1 + np.exp(-p))),
    ],
)
def test_nonlinearities(stated, function):
    """lasagne/nonlinearities.py, on the network of one dense layer."""

    def change(layers):
        dense(layers)["settings"]["nonlinearity"] = stated

    model = legacy_weights.load_model(altered(change, "single_p0_l01"))
    w, b = (variable.get_value() for variable in model.variables.values())
    x = np.random.default_rng(0).normal(size=(5, 4)).astype("f4")
    assert_same(evaluate(model, x), function(x @ w + b).astype("f4"))


def test_dense_layers_flatten_images():
    """dense.py, `DenseLayer.get_output_for`: more than two dimensions become two."""

    def change(layers):
        layers[0]["settings"]["shape"] = [None, 1, 2, 2]

    model = legacy_weights.load_model(altered(change, "single_p0_l01"))
    x, y = truth_of("lasagne", "single_l01")
    assert_same(evaluate(model, x.reshape(-1, 1, 2, 2)), y)


@pytest.mark.parametrize(
    "settings",
    [
        {"num_units": 3},
        {"num_units": -1},
        {"num_units": "2"},
        {"num_leading_axes": 2},
        {"nonlinearity": "__main__.tanh"},
        {"nonlinearity": {"class": "LeakyRectify"}},
        {"nonlinearity": {"class": "mine"}},
        {"nonlinearity": 5},
    ],
)
def test_wrong_settings_are_errors(settings):
    def change(layers):
        dense(layers)["settings"].update(settings)

    with pytest.raises(LegacyWeightsError):
        legacy_weights.load_model(altered(change))


@pytest.mark.parametrize("key", ["name", "class", "inputs", "settings", "params"])
@pytest.mark.parametrize("value", [None, 3, [], {}, [3]])
def test_wrong_layers_are_errors(key, value):
    def change(layers):
        layers[1][key] = value

    with pytest.raises(LegacyWeightsError):
        legacy_weights.load_model(altered(change, "single_p0_l01"))


@pytest.mark.parametrize("key", ["name", "class", "inputs", "settings"])
@pytest.mark.parametrize("value", [None, 3, {}, [3]])
def test_wrong_inputs_are_errors(key, value):
    def change(layers):
        layers[0][key] = value

    with pytest.raises(LegacyWeightsError):
        legacy_weights.load_model(altered(change, "single_p0_l01"))


@pytest.mark.parametrize("layers", [None, 3, [], [3], [{}], {}])
def test_files_without_layers(layers):
    tree = legacy_weights.read(LASAGNE / "single_p0_l01.pkl")
    with pytest.raises(LegacyWeightsError):
        legacy_weights.load_model(replace(tree, metadata={"layers": layers}))


def test_layers_that_are_missing_a_setting_are_refused():
    """A setting that the tree left out, for there were too many, is not taken for None."""

    def change(layers):
        del dense(layers)["settings"]["nonlinearity"]

    with pytest.raises(UnreadableError, match="none stated"):
        legacy_weights.load_model(altered(change))


def test_arrays_that_do_not_fit():
    tree = legacy_weights.read(LASAGNE / "single_p0_l01.pkl")
    snapshot = tree.snapshots[0]
    wrong = replace(snapshot.leaves[0], array=Array.of(np.zeros((4, 3), "f4")))
    leaves = (wrong, *snapshot.leaves[1:])
    with pytest.raises(LegacyWeightsError, match=r"\(4, 3\)"):
        legacy_weights.load_model(replace(tree, snapshots=(replace(snapshot, leaves=leaves),)))
