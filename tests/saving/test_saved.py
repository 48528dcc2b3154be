"""Files of new models: what goes in comes out, by h5py and by this package."""

import doctest
import hashlib
import json
import os

import h5py
import numpy as np
import pytensor
import pytest
from support import ROOT

import legacy_weights
from legacy_weights.errors import UsageError
from legacy_weights.hierarchy import check
from legacy_weights.tree import Order, Role, Trainable


@pytest.fixture
def path(tmp_path):
    return tmp_path / "m.h5"


def index(path):
    """Return the rows of the index by h5py, as dicts."""
    with h5py.File(path, "r") as file:
        table = file["index"][:]
    return [dict(zip(table.dtype.names, row.tolist(), strict=True)) for row in table]


def test_a_mapping_of_arrays_keeps_its_order(path):
    arrays = {
        "out/W": np.arange(6.0).reshape(2, 3),
        "hidden/b": np.float32([1, 2]),
        "a.b": np.asfortranarray(np.ones((2, 2), ">f8")),
        "steps": 7,
        "flag": np.array([True, False]),
    }
    assert legacy_weights.save(path, arrays) is None
    assert check(path) == []
    rows = index(path)
    assert [row["name"].decode() for row in rows] == list(arrays)
    assert [row["path"].decode() for row in rows] == [f"/snapshots/model/{name}" for name in arrays]
    assert [row["start"] for row in rows] == [0, 0, 6, -1, -1]  # one flat vector a dtype
    with h5py.File(path, "r") as file:
        assert file.attrs["source_kind"] == b"legacy_weights.save"
        assert file["snapshots/model/out/W"][()].tolist() == [[0, 1, 2], [3, 4, 5]]
        manifest = json.loads(file["meta/manifest"][()])
        theta = {entry["dtype"]: entry for entry in manifest["snapshots"][0]["theta"]}
    flat = np.concatenate([np.arange(6.0), np.ones(4)])
    assert theta["<f8"]["sha256"] == hashlib.sha256(flat.tobytes()).hexdigest()
    with legacy_weights.open(path) as file:
        weights = file.weights()
        snapshot = file.snapshots["model"]
        assert snapshot.order is Order.STATED
        assert {leaf.trainable for leaf in snapshot.leaves} == {Trainable.UNKNOWN}
    for name, values in arrays.items():
        values = np.asarray(values)
        assert (weights[name].dtype, weights[name].shape) == (values.dtype, values.shape)
        assert weights[name].tobytes() == values.tobytes()


def test_shared_variables(path):
    first = pytensor.shared(np.ones((2, 3)), name="W")
    second, third = (pytensor.shared(np.float32([i])) for i in range(2))
    legacy_weights.save(path, [first, second, third])
    with legacy_weights.open(path) as file:
        assert {name: values.tolist() for name, values in file.weights().items()} == {
            "W": [[1, 1, 1], [1, 1, 1]],
            "1": [0],
            "2": [1],
        }
    legacy_weights.save(path, {"x": third, "y": first}, overwrite=True)
    with legacy_weights.open(path) as file:
        assert list(file.weights()) == ["x", "y"]


def test_a_flat_vector_comes_back(path):
    def variables(scale):
        return [
            pytensor.shared(scale * np.arange(6.0).reshape(2, 3), name="W"),
            pytensor.shared(scale * np.ones(3), name="b"),
        ]

    saved = legacy_weights.FlatVector(variables(1.0))
    legacy_weights.save(path, saved)
    other = legacy_weights.FlatVector(variables(0.0))
    other.load(path)
    assert other.get().tolist() == [0, 1, 2, 3, 4, 5, 1, 1, 1]


class Model:
    """What a model has: variables by name, and some of them in a flat vector."""

    def __init__(self):
        self.variables = {
            name: pytensor.shared(np.full(2, float(value)), name=name)
            for value, name in enumerate(["mean", "b", "W"])
        }
        self.flat = legacy_weights.FlatVector([self.variables["W"], self.variables["b"]])


def test_a_model_with_state(path):
    legacy_weights.save(path, Model())
    with legacy_weights.open(path) as file:
        leaves = file.snapshots["model"].leaves
    assert [(leaf.name, leaf.role, leaf.trainable) for leaf in leaves] == [
        ("W", Role.WEIGHT, Trainable.YES),
        ("b", Role.WEIGHT, Trainable.YES),
        ("mean", Role.STATE, Trainable.NO),
    ]
    theta = legacy_weights.FlatVector([pytensor.shared(np.zeros(2)) for _ in range(2)])
    theta.load(path)
    assert theta.get().tolist() == [2, 2, 1, 1]


