"""Functions of theta equal set-then-evaluate, and never touch the variables."""

import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest
from flat.nets import Net, all_modes, cell, host_modes, needs_jax
from numpy.testing import assert_allclose, assert_array_equal

from legacy_weights.flat import BindingError, FlatVector

X = np.random.default_rng(2).normal(size=(5, 2))


def numpy_net(theta, x):
    """Compute the net by NumPy alone."""
    weights, bias, scale, gain = np.split(np.asarray(theta, "f8"), [6, 9, 12])
    return gain * np.tanh(x @ weights.reshape(2, 3) + bias) * scale


def numpy_loss(theta, x):
    return (numpy_net(theta, x) ** 2).sum()


def numpy_gradient(theta, x):
    """Differentiate the loss by complex steps, which are exact to the last digits."""
    steps = 1e-30j * np.eye(theta.size)

    def loss(theta):
        weights, bias, scale, gain = np.split(theta, [6, 9, 12])
        return ((gain * np.tanh(x @ weights.reshape(2, 3) + bias) * scale) ** 2).sum()

    return np.array([loss(theta + step).imag for step in steps]) / 1e-30


@pytest.fixture(scope="module", params=all_modes())
def compiled(request):
    """Everything compiled once a mode, over variables that hold something else."""
    net = Net()
    flat = FlatVector(net.variables)
    flat.set(np.arange(13.0))
    mode = request.param
    return {
        "net": net,
        "flat": flat,
        "forward": pytensor.function([net.x], net.loss, mode=mode),
        "loss and gradient": flat.function([net.x], net.loss, grad=True, mode=mode),
        "batch": flat.function([net.x], net.loss, grad=True, batch=True, mode=mode),
        "hvp": flat.hvp(net.loss, [net.x], mode=mode),
    }


@pytest.fixture(autouse=True)
def _unchanged(request):
    """No function of theta writes to a variable."""
    if "compiled" not in request.fixturenames:
        yield
        return
    net = request.getfixturevalue("compiled")["net"]
    before = [cell(v).tobytes() for v in net.variables]
    yield
    assert [cell(v).tobytes() for v in net.variables] == before


def test_loss_and_gradient(compiled, theta):
    before = [cell(v) for v in compiled["net"].variables]
    loss, gradient = compiled["loss and gradient"](theta, X)
    now = [cell(v) for v in compiled["net"].variables]
    assert all(one is other for one, other in zip(now, before, strict=True))
    assert_allclose(loss, numpy_loss(theta, X), rtol=1e-12)
    assert_allclose(gradient, numpy_gradient(theta, X), rtol=1e-12)
    assert np.asarray(gradient).dtype == np.float64


def test_it_equals_set_then_evaluate(compiled, theta):
    loss, _ = compiled["loss and gradient"](theta, X)
    with compiled["flat"].trial() as trial:
        trial.set(theta)
        evaluated = compiled["forward"](X)
    assert_allclose(loss, evaluated, rtol=1e-12)


def test_batch_equals_a_loop(compiled):
    thetas = np.random.default_rng(3).normal(size=(4, 13))
    losses, gradients = compiled["batch"](thetas, X)
    assert np.shape(losses) == (4,)
    assert np.shape(gradients) == (4, 13)
    for theta, loss, gradient in zip(thetas, losses, gradients, strict=True):
        assert_allclose(loss, numpy_loss(theta, X), rtol=1e-12)
        assert_allclose(gradient, numpy_gradient(theta, X), rtol=1e-12)


