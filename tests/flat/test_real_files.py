"""Genuine legacy files, and the same migrated, fill PyTensor's shared variables."""

import hashlib

import numpy as np
import pytensor
import pytest
from numpy.testing import assert_array_equal
from support import fixture

import legacy_weights
from legacy_weights.flat import FlatVector, OrderError, assign

MLP = "pickles/theano/mlp_p2_t105.pkl"
NAMES = ["hiddenLayer/W", "hiddenLayer/b", "logRegressionLayer/W", "logRegressionLayer/b"]


@pytest.fixture(params=["legacy", "migrated"])
def source(request, tmp_path):
    """The fixture, as the old program left it or as a file of the hierarchy."""
    path, _ = fixture(MLP)
    if request.param == "legacy":
        return path
    return legacy_weights.migrate(path, tmp_path / "mlp.h5").path


@pytest.fixture
def truth():
    """Shapes and hashes by the path at which Python 2 had the array."""
    return {array["path"]: array for array in fixture(MLP)[1]["arrays"]}


def variables(truth):
    found = {}
    for name in NAMES:
        entry = truth[f"{name.replace('/', '.')}.container.storage[0]"]
        found[name] = pytensor.shared(np.zeros(entry["shape"], entry["dtype"]), name=name)
    return found


def hashes(shared):
    return [hashlib.sha256(v.get_value().tobytes()).hexdigest() for v in shared.values()]


def stored(truth):
    return [truth[f"{n.replace('/', '.')}.container.storage[0]"]["sha256"] for n in NAMES]


def test_a_binding_loads_the_flat_vector(source, truth):
    shared = variables(truth)
    flat = FlatVector(shared)
    flat.load(source)
    assert hashes(shared) == stored(truth)
    joined = np.concatenate([v.get_value().ravel() for v in shared.values()])
    assert_array_equal(flat.get(), joined)


@pytest.mark.parametrize("by", ["name", "order"])
def test_variables_are_assigned(source, truth, by):
    shared = variables(truth)
    report = assign(shared, source, by=by)
    assert report.complete
    assert hashes(shared) == stored(truth)


def test_the_order_of_a_python_2_dict_is_no_order(tmp_path):
    path, entry = fixture("pickles/plain/dict_p0.pkl")
    shapes = {array["path"][2:-2]: array for array in entry["arrays"]}
    shared = {n: pytensor.shared(np.zeros(a["shape"], a["dtype"])) for n, a in shapes.items()}
    floats = {n: v for n, v in shared.items() if v.dtype.startswith("float")}
    before = [v.get_value() for v in floats.values()]
    for refused in (
        lambda: assign(shared, path, by="order"),
        lambda: FlatVector(floats).load(path),
    ):
        with pytest.raises(OrderError, match='by="name"'):
            refused()
    for value, variable in zip(before, floats.values(), strict=True):
        assert_array_equal(variable.get_value(), value)
    assert assign(shared, path).complete
    assert hashes(shared) == [shapes[name]["sha256"] for name in shared]
