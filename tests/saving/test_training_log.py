"""Logs that grow: what is in the file after each call, and what becomes of it when calls fail."""

import gc
import os
import shutil

import h5py
import numpy as np
import pytensor
import pytest
from hierarchy.samples import rich_tree, same_arrays, same_leaves
from support import FIXTURES

import legacy_weights
from legacy_weights.errors import UnreadableError, UsageError, WriteError
from legacy_weights.hierarchy import atomic, check, extending, growing
from legacy_weights.hierarchy.write import write

GAIL = FIXTURES / "gail"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run.h5"


def weights(value):
    return {"l/W": np.full((3, 2), float(value)), "l/b": np.full(2, value, "f4")}


def state(path):
    """Return the first weight of each snapshot, and the rows, by h5py."""
    assert check(path) == []
    with h5py.File(path, "r") as file:
        snapshots = file.get("snapshots", {})
        found = {name: float(snapshots[name]["l/W"][0, 0]) for name in snapshots}
        assert file.attrs.get("default_snapshot") in (None, max(found, default="").encode())
        return found, file["log"]["iter"].tolist()


def test_the_file_after_each_call(path):
    with legacy_weights.TrainingLog(path, ["iter", "ret"], metadata={"seed": 1}) as log:
        assert state(path) == ({}, [])
        log.write({"iter": 0, "ret": 1})
        assert state(path) == ({}, [])
        log.flush()
        assert state(path) == ({}, [0])
        log.write_snapshot(weights(0), 0)
        expected = {"iter0000000": 0.0}
        for number in range(1, 8):
            log.write([number, number / 2])
            log.write_snapshot(weights(number), np.int64(10 * number))
            expected[f"iter{10 * number:07d}"] = float(number)
            assert state(path) == (expected, list(range(number + 1)))
        log.write([8, 0.1])
        assert log.snapshots == tuple(expected)
        assert log.length == 9
    assert state(path) == (expected, list(range(9)))
    assert os.listdir(path.parent) == ["run.h5"]
    with legacy_weights.open(path) as file:
        assert file.snapshots["iter0000070"].iteration == 70
        assert file.weights("iter0000020")["l/b"].tolist() == [2, 2]
        assert file.metadata == {"seed": 1}
        ret = file.tables["/log"].columns["ret"].load()
    assert ret.tolist() == [1, 0.5, 1, 1.5, 2, 2.5, 3, 3.5, 0.1]
    assert legacy_weights.read(path).snapshots[-1].name == "iter0000070"


def test_shared_variables_come_back(path):
    variables = [pytensor.shared(np.zeros((2, 2)), "W"), pytensor.shared(np.zeros(2), "b")]
    flat = legacy_weights.FlatVector(variables)
    with legacy_weights.TrainingLog(path, []) as log:
        for iteration in range(4):
            flat.set(np.arange(6.0) + iteration)
            log.write_snapshot(flat, iteration)
    flat.load(path, snapshot="iter0000001")
    assert flat.get().tolist() == [1, 2, 3, 4, 5, 6]
    flat.load(path)
    assert flat.get().tolist() == [3, 4, 5, 6, 7, 8]


def test_snapshots_of_all_kinds(path):
    """Other arrays, names longer than a cell, wider cells, links, columns that change."""
    shared = np.arange(3.0)
    kinds = [
        weights(0),
        {"a": shared, "b": shared},
        {"x" * 700: np.ones(1), "text": np.array(["é", "bc"])},
        {"W": np.ones((2, 2), order="F"), "e": np.zeros((0, 3))},
        {"very/long/" * 20 + "W": np.ones(2, ">f4")},
        {},
        weights(1),
    ]
    cells = [1, 2.5, 3, 4, 5, 6, 7]
    words = ["", "a", "abc", "b", "é" * 9, "", ""]
    with legacy_weights.TrainingLog(path, ["x", "word"]) as log:
        for number, (arrays, *row) in enumerate(zip(kinds, cells, words, strict=True)):
            log.write(row)
            log.write_snapshot(arrays, number)
            assert check(path) == []
    with legacy_weights.open(path) as file:
        for number, arrays in enumerate(kinds):
            found = file.weights(f"iter{number:07d}")
            assert list(found) == list(arrays)
            for name, values in arrays.items():
                assert found[name].dtype == values.dtype
                assert np.array_equal(found[name], values)
        assert file.tables["/log"].columns["x"].load().tolist() == cells
        assert file.tables["/log"].columns["word"].load().tolist() == words


