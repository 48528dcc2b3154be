"""Every genuine fixture migrates, and equals the truth that the old software wrote."""

import hashlib

import h5py
import independent_reader
import numpy as np
import pytest
from support import FIXTURES, MANIFEST

import legacy_weights
from legacy_weights.errors import LegacyWeightsError
from legacy_weights.hierarchy import check

READABLE = [entry for entry in MANIFEST if entry["status"] != 3]
REFUSED = [entry for entry in MANIFEST if entry["status"] == 3]


def truth(entry):
    arrays = [*entry["arrays"], *entry.get("cuts", [])]
    return {(array["sha256"], tuple(array["shape"])) for array in arrays}


@pytest.mark.parametrize("entry", READABLE, ids=lambda entry: entry["file"])
def test_migrates_to_the_truth(entry, tmp_path):
    legacy = FIXTURES / entry["file"]
    report = legacy_weights.migrate(legacy, tmp_path / "out.h5")
    assert report.exit_status == entry["status"]
    assert check(report.path) == []
    independent = independent_reader.load(report.path)
    with legacy_weights.open(report.path) as file:
        tree = file.tree()
        for leaf in tree.leaves():
            other = independent[leaf.path]
            assert (other.dtype, other.shape) == (leaf.array.dtype, leaf.array.shape)
            assert other.tobytes() == np.ascontiguousarray(file[leaf.path]).tobytes()
        arrays = [file[leaf.path] for leaf in tree.leaves()]
        # Copies of one variable in several pickles of a file stand once.
        assert {(little_endian_sha256(array), array.shape) for array in arrays} == truth(entry)
        if entry["weights"] is not None:
            default = [s for s in tree.snapshots if s.name == tree.default_snapshot]
            snapshot = default[0] if default else None
            names = [leaf.name for leaf in snapshot.leaves if leaf.role == "weight"]
            if entry["order"] is None:
                assert sorted(names) == sorted(entry["weights"])
            else:
                assert names == entry["weights"]
                assert snapshot.order == entry["order"]


@pytest.mark.parametrize(
    "entry", [entry for entry in READABLE if "family" in entry], ids=lambda entry: entry["file"]
)
def test_a_framework_is_understood(entry):
    tree = legacy_weights.read(FIXTURES / entry["file"])
    assert tree.family == entry["family"]
    weights = {
        snapshot.name: [leaf.name for leaf in snapshot.leaves if leaf.role == "weight"]
        for snapshot in tree.snapshots
    }
    default = tree.default_snapshot
    state = [
        leaf.name
        for snapshot in tree.snapshots
        for leaf in snapshot.leaves
        if snapshot.name == default and leaf.role == "state"
    ]
    assert sorted(state) == entry.get("state", [])
    assert entry.get("snapshots", weights) == weights
    for role, count in entry.get("roles", {}).items():
        assert sum(leaf.role == role for leaf in tree.other) == count
    logs = {table.path: list(table.columns) for table in tree.tables}
    assert entry.get("logs", {}) == logs


def little_endian_sha256(array):
    """The manifest's hash, computed without the package."""
    return hashlib.sha256(little_endian(array)).hexdigest()


def little_endian(array):
    swapped = array.dtype.newbyteorder("<")
    if array.dtype != swapped:
        # `astype` would lose the padding of a structure, but swaps every field.
        array = array.astype(swapped)
    return array.tobytes()


@pytest.mark.parametrize("entry", READABLE, ids=lambda entry: entry["file"])
def test_dtype_and_order_are_kept(entry):
    tree = legacy_weights.read(FIXTURES / entry["file"])
    for leaf in tree.leaves():
        values = leaf.array.load()
        same = [
            array
            for array in [*entry["arrays"], *entry.get("cuts", [])]
            if array["sha256"] == little_endian_sha256(values)
            and tuple(array["shape"]) == values.shape
        ]
        kinds = [array["dtype"] for array in same]
        if values.dtype.names is None:
            assert values.dtype.str in kinds
        assert leaf.array.fortran in [array["fortran"] for array in same]


@pytest.mark.parametrize("entry", REFUSED, ids=lambda entry: entry["file"])
def test_damaged_files_are_refused(entry, tmp_path):
    with pytest.raises(LegacyWeightsError) as caught:
        legacy_weights.migrate(FIXTURES / entry["file"], tmp_path / "out.h5")
    assert caught.value.exit_status == 3
    assert entry["file"].rpartition("/")[2] in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_an_independent_reader_finds_the_same_bytes(tmp_path):
    """Twenty lines of h5py, written from the form of the hierarchy alone."""
    (entry,) = [e for e in MANIFEST if e["file"] == "pickles/plain/dict_p0.pkl"]
    legacy_weights.migrate(FIXTURES / entry["file"], tmp_path / "out.h5")
    found = {}
    with h5py.File(tmp_path / "out.h5") as file:
        assert file.attrs["format"] in (b"legacy-weights", "legacy-weights")
        for row in file["index"]:
            path = row["path"].decode()
            values = file[path][()]
            assert row["dtype"].decode() == values.dtype.str
            found[row["name"].decode()] = hashlib.sha256(values.tobytes()).hexdigest()
            assert row["sha256"].decode() == found[row["name"].decode()]
    assert found == {array["path"][2:-2]: array["sha256"] for array in entry["arrays"]}
