"""The host backend: fast, and never at the cost of what someone else holds."""

import threading

import numpy as np
import pytensor
import pytest
from flat.nets import Net, all_modes, cell, host_modes, set_by_loop
from numpy.testing import assert_array_equal
from pytensor.compile.io import Out
from pytensor.compile.mode import Mode

from legacy_weights.errors import LayoutError
from legacy_weights.flat import FlatVector


@pytest.fixture
def flat(net):
    return FlatVector(net.variables)


def address(variable):
    return cell(variable).__array_interface__["data"][0]


def test_set_equals_a_loop_of_set_value(flat, net, theta):
    twin = Net()
    set_by_loop(twin.variables, theta)
    flat.set(theta)
    for mine, its in zip(net.arrays(), twin.arrays(), strict=True):
        assert mine.shape == its.shape
        assert mine.tobytes() == its.tobytes()
    assert_array_equal(flat.get(), theta)


def test_after_the_first_set_everything_stays_in_place(flat, net, theta):
    flat.set(theta)
    before = [id(cell(v)) for v in net.variables]
    start = address(net.W)
    for factor in range(2, 6):
        flat.set(theta * factor)
        flat.get()
        assert_array_equal(net.theta(), theta * factor)
    assert [id(cell(v)) for v in net.variables] == before
    assert [address(v) - start for v in net.variables] == [0, 48, 72, 96]


def test_theta_is_free_after_set(flat, net, theta):
    mine = theta.copy()
    flat.set(mine)
    mine[:] = 0
    assert_array_equal(net.theta(), theta)


class TestCompiledFunctions:
    """What they do to the variables is seen, and what they were given is theirs."""

    @pytest.mark.parametrize("mode", all_modes())
    def test_updates_are_seen_and_overwritten(self, flat, net, theta, mode):
        double = pytensor.function([], updates=[(v, v * 2) for v in net.variables], mode=mode)
        for start in (theta, theta + 1, theta + 2):
            flat.set(start)
            double()
            assert_array_equal(flat.get(), start * 2)
            double()
            assert_array_equal(flat.get(), start * 4)
        flat.set(theta)
        assert all(type(cell(v)) is np.ndarray for v in net.variables)
        assert_array_equal(net.theta(), theta)

    @pytest.mark.parametrize("mode", host_modes("NUMBA", "CVM", "vm"))
    def test_updates_in_place_need_no_second_buffer(self, flat, net, theta, mode):
        double = pytensor.function([], updates=[(net.W, net.W * 2)], mode=mode)
        flat.set(theta)
        start = address(net.W)
        for _ in range(3):
            double()
            flat.set(theta)
            assert address(net.W) == start

    @pytest.mark.parametrize("mode", host_modes("FAST_COMPILE"))
    def test_updates_that_replace_arrays_need_no_second_buffer_either(self, net, theta, mode):
        flat = FlatVector(net.variables)
        double = pytensor.function([], updates=[(v, v * 2) for v in net.variables], mode=mode)
        flat.set(theta)
        start = address(net.W)
        for _ in range(3):
            double()
            assert address(net.W) != start
            flat.set(theta)
            assert address(net.W) == start

    @pytest.mark.parametrize("mode", all_modes())
    def test_a_variable_that_received_an_array_keeps_it(self, flat, net, theta, mode):
        other = pytensor.shared(np.zeros((2, 3)), "other")
        shift = pytensor.function([], updates=[(other, net.W), (net.W, net.W + 1)], mode=mode)
        old = theta[:6].reshape(2, 3)
        flat.set(theta)
        shift()
        assert_array_equal(np.asarray(other.get_value()), old)
        assert_array_equal(flat.get()[:6], theta[:6] + 1)
        flat.set(np.zeros(flat.size))
        assert_array_equal(np.asarray(other.get_value()), old)
        assert not net.theta().any()

    @pytest.mark.parametrize("mode", all_modes())
    def test_variables_that_swap_their_arrays(self, theta, mode):
        one, two = (pytensor.shared(np.zeros(3), name) for name in ("one", "two"))
        flat = FlatVector([one, two])
        swap = pytensor.function([], updates=[(one, two), (two, one)], mode=mode)
        for start in (np.arange(6.0), -np.arange(6.0)):
            flat.set(start)
            swap()
            assert_array_equal(flat.get(), np.roll(start, 3))
            flat.set(flat.get() * 10)
            assert_array_equal(np.asarray(one.get_value()), start[3:] * 10)
            assert_array_equal(np.asarray(two.get_value()), start[:3] * 10)

    @pytest.mark.parametrize("mode", all_modes())
    def test_a_borrowed_output_keeps_its_values(self, flat, net, theta, mode):
        show = pytensor.function(
            [], [Out(net.W, borrow=True), Out(net.W.T, borrow=True)], mode=mode
        )
        flat.set(theta)
        plain, turned = show()
        flat.set(np.zeros(flat.size))
        assert_array_equal(plain, theta[:6].reshape(2, 3))
        assert_array_equal(turned, theta[:6].reshape(2, 3).T)

    def test_functions_that_never_free_hold_views(self, flat, net, theta):
        mode = Mode(linker="vm_nogc")
        look = pytensor.function([], pytensor.tensor.exp(net.W.T), mode=mode)
        for factor in range(3):
            flat.set(theta * factor)
            np.testing.assert_allclose(look().T.ravel(), np.exp(theta[:6] * factor))

    def test_weights_replaced_by_jax_are_back_for_the_others(self, flat, net, theta, jax):
        # A function in another mode fails on a jax.Array, and get_value() returns one.
        double = pytensor.function([], updates=[(net.W, net.W * 2)], mode="JAX")
        look = pytensor.function([], net.W.sum(), mode="FAST_COMPILE")
        flat.set(theta)
        double()
        assert isinstance(net.W.get_value(), jax.Array)
        flat.set(theta)
        np.testing.assert_allclose(look(), theta[:6].sum())

    def test_a_jax_call_in_flight_is_not_disturbed(self, jax):
        # JAX reads NumPy memory while it computes; on a CPU it does not copy it first.
        weights = pytensor.shared(np.zeros(10**6), "weights")
        flat = FlatVector([weights])
        x = weights
        for _ in range(8):
            x = pytensor.tensor.tanh(x + weights)
        slow = pytensor.function([], x.sum() + weights.sum(), mode="JAX")
        flat.set(np.full(flat.size, 1e-3))
        right = float(slow())
        for _ in range(10):
            flat.set(np.full(flat.size, 1e-3))
            result = slow()
            flat.set(np.full(flat.size, 5.0))
            assert float(result) == right


