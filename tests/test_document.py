"""What a file holds, as one JSON document."""

import hashlib
import json

import numpy as np
import pytest
from trees import leaf, tree

from legacy_weights.document import document
from legacy_weights.summary import lines
from legacy_weights.tree import (
    Record,
    Role,
    Trainable,
)


def test_the_document():
    big = np.arange(6, dtype=">f4").reshape(2, 3)
    found = document(
        tree(
            leaf("W", big, trainable=Trainable.YES, origins=("a", "b"), links=(("/x", "x"),)),
            leaf("n", [1], trainable=Trainable.NO),
            other=[leaf("key", [1], Role.RANDOM)],
            records=lambda: [Record(0, "", "m.Net", {"state": {"n": 3}})],
            classes=("m.Net",),
            metadata={"seed": 3},
            history=({"action": "unflatten"},),
            warnings=("repaired",),
        ),
        file="dir/net.pkl",
    )
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    weight, count, state = found["arrays"]
    assert weight == {
        "path": "/snapshots/model/W",
        "name": "W",
        "dtype": ">f4",
        "shape": [2, 3],
        "fortran": False,
        "role": "weight",
        "trainable": True,
        "snapshot": "model",
        "position": 0,
        "start": 0,
        "origins": ["a", "b"],
        "links": ["/x"],
        "sha256": hashlib.sha256(big.astype("<f4").tobytes()).hexdigest(),
    }
    assert (count["position"], count["start"], count["trainable"]) == (1, None, False)
    assert (state["position"], state["snapshot"], state["role"]) == (None, None, "random")
    assert found["file"] == "dir/net.pkl"
    assert found["kind"] == "pickle 2"
    assert found["order_source"] == "stated"
    assert found["records"] == [{"id": 0, "path": "", "class": "m.Net", "state": {"n": 3}}]
    assert found["classes"] == ["m.Net"]
    assert found["warnings"] == ["repaired"]


def test_a_document_without_hashes():
    (array,) = document(tree(leaf("W", [1.0])), file="x", hashes=False)["arrays"]
    assert "sha256" not in array


def test_a_document_of_nothing():
    found = document(tree(snapshots=(), default_snapshot=None), file="x")
    assert (found["arrays"], found["order_source"]) == ([], None)


@pytest.mark.parametrize(
    "dtype",
    [
        [("a", "<f8"), ("b", "<i4", (2,))],
        {"names": ["a", "b"], "formats": ["<f8", "<i4"], "offsets": [0, 4], "itemsize": 12},
        {"names": ["a", "b"], "formats": ["<f8", "<i4"], "offsets": [8, 0]},
    ],
)
def test_structured_arrays_have_a_dtype_in_the_document(dtype):
    found = tree(leaf("x", np.zeros(2, dtype)))
    (array,) = document(found, file="x")["arrays"]
    assert "'a'" in array["dtype"]
    assert "'b'" in array["dtype"]
    assert list(lines(found))[2] == "  0  x  2 (a, b)   not trained"
