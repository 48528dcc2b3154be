"""Policies of rllab, against its formulas by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from model_support import evaluate, model_of
from support import FIXTURES, REAL, needs_shared

import legacy_weights
from legacy_weights.errors import LegacyWeightsError, UnreadableError

SWIMMER = (
    REAL / "florensacc+rllab-curriculum/sandbox/carlos_snn/data_share/swimmer-trpo"
    "/swimmer-trpo-50kBs-200itr-500pl-10/params.pkl"
)


def network(model, x, layers, hidden, last=lambda x: x, scope=""):
    """rllab/core/network.py, `MLP`: dense layers, each x · W + b and a nonlinearity."""
    for name in layers:
        w, b = (model.variables[f"{scope}{name}/{part}"].get_value() for part in "Wb")
        x = (last if name == layers[-1] else hidden)(x @ w + b)
    return x


def observations(model):
    return np.random.default_rng(0).normal(size=(4, *model.layers.input_shape))


def softmax(x):
    return np.exp(x) / np.exp(x).sum(axis=1, keepdims=True)


def test_a_gaussian_policy():
    """gaussian_mlp_policy.py, `dist_info_sym`: log_std is at least log(min_std), 1e-6."""
    model = model_of("rllab/gaussian_l01.pkl")
    x = observations(model)
    found = evaluate(model, x)
    assert list(found) == ["mean", "log_std"]
    layers = ["hidden_0", "hidden_1", "output"]
    np.testing.assert_allclose(found["mean"], network(model, x, layers, np.tanh), rtol=1e-12)
    log_std = model.variables["log_std"]
    np.testing.assert_array_equal(found["log_std"], np.tile(log_std.get_value(), (4, 1)))
    log_std.set_value(np.array([-20.0, 0.5]))
    found = evaluate(model, x)["log_std"]
    np.testing.assert_allclose(found, np.tile([np.log(1e-6), 0.5], (4, 1)), rtol=1e-12)


def test_predictions_have_names():
    found = model_of("rllab/gaussian_l01.pkl").predict(np.zeros(5))
    assert {name: value.shape for name, value in found.items()} == {"mean": (2,), "log_std": (2,)}


def test_a_second_network_for_the_deviation():
    model = model_of("rllab/adaptive_l01.pkl")
    x = observations(model)
    found = evaluate(model, x)
    mean = network(model, x, ["hidden_0", "hidden_1", "output"], np.tanh, scope="mean_network/")
    std = network(model, x, ["hidden_0", "output"], np.tanh, scope="std_network/")
    np.testing.assert_allclose(found["mean"], mean, rtol=1e-12)
    np.testing.assert_allclose(found["log_std"], np.maximum(std, np.log(1e-6)), rtol=1e-12)


def test_a_categorical_policy():
    model = model_of("rllab/categorical_l01.pkl")
    x = observations(model)
    layers = ["hidden_0", "hidden_1", "output"]
    wanted = network(model, x, layers, np.tanh, softmax)
    np.testing.assert_allclose(evaluate(model, x), wanted, rtol=1e-12)
    assert list(model.graph.outputs) == ["prob"]


def test_a_deterministic_policy_and_its_snapshots():
    """ddpg.py keeps a policy beside Q functions; deterministic_mlp_policy.py has relu and tanh."""
    model = model_of("rllab/ddpg_l01.pkl")
    x = observations(model)
    wanted = network(model, x, ["h0", "h1", "output"], lambda x: np.maximum(x, 0), np.tanh)
    np.testing.assert_allclose(evaluate(model, x), wanted, rtol=1e-12)
    tree = legacy_weights.read(FIXTURES / "families" / "rllab" / "ddpg_l01.pkl")
    q = next(s.name for s in tree.snapshots if "q" in s.name.lower())
    with pytest.raises(UnreadableError, match="ContinuousMLPQFunction cannot be rebuilt") as error:
        legacy_weights.load_model(tree, q)
    assert q in error.value.where


def test_a_fixed_deviation_is_not_trained():
    model = model_of("rllab/fixed_std_l01.pkl")
    assert "log_std" in model.variables
    assert [slot.name for slot in model.flat.layout] == [
        name for name in model.variables if name != "log_std"
    ]


def test_statistics_of_an_environment_are_no_layer():
    model = model_of("rllab/normalized_l01.pkl")
    assert not [name for name in model.variables if "obs" in name]


def test_batch_normalization_and_recurrent_policies_are_named():
    with pytest.raises(UnreadableError, match="with batch normalization") as error:
        model_of("rllab/batch_norm_p2_l01.pkl")
    assert "DeterministicMLPPolicy" in error.value.where
    with pytest.raises(UnreadableError, match="does not say of which layers"):
        model_of("rllab/gru_p2_l01.pkl")


@needs_shared
def test_the_swimmer():
    model = legacy_weights.load_model(SWIMMER)
    assert model.flat.size == 1572
    x = observations(model)
    found = evaluate(model, x)
    wanted = network(model, x, ["hidden_0", "hidden_1", "output"], np.tanh)
    np.testing.assert_allclose(found["mean"], wanted, rtol=1e-12)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("hidden_sizes", [4]),
        ("hidden_sizes", 4),
        ("hidden_sizes", [0, 3]),
        ("hidden_sizes", [4, "x"]),
        ("obs_dim", True),
        ("obs_dim", 6),
        ("obs_dim", 10**30),
        ("action_dim", 10**30),
        ("hidden_nonlinearity", "__main__.tanh"),
        ("hidden_nonlinearity", ["tanh"]),
        ("min_std", -1.0),
        ("min_std", "small"),
        ("adaptive_std", 1),
        ("class", 7),
        ("class", "x.GaussianGRUPolicy"),
    ],
)
def test_wrong_architectures_are_errors(key, value):
    tree = legacy_weights.read(FIXTURES / "families" / "rllab" / "gaussian_l01.pkl")
    name = tree.default_snapshot
    known = tree.metadata["architectures"][name]
    metadata = {"architectures": {name: {**known, key: value}}}
    with pytest.raises(LegacyWeightsError):
        legacy_weights.load_model(replace(tree, metadata=metadata))
    for metadata in ({}, {"architectures": 3}, {"architectures": {name: [1]}}):
        with pytest.raises(LegacyWeightsError):
            legacy_weights.load_model(replace(tree, metadata=metadata))