HANDLES = {
    "the array": lambda v: v.get_value(borrow=True),
    "its transpose": lambda v: v.get_value(borrow=True).T,
    "a row": lambda v: v.get_value(borrow=True)[0],
    "a reshaped view": lambda v: v.get_value(borrow=True).reshape(3, 2),
    "a view of a view": lambda v: v.get_value(borrow=True)[:, 1:].T[::-1],
    "the storage": cell,
    "a memoryview": lambda v: memoryview(v.get_value(borrow=True)),
    "a buffer": lambda v: np.frombuffer(v.get_value(borrow=True)),
}


@pytest.mark.parametrize("handle", HANDLES)
def test_what_was_handed_out_keeps_its_values(flat, net, theta, handle):
    flat.set(theta)
    held = HANDLES[handle](net.W)
    before = np.array(held)
    for factor in (2, 3):
        flat.set(theta * factor)
        assert_array_equal(np.array(held), before)
        assert_array_equal(net.theta(), theta * factor)


def test_the_base_of_a_view_counts_too(flat, net, theta):
    # NumPy makes the whole buffer the base of every view, not the view it was made of.
    flat.set(theta)
    transposed = net.W.get_value(borrow=True).T
    assert transposed.base is not cell(net.W)
    base = transposed.base
    del transposed
    before = base.copy()
    flat.set(theta * 2)
    assert_array_equal(base, before)


def test_when_nobody_looks_any_more_sets_are_in_place_again(flat, net, theta):
    flat.set(theta)
    held = net.W.get_value(borrow=True)
    flat.set(theta * 2)
    fresh = address(net.W)
    assert fresh != held.__array_interface__["data"][0]
    flat.set(theta * 3)
    assert address(net.W) == fresh


