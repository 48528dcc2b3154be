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


JOBLIB = [
    row["path"]
    for row in real_files()
    if row["path"].startswith("pypi-joblib") and not row["path"].endswith(".npy")
]


@needs_shared
@pytest.mark.parametrize("path", JOBLIB, ids=lambda path: path.rpartition("/")[2])
def test_joblibs_own_files(path):
    """joblib/test/data/create_numpy_pickle.py wrote the same list with each version."""
    tree = legacy_weights.read(REAL / path)
    (snapshot,) = tree.snapshots
    found = [(leaf.name, leaf.array.load().tolist()) for leaf in snapshot.leaves]
    assert found == [
        ("0", [0, 1, 2, 3, 4]),
        ("1", [0.0, 1.0, 2.0, 3.0, 4.0]),
        ("4", [[0, 1, 2]]),
    ]
    assert [leaf.array.dtype.str for leaf in snapshot.leaves] == ["<i8", "<f8", "<i8"]
    assert (snapshot.order, tree.warnings, tree.partial) == ("stated", (), False)


@needs_shared
def test_the_discriminator_of_dcgan():
    """svhn/svhn_semisup_analysis.py unpacks it as ``w, w2, g2, b2, w3, g3, b3, wy``."""
    (path,) = [row["path"] for row in real_files() if row["path"].endswith("_params.jl")]
    tree = legacy_weights.read(REAL / path)
    (snapshot,) = tree.snapshots
    assert [(leaf.name, leaf.array.shape) for leaf in snapshot.leaves] == [
        ("0", (64, 3, 5, 5)),
        ("1", (128, 64, 5, 5)),
        ("2", (128,)),
        ("3", (128,)),
        ("4", (256, 128, 5, 5)),
        ("5", (256,)),
        ("6", (256,)),
        ("7", (4096, 1)),
    ]
    assert (snapshot.order, tree.other) == ("stated", ())


@needs_shared
def test_the_policy_of_kusanagi():
    """Its zip is by ``theano.misc.pkl_utils.dump``: arrays stand where the variables have them."""
    (path,) = [row["path"] for row in real_files() if row["path"].endswith("plant_policy.zip")]
    tree = legacy_weights.read(REAL / path)
    names = [leaf.name for snapshot in tree.snapshots for leaf in snapshot.leaves]
    assert "NNPolicy_fc0>W" in names
    origins = {origin for leaf in tree.leaves() for origin in leaf.origins}
    assert "['NNPolicy_fc0>W'].container.storage[0]" in origins
    assert "<member 'NNPolicy_fc0>W'>" in origins
    assert len(list(tree.leaves())) == 11
