"""Every kind of theta, through a binding: it works exactly, or raises and nothing has changed."""

import numpy as np
import pytest
from flat.nets import Net
from numpy.testing import assert_array_equal

from legacy_weights.errors import LayoutError
from legacy_weights.flat import CastError, FlatVector

VALUES = np.random.default_rng(1).normal(size=Net.size).astype("f4").astype("f8")


def strided():
    wide = np.zeros(2 * Net.size)
    wide[::2] = VALUES
    return wide[::2]


def backwards():
    return VALUES[::-1].copy()[::-1]


def read_only():
    theta = VALUES.copy()
    theta.flags.writeable = False
    return theta


def misaligned():
    raw = np.zeros(8 * Net.size + 1, np.uint8)
    theta = raw[1:].view("f8")
    theta[:] = VALUES
    assert not theta.flags.aligned
    return theta


def mapped(tmp_path):
    np.save(tmp_path / "theta.npy", VALUES)
    return np.load(tmp_path / "theta.npy", mmap_mode="r")


GOOD = {
    "plain": VALUES.copy,
    "strided": strided,
    "backwards": backwards,
    "read-only": read_only,
    "misaligned": misaligned,
    "big-endian": lambda: VALUES.astype(">f8"),
    "single": lambda: VALUES.astype("f4"),
    "big-endian single": lambda: VALUES.astype(">f4"),
    "list": lambda: VALUES.tolist(),
    "column of a matrix": lambda: np.stack([VALUES, VALUES], 1)[:, 0],
}
SHAPES = {
    "too long": np.zeros(Net.size + 1),
    "too short": np.zeros(Net.size - 1),
    "empty": np.zeros(0),
    "scalar": np.zeros(()),
    "row": np.zeros((1, Net.size)),
    "column": np.zeros((Net.size, 1)),
    "table": np.zeros((Net.size, 2)),
}
DTYPES = {
    "integers": np.zeros(Net.size, int),
    "truth values": np.zeros(Net.size, bool),
    "list of integers": [0] * Net.size,
    "complex": np.zeros(Net.size, complex),
    "objects": np.zeros(Net.size, object),
    "texts": np.zeros(Net.size, "U1"),
    "dates": np.zeros(Net.size, "M8[s]"),
    "masked": np.ma.zeros(Net.size),
    "wider": np.zeros(Net.size, np.longdouble),
}


@pytest.fixture(params=["host", "jax"])
def flat(request, net):
    if request.param == "jax":
        request.getfixturevalue("jax")
    return FlatVector(net.variables, request.param)


@pytest.mark.parametrize("kind", GOOD)
def test_every_layout_of_memory_works(flat, net, kind):
    flat.set(GOOD[kind]())
    assert_array_equal(net.theta(), VALUES)
    flat.set(np.zeros(flat.size))
    flat.set(GOOD[kind]())  # the second time into the same buffer
    assert_array_equal(net.theta(), VALUES)
    assert_array_equal(flat.get(), VALUES)


def test_a_mapped_file_works(flat, net, tmp_path):
    flat.set(mapped(tmp_path))
    assert_array_equal(net.theta(), VALUES)


@pytest.mark.parametrize("kind", SHAPES)
def test_any_other_shape_raises_before_anything_changes(flat, net, kind):
    flat.set(VALUES)
    with pytest.raises(LayoutError, match=rf"theta has the shape .*expected \({flat.size},\)"):
        flat.set(SHAPES[kind])
    assert_array_equal(net.theta(), VALUES)


@pytest.mark.parametrize("kind", DTYPES)
def test_any_other_dtype_raises_before_anything_changes(flat, net, kind):
    flat.set(VALUES)
    with pytest.raises(CastError):
        flat.set(DTYPES[kind])
    assert_array_equal(net.theta(), VALUES)


@pytest.mark.parametrize("kind", ["integers", "truth values", "list of integers", "wider"])
def test_a_cast_is_asked_for(flat, net, kind):
    flat.set(VALUES)
    flat.set(DTYPES[kind], cast=True)
    assert_array_equal(net.theta(), np.zeros(flat.size))


@pytest.mark.parametrize("kind", ["complex", "objects", "texts", "dates", "masked"])
def test_no_cast_makes_these_real(flat, kind):
    with pytest.raises(CastError):
        flat.set(DTYPES[kind], cast=True)


@pytest.mark.parametrize("backend", ["host", "jax"])
def test_double_precision_into_single_needs_a_cast(backend, request):
    if backend == "jax":
        request.getfixturevalue("jax")
    net = Net("float32")
    flat = FlatVector(net.variables, backend)
    exact = np.full(flat.size, 1 / 3)
    with pytest.raises(CastError, match="theta has the dtype <f8; expected <f4"):
        flat.set(exact)
    assert not net.theta().any()
    flat.set(exact, cast=True)
    assert net.theta().dtype == np.float32
    assert_array_equal(net.theta(), exact.astype("f4"))
    assert flat.get().dtype == np.float32


def test_a_cast_that_overflows_changes_nothing_where_numpy_raises():
    net = Net("float32")
    flat = FlatVector(net.variables)
    flat.set(np.ones(flat.size, "f4"))
    with np.errstate(over="raise"), pytest.raises(FloatingPointError):
        flat.set(np.full(flat.size, 1e300), cast=True)
    assert_array_equal(net.theta(), np.ones(flat.size))


def test_nan_and_infinity_are_values(flat, net):
    theta = VALUES.copy()
    theta[:3] = [np.nan, np.inf, -0.0]
    flat.set(theta)
    assert flat.get().tobytes() == theta.tobytes()


def test_a_symbolic_theta_is_refused(flat):
    import pytensor.tensor as pt

    with pytest.raises(CastError, match="an array of numbers"):
        flat.set(pt.vector())


@pytest.mark.parametrize(
    ("out", "message"),
    [
        (np.zeros(Net.size + 1), "shape"),
        (np.zeros((1, Net.size)), "shape"),
        (np.zeros(Net.size, "f4"), "dtype"),
        (np.zeros(Net.size, ">f8"), "dtype"),
        (read_only(), "read-only"),
        ([0.0] * Net.size, "is a list"),
    ],
)
def test_get_writes_only_where_it_fits(flat, out, message):
    with pytest.raises(LayoutError, match=message):
        flat.get(out)


def test_get_fills_a_strided_out(flat):
    flat.set(VALUES)
    wide = np.zeros(2 * flat.size)
    out = wide[::2]
    assert flat.get(out) is out
    assert_array_equal(wide[::2], VALUES)
    assert not wide[1::2].any()


def test_get_is_a_copy(flat, net):
    flat.set(VALUES)
    first = flat.get()
    first[:] = 0
    assert_array_equal(net.theta(), VALUES)
    second = flat.get()
    flat.set(np.zeros(flat.size))
    assert_array_equal(second, VALUES)