def test_arrays_from_before_the_first_set_are_not_touched(theta):
    mine = np.ones((2, 3))
    variable = pytensor.shared(mine, borrow=True)
    FlatVector([variable]).set(theta[:6])
    assert_array_equal(mine, np.ones((2, 3)))


class TestOthersSet:
    """Values that did not come by set."""

    @pytest.mark.parametrize("borrow", [False, True])
    def test_set_value_of_one(self, flat, net, theta, borrow):
        flat.set(theta)
        mine = np.ones((2, 3))
        net.W.set_value(mine, borrow=borrow)
        assert_array_equal(flat.get(), np.r_[np.ones(6), theta[6:]])
        flat.set(theta * 2)
        assert_array_equal(mine, np.ones((2, 3)))
        assert_array_equal(net.theta(), theta * 2)

    def test_set_value_of_all(self, flat, net, theta):
        flat.set(theta)
        set_by_loop(net.variables, theta * 2)
        assert_array_equal(flat.get(), theta * 2)
        flat.set(theta * 3)
        assert_array_equal(net.theta(), theta * 3)

    def test_writing_into_a_borrowed_array_is_seen(self, flat, net, theta):
        flat.set(theta)
        net.W.get_value(borrow=True)[0, 0] = 7
        assert flat.get()[0] == 7

    def test_two_variables_swapped_by_hand(self):
        one, two = (pytensor.shared(np.zeros(2), name) for name in ("one", "two"))
        flat = FlatVector([one, two])
        flat.set(np.arange(4.0))
        kept = one.get_value(borrow=True)
        one.set_value(two.get_value(borrow=True), borrow=True)
        two.set_value(kept, borrow=True)
        del kept
        assert_array_equal(flat.get(), [2, 3, 0, 1])
        flat.set([5.0, 6, 7, 8])
        assert_array_equal(one.get_value(), [5, 6])
        assert_array_equal(two.get_value(), [7, 8])

    def test_one_array_in_two_variables(self):
        one, two = (pytensor.shared(np.zeros(2), name) for name in ("one", "two"))
        flat = FlatVector([one, two])
        flat.set(np.arange(4.0))
        two.set_value(one.get_value(borrow=True), borrow=True)
        assert_array_equal(flat.get(), [0, 1, 0, 1])
        flat.set([5.0, 6, 7, 8])
        assert_array_equal(one.get_value(), [5, 6])
        assert_array_equal(two.get_value(), [7, 8])

    def test_the_array_of_one_inside_another(self):
        one, two = (pytensor.shared(np.zeros((2, 2)), name) for name in ("one", "two"))
        flat = FlatVector([one, two])
        flat.set(np.arange(8.0))
        two.set_value(one.get_value(borrow=True).T, borrow=True)
        assert_array_equal(flat.get(), [0, 1, 2, 3, 0, 2, 1, 3])
        flat.set(-np.arange(8.0))
        assert_array_equal(one.get_value(), [[0, -1], [-2, -3]])
        assert_array_equal(two.get_value(), [[-4, -5], [-6, -7]])

    @pytest.mark.parametrize("first", [True, False])
    def test_a_variable_of_another_shape_raises(self, flat, net, theta, first):
        if not first:
            flat.set(theta)
        net.W.set_value(np.ones((3, 2)))
        rest = [a.copy() for a in net.arrays()]
        for call in (flat.get, lambda: flat.set(theta), flat.view):
            with pytest.raises(LayoutError, match=r"out/W now holds .* \(3, 2\).*\(2, 3\)"):
                call()
        for value, before in zip(net.arrays(), rest, strict=True):
            assert_array_equal(value, before)

    def test_an_emptied_cell_raises(self, flat, net, theta):
        flat.set(theta)
        net.W.container.storage[0] = None
        with pytest.raises(LayoutError, match="out/W now holds a NoneType"):
            flat.set(theta)

    def test_a_second_binding_of_the_same_variables(self, flat, net, theta):
        other = FlatVector(net.variables[::-1])
        flat.set(theta)
        assert_array_equal(other.get()[:1], theta[-1:])
        other.set(np.zeros(13))
        assert not flat.get().any()
        flat.set(theta)
        assert_array_equal(net.theta(), theta)
        assert_array_equal(other.get()[-6:], theta[:6])


