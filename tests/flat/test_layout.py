import numpy as np
import pytest

from legacy_weights.errors import LayoutError
from legacy_weights.flat import BindingError, CastError, Layout

ARRAYS = [("W", (2, 3), "f8"), ("b", (1, 3), "f8"), ("empty", (0, 4), "f8"), ("gain", (), "f8")]


@pytest.fixture
def layout():
    return Layout.of(ARRAYS)


def test_arrays_stand_end_to_end(layout):
    assert [(e.name, e.start, e.size, e.shape) for e in layout] == [
        ("W", 0, 6, (2, 3)),
        ("b", 6, 3, (1, 3)),
        ("empty", 9, 0, (0, 4)),
        ("gain", 9, 1, ()),
    ]
    assert layout.size == 10
    assert layout.dtype == np.float64
    assert layout.slices["b"] == slice(6, 9)
    assert len(layout) == 4
    assert layout["gain"] is layout[3]


def test_an_unknown_name_says_which_there_are(layout):
    with pytest.raises(LayoutError, match="no array called 'V'; expected one of W, b, empty, gain"):
        layout["V"]


def test_unflatten_gives_views_in_c_order(layout):
    theta = np.arange(10.0)
    arrays = layout.unflatten(theta)
    np.testing.assert_array_equal(arrays["W"], [[0, 1, 2], [3, 4, 5]])
    np.testing.assert_array_equal(arrays["b"], [[6, 7, 8]])
    assert arrays["empty"].shape == (0, 4)
    assert arrays["gain"] == 9
    arrays["W"][1, 0] = -1
    assert theta[3] == -1


def test_a_strided_theta_is_unflattened_in_place(layout):
    wide = np.arange(20.0)
    arrays = layout.unflatten(wide[::2])
    np.testing.assert_array_equal(arrays["W"], [[0, 2, 4], [6, 8, 10]])
    assert np.shares_memory(arrays["W"], wide)


def test_flatten_takes_exactly_the_named_arrays(layout):
    arrays = {"gain": 9.0, "b": [[6.0, 7, 8]], "W": np.asfortranarray([[0.0, 1, 2], [3, 4, 5]])}
    with pytest.raises(LayoutError, match="missing: empty; unknown: none"):
        layout.flatten(arrays)
    arrays["empty"] = np.zeros((0, 4))
    np.testing.assert_array_equal(layout.flatten(arrays), np.arange(10.0))
    with pytest.raises(LayoutError, match="missing: none; unknown: V"):
        layout.flatten(arrays | {"V": 1.0})


@pytest.mark.parametrize("shape", [(3,), (3, 1), (2, 3)])
def test_flatten_broadcasts_nothing(layout, shape):
    arrays = {name: np.zeros(s) for name, s, _ in ARRAYS} | {"b": np.zeros(shape)}
    with pytest.raises(LayoutError, match=r"b has the shape .*expected \(1, 3\)"):
        layout.flatten(arrays)


def test_flatten_casts_only_when_asked(layout):
    arrays = {name: np.ones(s, int) for name, s, _ in ARRAYS}
    with pytest.raises(CastError, match="W has the dtype <i8; expected <f8"):
        layout.flatten(arrays)
    np.testing.assert_array_equal(layout.flatten(arrays, cast=True), np.ones(10))


def test_select_keeps_the_order_of_the_layout(layout):
    assert [e.name for e in layout.select("gain", "[Wb]")] == ["W", "b", "gain"]
    with pytest.raises(LayoutError, match=r"no array matches 'hidden/\*'"):
        layout.select("W", "hidden/*")


def test_names_must_be_unique():
    with pytest.raises(LayoutError, match="2 arrays are called 'W'"):
        Layout.of([("W", (1,), "f8"), ("W", (2,), "f8")])


def test_there_must_be_an_array():
    with pytest.raises(LayoutError, match="no array to lay out"):
        Layout.of([])


MIXED = [("W", (2,), "f4"), ("b", (2,), "f8")]


def test_several_dtypes_need_a_common_one_by_request():
    with pytest.raises(BindingError, match="several dtypes: float32, float64; expected one dtype"):
        Layout.of(MIXED)
    assert Layout.of(MIXED, "float64").dtype == np.float64


@pytest.mark.parametrize("dtype", ["float32", "int64", "complex128", ">f8"])
def test_the_common_dtype_must_hold_every_array_exactly(dtype):
    with pytest.raises(BindingError, match="cannot stand for variables of"):
        Layout.of(MIXED, dtype)
