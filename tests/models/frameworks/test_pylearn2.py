"""Multi-layer perceptrons of pylearn2, against its formulas by hand."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace

import numpy as np
import pytest
from model_support import evaluate, model_of
from support import FIXTURES, REAL, needs_shared

import legacy_weights
from legacy_weights.errors import LegacyWeightsError, UnreadableError

MLP = FIXTURES / "families" / "pylearn2" / "mlp_p2_t105.pkl"


def softmax(x):
    return np.exp(x) / np.exp(x).sum(axis=1, keepdims=True)


def altered(number=0, **settings):
    """Return the tree with settings of a layer changed; those that are None are left out."""
    tree = legacy_weights.read(MLP)
    metadata = deepcopy(dict(tree.metadata))
    layer = metadata["pylearn2"][0]["layers"][number]
    layer.update(settings)
    for key in [key for key, value in settings.items() if value is None]:
        del layer[key]
    return replace(tree, metadata=metadata)


def test_rectifier_sigmoid_softmax():
    """mlp.py, `fprop`: p · (p > 0), the logistic function, softmax, each of x · W + b."""
    model = legacy_weights.load_model(MLP)
    values = {name: variable.get_value() for name, variable in model.variables.items()}
    x = np.random.default_rng(0).normal(size=(5, 4))
    h = np.maximum(x @ values["h0_W"] + values["h0_b"], 0)
    h = 1 / (1 + np.exp(-(h @ values["h1_W"] + values["h1_b"])))
    wanted = softmax(h @ values["softmax_W"] + values["softmax_b"])
    np.testing.assert_allclose(evaluate(model, x), wanted, atol=1e-6)
    # The flat vector keeps pylearn2's order: Softmax gives its b before its W.
    assert [slot.name for slot in model.flat.layout][-2:] == ["softmax_b", "softmax_W"]


def test_tanh_below_softmax():
    model = model_of("pylearn2/train_p2_t105.pkl")
    w, b, c, v = (variable.get_value() for variable in model.variables.values())
    x = np.random.default_rng(0).normal(size=(5, 4))
    np.testing.assert_allclose(evaluate(model, x), softmax(np.tanh(x @ w + b) @ v + c), atol=1e-6)


@pytest.mark.parametrize(
    ("cls", "settings", "function"),
    [
        ("Linear", {}, lambda p: p),
        ("Softplus", {}, lambda p: np.log1p(np.exp(p))),
        ("RectifiedLinear", {"left_slope": 0.25}, lambda p: np.where(p > 0, p, 0.25 * p)),
    ],
)
def test_other_layers(cls, settings, function):
    tree = altered(0, **{"class": f"pylearn2.models.mlp.{cls}", **settings})
    first = tree.metadata["pylearn2"][0]["layers"][:1]
    tree.metadata["pylearn2"][0]["layers"] = first
    snapshot = tree.snapshots[0]
    leaves = tuple(leaf for leaf in snapshot.leaves if leaf.name.startswith("h0"))
    model = legacy_weights.load_model(replace(tree, snapshots=(replace(snapshot, leaves=leaves),)))
    w, b = (variable.get_value() for variable in model.variables.values())
    x = np.random.default_rng(0).normal(size=(5, 4))
    np.testing.assert_allclose(evaluate(model, x), function(x @ w + b), atol=1e-6)


@pytest.mark.parametrize(
    ("file", "words", "where"),
    [
        ("maxout_conv_p2_t105", "MaxoutConvC01B cannot be rebuilt", "layer 0, h0"),
        ("composite_p2_t105", "FlattenerLayer cannot be rebuilt", "layer 0, flat"),
    ],
)
def test_other_layers_are_named(file, words, where):
    with pytest.raises(UnreadableError, match=words) as error:
        model_of(f"pylearn2/{file}.pkl")
    assert error.value.where.startswith(where)


@needs_shared
def test_an_autoencoder_is_no_perceptron():
    with pytest.raises(UnreadableError, match="DenoisingAutoencoder"):
        legacy_weights.load_model(REAL / "lisa-lab+pylearn2/pylearn2/scripts/tests/model.pkl")


@pytest.mark.parametrize(
    "settings",
    [
        {"copy_input": 1},
        {"non_redundant": True},
        {"input_space": {"class": "Conv2DSpace"}},
        {"transformer": None},
        {"transformer": {"class": "pylearn2.linear.local_c01b.Local"}},
        {"b": None},
        {"b": 3},
        {"use_bias": "yes"},
        {"use_bias": False},  # then the file's b would belong to nothing
        {"dim": 4},
        {"dim": None},
        {"left_slope": None},
        {"class": "mine.RectifiedLinear"},
        {"class": "pylearn2.models.mlp.PretrainedLayer"},
    ],
)
def test_wrong_settings_are_errors(settings):
    with pytest.raises(LegacyWeightsError):
        legacy_weights.load_model(altered(0, **settings))


@pytest.mark.parametrize("models", [None, 3, [], [3], [{}], [{"class": "pylearn2.models.mlp.MLP"}]])
def test_wrong_models_are_errors(models):
    tree = replace(legacy_weights.read(MLP), metadata={"pylearn2": models})
    with pytest.raises(LegacyWeightsError):
        legacy_weights.load_model(tree)
    twice = replace(tree, metadata={"pylearn2": legacy_weights.read(MLP).metadata["pylearn2"] * 2})
    with pytest.raises(UnreadableError, match=r"mlp\.MLP, pylearn2\.models\.mlp\.MLP"):
        legacy_weights.load_model(twice)