class TestView:
    def test_it_is_read_only(self, flat, theta):
        flat.set(theta)
        view = flat.view()
        assert_array_equal(view, theta)
        with pytest.raises(ValueError, match="read-only"):
            view[0] = 1

    def test_it_copies_nothing(self, flat, net, theta):
        flat.set(theta)
        assert np.shares_memory(flat.view(), cell(net.W))

    def test_it_keeps_its_values(self, flat, net, theta):
        flat.set(theta)
        view = flat.view()
        part = flat.view()[3:]
        flat.set(theta * 2)
        assert_array_equal(view, theta)
        assert_array_equal(part, theta[3:])
        assert_array_equal(net.theta(), theta * 2)

    def test_it_is_a_fine_theta(self, flat, net, theta):
        flat.set(theta)
        flat.set(flat.view()[::-1])
        assert_array_equal(net.theta(), theta[::-1])

    def test_values_from_elsewhere_are_gathered_first(self, flat, net, theta):
        set_by_loop(net.variables, theta)
        assert_array_equal(flat.view(), theta)
        net.b.set_value(np.ones((1, 3)))
        assert_array_equal(flat.view()[6:9], np.ones(3))
        assert_array_equal(net.arrays()[1], np.ones((1, 3)))


class Breaking(list):
    """A storage cell that breaks when it is written."""

    broken = None

    def __setitem__(self, index, value):
        if self.broken:
            raise self.broken
        super().__setitem__(index, value)


class TestFailures:
    """A failure half-way leaves all variables as they were."""

    @pytest.mark.parametrize("position", range(4))
    @pytest.mark.parametrize("error", [MemoryError("half-way"), KeyboardInterrupt()])
    @pytest.mark.parametrize("state", ["first set", "replaced", "one replaced", "held"])
    def test_a_cell_that_cannot_be_written(self, net, theta, position, error, state):
        variable = net.variables[position]
        variable.container.storage = Breaking(variable.container.storage)
        flat = FlatVector(net.variables)
        set_by_loop(net.variables, theta)
        held = None
        if state != "first set":
            flat.set(theta)
        if state == "replaced":
            set_by_loop(net.variables, theta)
        if state == "one replaced":
            variable.set_value(variable.get_value())
        if state == "held":
            held = net.W.get_value(borrow=True)
        variable.container.storage.broken = error
        with pytest.raises(type(error)):
            flat.set(theta * 2)
        assert_array_equal(net.theta(), theta)
        assert held is None or held is cell(net.W)
        variable.container.storage.broken = None
        flat.set(theta * 2)
        assert_array_equal(net.theta(), theta * 2)
        assert held is None or (held.ravel() == theta[:6]).all()

    @pytest.mark.parametrize("call", range(4))
    def test_a_copy_that_fails(self, flat, net, theta, monkeypatch, call):
        flat.set(theta)
        net.W.set_value(net.W.get_value())
        net.scale.set_value(net.scale.get_value())
        calls = []
        original = np.copyto

        def copyto(target, source):
            calls.append(1)
            if len(calls) == call + 1:
                raise MemoryError
            original(target, source)

        monkeypatch.setattr(np, "copyto", copyto)
        try:
            flat.set(theta * 2)
        except MemoryError:
            assert_array_equal(net.theta(), theta)
        else:
            assert len(calls) == 3
            assert_array_equal(net.theta(), theta * 2)
        monkeypatch.undo()
        flat.set(theta * 3)
        assert_array_equal(net.theta(), theta * 3)


def test_set_and_get_of_several_threads_do_not_mix():
    variables = [pytensor.shared(np.zeros(300_000), f"v{i}") for i in range(4)]
    flat = FlatVector(variables)
    flat.set(np.zeros(flat.size))
    torn = []

    def write(value):
        theta = np.full(flat.size, float(value))
        for _ in range(30):
            flat.set(theta)

    def read():
        for _ in range(30):
            values = flat.get()
            if values[0] != values[-1] or (values != values[0]).any():
                torn.append(values)

    threads = [threading.Thread(target=write, args=(i,)) for i in (1, 2)]
    threads += [threading.Thread(target=read)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not torn
