"""Which variables bind, what they are called, and what is refused before anything happens."""

import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest
from flat.nets import Net

from legacy_weights.errors import LayoutError
from legacy_weights.flat import BindingError, FlatVector

shared = pytensor.shared


def test_the_layout_states_name_start_size_shape_and_dtype(net):
    flat = FlatVector(net.variables)
    assert [(e.name, e.start, e.size, e.shape, e.dtype) for e in flat.layout] == [
        ("out/W", 0, 6, (2, 3), np.float64),
        ("out/b", 6, 3, (1, 3), np.float64),
        ("scale", 9, 3, (3,), np.float64),
        ("gain", 12, 1, (), np.float64),
    ]
    assert flat.size == 13
    assert flat.slices["out/b"] == slice(6, 9)


def test_binding_alone_changes_nothing(net):
    before = [v.container.storage[0] for v in net.variables]
    FlatVector(net.variables).get()
    assert all(v.container.storage[0] is b for v, b in zip(net.variables, before, strict=True))


def test_names_that_are_missing_or_not_unique_become_positions():
    named = [shared(np.zeros(2), name) for name in ("W", None, "W", "b")]
    assert FlatVector(named).layout.names == ("0", "1", "2", "b")
    assert FlatVector(named * 1 + [shared(np.zeros(1)) for _ in range(8)]).layout.names[:2] == (
        "00",
        "01",
    )


def test_a_mapping_names_the_variables():
    flat = FlatVector({"first": shared(np.zeros(2), "W"), "second": shared(np.zeros(3), "W")})
    assert flat.layout.names == ("first", "second")


def test_a_position_that_is_also_a_name_is_refused():
    with pytest.raises(LayoutError, match="2 arrays are called '0'"):
        FlatVector([shared(np.zeros(2)), shared(np.zeros(2), "0")])


def test_fortran_order_is_laid_out_in_c_order():
    values = np.asfortranarray(np.arange(6.0).reshape(2, 3))
    variable = shared(values, "W", borrow=True)
    assert variable.get_value(borrow=True).flags.f_contiguous
    flat = FlatVector([variable])
    np.testing.assert_array_equal(flat.get(), [0, 1, 2, 3, 4, 5])
    flat.set(flat.get()[::-1])
    np.testing.assert_array_equal(variable.get_value(), [[5, 4, 3], [2, 1, 0]])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: pt.vector("x"), "x is a TensorVariable; expected a shared variable"),
        (lambda: np.zeros(3), "0 is a ndarray; expected a shared variable"),
        (lambda: pt.constant(1.0), "expected a shared variable"),
        (lambda: shared(np.random.default_rng(0), "rng"), "rng is a shared variable .*Generator"),
        (lambda: shared([1.0, 2.0], "items"), "items is a shared variable .*list"),
        (lambda: shared(np.zeros(3, int), "count"), "count is of int64; expected floats"),
        (lambda: shared(np.zeros(3, bool), "mask"), "mask is of bool; expected floats"),
        (lambda: shared(np.uint8(1), "step"), "step is of uint8; expected floats"),
    ],
)
def test_what_is_no_shared_array_of_floats_is_refused(make, message):
    with pytest.raises(BindingError, match=message):
        FlatVector([make()])


def test_sparse_variables_are_refused():
    scipy_sparse = pytest.importorskip("scipy.sparse")
    sparse = pytest.importorskip("pytensor.sparse")
    variable = sparse.shared(scipy_sparse.csr_matrix(np.eye(3)), "S")
    with pytest.raises(BindingError, match=r"S is a shared variable .* expected an array"):
        FlatVector([variable])


def test_nothing_to_bind_is_refused():
    with pytest.raises(LayoutError, match="no array to lay out"):
        FlatVector([])


def test_a_duplicate_is_refused(net):
    with pytest.raises(BindingError, match="0 and 2 are one variable: they share one container"):
        FlatVector([net.W, net.b, net.W])


def test_a_clone_shares_its_container_and_is_refused(net):
    copy = net.W.clone()
    assert copy is not net.W
    with pytest.raises(BindingError, match="0 and 1 are clones: they share one container"):
        FlatVector([net.W, copy])


def test_two_variables_over_one_buffer_are_refused():
    buffer = np.zeros(6)
    one = shared(buffer[:4], "one", borrow=True)
    two = shared(buffer[3:], "two", borrow=True)
    with pytest.raises(BindingError, match="one and two are two views of one buffer"):
        FlatVector([one, two])
    two.set_value(two.get_value())
    FlatVector([one, two])


def test_one_array_in_two_variables_is_refused():
    values = np.zeros(3)
    with pytest.raises(BindingError, match="two views of one buffer"):
        FlatVector([shared(values, f"v{i}", borrow=True) for i in range(2)])


