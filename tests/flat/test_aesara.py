"""Aesara's shared variables have the same containers, and bind alike."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from legacy_weights.errors import LayoutError
from legacy_weights.flat import BindingError, FlatVector

aesara = pytest.importorskip("aesara")


@pytest.fixture
def variables():
    shared = aesara.shared
    return [
        shared(np.zeros((2, 3)), "W"),
        shared(np.zeros((1, 3)), "b", shape=(1, 3)),
        shared(np.array(0.0), "gain"),
    ]


@pytest.fixture
def flat(variables):
    return FlatVector(variables)


def values(variables):
    return np.concatenate([np.ravel(v.get_value()) for v in variables])


def test_set_and_get(flat, variables):
    assert flat.layout.names == ("W", "b", "gain")
    for theta in (np.arange(10.0), -np.arange(10.0)):
        flat.set(theta)
        assert_array_equal(values(variables), theta)
        assert_array_equal(flat.get(), theta)
    with pytest.raises(LayoutError):
        flat.set(np.zeros(11))
    assert_array_equal(values(variables), theta)


def test_what_was_handed_out_keeps_its_values(flat, variables):
    flat.set(np.arange(10.0))
    held = variables[0].get_value(borrow=True).T
    flat.set(np.zeros(10))
    assert_array_equal(held, [[0, 3], [1, 4], [2, 5]])


@pytest.mark.parametrize("mode", ["FAST_COMPILE", "FAST_RUN"])
def test_updates_of_compiled_functions(flat, variables, mode):
    other = aesara.shared(np.zeros((2, 3)), "other")
    weights, bias, gain = variables
    updates = [(other, weights), (weights, weights + 1), (bias, bias * 2), (gain, gain - 1)]
    step = aesara.function([], updates=updates, mode=mode)
    flat.set(np.arange(10.0))
    step()
    assert_array_equal(flat.get(), [1, 2, 3, 4, 5, 6, 12, 14, 16, 8])
    flat.set(np.zeros(10))
    assert_array_equal(other.get_value(), [[0, 1, 2], [3, 4, 5]])
    assert not values(variables).any()


def test_trial(flat, variables):
    flat.set(np.arange(10.0))
    with flat.trial() as trial:
        trial.set(np.zeros(10))
    assert_array_equal(values(variables), np.arange(10.0))


def test_what_cannot_be_bound(variables):
    with pytest.raises(BindingError, match="share one container"):
        FlatVector([variables[0], variables[0].clone()])
    with pytest.raises(BindingError, match="expected an array"):
        FlatVector([aesara.shared(np.random.default_rng(0))])
    with pytest.raises(BindingError, match="expected floats"):
        FlatVector([aesara.shared(np.zeros(2, "int64"))])


def test_functions_need_pytensor(flat):
    pytest.importorskip("pytensor")
    with pytest.raises(BindingError, match="expected a PyTensor one"):
        flat.compile_setter()
