"""Layers as PyTensor graphs, against NumPy by hand."""

from __future__ import annotations

import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest

from legacy_weights.errors import UnreadableError
from legacy_weights.models.building import build
from legacy_weights.models.nonlinearities import NONLINEARITIES
from legacy_weights.models.specification import (
    BatchNorm,
    Broadcast,
    Dense,
    Function,
    Noise,
    Nonlinearity,
    Reshape,
    Spread,
)
from legacy_weights.models.values import Values

RNG = np.random.default_rng(0)


def run(layers, x, arrays=None):
    inputs = pt.tensor("x", dtype="float64", shape=(None, *x.shape[1:]))
    output, shape = build(layers, inputs, x.shape[1:], Values(arrays or {}))
    y = pytensor.function([inputs], output, mode="FAST_COMPILE")(x)
    assert y.shape == (len(x), *shape)
    return y


def test_dense_layers_flatten_where_they_may():
    x, w = RNG.normal(size=(4, 2, 3)), RNG.normal(size=(6, 5))
    layer = Dense("d", 5, "W", flattens=True)
    np.testing.assert_allclose(run([layer], x, {"W": w}), x.reshape(4, 6) @ w, rtol=1e-13)
    with pytest.raises(UnreadableError, match=r"\(2, 3\)") as error:
        run([Dense("layer 0, d", 5, "W")], x, {"W": w})
    assert error.value.where == "layer 0, d"


@pytest.mark.parametrize(("axes", "kept"), [(None, (3,)), ((0, 2), (2,)), ((0,), (2, 3))])
def test_batch_normalization(axes, kept):
    x = RNG.normal(size=(4, 2, 3))
    mean, var, gamma, beta = (RNG.uniform(0.5, 2, kept) for _ in range(4))
    arrays = {"m": mean, "v": var, "g": gamma, "b": beta}

    def spread(a):
        return a if axes is None else np.expand_dims(a, axes)

    wanted = (x - spread(mean)) / np.sqrt(spread(var) + 0.1) * spread(gamma) + spread(beta)
    layer = BatchNorm("n", "m", "v", epsilon=0.1, gamma="g", beta="b", axes=axes)
    np.testing.assert_allclose(run([layer], x, arrays), wanted, rtol=1e-12)


@pytest.mark.parametrize(
    ("kind", "divisor"),
    [
        (Spread.VARIANCE, lambda v: np.sqrt(v + 0.1)),
        (Spread.VARIANCE_OUTSIDE, lambda v: np.sqrt(v) + 0.1),
        (Spread.DEVIATION, lambda v: v + 0.1),
        (Spread.INVERSE, lambda v: 1 / v),
    ],
)
def test_what_batch_normalization_divides_by(kind, divisor):
    x, mean, v = RNG.normal(size=(4, 3)), RNG.normal(size=3), RNG.uniform(0.5, 2, 3)
    layer = BatchNorm("n", "m", "v", kind, epsilon=0.1)
    found = run([layer], x, {"m": mean, "v": v})
    np.testing.assert_allclose(found, (x - mean) / divisor(v), rtol=1e-12)


@pytest.mark.parametrize("axes", [(1,), (0, 7), ()])
def test_axes_that_the_input_lacks(axes):
    layer = BatchNorm("layer 3, norm", "m", "v", axes=axes)
    with pytest.raises(UnreadableError, match="axes") as error:
        run([layer], np.zeros((2, 3)), {"m": np.zeros(3), "v": np.ones(3)})
    assert error.value.where == "layer 3, norm"


def test_parameters_in_each_row_and_noise():
    x = RNG.normal(size=(4, 3))
    log_std = np.array([0.5, -1.0])
    layers = [Noise("drop", "Dropout"), Broadcast("std", 2, "log_std")]
    np.testing.assert_array_equal(run(layers, x, {"log_std": log_std}), np.tile(log_std, (4, 1)))
    np.testing.assert_array_equal(run(layers[:1], x), x)
    least = Nonlinearity("least", Function("at_least", {"least": -0.25}))
    found = run([*layers, least], x, {"log_std": log_std})
    np.testing.assert_array_equal(found, np.tile([0.5, -0.25], (4, 1)))


def test_flattening():
    x = RNG.normal(size=(4, 2, 3))
    np.testing.assert_array_equal(run([Reshape("f")], x), x.reshape(4, 6))
    np.testing.assert_array_equal(run([Reshape("r", (3, 2))], x), x.reshape(4, 3, 2))


@pytest.mark.parametrize(
    ("function", "truth"),
    [
        (Function("relu", {"slope": 0.25}), lambda x: np.where(x > 0, x, 0.25 * x)),
        (Function("elu", {"alpha": 0.5}), lambda x: np.where(x > 0, x, 0.5 * np.expm1(x))),
        (Function("sigmoid"), lambda x: 1 / (1 + np.exp(-x))),
        (Function("hard_sigmoid"), lambda x: np.clip(0.2 * x + 0.5, 0, 1)),
        (Function("softplus"), lambda x: np.logaddexp(0, x)),
        (Function("softsign"), lambda x: x / (1 + np.abs(x))),
        (Function("softmax"), lambda x: np.exp(x) / np.exp(x).sum(axis=1, keepdims=True)),
        (
            Function("scaled_tanh", {"scale_in": 2 / 3, "scale_out": 1.7159}),
            lambda x: 1.7159 * np.tanh(2 / 3 * x),
        ),
    ],
)
def test_nonlinearities(function, truth):
    x = np.array([[-30.0, -1.5, -1e-9, 0.0, 1e-9, 2.0, 40.0]])
    found = run([Nonlinearity("f", function)], x)
    np.testing.assert_allclose(found, truth(x), rtol=1e-12, atol=1e-300)


def test_unknown_nonlinearities_name_the_layer():
    with pytest.raises(UnreadableError, match="'maxout'") as error:
        run([Nonlinearity("layer 4, out", Function("maxout"))], np.zeros((1, 2)))
    assert error.value.where == "layer 4, out"
    assert "relu" in str(error.value)


def test_all_nonlinearities_keep_float32():
    """No constant of theirs that float32 cannot hold makes float64 of what it meets."""
    arguments = {
        "at_least": {"least": 0.1},
        "elu": {"alpha": 0.1},
        "relu": {"slope": 0.1},
        "scaled_tanh": {"scale_in": 0.1, "scale_out": 0.1},
    }
    x = pt.matrix("x", dtype="float32")
    for name, function in NONLINEARITIES.items():
        assert function(x, **arguments.get(name, {})).dtype == "float32", name
