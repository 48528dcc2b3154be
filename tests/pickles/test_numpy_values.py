import pickle
import struct
import warnings

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from revive import load, object_array, revive, same, same_array

from legacy_weights.pickles.numpy_values import beside
from legacy_weights.pickles.objects import ABSENT, Instance, MaskedArray, ObjectArray

RECONSTRUCT = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(K\0tU\1btR"
F8 = b"cnumpy\ndtype\n(U\2f8I0\nI1\ntR(I3\nU\1<NNNI-1\nI-1\nI0\ntb"
PROTOCOLS = pytest.mark.parametrize("protocol", range(6))

DTYPES = st.one_of(
    hnp.scalar_dtypes(),
    hnp.byte_string_dtypes(max_len=600),
    hnp.unicode_string_dtypes(),
    hnp.array_dtypes(max_size=3, allow_subarrays=True),
    hnp.nested_dtypes(max_leaves=4),
)


def load_array(value, protocol):
    """Return what our machine makes of NumPy's pickle of an array."""
    found = load(pickle.dumps(value, protocol))
    assert type(found) is Instance
    return found.value


@PROTOCOLS
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_arrays(protocol, data):
    dtype = data.draw(DTYPES)
    shape = data.draw(hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4))
    raw = data.draw(st.binary(min_size=8, max_size=8))
    count = int(np.prod(shape)) * dtype.itemsize
    raw = b"\0" if _has_text(dtype) else raw  # only characters must exist
    content = (raw * (count // len(raw) + 1))[:count]
    value = np.ndarray(shape, dtype, content or b"\0")
    for array in (value, np.asfortranarray(value), value.T, value[..., None]):
        found = load_array(array, protocol)
        assert found.dtype == array.dtype
        assert found.shape == array.shape
        assert _bits(found) == _bits(array)


def _has_text(dtype):
    return "U" in str(dtype.descr if dtype.names else dtype.base.str)


def _bits(array):
    return array.ravel(order="C").tobytes() if array.dtype.names is None else str(array.tolist())


@PROTOCOLS
@pytest.mark.parametrize(
    "value",
    [
        np.arange(6.0).reshape(2, 3),
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.arange(24).reshape(2, 3, 4).transpose(1, 0, 2),
        np.arange(24).reshape(2, 3, 4).transpose(2, 0, 1)[::-1, ::2],
        np.arange(10, dtype=">i4")[::3],
        np.array(3.5, ">f8"),
        np.zeros((0, 3), "f4"),
        np.zeros((3, 0, 2), "c8"),
        np.array([True, False]),
        np.array([1.5, np.nan, -0.0], "f2"),
        np.array([1.1], np.longdouble),
        np.array([1.1 + 2j], np.clongdouble),
        np.array([b"a", b"bcd\0e"], "S5"),
        np.array(["a", "é€𝄞"], ">U3"),
        np.array([b"ab"], "V2"),
        np.array(["2012-09-04", "NaT"], "M8[D]"),
        np.array([1, -5], ">m8[25us]"),
        np.array([5], "m8"),
        np.array([(1, 2.5), (3, 4.5)], [("a", ">i2"), ("b", "<f8")]),
        np.array([(1, 2.5)], np.dtype([("a", "i1"), ("b", "f8")], align=True)),
        np.zeros(2, [("a", "f4", (2, 3)), ("b", [("x", "S3"), ("y", "M8[s]")])]),
        np.zeros(3, np.dtype({"names": ["b", "a"], "formats": ["i2", "i2"], "offsets": [4, 0]})),
        np.zeros(3, [(("title", "name"), "f8")]),
        np.zeros(3, []),
        np.zeros(2, "S0"),
        np.arange(4.0).view(np.recarray),
        np.rec.array([(1, 2.5)], dtype=[("a", "i4"), ("b", "f8")]),
    ],
    ids=lambda value: f"{value.dtype}{value.shape}",
)
def test_arrays_of_each_kind(protocol, value):
    found = load_array(value, protocol)
    assert isinstance(found, np.ndarray)
    assert not found.flags.writeable
    assert found.dtype == value.dtype
    assert found.dtype.isalignedstruct == value.dtype.isalignedstruct
    assert same_array(found, np.asarray(value).view(found.dtype))


@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")
@PROTOCOLS
def test_subclasses(protocol, tmp_path):
    matrix = np.matrix([[1.5, 2], [3, 4]])
    memmap = np.memmap(tmp_path / "data", "f4", "w+", shape=(3,))
    for value in (matrix, memmap):
        found = load(pickle.dumps(value, protocol))
        assert found.args[0].name == type(value).__name__
        assert same_array(found.value, np.asarray(value))


def test_values_are_views_of_the_pickle():
    value = np.arange(1000.0)
    for protocol in (3, 4, 5):
        data = pickle.dumps(value, protocol)
        found = load(data).value
        assert found.flags.owndata is False
        address = found.__array_interface__["data"][0]
        start = np.frombuffer(data, np.uint8).__array_interface__["data"][0]
        assert start <= address < start + len(data)


@PROTOCOLS
@pytest.mark.parametrize(
    "value",
    [
        np.array([1, "two", None, [3]], object),
        np.array([[1, 2, 3], ["a", "b", "c"]], object),
        np.asfortranarray(np.array([[1, 2, 3], ["a", "b", "c"]], object)),
        np.array(None, object),
        np.empty((0, 2), object),
    ],
    ids=lambda value: f"{value.shape}{value.flags.fnc}",
)
def test_arrays_of_objects(protocol, value):
    found = load_array(value, protocol)
    assert type(found) is ObjectArray
    assert (found.shape, found.dtype, found.fortran) == (value.shape, "|O", value.flags.fnc)
    assert same(object_array(found), value)


@PROTOCOLS
def test_structures_with_objects_tell_their_fields(protocol):
    value = np.array([(1, "x"), (2, None)], [("a", "i4"), ("b", "O")])
    found = load_array(value, protocol)
    assert type(found) is ObjectArray
    assert found.items == [(1, "x"), (2, None)]
    assert found.dtype == str(value.dtype)


@PROTOCOLS
def test_masked_arrays(protocol):
    values = [
        np.ma.array([[1.5, 2, 3], [4, 5, 6]], mask=[[0, 1, 0], [0, 0, 1]], fill_value=-1),
        np.ma.array([1, 2]),
        np.ma.array(np.array([(1, (2.5,))], [("a", "i4"), ("b", [("c", "f8")])]), mask=[(1, (0,))]),
        np.ma.array(np.asfortranarray([[1, 2], [3, 4]]), mask=[[1, 0], [0, 0]]),
    ]
    for value in values:
        found = load_array(value, protocol)
        assert type(found) is MaskedArray
        assert same_array(found.data, value.data)
        assert same_array(found.mask, np.ma.getmaskarray(value))
        fill = found.fill_value
        assert fill is None or np.asarray(getattr(fill, "value", fill)) == value.fill_value


@PROTOCOLS
def test_masked_records(protocol):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        from numpy.ma.mrecords import fromarrays

        value = fromarrays([np.ma.array([1, 2], mask=[0, 1]), np.ma.array([1.5, 2.5])], names="a,b")
        value.__dict__["_fill_value"] = value.fill_value
        data = pickle.dumps(value, protocol)
    found = load(data).value
    assert found.data["a"].tolist() == [1, 2]
    assert found.mask.tolist() == [(False, False), (True, False)]


@PROTOCOLS
@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_scalars(protocol, data):
    dtype = data.draw(hnp.scalar_dtypes() | hnp.byte_string_dtypes(max_len=700))
    raw = data.draw(st.binary(min_size=dtype.itemsize, max_size=dtype.itemsize))
    value = np.ndarray((), dtype, raw)[()]
    found = load(pickle.dumps([value, value], protocol))
    assert type(found[0]) is type(value)
    assert found[0].dtype == value.dtype
    assert found[0].tobytes() == value.tobytes()
    assert found[0] is found[1]


@PROTOCOLS
def test_scalars_of_structures(protocol):
    value = np.array([(1, 2.5)], [("a", "i4"), ("b", ">f8")])[0]
    found = load(pickle.dumps(value, protocol))
    assert type(found) is np.void
    assert found.dtype == value.dtype
    assert found.tolist() == (1, 2.5)


@PROTOCOLS
def test_dtypes_are_records_that_carry_the_dtype(protocol):
    for dtype in ("f8", ">i4", "S7", "M8[25us]", [("a", "i4"), ("b", "f8", (2,))], "O"):
        assert load(pickle.dumps(np.dtype(dtype), protocol)).value == np.dtype(dtype)


class Info(np.ndarray):
    """The subclass of NumPy's own documentation: what it keeps stands behind the state."""

    def __reduce__(self):
        function, arguments, state = super().__reduce__()
        return function, arguments, (*state, "unit", {"a": 1})


class Nested(np.ndarray):
    """As pandas did: the state of the array, and its own."""

    def __reduce__(self):
        function, arguments, state = super().__reduce__()
        return function, arguments, (state, ("name",))


class Mapped(np.ndarray):
    """A subclass that keeps no state of an array."""

    def __reduce__(self):
        return (*super().__reduce__()[:2], {"values": self.tolist()})


@PROTOCOLS
@pytest.mark.parametrize(("cls", "kept"), [(Info, ("unit", {"a": 1})), (Nested, (("name",),))])
def test_subclasses_with_a_state_of_their_own(protocol, cls, kept):
    cls.__reduce_ex__ = lambda self, _: self.__reduce__()
    value = np.arange(6.0).reshape(2, 3).view(cls)
    found = load(pickle.dumps(value, protocol))
    assert same_array(found.value, np.asarray(value))
    assert found.args[0].name == cls.__name__
    assert beside(found) == kept


def test_what_stands_beside_the_values():
    matrix = load(pickle.dumps(np.ones((2, 2)), 2))
    masked = np.ma.array([1, 2])
    assert beside(matrix) == beside(load(pickle.dumps(np.dtype("f8"), 2))) == ()
    assert beside(load(pickle.dumps(masked, 2))) == ()
    assert beside(load(RECONSTRUCT + b".")) == ()


def test_a_subclass_without_the_state_of_an_array():
    Mapped.__reduce_ex__ = lambda self, _: self.__reduce__()
    found = load(pickle.dumps(np.arange(3.0).view(Mapped), 2))
    assert found.value is ABSENT
    assert found.state == {"values": [0.0, 1.0, 2.0]}


def test_states_of_python_2_by_hand():
    state = b"(K\1(K\2t" + F8 + b"I00\n" + b"U\x10" + struct.pack("<2d", 1.5, -2) + b"tb."
    assert load(RECONSTRUCT + state).value.tolist() == [1.5, -2.0]
    # before NumPy 1.0 there was no version
    state = b"((K\2t" + F8 + b"I00\n" + b"U\x10" + struct.pack("<2d", 1.5, -2) + b"tb."
    assert load(RECONSTRUCT + state).value.tolist() == [1.5, -2.0]


def test_random_states_are_inert():
    state = np.random.RandomState(5)
    found = load(pickle.dumps(state, 2))
    assert found.value is ABSENT
    key = found.state["state"]["key"].value
    assert same_array(key, state.get_state()[1])
    assert revive(found.state["bit_generator"]) == "MT19937"
