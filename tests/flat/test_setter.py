"""The compiled function from theta to updates of all variables, in every mode."""

import pickle

import numpy as np
import pytensor
import pytest
from flat.nets import Net, all_modes, cell, host_modes, needs_jax, set_by_loop
from numpy.testing import assert_array_equal
from pytensor.compile.executor import Function
from pytensor.compile.mode import Mode

from legacy_weights.flat import BindingError, FlatVector


@pytest.fixture(scope="module", params=["default", *all_modes()])
def setter(request):
    """A net with its setter, compiled once a mode."""
    net = Net()
    flat = FlatVector(net.variables)
    mode = None if request.param == "default" else request.param
    return net, flat, flat.compile_setter(mode)


def test_it_is_a_pytensor_function_that_returns_nothing(setter, theta):
    assert isinstance(setter[2], Function)
    assert not setter[2](theta)


def test_it_equals_a_loop_of_set_value(setter, theta):
    net, flat, call = setter
    twin = Net()
    for factor in (1, 2):
        call(theta * factor)
        set_by_loop(twin.variables, theta * factor)
        for mine, its in zip(net.arrays(), twin.arrays(), strict=True):
            assert mine.shape == its.shape
            assert mine.tobytes() == its.tobytes()
        assert_array_equal(flat.get(), theta * factor)


def test_it_and_set_take_turns(setter, theta):
    net, flat, call = setter
    flat.set(theta)
    held = net.W.get_value(borrow=True)
    call(theta * 2)
    assert_array_equal(net.theta(), theta * 2)
    assert_array_equal(held.ravel(), theta[:6])
    flat.set(theta * 3)
    assert_array_equal(net.theta(), theta * 3)


@pytest.mark.parametrize("length", [Net.size - 1, Net.size + 1, 0])
@pytest.mark.parametrize("trust", [False, True])
def test_another_length_raises_before_anything_changes(setter, theta, length, trust):
    # Slicing takes a theta that is too long, in every mode; JAX drops an Assert.
    net, _, call = setter
    call(theta)
    call.trust_input = trust
    try:
        with pytest.raises((AssertionError, ValueError), match=r"(?i)shape"):
            call(np.zeros(length))
    finally:
        call.trust_input = False
    assert_array_equal(net.theta(), theta)


@pytest.mark.parametrize("trust", [False, True])
def test_it_never_aliases_theta(setter, theta, trust):
    net, _, call = setter
    mine = theta.copy()
    call.trust_input = trust
    try:
        call(mine)
    finally:
        call.trust_input = False
    assert not any(np.shares_memory(np.asarray(cell(v)), mine) for v in net.variables)
    mine[:] = 0
    assert_array_equal(net.theta(), theta)


def test_a_strided_theta_works(setter, theta):
    net, _, call = setter
    call(np.repeat(theta, 2)[::2])
    assert_array_equal(net.theta(), theta)


@pytest.mark.parametrize("mode", host_modes("vm", "FAST_COMPILE"))
def test_only_the_exact_dtype_is_taken(mode):
    net = Net("float32")
    call = FlatVector(net.variables).compile_setter(mode)
    call(np.ones(13, "f4"))
    for bad in (np.zeros(13), np.zeros(13, int), [0.0] * 13):
        with pytest.raises(TypeError):
            call(bad)
    assert_array_equal(net.theta(), np.ones(13))


@needs_jax
def test_double_precision_is_not_taken_for_single_on_jax():
    net = Net("float32")
    call = FlatVector(net.variables).compile_setter("JAX")
    call(np.ones(13, "f4"))
    with pytest.raises(TypeError):
        call(np.zeros(13))
    assert_array_equal(net.theta(), np.ones(13))


@needs_jax
@pytest.mark.parametrize("offset", [0, 8])
def test_theta_is_free_at_once_on_jax(offset):
    # The plain setter in mode JAX fails this: JAX reads theta after the call has returned.
    weights = [pytensor.shared(np.zeros(5_000_000), f"w{i}") for i in range(2)]
    flat = FlatVector(weights)
    call = flat.compile_setter("JAX")
    raw = np.zeros(8 * flat.size + 128, np.uint8)
    start = -raw.__array_interface__["data"][0] % 64 + offset
    theta = raw[start : start + 8 * flat.size].view("f8")
    right = 0
    for i in range(20):
        theta[:] = i
        call(theta)
        theta[:] = -1
        right += all((np.asarray(cell(w)) == i).all() for w in weights)
    assert right == 20


@pytest.mark.parametrize("mode", ["C", Mode(linker="c")])
def test_the_plain_c_linker_is_refused(net, mode):
    # There a failing SpecifyShape aborts the process.
    flat = FlatVector(net.variables)
    for compile_it in (
        lambda: flat.compile_setter(mode),
        lambda: flat.function([net.x], net.y, mode=mode),
        lambda: flat.hvp(net.loss, [net.x], mode=mode),
    ):
        with pytest.raises(BindingError, match='Use mode="CVM"'):
            compile_it()


def test_variables_of_several_dtypes(theta):
    variables = [pytensor.shared(np.zeros(2, "f4"), "a"), pytensor.shared(np.zeros(2), "b")]
    FlatVector(variables, dtype="float64").compile_setter()(np.full(4, 1 / 3))
    assert_array_equal(variables[0].get_value(), np.full(2, 1 / 3, "f4"))
    assert_array_equal(variables[1].get_value(), np.full(2, 1 / 3))


def test_one_variable():
    variable = pytensor.shared(np.zeros(3))
    call = FlatVector([variable]).compile_setter()
    mine = np.arange(3.0)
    call(mine)
    mine[:] = 0
    assert_array_equal(variable.get_value(), [0, 1, 2])


def test_a_row_whose_type_does_not_say_so():
    """``In`` refuses an update that is broadcastable where its variable's type is not."""
    variable = pytensor.shared(np.zeros((1, 2)), "b")
    assert variable.type.shape == (None, None)
    FlatVector([variable]).compile_setter()(np.array([1.0, 2.0]))
    np.testing.assert_array_equal(variable.get_value(), [[1.0, 2.0]])


def test_it_can_be_pickled(net, theta):
    flat = FlatVector(net.variables)
    call = flat.compile_setter()
    variables, again = pickle.loads(pickle.dumps((net.variables, call)))
    again(theta)
    assert not net.theta().any()
    assert again.maker.fgraph.toposort()[-1].op.size == 13
    assert len(variables) == 4
