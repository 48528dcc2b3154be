"""Feedforward networks, against NumPy by hand."""

from __future__ import annotations

import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest

from legacy_weights.errors import LayoutError, UnreadableError
from legacy_weights.models import feedforward
from legacy_weights.models.nonlinearities import arithmetic_tanh

SCOPE = "net/hidden"
BASE = f"{SCOPE}/FeedforwardNet"
SPEC = [{"type": "fc", "n": 6}, {"type": "nonlin", "func": "tanh"}, {"type": "fc", "n": 2}]


def values(*shapes):
    rng = np.random.default_rng(0)
    return {
        f"{BASE}/layer_{i}/AffineLayer/{name}": rng.normal(size=shape)
        for i, (n, m) in shapes
        for name, shape in (("W", (n, m)), ("b", (1, m)))
    }


def evaluate(network, x):
    # Python's own loops: quick to compile.
    return pytensor.function([network.inputs], network.output, mode="FAST_COMPILE")(x)


def test_affine_and_tanh():
    given = values((0, (3, 6)), (2, (6, 2)))
    network = feedforward(SPEC, (3,), values=given, scope=SCOPE)
    x = np.random.default_rng(1).normal(size=(5, 3))
    w0, b0, w2, b2 = given.values()
    np.testing.assert_allclose(evaluate(network, x), np.tanh(x @ w0 + b0) @ w2 + b2, rtol=1e-13)
    assert list(network.variables) == list(given)
    assert network.output_shape == (2,)
    for name, variable in network.variables.items():
        assert variable.name == name
        assert variable.type.shape == given[name].shape
        np.testing.assert_array_equal(variable.get_value(), given[name])
    assert network.variables[f"{BASE}/layer_0/AffineLayer/b"].type.broadcastable == (True, False)


@pytest.mark.parametrize(
    ("func", "truth"),
    [
        ("relu", lambda x: np.where(x > 0, x, 0)),
        ("lrelu", lambda x: np.where(x > 0, x, 0.01 * x)),
        ("elu", lambda x: np.where(x > 0, x, np.expm1(x))),
        ("tanh", np.tanh),
    ],
)
def test_nonlinearities(func, truth):
    network = feedforward([{"type": "nonlin", "func": func}], (7,))
    x = np.array([[-30.0, -1.5, -1e-9, 0.0, 1e-9, 2.0, 40.0]])
    np.testing.assert_allclose(evaluate(network, x), truth(x), rtol=1e-14, atol=1e-300)
    assert network.output_shape == (7,)
    assert not network.variables


def test_reshape_and_json_text():
    text = '[{"type": "reshape", "new_shape": [2, 3]}, {"type": "reshape", "new_shape": [6]}]'
    network = feedforward(text, (6,))
    x = np.arange(12.0).reshape(2, 6)
    np.testing.assert_array_equal(evaluate(network, x), x)
    deep = feedforward(text[: text.index("}, ") + 1] + "]", (6,))
    assert deep.output_shape == (2, 3)
    np.testing.assert_array_equal(evaluate(deep, x), x.reshape(2, 2, 3))


def test_given_inputs_and_image_shapes():
    inputs = pt.tensor("x", dtype="float64", shape=(None, 2, 2))
    spec = [{"type": "reshape", "new_shape": [4]}, {"type": "fc", "n": 3}]
    network = feedforward(spec, (2, 2), inputs=inputs, rng=0)
    assert network.inputs is inputs
    w, b = (v.get_value() for v in network.variables.values())
    x = np.random.default_rng(1).normal(size=(5, 2, 2))
    np.testing.assert_allclose(evaluate(network, x), x.reshape(5, 4) @ w + b, rtol=1e-13)


def test_starting_values():
    network = feedforward(SPEC, (3,), rng=0)
    w, b = list(network.variables.values())[:2]
    bound = np.sqrt(6 / 9)
    assert bound / 2 < np.abs(w.get_value()).max() <= bound
    assert not b.get_value().any()
    same = feedforward(SPEC, (3,), rng=0)
    other = feedforward(SPEC, (3,), rng=1)
    name = w.name
    assert name == "FeedforwardNet/layer_0/AffineLayer/W"
    np.testing.assert_array_equal(same.variables[name].get_value(), w.get_value())
    assert (other.variables[name].get_value() != w.get_value()).any()


@pytest.mark.parametrize(
    ("layer", "words"),
    [
        ({"type": "conv", "n": 3}, "conv"),
        ({"n": 3}, "'n': 3"),
        ({"type": "fc", "n": 3, "initializer": {"type": "zeros"}}, "initializer"),
        ({"type": "nonlin", "func": "selu"}, "selu"),
        ({"type": "reshape", "new_shape": [5]}, r"\(5,\)"),
    ],
)
def test_unknown_layers_are_named(layer, words):
    with pytest.raises(UnreadableError, match=words) as error:
        feedforward([{"type": "fc", "n": 6}, layer], (3,), scope=SCOPE)
    assert error.value.where == f"layer 1 of {SCOPE}"


def test_affine_layers_take_vectors():
    with pytest.raises(UnreadableError, match=r"\(2, 3\)"):
        feedforward([{"type": "reshape", "new_shape": [2, 3]}, {"type": "fc", "n": 1}], (6,))


def test_arrays_that_do_not_fit_are_refused_with_both_shapes():
    given = values((0, (3, 6)), (2, (5, 2)))
    with pytest.raises(LayoutError, match=r"\(5, 2\).*\(6, 2\)") as error:
        feedforward(SPEC, (3,), values=given, scope=SCOPE)
    assert error.value.where == f"{BASE}/layer_2/AffineLayer/W"
    del given[f"{BASE}/layer_0/AffineLayer/b"]
    with pytest.raises(LayoutError, match=r"missing.*\(1, 6\)"):
        feedforward(SPEC, (3,), values=given, scope=SCOPE)


def test_tanh_by_arithmetic():
    x = pt.vector("x", dtype="float64")
    tanh = pytensor.function([x], arithmetic_tanh(x), trust_input=True)
    near = np.concatenate([np.linspace(-25, 25, 20001), np.geomspace(1e-300, 30, 4000)])
    for values in (near, -near):
        # NumPy's is within one unit in the last place.
        np.testing.assert_allclose(tanh(values), np.tanh(values), rtol=2e-15, atol=0)
    edge = np.array([0.0, np.inf, -np.inf, np.nan, 1e308, 5e-324])
    np.testing.assert_allclose(tanh(edge), np.tanh(edge), rtol=2e-15, atol=5e-324)
