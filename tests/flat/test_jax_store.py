"""The JAX backend: committed arrays on one device, never written, never the caller's memory."""

import os
import subprocess
import sys

import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest
from flat.nets import Net, cell, needs_jax, set_by_loop
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from legacy_weights.errors import LayoutError
from legacy_weights.flat import BindingError, CastError, FlatVector

pytestmark = needs_jax


@pytest.fixture
def flat(net):
    return FlatVector(net.variables, "jax")


def on(variables, device):
    """Whether all values are jax.Arrays that are committed to the device."""
    return all(cell(v).committed and cell(v).devices() == {device} for v in variables)


def test_set_equals_a_loop_of_set_value(flat, net, theta):
    twin = Net()
    set_by_loop(twin.variables, theta)
    flat.set(theta)
    for mine, its in zip(net.arrays(), twin.arrays(), strict=True):
        assert mine.shape == its.shape
        assert mine.tobytes() == its.tobytes()
    assert_array_equal(flat.get(), theta)


@settings(deadline=None, max_examples=10)
@given(
    shapes=st.lists(
        st.sampled_from([(), (1,), (2, 3), (1, 3), (0, 2), (3, 1, 2)]), min_size=1, max_size=5
    ),
    dtype=st.sampled_from(["float64", "float32", "complex128"]),
    seed=st.integers(0, 99),
)
def test_set_then_get_is_the_identity(shapes, dtype, seed):
    variables = [pytensor.shared(np.zeros(shape, dtype)) for shape in shapes]
    flat = FlatVector(variables, "jax")
    theta = np.random.default_rng(seed).normal(size=flat.size).astype(dtype)
    flat.set(theta)
    assert flat.get().tobytes() == theta.tobytes()
    assert np.asarray(flat.get(device=True)).tobytes() == theta.tobytes()
    assert [np.shape(v.get_value()) for v in variables] == shapes


def test_binding_keeps_the_values(net, theta, jax):
    set_by_loop(net.variables, theta)
    mine = net.W.get_value(borrow=True)
    flat = FlatVector(net.variables, "jax")
    assert flat.backend == "jax"
    assert all(isinstance(cell(v), jax.Array) for v in net.variables)
    mine[:] = 0  # what was NumPy's before is not looked at any more
    assert_array_equal(flat.get(), theta)
    assert_array_equal(net.theta(), theta)


@pytest.mark.parametrize("offset", [0, 8])
def test_theta_is_free_after_set(offset):
    """At 1e7 floats, aligned and unaligned, the theta is reused at once."""
    weights = [pytensor.shared(np.zeros(5_000_000), f"w{i}") for i in range(2)]
    flat = FlatVector(weights, "jax")
    raw = np.zeros(8 * flat.size + 128, np.uint8)
    start = -raw.__array_interface__["data"][0] % 64 + offset
    theta = raw[start : start + 8 * flat.size].view("f8")
    right = 0
    for i in range(20):
        theta[:] = i
        flat.set(theta)
        theta[:] = -1
        right += all((np.asarray(cell(w)) == i).all() for w in weights)
    assert right == 20


def test_a_call_in_flight_is_not_disturbed():
    weights = pytensor.shared(np.zeros(10**6), "weights")
    flat = FlatVector([weights], "jax")
    x = weights
    for _ in range(8):
        x = pt.tanh(x + weights)
    slow = pytensor.function([], x.sum() + weights.sum(), mode="JAX")
    theta = np.full(flat.size, 1e-3)
    flat.set(theta)
    right = float(slow())
    for _ in range(10):
        flat.set(theta)
        result = slow()
        flat.set(np.full(flat.size, 5.0))
        assert float(result) == right