def test_hessian_vector_product(compiled, theta):
    """Against central differences of the exact gradient.

    The variables but the bias have no static shape: the product of a sliced gradient fails there
    under JAX.
    """
    vector = np.random.default_rng(4).normal(size=13)
    product = compiled["hvp"](theta, vector, X)
    step = 1e-5
    ahead, behind = (numpy_gradient(theta + sign * step * vector, X) for sign in (1, -1))
    assert_allclose(product, (ahead - behind) / (2 * step), rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("length", [0, 12, 14])
def test_another_length_raises(compiled, length):
    for call, arguments in (
        ("loss and gradient", (np.zeros(length), X)),
        ("batch", (np.zeros((2, length)), X)),
        ("hvp", (np.zeros(length), np.zeros(13), X)),
        ("hvp", (np.zeros(13), np.zeros(length), X)),
    ):
        with pytest.raises((AssertionError, ValueError, TypeError), match=r"(?i)shape"):
            compiled[call](*arguments)


@needs_jax
def test_theta_is_free_at_once_on_jax():
    weights = pytensor.shared(np.zeros(10**6), "weights")
    x = weights
    for _ in range(8):
        x = pt.tanh(x + weights)
    call = FlatVector([weights]).function([], x.sum() + weights.sum(), mode="JAX")
    theta = np.full(10**6, 1e-3)
    right = float(call(theta))
    for _ in range(10):
        theta[:] = 1e-3
        result = call(theta)
        theta[:] = 5
        assert float(result) == right


@pytest.mark.parametrize("mode", host_modes("FAST_COMPILE"))
class TestDetails:
    def test_single_output_and_list(self, net, theta, mode):
        flat = FlatVector(net.variables)
        assert_allclose(flat.function([net.x], net.y, mode=mode)(theta, X), numpy_net(theta, X))
        (listed,) = flat.function([net.x], [net.y], mode=mode)(theta, X)
        assert_allclose(listed, numpy_net(theta, X))

    def test_gradient_stands_behind_the_loss(self, net, theta, mode):
        flat = FlatVector(net.variables)
        call = flat.function([net.x], [net.loss, net.y], grad=True, mode=mode)
        loss, gradient, y = call(theta, X)
        assert_allclose(loss, numpy_loss(theta, X))
        assert_allclose(gradient, numpy_gradient(theta, X), rtol=1e-10)
        assert_allclose(y, numpy_net(theta, X))

    def test_several_dtypes(self, mode):
        a = pytensor.shared(np.zeros(2, "f4"), "a")
        b = pytensor.shared(np.zeros(2), "b")
        flat = FlatVector([a, b], dtype="float64")
        call = flat.function([], (a * b).sum(), grad=True, mode=mode)
        loss, gradient = call([2.0, 3.0, 5.0, 7.0])
        assert loss == 31
        assert_array_equal(gradient, [5, 7, 2, 3])

    def test_a_variable_that_is_not_used_has_no_slope(self, net, theta, mode):
        flat = FlatVector(net.variables)
        loss, gradient = flat.function([], (net.W**2).sum(), grad=True, mode=mode)(theta)
        assert_allclose(loss, (theta[:6] ** 2).sum())
        assert_allclose(gradient, np.r_[2 * theta[:6], np.zeros(7)])

    def test_a_linear_loss_has_no_curvature(self, net, theta, mode):
        flat = FlatVector(net.variables)
        call = flat.hvp(net.W.sum() + net.b.sum(), [], mode=mode)
        assert_array_equal(call(theta, np.ones(13)), np.zeros(13))
        call = flat.hvp((net.W**2).sum() + net.b.sum(), [], mode=mode)
        assert_allclose(call(theta, np.ones(13)), np.r_[np.full(6, 2.0), np.zeros(7)])

    def test_an_output_that_is_a_variable_is_no_view_of_theta(self, net, theta, mode):
        mine = theta.copy()
        weights = FlatVector(net.variables).function([], net.W, mode=mode)(mine)
        mine[:] = 0
        assert_array_equal(weights.ravel(), theta[:6])

    def test_clones_are_replaced_too(self, net, theta, mode):
        flat = FlatVector(net.variables)
        loss = (net.W.clone() ** 2).sum() + net.W.sum()
        call = flat.function([], loss, mode=mode)
        assert_allclose(call(theta), (theta[:6] ** 2).sum() + theta[:6].sum())

    def test_other_shared_variables_stay_what_they_are(self, net, theta, mode):
        factor = pytensor.shared(2.0)
        call = FlatVector(net.variables).function([net.x], net.loss * factor, mode=mode)
        assert_allclose(call(theta, X), 2 * numpy_loss(theta, X))
        factor.set_value(3.0)
        assert_allclose(call(theta, X), 3 * numpy_loss(theta, X))

    def test_batch_of_outputs_that_depend_on_a_part(self, net, mode):
        flat = FlatVector(net.variables)
        thetas = np.random.default_rng(0).normal(size=(3, 13))
        call = flat.function([], net.W.sum() * 2, grad=True, batch=True, mode=mode)
        losses, gradients = call(thetas)
        assert_allclose(losses, 2 * thetas[:, :6].sum(axis=1))
        assert_allclose(gradients, np.tile(np.r_[np.full(6, 2.0), np.zeros(7)], (3, 1)))

    def test_empty_and_single_variables(self, mode):
        variables = [pytensor.shared(np.zeros((0, 3))), pytensor.shared(np.zeros(2))]
        flat = FlatVector(variables)
        call = flat.function(
            [], (variables[1] ** 2).sum() + variables[0].sum(), grad=True, mode=mode
        )
        assert_allclose(call([1.0, 2.0])[1], [2, 4])
        loss = (variables[1] ** 2).sum()
        alone = FlatVector(variables[1:]).function([], loss, grad=True, mode=mode)
        assert_allclose(alone([1.0, 2.0])[1], [2, 4])

    def test_what_cannot_be_differentiated_is_refused(self, net, mode):
        flat = FlatVector(net.variables)
        with pytest.raises(BindingError, match="the loss has 2 dimensions; expected a scalar"):
            flat.function([net.x], net.y, grad=True)
        with pytest.raises(BindingError, match="the loss has 2 dimensions; expected a scalar"):
            flat.hvp(net.y, [net.x])

    def test_outputs_without_variables_are_refused(self, net, mode):
        with pytest.raises(BindingError, match="none of the outputs depends on a variable"):
            FlatVector(net.variables).function([net.x], net.x.sum())


@pytest.mark.parametrize("mode", [*host_modes("FAST_COMPILE"), *all_modes()[-1:]])
def test_double_precision_over_single(theta, mode):
    net = Net("float32")
    flat = FlatVector(net.variables)
    call = flat.function([net.x], net.loss, grad=True, mode=mode)
    x = X.astype("f4")
    loss, gradient = call(theta, x)
    assert gradient.dtype == np.float64
    assert_allclose(loss, numpy_loss(theta, X), rtol=1e-5)
    assert_allclose(gradient, numpy_gradient(theta, X), rtol=1e-4, atol=1e-5)
    product = flat.hvp(net.loss, [net.x], mode=mode)(theta, np.eye(13)[12], x)
    assert product.dtype == np.float64
    assert_allclose(product[12], 2 * numpy_loss(theta, X) / theta[12] ** 2, rtol=1e-4)
    single = flat.function([net.x], net.loss, grad=True, mode=mode, dtype="float32")
    assert single(theta.astype("f4"), x)[1].dtype == np.float32
    with pytest.raises(BindingError, match="cannot hold variables of float32 exactly"):
        flat.function([net.x], net.loss, dtype="float16")


@pytest.mark.parametrize("mode", [*host_modes("FAST_COMPILE"), *all_modes()[-1:]])
def test_scans_are_replaced_inside(mode):
    w = pytensor.shared(np.zeros((2, 2)), "w")
    start = pt.vector("start")
    outputs = pytensor.scan(
        lambda h, w: pt.tanh(h @ w),
        outputs_info=start,
        non_sequences=w,
        n_steps=3,
        return_updates=False,
    )
    flat = FlatVector([w])
    loss, gradient = flat.function([start], outputs[-1].sum(), grad=True, mode=mode)(
        np.arange(1.0, 5.0) / 5, np.ones(2)
    )
    theta = (np.arange(1.0, 5.0) / 5).astype(complex)

    def unrolled(theta):
        h = np.ones(2)
        for _ in range(3):
            h = np.tanh(h @ theta.reshape(2, 2))
        return h.sum()

    assert_allclose(loss, unrolled(theta).real, rtol=1e-12)
    steps = 1e-30j * np.eye(4)
    assert_allclose(gradient, [unrolled(theta + s).imag / 1e-30 for s in steps], rtol=1e-10)


@needs_jax
def test_on_a_device(net, theta, two_devices):
    flat = FlatVector(net.variables, "jax", device=two_devices[1])
    flat.set(np.arange(13.0))
    loss, gradient = flat.function([net.x], net.loss, grad=True)(theta, X)
    assert gradient.devices() == {two_devices[1]}
    assert_allclose(loss, numpy_loss(theta, X), rtol=1e-12)
    assert_allclose(gradient, numpy_gradient(theta, X), rtol=1e-12)
    assert_array_equal(flat.get(), np.arange(13.0))
