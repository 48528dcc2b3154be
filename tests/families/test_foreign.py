"""scikit-learn, SciPy sparse matrices and pandas: names of their arrays, genuine and hostile."""

import numpy as np
import pytest
from stubs import interpret, make, shared, weights
from support import FIXTURES

import legacy_weights
from legacy_weights.families import frames, sparse
from legacy_weights.families.graph import Graph
from legacy_weights.pickles.objects import Global, Instance

FOREIGN = FIXTURES / "families/foreign"


def call(dotted, *args, state=None):
    module, _, name = dotted.rpartition(".")
    made = Instance(Global(module, name), args, 0)
    if state is not None:
        made.state = state
    return made


# scikit-learn ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "evidence"),
    [
        (
            "logistic_p2_s020.pkl",
            "class sklearn.linear_model.logistic.LogisticRegression of 0.20.4",
        ),
        ("logistic_p2_s017.pkl", "class sklearn.linear_model.logistic.LogisticRegression"),
        ("pipeline_p0_s020.pkl", "class sklearn.pipeline.Pipeline of 0.20.4"),
    ],
)
def test_the_version_is_evidence(file, evidence):
    assert legacy_weights.read(FOREIGN / file).evidence == evidence


def test_memory_of_an_optimizer_is_told_from_weights():
    """sklearn/neural_network/_stochastic_optimizers.py: Adam keeps `ms` and `vs` a parameter."""
    tree = legacy_weights.read(FOREIGN / "mlp_p2_s020.pkl")
    memory = [leaf.name for leaf in tree.other if leaf.role == "optimizer"]
    assert memory == [f"_optimizer/{kind}/{n}" for kind in ("ms", "vs") for n in range(4)]


def test_training_data_are_no_weights():
    tree = legacy_weights.read(FOREIGN / "neighbours_p2_s020.pkl")
    data = {leaf.name for leaf in tree.other if leaf.role == "data"}
    assert {"_fit_X", "_y"} <= data


def test_an_estimator_beside_a_weight_is_data():
    tree = legacy_weights.read(FOREIGN / "beside_p2_s020.pkl")
    names = {leaf.name: leaf.role for leaf in tree.other}
    assert names == {f"scaler/{name}_": "data" for name in ("mean", "scale", "var")}
    found = interpret({"net": shared(3, "W"), "scaler": make("sklearn.x.S", mean_=np.ones(2))})
    assert (found.family, [*weights(found)]) == ("Theano", ["W"])
    assert [leaf.name for leaf in found.other] == ["scaler/mean_"]


def test_an_estimator_inside_an_unknown_object_is_data():
    found = interpret(make("lost.Model", scaler=make("sklearn.x.S", mean_=np.ones(2))))
    assert not found.snapshots
    assert found.family == "unknown"


def test_settings_and_private_attributes_are_no_weights():
    found = interpret(make("sklearn.x.S", a_=np.ones(2), b=np.ones(3), _c_=np.ones(4), _d=None))
    assert [*weights(found)] == ["a_"]
    assert [leaf.name for leaf in found.other] == ["_c_", "b"]


@pytest.mark.parametrize("version", [None, 7, [1], "x" * 1000, {"a": 1}])
def test_a_version_of_a_wrong_kind(version):
    found = interpret(make("sklearn.x.S", _sklearn_version=version, a_=np.ones(2)))
    assert found.evidence == "class sklearn.x.S"


def test_an_estimator_that_holds_itself():
    estimator = make("sklearn.x.S", a_=np.ones(2))
    estimator.estimators_ = [estimator, estimator.__dict__]
    estimator.b_ = estimator
    assert [*weights(interpret(estimator))] == ["a_"]


@pytest.mark.parametrize("value", [None, 7, "x", [1.0], {"a": 1}, np.array("x"), np.array(None)])
def test_an_estimator_without_arrays(value):
    found = interpret(make("sklearn.x.S", a_=value))
    assert found.family == "scikit-learn"
    assert not found.snapshots


# SciPy -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", ["p0_s017", "p2_s020"])
def test_the_indices_of_a_sparse_matrix_are_not_trained(suffix):
    tree = legacy_weights.read(FOREIGN / f"sparse_{suffix}.pkl")
    trained = [leaf.name for leaf in tree.snapshots[0].leaves if leaf.in_theta]
    assert trained == ["bsr/data", "coo/data", "csc/data", "csr/data", "dia/data"]


