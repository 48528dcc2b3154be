"""Pickles that name programs of other worlds are read, and the report names those."""

import pickle

import numpy as np
import pytest
from stubs import dumps, make, model

import legacy_weights
from legacy_weights.families import NO_WEIGHTS


@pytest.fixture
def read(tmp_path):
    """Return a function that reads bytes as a file."""

    def read(data):
        path = tmp_path / "model.pkl"
        path.write_bytes(data)
        return legacy_weights.read(path)

    return read


W = np.arange(3.0)


@pytest.mark.parametrize(
    ("dotted", "world"),
    [
        ("cloudpickle.cloudpickle.CellType", "cloudpickle wrote it"),
        ("cloudpickle.cloudpickle_fast.Pickler", "cloudpickle wrote it"),
        ("joblib.externals.cloudpickle.cloudpickle.Empty", "cloudpickle wrote it"),
        ("pyspark.cloudpickle.Empty", "cloudpickle wrote it"),
        ("torch.nn.modules.linear.Linear", "it names PyTorch"),
        ("tensorflow.python.ops.variables.Variable", "it names TensorFlow"),
    ],
)
def test_the_world_is_named(read, dotted, world):
    tree = read(dumps({"made": make(dotted, value=1), "W": W}))
    (note,) = tree.warnings
    assert note.startswith(f"{world} ({dotted})")
    assert len(list(tree.leaves())) == 1


def test_a_function_that_cloudpickle_wrote(read):
    """By cloudpickle itself: its code is bytes in a record, and is not run."""
    cloudpickle = pytest.importorskip("cloudpickle")
    namespace = {"__name__": "__main__"}
    exec("def act(x):\n    return x + 1", namespace)
    tree = read(cloudpickle.dumps({"act": namespace["act"], "W": W}))
    assert any("cloudpickle wrote it" in note for note in tree.warnings)
    assert [leaf.array.load().tolist() for leaf in tree.leaves()] == [W.tolist()]
    assert any("_make_function" in record.cls for record in tree.records())


@pytest.mark.parametrize("dotted", ["mytorch.Net", "net.torch.Linear", "torchlike.Net"])
def test_names_that_only_resemble(read, dotted):
    assert read(dumps(make(dotted, W=W))).warnings == (NO_WEIGHTS,)


def test_a_plain_file_has_no_note(read):
    assert read(dumps(model(W=W))).warnings == (NO_WEIGHTS,)
    assert read(pickle.dumps([W], 2)).warnings == ()