class TestThetaOnTheDevice:
    def test_it_is_set_without_the_host(self, flat, net, theta, jax):
        there = jax.device_put(theta * 2, flat.device)
        with jax.transfer_guard("disallow"):
            flat.set(there)
            back = flat.get(device=True)
        assert isinstance(back, jax.Array)
        assert back.devices() == {flat.device}
        assert_array_equal(np.asarray(back), theta * 2)
        assert_array_equal(net.theta(), theta * 2)

    @pytest.mark.parametrize("alone", [True, False])
    def test_it_may_be_donated_afterwards(self, jax, alone):
        """Donating gives the memory of an array away: nobody else may have it."""
        variables = [pytensor.shared(np.zeros(4))] + [pytensor.shared(np.zeros(2))] * (not alone)
        flat = FlatVector(variables, "jax")
        there = jax.numpy.arange(float(flat.size))
        flat.set(there)
        back = flat.get(device=True)
        consume = jax.jit(lambda t: t + 1, donate_argnums=0)
        consume(there)
        consume(back)
        assert there.is_deleted()
        assert back.is_deleted()
        assert_array_equal(flat.get(), np.arange(float(flat.size)))

    @pytest.mark.parametrize("size", [Net.size - 1, Net.size + 1, 0])
    def test_another_length_raises(self, flat, net, theta, jax, size):
        flat.set(theta)
        for _ in range(2):
            with pytest.raises(LayoutError, match=rf"theta has the shape .{size},.; expected"):
                flat.set(jax.numpy.zeros(size))
        assert_array_equal(net.theta(), theta)

    def test_another_number_of_dimensions_raises(self, flat, jax):
        with pytest.raises(LayoutError, match=r"theta has the shape \(1, 13\)"):
            flat.set(jax.numpy.zeros((1, 13)))

    def test_dtypes_are_as_strict_as_on_the_host(self, flat, net, theta, jax):
        flat.set(theta)
        jnp = jax.numpy
        for bad in (jnp.zeros(13, int), jnp.zeros(13, complex), jnp.zeros(13, bool)):
            with pytest.raises(CastError):
                flat.set(bad)
        assert_array_equal(net.theta(), theta)
        flat.set(jnp.arange(13), cast=True)
        assert_array_equal(net.theta(), np.arange(13))
        flat.set(jnp.full(13, 0.5, "float32"))
        assert_array_equal(net.theta(), np.full(13, 0.5))
        assert {str(v.get_value().dtype) for v in net.variables} == {"float64"}

    def test_a_deleted_one_raises(self, flat, net, theta, jax):
        flat.set(theta)
        there = jax.numpy.zeros(13)
        there.delete()
        with pytest.raises((RuntimeError, ValueError), match="deleted"):
            flat.set(there)
        assert_array_equal(net.theta(), theta)


class TestPlacement:
    def test_weights_stay_on_their_device(self, net, theta, two_devices):
        """Over sets, forward calls and updates; an uncommitted array would drift to the first."""
        second = two_devices[1]
        flat = FlatVector(net.variables, "jax", device=second)
        assert flat.device is second
        assert on(net.variables, second)
        forward = pytensor.function([net.x], net.y, mode="JAX")
        step = pytensor.function([], updates=[(v, v * 2) for v in net.variables], mode="JAX")
        x = np.ones((5, 2))
        for start in (theta, theta * 3):
            flat.set(start)
            assert on(net.variables, second)
            weights, bias, scale, gain = np.split(start, [6, 9, 12])
            expected = gain * np.tanh(x @ weights.reshape(2, 3) + bias) * scale
            np.testing.assert_allclose(forward(x), expected, rtol=1e-12)
            assert forward(x).devices() == {second}
            step()
            assert on(net.variables, second)
            assert_array_equal(flat.get(), start * 2)
        setter = flat.compile_setter()
        setter(theta)
        assert on(net.variables, second)
        assert flat.get(device=True).devices() == {second}

    def test_to_device_and_back(self, net, theta, two_devices):
        flat = FlatVector(net.variables)
        flat.set(theta)
        for device in two_devices:
            assert flat.to_device(device) is flat
            assert on(net.variables, device)
            assert_array_equal(flat.get(), theta)
        assert flat.to_host() is flat
        assert flat.backend == "host"
        assert flat.device is None
        assert all(type(cell(v)) is np.ndarray for v in net.variables)
        assert_array_equal(net.theta(), theta)

    def test_a_binding_follows_its_variables(self, net, two_devices):
        FlatVector(net.variables, "jax", device=two_devices[1])
        assert FlatVector(net.variables, "jax").device is two_devices[1]

    def test_variables_on_several_devices_are_refused(self, net, theta, two_devices):
        FlatVector([net.W], "jax", device=two_devices[0])
        FlatVector([net.b, net.scale], "jax", device=two_devices[1])
        before = [cell(v) for v in net.variables]
        with pytest.raises(BindingError, match=r"the variables are on .*; expected one device"):
            FlatVector(net.variables, "jax")
        assert all(cell(v) is b for v, b in zip(net.variables, before, strict=True))
        FlatVector(net.variables, "jax", device=two_devices[0])
        assert on(net.variables, two_devices[0])

    def test_a_theta_committed_elsewhere_is_refused(self, net, theta, two_devices, jax):
        flat = FlatVector(net.variables, "jax", device=two_devices[1])
        flat.set(theta)
        with pytest.raises(
            BindingError, match=r"theta is on .* expected .*where the variables are"
        ):
            flat.set(jax.device_put(theta * 2, two_devices[0]))
        assert_array_equal(net.theta(), theta)
        flat.set(jax.numpy.asarray(theta * 2))  # uncommitted: it may go anywhere
        assert_array_equal(net.theta(), theta * 2)
        assert on(net.variables, two_devices[1])

    def test_only_devices_are_devices(self, net):
        with pytest.raises(BindingError, match="device is a str"):
            FlatVector(net.variables, "jax", device="cpu")
        with pytest.raises(BindingError, match="no device to get theta on"):
            FlatVector(net.variables).get(device=True)


