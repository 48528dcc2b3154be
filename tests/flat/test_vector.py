"""What bindings do with each other: subsets, mixtures, copies, pickles; and what they import."""

import copy
import pickle
import subprocess
import sys

import numpy as np
import pytensor
import pytest
from flat.nets import Net, cell, needs_jax
from numpy.testing import assert_array_equal

import legacy_weights
from legacy_weights.errors import LayoutError
from legacy_weights.flat import BindingError, FlatVector


@pytest.fixture(params=["host", pytest.param("jax", marks=needs_jax)])
def backend(request):
    return request.param


@pytest.fixture
def flat(net, theta, backend):
    flat = FlatVector(net.variables, backend)
    flat.set(theta)
    return flat


def test_it_stands_at_the_top():
    assert legacy_weights.FlatVector is FlatVector
    assert "FlatVector" in dir(legacy_weights)
    with pytest.raises(AttributeError, match="no attribute 'FlatVectors'"):
        legacy_weights.FlatVectors  # noqa: B018


@pytest.mark.parametrize("module", ["legacy_weights", "legacy_weights.flat"])
def test_importing_is_cheap(module):
    script = f"import sys, {module}; print(*({{'pytensor', 'jax', 'aesara'}} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == ""


def test_host_bindings_do_not_import_jax():
    script = """
import sys, numpy as np, pytensor, pytensor.tensor as pt
from legacy_weights import FlatVector
v = pytensor.shared(np.zeros(3))
flat = FlatVector([v])
flat.set(np.ones(3)), flat.get(), flat.view()
flat.compile_setter()(np.ones(3))
flat.function([], (v ** 2).sum(), grad=True, mode="FAST_COMPILE")(np.ones(3))
assert "jax" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", script], check=True)


def test_repr(flat, backend):
    assert repr(flat).startswith(f"FlatVector(4 variables, 13 float64, {backend}")


def test_flatten_and_unflatten_leave_the_variables_alone(flat, net, theta):
    arrays = flat.unflatten(theta * 2)
    assert_array_equal(arrays["out/b"], theta[None, 6:9] * 2)
    assert_array_equal(flat.flatten(arrays), theta * 2)
    assert_array_equal(net.theta(), theta)


class TestSubset:
    def test_it_sets_its_part_only(self, flat, net, theta, backend):
        part = flat.subset("out/*")
        assert part.layout.names == ("out/W", "out/b")
        assert part.backend == backend
        assert part.device == flat.device
        part.set(np.arange(9.0))
        assert_array_equal(net.theta(), np.r_[np.arange(9.0), theta[9:]])
        assert_array_equal(flat.get(), np.r_[np.arange(9.0), theta[9:]])

    def test_it_and_the_whole_take_turns(self, flat, net, theta):
        part = flat.subset("gain", "scale")
        for i in range(1, 4):
            flat.set(theta * i)
            assert_array_equal(part.get(), theta[9:] * i)
            part.set(np.full(4, float(i)))
            assert_array_equal(flat.get(), np.r_[theta[:9] * i, np.full(4, i)])
            assert_array_equal(net.theta(), np.r_[theta[:9] * i, np.full(4, i)])

    def test_names_stay(self):
        flat = FlatVector([pytensor.shared(np.zeros(1)) for _ in range(3)])
        assert flat.subset("[12]").layout.names == ("1", "2")

    def test_a_pattern_that_matches_nothing_raises(self, flat):
        with pytest.raises(LayoutError, match="no array matches 'hidden"):
            flat.subset("hidden/*")

    def test_the_frozen_rest_is_constant_in_functions(self, flat, net, theta):
        call = flat.subset("gain").function([], (net.gain * net.scale).sum(), mode="FAST_COMPILE")
        if flat.backend == "host":
            np.testing.assert_allclose(call([3.0]), 3 * theta[9:12].sum())


class TestLerp:
    def test_between(self, flat, net, theta):
        goal = np.arange(13.0)
        flat.lerp(goal, 0.25)
        np.testing.assert_allclose(net.theta(), 0.75 * theta + 0.25 * goal, rtol=1e-15)

    def test_the_ends_are_exact(self, flat, net, theta):
        goal = np.full(13, np.inf)
        flat.lerp(goal, 0)
        assert_array_equal(net.theta(), theta)
        flat.lerp(goal, 1)
        assert_array_equal(net.theta(), goal)

    def test_target_networks(self, flat, theta):
        target = FlatVector({f"target {i}": v for i, v in enumerate(Net().variables)})
        for _ in range(200):
            target.lerp(flat, 0.1)
        np.testing.assert_allclose(target.get(), theta, rtol=1e-8)

    def test_single_precision_stays_single(self):
        net = Net("float32")
        flat = FlatVector(net.variables)
        flat.lerp(np.ones(13, "f4"), 0.3)
        assert_array_equal(net.theta(), np.full(13, 0.3, "f4"))

    @pytest.mark.parametrize("tau", [-0.1, 1.1, float("nan")])
    def test_tau_is_from_0_to_1(self, flat, net, theta, tau):
        with pytest.raises(LayoutError, match="tau is"):
            flat.lerp(theta * 2, tau)
        assert_array_equal(net.theta(), theta)

    def test_other_shapes_are_refused(self, flat, net):
        other = FlatVector([pytensor.shared(np.zeros((3, 2))), *Net().variables[1:]])
        with pytest.raises(LayoutError, match="the other binding has the shapes"):
            flat.lerp(other, 0.5)
        with pytest.raises(LayoutError, match="theta has the shape"):
            flat.lerp(np.zeros(12), 0.5)


class TestCopies:
    def test_a_copy_binds_the_same_variables(self, flat, net, theta, backend):
        twin = copy.copy(flat)
        assert twin.variables == flat.variables
        assert twin.backend == backend
        twin.set(theta * 2)
        assert_array_equal(flat.get(), theta * 2)
        flat.set(theta * 3)
        assert_array_equal(twin.get(), theta * 3)

    def test_a_deep_copy_binds_copies(self, flat, net, theta, backend):
        twin = copy.deepcopy(flat)
        assert twin.layout == flat.layout
        assert_array_equal(twin.get(), theta)
        twin.set(theta * 2)
        assert_array_equal(net.theta(), theta)
        assert_array_equal(twin.get(), theta * 2)
        assert twin.backend == backend

    def test_a_pickle_binds_what_is_pickled_with_it(self, flat, net, theta, backend):
        variables, twin = pickle.loads(pickle.dumps((net.variables, flat)))
        assert all(a is b for a, b in zip(twin.variables, variables, strict=True))
        assert twin.layout == flat.layout
        assert_array_equal(twin.get(), theta)
        twin.set(theta * 2)
        assert_array_equal(np.asarray(variables[0].get_value()).ravel(), theta[:6] * 2)
        assert_array_equal(net.theta(), theta)
        assert twin.device == flat.device

    def test_the_common_dtype_is_kept(self):
        mixed = [pytensor.shared(np.zeros(2, "f4")), pytensor.shared(np.zeros(2))]
        flat = FlatVector(mixed, dtype="float64")
        assert pickle.loads(pickle.dumps(flat)).layout == flat.layout

    def test_a_device_that_is_not_there_raises(self, net, two_devices, monkeypatch, jax):
        content = pickle.dumps(FlatVector(net.variables, "jax", device=two_devices[1]))
        monkeypatch.setattr(jax, "devices", lambda platform: two_devices[:1])
        with pytest.raises(BindingError, match="there is no device 1 on cpu here"):
            pickle.loads(content)


def test_it_keeps_its_variables_alive(theta):
    flat = FlatVector(Net().variables)
    flat.set(theta)
    assert_array_equal(np.concatenate([cell(v).ravel() for v in flat.variables]), theta)
