"""Arrays in blocks: the bytes that NumPy has, and no more memory than a few blocks."""

import hashlib
import tracemalloc

import h5py
import numpy as np
import pytest
from hierarchy.samples import leaf, raw, tree

import legacy_weights
from legacy_weights import hashing, streams
from legacy_weights.errors import DamagedError
from legacy_weights.hierarchy import open_file, write
from legacy_weights.tree import Array

VALUES = {
    "floats": np.arange(30, dtype="<f4").reshape(5, 6),
    "big": np.arange(12, dtype=">f8"),
    "columns": np.asfortranarray(np.arange(12.0).reshape(3, 4)),
    "scalar": np.array(3.5),
    "nothing": np.zeros((0, 4)),
    "text": np.array([["ü", "abc"]]),
    "no text": np.zeros(3, "U0"),
    "bytes": np.array([b"a\0b", b""]),
    "truth": np.array([True, False]),
    "rows": np.array([(1, 2.5)], [("a", "i1"), ("b", ">f8")]),
}


@pytest.mark.parametrize("name", VALUES)
def test_elements_are_the_values_in_c_order(name, tmp_path, monkeypatch):
    values = VALUES[name]
    # Blocks that divide elements.
    monkeypatch.setattr("legacy_weights.hdf5._file.BLOCK", 7)
    write(tree(leaf("/snapshots/model/a", values)), tmp_path / "a.h5")
    with open_file(tmp_path / "a.h5") as file:
        for array in (Array.of(values), file.arrays()["/snapshots/model/a"]):
            parts = list(map(np.copy, streams.elements(array)))
            assert b"".join(map(raw, parts)) == raw(values)
            assert all(part.dtype == values.dtype for part in parts)
            assert streams.sha256(array) == hashing.sha256(values)


def test_hdf5_of_others_is_converted_as_it_is_when_read(tmp_path):
    wanted = np.arange(2000.0).reshape(40, 50)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("packed", data=wanted, chunks=(7, 50), compression="gzip")
        file.create_dataset("big", data=wanted.astype(">f4"))
    for found in legacy_weights.read(tmp_path / "a.h5").leaves():
        parts = list(map(np.copy, streams.elements(found.array)))
        assert np.concatenate(parts).tolist() == wanted.ravel().tolist()
        digest = hashlib.sha256(wanted.astype(found.array.dtype.newbyteorder("<")).tobytes())
        assert streams.sha256(found.array) == digest.hexdigest()


def test_pairs_are_of_the_same_places():
    first, second = np.arange(3_000_000, dtype="f8"), np.arange(3_000_000, dtype="f2")
    seen = 0
    for left, right in streams.pairs(Array.of(first), Array.of(second)):
        assert left[0] == seen
        assert len(left) == len(right)
        assert raw(right) == raw(second[seen : seen + len(right)])
        seen += len(left)
    assert seen == 3_000_000


def test_a_large_array_is_never_whole_in_memory(tmp_path):
    values = np.zeros(10_000_000)
    write(tree(leaf("/snapshots/model/a", values)), tmp_path / "a.h5")
    digest = hashlib.sha256(values.tobytes()).hexdigest()
    with open_file(tmp_path / "a.h5") as file:
        array = file.arrays()["/snapshots/model/a"]
        tracemalloc.start()
        assert streams.sha256(array) == digest
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 16_000_000 < values.nbytes


def test_a_dataset_that_the_index_denies(tmp_path):
    write(tree(leaf("/snapshots/model/a", np.zeros(4))), tmp_path / "a.h5")
    with h5py.File(tmp_path / "a.h5", "a") as file:
        del file["snapshots/model/a"]
        file["snapshots/model/a"] = np.zeros(5)
    with open_file(tmp_path / "a.h5") as file, pytest.raises(DamagedError, match="shape"):
        list(streams.elements(file.arrays()["/snapshots/model/a"]))