def test_an_array_with_two_names_is_stored_once(path):
    shared = np.arange(3.0)
    legacy_weights.save(path, {"encoder/W": shared, "decoder/W": shared})
    assert check(path) == []
    with h5py.File(path, "r") as file:
        link = file.get("snapshots/model/decoder/W", getlink=True)
        assert (type(link), link.path) == (h5py.SoftLink, "/snapshots/model/encoder/W")
    with legacy_weights.open(path) as file:
        weights = file.weights()
        assert weights["encoder/W"] is weights["decoder/W"]


@pytest.mark.parametrize("names", [("a", "a/b"), ("a//b", "c"), ("/a", "a"), ("", "/")])
def test_names_that_are_no_scopes(path, names):
    legacy_weights.save(path, {name: np.ones(1) for name in names})
    assert check(path) == []
    with legacy_weights.open(path) as file:
        assert list(file.weights()) == list(names)


def test_a_log_and_metadata(path):
    log = {"iter": [1, 2, 3], "ret": np.float32([0.5, np.nan, 2]), "note": ["", "é", "done"]}
    legacy_weights.save(path, {}, log=log, metadata={"seed": 3, "limits": (1, float("inf"))})
    assert check(path) == []
    with h5py.File(path, "r") as file:
        assert file["log"]["iter"].tolist() == [1, 2, 3]
        assert json.loads(file["meta/args"][()]) == {"seed": 3, "limits": [1, {"$float": "inf"}]}
    with legacy_weights.open(path) as file:
        columns = {name: c.load() for name, c in file.tables["/log"].columns.items()}
        assert file.metadata == {"seed": 3, "limits": [1, float("inf")]}
    assert list(columns) == ["iter", "ret", "note"]
    assert columns["ret"].dtype == np.float32
    assert columns["note"].tolist() == ["", "é", "done"]


def test_it_is_replaced_only_if_asked(path):
    legacy_weights.save(path, {"W": np.ones(1)})
    with pytest.raises(UsageError, match=r"m\.h5: it exists already\. Replace it with overwrite"):
        legacy_weights.save(path, {"W": np.zeros(1)})
    legacy_weights.save(path, {"W": np.zeros(1)}, overwrite=True)
    with legacy_weights.open(path) as file:
        assert file["W"].tolist() == [0]


@pytest.mark.parametrize(
    ("saved", "message"),
    [
        (3, "what is to be saved is a int; expected a mapping"),
        (np.ones(3), "what is to be saved is a ndarray"),
        ("W", "what is to be saved is a str"),
        ({"W": None}, "W is a NoneType; expected an array"),
        ({"W": "text"}, "W is a str"),
        ({"W": np.array([None])}, "W is a ndarray of object"),
        ({"W": [1, {}]}, "W is a list of object"),
        ({"W": np.ma.masked_array([1], [True])}, "W is a MaskedArray"),
        ({"r": pytensor.shared(np.random.default_rng(0))}, "r is a Generator"),
        ({1: np.ones(1), "1": np.ones(1)}, "2 arrays are called '1'"),
        ([[1, 2], [3, [4]]], "1 is a list of object"),
    ],
)
def test_what_is_no_array(path, saved, message):
    with pytest.raises(UsageError, match=message):
        legacy_weights.save(path, saved)
    assert os.listdir(path.parent) == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"metadata": {"a": object()}}, "the metadata is no JSON"),
        ({"metadata": {"a": np.ones(2)}}, "the metadata is no JSON"),
        ({"metadata": {("a",): 1}}, "the metadata is no JSON"),
        ({"metadata": 3}, "the metadata is no JSON"),
        ({"log": {"a": [1, 2], "b": [1]}}, "different lengths: {'a': 2, 'b': 1}"),
        ({"log": {"a": [1, None]}}, "column 'a' has values of object"),
        ({"log": {"": [1]}}, "the columns are"),
        ({"log": {"a": 3}}, "column 'a' has values of int64"),
        ({"log": {"a": [[1], [1, 2]]}}, "column 'a' has values of object"),
    ],
)
def test_what_is_no_log_and_no_metadata(path, options, message):
    with pytest.raises(UsageError, match=message):
        legacy_weights.save(path, {}, **options)
    assert os.listdir(path.parent) == []


def test_the_example_of_the_readme(tmp_path, monkeypatch, capsys):
    from legacy_weights.cli import main

    monkeypatch.chdir(tmp_path)
    text = (ROOT / "README.md").read_text()
    _, _, text = text.partition("## New models in the same hierarchy\n")
    code, console, *_ = [part.partition("\n")[2] for part in text.split("```")[1::2]]
    test = doctest.DocTestParser().get_doctest(code, {}, "README", None, 0)
    assert len(test.examples) == 5
    assert doctest.DocTestRunner(verbose=False).run(test).failed == 0
    capsys.readouterr()
    assert main(["inspect", "run.h5"]) == 0
    assert capsys.readouterr().out.split() == console.partition("\n")[2].split()
