"""Real legacy files of others, in ../shared: every array of theirs is in the migrated file."""

import hashlib

import numpy as np
import pytest
from support import REAL, needs_shared, real_arrays_of, real_files

import legacy_weights
from legacy_weights.hierarchy import check

FILES = [
    row
    for row in real_files()
    if row["container"] in ("raw", "npy", "hdf5", "zlib>raw", "joblib-ZF>raw")
    or row["container"].startswith("zip")
]


def stored_sha256(array, dtype, fortran):
    """The hash of an array's bytes as the legacy file keeps them."""
    raw = array.astype(np.dtype(dtype), copy=False)
    return hashlib.sha256(raw.tobytes("F" if fortran else "C")).hexdigest()


@needs_shared
@pytest.mark.parametrize("row", FILES, ids=lambda row: row["path"].rpartition("/")[2])
def test_every_array_is_there(row, tmp_path):
    truth = real_arrays_of(row)
    report = legacy_weights.migrate(REAL / row["path"], tmp_path / "out.h5")
    assert check(report.path) == []
    with legacy_weights.open(report.path) as file:
        arrays = [file[leaf.path] for leaf in file.tree().leaves()]
    for entry in truth:
        dtype = entry["dtype"]
        shape = tuple(int(n) for n in entry["shape"].strip("()").split(",") if n.strip())
        same = [a for a in arrays if a.dtype.str == dtype and a.shape == shape]
        hashes = {stored_sha256(a, dtype, entry["fortran"] == "1") for a in same}
        assert entry["sha256_of_stored_bytes"] in hashes, entry


@needs_shared
def test_the_tutorials_model():
    """Its program, code/logistic_sgd.py, states ``self.params = [self.W, self.b]``."""
    tree = legacy_weights.read(
        REAL / "andrew-shackelford+DeepLearningTutorials/code/best_model.pkl"
    )
    (snapshot,) = tree.snapshots
    assert [(leaf.name, leaf.array.shape) for leaf in snapshot.leaves] == [
        ("W", (784, 10)),
        ("b", (10,)),
    ]
    assert snapshot.order == "stated"
    assert [leaf.role for leaf in tree.other] == ["constant", "constant"]
