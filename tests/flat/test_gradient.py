import numpy as np
import pytensor
import pytest
from flat.nets import all_modes
from flat.test_function import X, numpy_gradient
from numpy.testing import assert_allclose

import legacy_weights
from legacy_weights.flat import FlatVector


@pytest.mark.parametrize("mode", all_modes())
def test_it_is_the_gradient_end_to_end(net, theta, mode):
    flat = FlatVector(net.variables)
    flat.set(theta)
    gradient = legacy_weights.flat_grad(net.loss, net.variables)
    assert gradient.type.ndim == 1
    value = np.asarray(pytensor.function([net.x], gradient, mode=mode)(X))
    assert_allclose(value, numpy_gradient(theta, X), rtol=1e-12)


def test_it_takes_a_binding(net, theta):
    flat = FlatVector(net.variables[::-1])
    gradient = legacy_weights.flat_grad(net.loss, flat)
    value = pytensor.function([net.x], gradient, mode="FAST_COMPILE")(X)
    FlatVector(net.variables).set(theta)
    value = pytensor.function([net.x], gradient, mode="FAST_COMPILE")(X)
    expected = numpy_gradient(theta, X)
    assert_allclose(flat.unflatten(value)["out/W"].ravel(), expected[:6], rtol=1e-12)


def test_a_variable_that_is_not_used_raises(net):
    with pytest.raises(pytensor.gradient.DisconnectedInputError):
        legacy_weights.flat_grad(net.W.sum(), net.variables)