def test_a_sparse_matrix_as_scipy_has_it():
    """Put together by hand: row i has data[indptr[i]:indptr[i + 1]] in its columns."""
    tree = legacy_weights.read(FOREIGN / "sparse_p2_s020.pkl")
    held = {leaf.name: leaf.array.load() for leaf in tree.snapshots[0].leaves}
    rows, coordinates = np.zeros((4, 6)), np.zeros((4, 6))
    for row in range(4):
        part = slice(held["csr/indptr"][row], held["csr/indptr"][row + 1])
        rows[row, held["csr/indices"][part]] = held["csr/data"][part]
    coordinates[held["coo/row"], held["coo/col"]] = held["coo/data"]
    assert rows.any()
    assert (rows == coordinates).all()


def test_a_sparse_matrix_inside_an_unknown_object_is_data():
    matrix = make("scipy.sparse.csr.csr_matrix", data=np.ones(2), indices=np.arange(2))
    found = interpret(make("lost.Model", W=matrix))
    assert [leaf.name for leaf in found.other] == ["W/data", "W/indices"]


def test_two_matrices_that_share_their_indices():
    shared_indices = np.arange(2)
    first, second = (
        make("scipy.sparse.csr.csr_matrix", data=np.full(2, n), indices=shared_indices)
        for n in (1.0, 2.0)
    )
    leaves = interpret({"a": first, "b": second}).snapshots[0].leaves
    assert [leaf.name for leaf in leaves] == ["a/data", "a/indices", "b/data"]
    assert "b/indices" in [name for _, name in leaves[1].links]


@pytest.mark.parametrize("value", [None, 7, "x", [1.0], {"a": np.ones(2)}, np.array(None)])
def test_a_sparse_matrix_of_wrong_parts(value):
    matrix = make("scipy.sparse.csr.csr_matrix", data=value, indices=value, indptr=matrix_cycle())
    found = Graph({"m": matrix})
    assert sparse.parts(found) == {}
    assert interpret({"m": matrix}).family in ("plain arrays", "unknown")


def matrix_cycle():
    found = []
    found.append(found)
    return found


# pandas ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("protocol", [0, 2])
def test_arrays_of_frames_are_named_after_columns(protocol):
    tree = legacy_weights.read(FOREIGN / f"frames_p{protocol}_s020.pkl")
    notes = {leaf.name: leaf.note for leaf in tree.other}
    assert notes["frame/block_0"] == "columns error, loss"  # pandas of Python 2 sorts a dict
    assert "frame/epoch" in notes
    assert {"frame/index", "series/values", "dated/index", "dated/block_0"} <= set(notes)
    index = next(leaf for leaf in tree.other if leaf.name == "frame/index")
    assert index.array.load().tolist() == [5, 7, 9]
    epoch = next(leaf for leaf in tree.other if leaf.name == "frame/epoch")
    assert epoch.array.load().tolist() == [[1, 2, 3]]


def manager(*state):
    return call("pandas.core.internals.BlockManager", state=state)


def index(values):
    return call(
        "pandas.core.indexes.base._new_Index",
        Global("pandas.core.indexes.base", "Index"),
        {"data": values},
    )


BLOCK = np.ones((2, 3))


def names_of(root):
    graph = Graph(root)
    found, notes = frames.names(graph)
    return (
        ["/".join(found[id(node)]) for node in graph.arrays if id(node) in found],
        list(notes.values()),
    )


def test_a_block_by_hand():
    root = {"df": make_frame(manager([index(None)], [BLOCK], [index(np.array([4, 5]))], {}))}
    assert names_of(root) == (["df/block_0"], ["columns 4, 5"])


def make_frame(held):
    return call("pandas.core.frame.DataFrame", state={"_data": held})


@pytest.mark.parametrize(
    "state",
    [
        (),
        (None, None, None),
        (7, [BLOCK], [None]),
        ([], [BLOCK], [None]),
        ([None], [BLOCK], [7]),
        ([7], [BLOCK, None, 7, "x"], [index(None), index(7), index([]), 7]),
        ([index(matrix_cycle())], [BLOCK], [index(matrix_cycle())]),
        ([index(index(None))], [BLOCK], [index({"_data": 1})]),
        ([None], [BLOCK], [index(np.ones((2, 2)))]),
        ([None], [BLOCK], [call("pandas.core.indexes.base._new_Index")]),
    ],
    ids=range(10),
)
def test_frames_of_a_wrong_kind(state):
    found, _ = names_of({"df": make_frame(manager(*state))})
    assert found in ([], ["df/block_0"])


def test_lists_that_many_frames_share_are_read_once(monkeypatch):
    read = []
    monkeypatch.setattr(frames._Namer, "_block", lambda *arguments: read.append(arguments))
    values, columns = [np.ones((1, 1))] * 100, [index(np.arange(1))] * 100
    names_of([make_frame(manager([None], values, columns, {})) for _ in range(100)])
    assert len(read) == 100