class TestOthersSet:
    def test_set_value_of_a_numpy_array(self, flat, net, theta):
        flat.set(theta)
        mine = np.ones((2, 3))
        net.W.set_value(mine, borrow=True)
        assert_array_equal(flat.get(), np.r_[np.ones(6), theta[6:]])
        back = flat.get(device=True)
        mine[:] = 5
        assert_array_equal(np.asarray(back), np.r_[np.ones(6), theta[6:]])
        flat.set(theta * 2)
        assert_array_equal(mine, np.full((2, 3), 5))
        assert_array_equal(net.theta(), theta * 2)
        assert on(net.variables, flat.device)

    def test_a_variable_of_another_shape_raises(self, flat, net, theta):
        flat.set(theta)
        net.W.set_value(np.ones((3, 2)))
        for call in (flat.get, lambda: flat.set(theta), flat.view, lambda: flat.get(device=True)):
            with pytest.raises(LayoutError, match=r"out/W now holds .* \(3, 2\)"):
                call()
        assert_array_equal(np.asarray(net.b.get_value()).ravel(), theta[6:9])

    def test_what_was_handed_out_keeps_its_values(self, flat, net, theta):
        flat.set(theta)
        held = net.W.get_value(borrow=True)
        view = flat.view()
        flat.set(theta * 2)
        assert_array_equal(np.asarray(held).ravel(), theta[:6])
        assert_array_equal(view, theta)
        with pytest.raises(ValueError, match="read-only"):
            view[0] = 1

    def test_a_failure_half_way_changes_nothing(self, net, theta):
        class Breaking(list):
            broken = False

            def __setitem__(self, index, value):
                if self.broken:
                    raise MemoryError
                super().__setitem__(index, value)

        net.scale.container.storage = Breaking(net.scale.container.storage)
        flat = FlatVector(net.variables, "jax")
        flat.set(theta)
        net.scale.container.storage.broken = True
        with pytest.raises(MemoryError):
            flat.set(theta * 2)
        assert_array_equal(net.theta(), theta)


def test_get_by_one_transfer_is_the_same(flat, theta, monkeypatch):
    """Off the CPU the values are joined on the device; here the device only pretends."""

    class Elsewhere:
        platform = "gpu"

    flat.set(theta)
    monkeypatch.setattr(flat._store, "get_on_device", lambda: np.asarray(theta) * 1)
    monkeypatch.setattr(flat._store, "device", Elsewhere())
    assert_array_equal(flat.get(), theta)
    out = np.zeros(flat.size)
    assert flat.get(out) is out
    assert_array_equal(out, theta)


def test_weights_that_jax_would_round_are_refused():
    """With floatX=float32 PyTensor tells JAX to have no double precision."""
    script = """
import numpy as np, pytensor
from legacy_weights.flat import BindingError, FlatVector
double, single = pytensor.shared(np.ones(3)), pytensor.shared(np.ones(3, "f4"))
try:
    FlatVector([double], "jax")
except BindingError as error:
    assert "JAX would turn float64 into float32" in str(error), error
else:
    raise SystemExit("not refused")
assert type(double.get_value()) is np.ndarray
flat = FlatVector([single], "jax")
flat.set(np.arange(3, dtype="f4"))
assert flat.get().tolist() == [0, 1, 2]
"""
    environment = os.environ | {"PYTENSOR_FLAGS": "floatX=float32"}
    command = [sys.executable, "-W", "error", "-c", script]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_bindings_of_the_same_shapes_share_one_program(theta):
    one, two = FlatVector(Net().variables, "jax"), FlatVector(Net().variables, "jax")
    assert one._store._unravel is two._store._unravel