def test_it_is_continued(path):
    for part in range(3):
        metadata = {"part": part, str(part): True}
        with legacy_weights.TrainingLog(path, ["iter"], append=True, metadata=metadata) as log:
            assert log.length == part
            log.write([part])
            log.write_snapshot(weights(part), part)
    assert state(path) == ({f"iter{n:07d}": float(n) for n in range(3)}, [0, 1, 2])
    with legacy_weights.open(path) as file:
        assert file.metadata == {"part": 2, "0": True, "1": True, "2": True}


def test_a_migrated_file_is_continued(path):
    before = rich_tree()
    columns = before.tables[0].columns
    write(before, path)
    with legacy_weights.TrainingLog(path, list(columns), append=True) as log:
        for iteration in range(4):
            log.write([array.load()[iteration] for array in columns.values()])
            log.write_snapshot(weights(iteration), iteration)
            assert check(path) == []
    with legacy_weights.open(path) as file:
        after = file.tree()
        assert list(file.snapshots)[:2] == ["model", "best"]
        for left, right in zip(before.snapshots, after.snapshots, strict=False):
            same_leaves(left.leaves, right.leaves)
        same_leaves(before.other, after.other)
        for name, column in columns.items():
            values = after.tables[0].columns[name].load()
            expected = np.concatenate([column.load(), column.load()[:4]])
            assert (values.dtype, values.tobytes()) == (expected.dtype, expected.tobytes())
        same_arrays(before.tables[1].columns["x"], after.tables[1].columns["x"])
        assert len(list(after.records())) == 2
        assert after.source.sha256() == before.source.sha256()
        assert after.default_snapshot == "iter0000003"
        rows = list(file.contents.rows.values())
    # The arrays that are in no snapshot end the index.
    assert [row.path for row in rows if not row.snapshot] == [rows[-1].path]


def test_another_file_is_not_continued(path):
    with legacy_weights.TrainingLog(path, ["iter"]) as log:
        log.write([1])
    with pytest.raises(UsageError, match="the log has the columns iter; expected iter, ret"):
        legacy_weights.TrainingLog(path, ["iter", "ret"], append=True)
    with pytest.raises(UsageError, match="column 'iter' has int64; expected <U1"):
        legacy_weights.TrainingLog(path, {"iter": "U1"}, append=True)
    assert state(path) == ({}, [1])
    path.write_bytes(b"no HDF5")
    with pytest.raises(UnreadableError):
        legacy_weights.TrainingLog(path, ["iter"], append=True)
    assert path.read_bytes() == b"no HDF5"


def test_a_file_that_exists(path):
    path.write_bytes(b"mine")
    with pytest.raises(UsageError, match=r"exists already\. Continue it with append=True\. Rep"):
        legacy_weights.TrainingLog(path, [])
    with pytest.raises(UsageError, match="contradict"):
        legacy_weights.TrainingLog(path, [], append=True, overwrite=True)
    assert path.read_bytes() == b"mine"
    with legacy_weights.TrainingLog(path, ["iter"], overwrite=True):
        assert state(path) == ({}, [])


def test_wrong_calls_change_nothing(path):
    with legacy_weights.TrainingLog(path, ["iter"]) as log:
        log.write_snapshot(weights(1), 1)
        before = path.read_bytes()
        for arrays, iteration, message in [
            (weights(2), 1, "there is a snapshot of iteration 1"),
            (weights(2), -1, "there can be no snapshot of iteration -1"),
            ({"W": None}, 2, "W is a NoneType"),
            (3, 2, "what is to be saved is a int"),
        ]:
            with pytest.raises(UsageError, match=message):
                log.write_snapshot(arrays, iteration)
        with pytest.raises(TypeError):
            log.write_snapshot(weights(2), 1.5)
        assert path.read_bytes() == before
        log.write_snapshot(weights(2), 2)
    for call in (log.flush, lambda: log.write([1]), lambda: log.write_snapshot(weights(3), 3)):
        with pytest.raises(UsageError, match="the log is closed"):
            call()
    log.close()
    assert state(path) == ({"iter0000001": 1.0, "iter0000002": 2.0}, [])