def test_views_that_interleave_do_not_overlap():
    buffer = np.arange(10.0)
    halves = [shared(buffer[i::2], f"v{i}", borrow=True) for i in range(2)]
    flat = FlatVector(halves)
    flat.set(-np.arange(10.0))
    np.testing.assert_array_equal(halves[1].get_value(), [-5, -6, -7, -8, -9])
    np.testing.assert_array_equal(buffer, np.arange(10.0))


def test_variables_of_another_binding_can_be_bound_again(net, theta):
    FlatVector(net.variables).set(theta)
    flat = FlatVector(net.variables[::-1])
    assert flat.get()[0] == theta[-1]


def test_complex_variables_bind():
    variable = shared(np.zeros(3, complex), "z")
    flat = FlatVector([variable])
    flat.set(np.array([1 + 2j, 0, 3]))
    np.testing.assert_array_equal(variable.get_value(), [1 + 2j, 0, 3])


def test_complex_and_real_variables_do_not_mix():
    both = [shared(np.zeros(3, complex), "z"), shared(np.zeros(3), "x")]
    with pytest.raises(BindingError, match="several dtypes"):
        FlatVector(both)
    with pytest.raises(BindingError, match="Real and complex variables need a binding each"):
        FlatVector(both, dtype="complex128")


def test_only_host_and_jax_are_backends(net):
    with pytest.raises(BindingError, match="backend is 'gpu'"):
        FlatVector(net.variables, "gpu")
    with pytest.raises(BindingError, match="the host backend has no devices"):
        FlatVector(net.variables, device="cpu")


class TestMixed:
    """Variables of several dtypes, seen as one theta of a common dtype by request."""

    @pytest.fixture
    def variables(self):
        return [
            shared(np.zeros(2, "f4"), "a"),
            shared(np.zeros((1, 2)), "b", shape=(1, 2)),
            shared(np.float32(0), "c"),
        ]

    theta = np.array([1 / 3, 2 / 3, 4 / 3, 5 / 3, 7 / 3])

    def expect(self, variables, theta):
        for variable, piece in zip(variables, (theta[:2], theta[None, 2:4], theta[4]), strict=True):
            value = np.asarray(variable.get_value())
            assert value.dtype == variable.type.dtype
            np.testing.assert_array_equal(value, piece.astype(variable.type.dtype))

    def test_set_rounds_each_to_its_own(self, variables):
        flat = FlatVector(variables, dtype="float64")
        flat.set(self.theta)
        self.expect(variables, self.theta)
        flat.set(-self.theta)
        self.expect(variables, -self.theta)
        read = flat.get()
        assert read.dtype == np.float64
        np.testing.assert_array_equal(read[2:4], -self.theta[2:4])
        np.testing.assert_array_equal(read[:2], (-self.theta[:2]).astype("f4"))

    def test_each_dtype_has_an_arena(self, variables):
        FlatVector(variables, dtype="float64").set(self.theta)
        a, b, c = (v.container.storage[0] for v in variables)
        assert a.base is c.base is not b.base

    def test_what_was_handed_out_keeps_its_values(self, variables):
        flat = FlatVector(variables, dtype="float64")
        flat.set(self.theta)
        held = variables[1].get_value(borrow=True)
        flat.set(np.zeros(5))
        np.testing.assert_array_equal(held, self.theta[None, 2:4])

    def test_a_failing_cast_changes_nothing(self, variables):
        flat = FlatVector(variables, dtype="float64")
        flat.set(self.theta)
        with np.errstate(over="raise"), pytest.raises(FloatingPointError):
            flat.set([0, 0, 0, 0, 1e300])
        self.expect(variables, self.theta)

    def test_there_is_no_view(self, variables):
        flat = FlatVector(variables, dtype="float64")
        with pytest.raises(BindingError, match="expected one dtype"):
            flat.view()

    def test_on_jax(self, variables, jax):
        flat = FlatVector(variables, "jax", dtype="float64")
        flat.set(self.theta)
        self.expect(variables, self.theta)
        np.testing.assert_array_equal(flat.get()[2:4], self.theta[2:4])
        assert flat.get(device=True).dtype == np.float64

    def test_one_dtype_seen_wider(self):
        net = Net("float32")
        flat = FlatVector(net.variables, dtype="float64")
        flat.set(np.full(13, 1 / 3))
        flat.set(np.full(13, 1 / 3))
        np.testing.assert_array_equal(net.theta(), np.full(13, 1 / 3, "f4"))
        assert flat.get().dtype == np.float64
        with pytest.raises(BindingError):
            flat.view()
