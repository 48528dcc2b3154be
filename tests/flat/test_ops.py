"""The Ops of theta keep the contract of PyTensor's Ops."""

import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest
from flat.nets import Net, all_modes, host_modes
from flat.test_function import X, numpy_gradient, numpy_loss
from numpy.testing import assert_allclose, assert_array_equal
from pytensor.compile.debug.debugmode import DebugMode

from legacy_weights.flat import FlatVector
from legacy_weights.flat.modes import usable
from legacy_weights.flat.ops import Ravel, Unravel

SHAPES = ((2, 3), (), (0, 2), (1, 3), (4,))
THETA = np.arange(14.0)


def cut(theta):
    """Cut a theta by NumPy alone."""
    sizes = [int(np.prod(shape)) for shape in SHAPES]
    pieces = np.split(theta, np.cumsum(sizes)[:-1], axis=-1)
    return [p.reshape(theta.shape[:-1] + s) for p, s in zip(pieces, SHAPES, strict=True)]


def test_debug_mode_finds_nothing(theta):
    """It checks views, in-place work, inferred shapes, and that nothing depends on old memory."""
    net = Net()
    flat = FlatVector(net.variables)
    mode = DebugMode(optimizer="fast_compile", check_c_code=False, require_matching_strides=0)
    loss, gradient = flat.function([net.x], net.loss, grad=True, mode=mode)(theta, X)
    assert_allclose(loss, numpy_loss(theta, X))
    assert_allclose(gradient, numpy_gradient(theta, X), rtol=1e-10)
    flat.compile_setter(mode)(theta)
    assert_array_equal(net.theta(), theta)


@pytest.mark.parametrize("mode", [*host_modes("NUMBA", "FAST_COMPILE"), *all_modes()[-1:]])
@pytest.mark.parametrize("copy", [False, True])
@pytest.mark.parametrize("ndim", [1, 2])
def test_unravel_and_ravel(mode, copy, ndim):
    theta = pt.tensor("theta", shape=(None,) * (ndim - 1) + (14,), dtype="float64")
    pieces = Unravel(SHAPES, copy=copy)(theta)
    whole = Ravel(SHAPES)(*[piece * 2 for piece in pieces])
    call = pytensor.function([theta], [*pieces, whole], mode=usable(mode))
    value = THETA if ndim == 1 else np.stack([THETA, -THETA, THETA + 1])
    for argument in (value, np.repeat(value, 2, axis=-1)[..., ::2]):
        *arrays, joined = call(argument)
        for array, expected in zip(arrays, cut(value), strict=True):
            assert np.shape(array) == expected.shape
            assert_array_equal(array, expected)
        assert_array_equal(joined, value * 2)


def test_shapes_are_known_without_computing():
    theta = pt.matrix("theta")
    pieces = Unravel(SHAPES)(pt.specify_shape(theta, (None, 14)))
    whole = Ravel(SHAPES)(*pieces)
    assert [piece.type.shape for piece in pieces] == [(None, *shape) for shape in SHAPES]
    assert whole.type.shape == (None, 14)
    call = pytensor.function([theta], [pieces[0].shape, whole.shape], mode="FAST_COMPILE")
    assert [list(shape) for shape in call(np.zeros((5, 14)))] == [[5, 2, 3], [5, 14]]


def test_each_is_the_gradient_of_the_other():
    theta = pt.vector("theta", shape=(14,))
    weights = [np.random.default_rng(i).normal(size=s) for i, s in enumerate(SHAPES)]
    pieces = Unravel(SHAPES)(theta)
    cost = sum((p**2 * w).sum() for p, w in zip(pieces, weights, strict=True))
    gradient = pytensor.grad(cost, theta)
    flat_weights = np.concatenate([w.ravel() for w in weights])
    call = pytensor.function(
        [theta], [gradient, pytensor.grad((gradient**2).sum(), theta)], mode="FAST_COMPILE"
    )
    first, second = call(THETA)
    assert_allclose(first, 2 * THETA * flat_weights)
    assert_allclose(second, 8 * THETA * flat_weights**2)


def test_names_stay_short():
    assert str(Unravel(SHAPES * 100)) == "Unravel{500 arrays, 1400 elements}"