STEPS = [
    (extending, "write"),
    (extending, "verify"),
    (atomic, "sync"),
    (atomic, "linked_beside"),
    (atomic, "sync_directory"),
    (growing, "write"),
]


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
@pytest.mark.parametrize(("module", "step"), STEPS)
def test_a_call_that_fails(path, monkeypatch, module, step, error):
    """Whatever fails, the file is whole, and the log goes on."""
    log = legacy_weights.TrainingLog(path, ["iter"])
    for number in range(5):
        log.write([number])
        if number != 1:
            log.write_snapshot(weights(number), number)
    log.write([9])
    calls = []

    def fail(*_, **__):
        calls.append(step)
        raise error

    with monkeypatch.context() as patch:
        if module is growing:
            log._file.close()
        patch.setattr(module, step, fail)
        with pytest.raises((WriteError, KeyboardInterrupt)):
            log.write_snapshot(weights(100), 100)
    assert calls
    names = set(state(path)[0])
    if "iter0000100" not in names:
        log.write_snapshot(weights(100), 100)
    for number in (200, 300, 400):
        log.write_snapshot(weights(number), number)
    log.close()
    found, rows = state(path)
    assert set(found) == names | {f"iter{number:07d}" for number in (100, 200, 300, 400)}
    assert rows[-1] == 9
    assert os.listdir(path.parent) == ["run.h5"]


def test_a_full_disk_is_named(path, monkeypatch):
    with legacy_weights.TrainingLog(path, ["iter"]) as log:
        for number in range(3):
            log.write_snapshot(weights(number), number)
        before = state(path)

        def refuse(*_, **__):
            raise WriteError("it could not be written", where="/index")

        def full(_):
            raise OSError(28, "No space left on device")

        with monkeypatch.context() as patch:
            patch.setattr(extending, "write", refuse)
            patch.setattr(atomic, "write_more", full)
            with pytest.raises(WriteError, match="No space left on device"):
                log.write_snapshot(weights(3), 3)
        assert state(path) == before


def test_a_file_that_another_program_took(path):
    with legacy_weights.TrainingLog(path, ["iter"]) as log:
        log.write_snapshot(weights(0), 0)
        log.write_snapshot(weights(1), 1)
        os.rename(path, path.with_name("mine.h5"))
        with pytest.raises(WriteError, match="another program has removed or replaced it"):
            log.write_snapshot(weights(2), 2)
        shutil.copy(path.with_name("mine.h5"), path)
        with pytest.raises(WriteError, match="another program has removed or replaced it"):
            log.write_snapshot(weights(2), 2)
        path.unlink()
        os.rename(path.with_name("mine.h5"), path)
        log.write_snapshot(weights(2), 2)
    assert set(state(path)[0]) == {"iter0000000", "iter0000001", "iter0000002"}


def test_what_others_keep_is_never_changed(path):
    """A hard link of the file, as backups make them, and the link that led to it."""
    link = path.with_name("link.h5")
    link.symlink_to(path)
    kept = []
    with legacy_weights.TrainingLog(link, ["iter"], overwrite=True) as log:
        for number in range(6):
            log.write_snapshot(weights(number), number)
            keep = path.with_name(f"keep{number}.h5")
            os.link(path, keep)
            kept.append((keep, keep.read_bytes()))
    assert link.is_symlink()
    for keep, content in kept:
        assert keep.read_bytes() == content
    assert len(state(path)[0]) == 6


def test_a_disk_without_hard_links(path, monkeypatch):
    def refuse(*_):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    with legacy_weights.TrainingLog(path, ["iter"], overwrite=True) as log:
        for number in range(4):
            log.write_snapshot(weights(number), number)
            assert len(state(path)[0]) == number + 1


def test_only_what_is_new_is_written(path, monkeypatch):
    """From the third snapshot on the file is not written whole."""
    whole = []
    monkeypatch.setattr(growing, "write", lambda *a, **k: whole.append(1) or write(*a, **k))
    with legacy_weights.TrainingLog(path, ["iter"]) as log:
        for number in range(6):
            log.write_snapshot(weights(number), number)
    assert len(whole) == 2


def test_a_log_that_nobody_closes(path):
    log = legacy_weights.TrainingLog(path, ["iter"])
    log.write_snapshot(weights(0), 0)
    assert len(os.listdir(path.parent)) == 2
    del log
    gc.collect()
    assert os.listdir(path.parent) == ["run.h5"]


def test_a_rebuilt_policy_goes_on(path):
    """The variables of a policy have the names of its file, so that one snapshot fits all."""
    legacy = GAIL / "gaussian_one_layer.h5"
    policy = legacy_weights.load_policy(legacy)
    with legacy_weights.TrainingLog(path, []) as log:
        log.write_snapshot(policy, 0)
    with legacy_weights.open(path) as file:
        found = file.weights()
        theta = [leaf.name for leaf in file.snapshots["iter0000000"].leaves if leaf.in_theta]
    assert theta == [policy.flat.layout[i].name for i in range(len(theta))]
    for name, variable in policy.variables.items():
        assert np.array_equal(found[name], variable.get_value())
