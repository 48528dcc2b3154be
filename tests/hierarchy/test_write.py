"""What stands in a written file, seen by h5py, PyTables, hashlib and json alone."""

import hashlib
import json
import os
import pickle
import subprocess
import sys
import warnings
from contextlib import contextmanager
from dataclasses import replace

import h5py
import numpy as np
import pytest
import tables
from hierarchy.samples import LEGACY, leaf, rich_tree, same_trees, tree

from legacy_weights.errors import DamagedError, UsageError, WriteError
from legacy_weights.hierarchy import check, open_file, write
from legacy_weights.hierarchy import store as store_module
from legacy_weights.tree import Array, Leaf, Order, Record, Role, Snapshot, Table

LIAR = Array(np.dtype("f4"), (2,), lambda: np.zeros(2))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "out.h5"


@contextmanager
def by_pytables(path):
    with warnings.catch_warnings(), tables.open_file(path) as h5:
        warnings.simplefilter("ignore", tables.NaturalNameWarning)
        yield h5


def sha256(values, dtype):
    return hashlib.sha256(np.asarray(values).astype(dtype).tobytes()).hexdigest()


def rows(h5):
    return {row["path"].decode(): row for row in h5["index"][()]}


def test_the_layout(path):
    first = rich_tree()
    written = write(first, path)
    assert (written.path, written.size) == (str(path), path.stat().st_size)
    assert (written.arrays, written.verified) == (6, 6)
    assert os.listdir(path.parent) == ["out.h5"]
    model = first.snapshots[0].leaves
    with h5py.File(path) as h5:
        assert set(h5) == {"index", "snapshots", "other", "log", "logs", "meta"}
        assert h5["snapshots/model/conv1/W"][()].tolist() == model[0].array.load().tolist()
        assert h5["snapshots/model/conv1/b"].dtype == ">f8"
        assert h5["snapshots/model/half"].dtype == "f2"
        assert h5["other/constants/0"][()].astype("<u4").tolist() == [
            [ord(letter) for letter in "text"],
            [ord("é"), 0, 0, 0],
        ]
        for link, target in [
            ("snapshots/model/tied/W", "/snapshots/model/conv1/W"),
            ("snapshots/best/tied/W", "/snapshots/model/conv1/W"),
            ("snapshots/best/conv1/W", "/snapshots/model/conv1/W"),
        ]:
            assert h5.get(link, getlink=True).path == target
            assert h5[link].shape == (4, 3)
        index = rows(h5)
        assert [row.decode() for row in h5["index"]["path"]] == [
            "/snapshots/model/conv1/W",
            "/snapshots/model/tied/W",
            "/snapshots/model/conv1/b",
            "/snapshots/model/mean",
            "/snapshots/model/half",
            "/snapshots/best/other",
            "/snapshots/best/conv1/W",
            "/snapshots/best/tied/W",
            "/other/constants/0",
        ]
        assert h5["index"]["position"].tolist() == [0, -1, 1, 2, 3, 0, 1, -1, 0]
        assert h5["index"]["start"].tolist() == [0, -1, 12, -1, 0, 0, 2, -1, -1]
        assert h5["index"]["fortran"].tolist() == [0, 0, 0, 1, 0, 0, 0, 0, 0]
        row = index["/snapshots/model/conv1/W"]
        assert (row["name"], row["role"], row["trainable"]) == (b"conv1.W", b"weight", 1)
        assert json.loads(row["shape"]) == [4, 3]
        assert json.loads(row["origin"]) == ["layers[0].W", "params[0]"]
        assert row["sha256"].decode() == sha256(model[0].array.load(), "<f8")
        assert index["/snapshots/model/conv1/b"]["dtype"] == b">f8"
        assert index["/snapshots/model/conv1/b"]["sha256"].decode() == sha256([0] * 3, "<f8")
        assert index["/snapshots/best/tied/W"]["target"] == b"/snapshots/model/conv1/W"
        assert h5["index"].compression == "gzip"


def test_the_flat_vectors(path):
    first = rich_tree()
    write(first, path)
    model = first.snapshots[0].leaves
    with h5py.File(path) as h5:
        attributes = dict(h5["snapshots/model"].attrs)
        weights, bias = model[0].array.load(), model[1].array.load()
        flat = np.concatenate([weights.ravel(), bias.ravel()])
        assert json.loads(attributes["theta"]) == [
            {"dtype": "<f8", "size": 15, "sha256": sha256(flat, "<f8")},
            {"dtype": "<f2", "size": 3, "sha256": sha256([0, 1, 2], "<f2")},
        ]
        assert attributes["order_source"] == b"stated"
        assert attributes["legacy_hash"] == b"-123"
        assert attributes["complete"] == 1
        assert "iteration" not in attributes  # 10**30 fits no HDF5 integer; the manifest has it
        flat = np.concatenate([[1, 1], weights.ravel()])
        (theta,) = json.loads(h5["snapshots/best"].attrs["theta"])
        assert (theta["size"], theta["sha256"]) == (14, sha256(flat, "<f8"))


def test_what_a_file_says_of_itself(path):
    write(rich_tree(), path)
    with h5py.File(path) as h5:
        attributes = dict(h5.attrs)
        assert attributes["format"] == b"legacy-weights"
        assert attributes["format_version"] == 1
        assert attributes["default_snapshot"] == b"model"
        assert attributes["source_name"] == b"m.pkl"
        assert attributes["source_size"] == len(LEGACY)
        assert attributes["source_sha256"].decode() == hashlib.sha256(LEGACY).hexdigest()
        assert attributes["partial"] == 1
        assert json.loads(h5["meta/history"][()]) == [{"action": "rename", "from": "a"}]
        assert json.loads(h5["meta/args"][()])["args"] == {"n": 3}
        manifest = json.loads(h5["meta/manifest"][()])
        assert manifest["snapshots"][0]["iteration"] == 10**30
        lines = h5["meta/records"][()].tobytes()
        first, second = map(json.loads, lines.splitlines())
        assert first["class"] == "__main__.Model"
        assert first["state"] == {"W": {"$array": "/snapshots/model/conv1/W"}}
        assert second["args"][0] == {"$float": "nan"}
        assert manifest["records"] == {"count": 2, "sha256": hashlib.sha256(lines).hexdigest()}


def test_tables(path):
    first = rich_tree()
    write(first, path)
    log = first.tables[0].columns
    with h5py.File(path) as h5:
        table = h5["log"]
        assert table.dtype.names == ("iter", "ret.", "words", "raw", "pair")
        assert table["iter"].tolist() == [0, 1, 2, 3, 4]
        assert table["ret."].tolist() == log["ret."].load().tolist()
        assert table["raw"].tobytes() == b"a\0b" * 5
        assert table["words"].astype("<u4").tobytes() == log["words"].load().astype("<U2").tobytes()
        assert h5["logs/other"].shape == (0,)
    with by_pytables(path) as h5:
        assert isinstance(h5.root.log, tables.Table)
        assert h5.root.log.cols.pair[:].tolist() == log["pair"].load().tolist()


def test_pytables_unpickles_nothing_of_it(path, monkeypatch):
    bomb = pickle.dumps(os.getpid, 0).decode()
    first = tree(leaf("/snapshots/model/x", [0, 1, 2]))
    snapshots = (replace(first.snapshots[0], order_note=bomb, legacy_hash=bomb),)
    source = replace(first.source, name=bomb, kind="x.")
    log = Table("/log", {bomb: Array.of(np.ones(1)), "x.": Array.of(np.ones(1))})
    write(replace(first, snapshots=snapshots, source=source, family=bomb, tables=(log,)), path)

    def loads(*_, **__):
        pytest.fail("PyTables unpickles")

    monkeypatch.setattr(tables.attributeset.pickle, "loads", loads)
    with by_pytables(path) as h5:
        for node in h5.walk_nodes():
            for name in node._v_attrs._f_list("all"):
                getattr(node._v_attrs, name)
        assert h5.root.index.nrows == 1
        assert h5.root.snapshots.model.x[:].tolist() == [0, 1, 2]


def test_links_into_an_earlier_snapshot(path):
    first = leaf("/snapshots/a/x", [1.0])
    second = leaf("/snapshots/b/y", [2.0], links=(("/snapshots/a/y", "y"),))
    state = Leaf("/snapshots/c/z", "z", second.array, Role.STATE)
    snapshots = tuple(
        Snapshot(name, (found,), Order.STATED)
        for name, found in (("a", first), ("b", second), ("c", state))
    )
    whole = tree(snapshots=snapshots, default_snapshot="a")
    write(whole, path)
    assert check(path) == []
    with open_file(path) as file:
        assert {name: list(value) for name, value in file.weights().items()} == {"x": [1], "y": [2]}
        assert file["/snapshots/c/z"].tolist() == [2]
        same_trees(whole, file.tree())


def test_deep_paths(path):
    deep = "/x" * 1500
    write(tree(leaf(f"/snapshots/model{deep}", [1.0])), path)
    assert check(path) == []
    with open_file(path) as file:
        assert file[deep[1:]].tolist() == [1]


def test_no_attribute_is_long(path):
    first = rich_tree()
    long = "x" * 20000
    snapshots = tuple(replace(snapshot, order_note=long) for snapshot in first.snapshots)
    write(replace(first, snapshots=snapshots, family=long), path)
    assert check(path) == []
    with open_file(path) as file:
        assert file.tree().family == long
        assert file.snapshots["model"].order_note == long


def test_long_texts_do_not_widen_the_index(path):
    leaves = [leaf(f"/snapshots/model/{number}", [1.0]) for number in range(5)]
    origin = "é" * 5000
    leaves[3] = replace(leaves[3], origins=(origin, "b"), note=origin)
    write(tree(*leaves), path)
    with h5py.File(path) as h5:
        assert h5["index"].dtype["origin"].itemsize <= 512
        assert h5["index"][3]["note"].decode() == "é" * 256
    with open_file(path) as file:
        assert file.snapshots["model"].leaves[3].origins == (origin, "b")
        assert file.snapshots["model"].leaves[3].note == origin


def test_many_records_are_streamed(path):
    alive = []

    def records():
        for number in range(3000):
            alive.append(number)
            yield Record(number, "/", "C", {"state": "x" * 1000})

    write(tree(records=records), path)
    with open_file(path) as file:
        assert [record.id for record in file.records()] == list(range(3000))
    assert path.stat().st_size < 300_000


def test_the_same_tree_makes_the_same_bytes(path):
    write(rich_tree(), path)
    again = path.with_name("again.h5")
    write(rich_tree(), again)
    assert path.read_bytes() == again.read_bytes()


def test_an_empty_tree(path):
    written = write(tree(snapshots=(), default_snapshot=None), path)
    assert (written.arrays, written.verified) == (0, 0)
    assert check(path) == []


def test_overwriting(path):
    write(tree(leaf("/snapshots/model/a", [1.0])), path)
    with pytest.raises(UsageError, match=r"out\.h5.*exists"):
        write(rich_tree(), path)
    write(rich_tree(), path, overwrite=True)
    with open_file(path) as file:
        assert "conv1/W" in file


def test_progress(path):
    calls = []
    values = [np.zeros(100), np.zeros(50)]
    leaves = [leaf(f"/snapshots/model/{number}", array) for number, array in enumerate(values)]
    write(tree(*leaves), path, progress=lambda *call: calls.append(call))
    assert calls == [
        (800, 2400, "writing"),
        (1200, 2400, "writing"),
        (2000, 2400, "verifying"),
        (2400, 2400, "verifying"),
    ]


@pytest.mark.parametrize(
    ("leaves", "message"),
    [
        ([leaf("/snapshots/model/a", 1), leaf("/snapshots/model/a", 2, name="b")], "one path"),
        ([leaf("/snapshots/model/a", 1), leaf("/snapshots/model/a/b", 2)], "need a group"),
        ([leaf("/snapshots/model/a", 1), leaf("/snapshots/model/b", 2, name="a")], "'a'"),
        ([leaf("/snapshots/other/a", 1)], "neither in a snapshot"),
        ([leaf("/snapshots/model", 1)], "neither in a snapshot"),
        ([leaf("/other/a", 1)], "not stand in its snapshot"),
        ([leaf("/log", 1)], "neither in a snapshot"),
        ([leaf("/snapshots/model/../x", 1)], "no path component"),
        ([leaf("/snapshots/model//x", 1)], "no path component"),
        ([leaf("/snapshots/model/a\0b", 1)], "no path component"),
        ([leaf("/snapshots/model/_v_a", 1)], "no path component"),
        ([leaf("/snapshots/model/a", 1, links=(("/log", "b"),))], "neither in a snapshot"),
        ([leaf("/snapshots/model/a", np.array([None]))], "object"),
        ([Leaf("/snapshots/model/a", "a", LIAR, Role.WEIGHT)], "loads as float64"),
    ],
)
def test_trees_that_contradict_themselves(path, leaves, message):
    with pytest.raises(WriteError, match=message) as caught:
        write(tree(*leaves), path)
    assert caught.value.file == str(path)
    assert os.listdir(path.parent) == []


def test_tables_that_contradict_themselves(path):
    ragged = Table("/log", {"a": Array.of(np.zeros(2)), "b": Array.of(np.zeros(3))})
    with pytest.raises(WriteError, match="not as long"):
        write(tree(tables=(ragged,)), path)
    wide = Table("/log", {f"column {n}": Array.of(np.zeros(2)) for n in range(3000)})
    with pytest.raises(WriteError, match=r"/log"):
        write(tree(tables=(wide,)), path)
    assert os.listdir(path.parent) == []


def test_snapshots_that_contradict_themselves(path):
    model = Snapshot("model", (), Order.STATED)
    for options in (
        {"snapshots": (model, model)},
        {"snapshots": (replace(model, name=""),), "default_snapshot": ""},
        {"snapshots": (model,), "default_snapshot": "best"},
    ):
        with pytest.raises(WriteError):
            write(tree(**options), path)


@pytest.mark.parametrize("what", ["array", "source", "records"])
def test_a_source_that_fails_midway(path, what):
    def fail():
        raise DamagedError("the pickle ends", where=7)

    first = rich_tree()
    if what == "array":
        broken = Leaf("/other/x", "x", Array(np.dtype("f8"), (2,), fail), Role.OTHER)
        first = replace(first, other=(broken,))
    elif what == "source":
        first = replace(first, source=replace(first.source, sha256=fail))
    else:
        first = replace(first, records=fail)
    with pytest.raises(DamagedError, match="the pickle ends"):
        write(first, path)
    assert os.listdir(path.parent) == []


@pytest.mark.parametrize("where", ["value", "records", "missing", "attribute"])
def test_what_does_not_read_back(path, monkeypatch, where):
    """A disk or a library that changes what it is given is found out."""
    original = store_module.Store.array
    if where == "value":

        def array(self, name, values):
            values = values.copy()
            values.reshape(-1).view("u1")[-1] ^= 1
            original(self, name, values)

        monkeypatch.setattr(store_module.Store, "array", array)
    elif where == "missing":
        monkeypatch.setattr(store_module.Store, "array", lambda *_: None)
    elif where == "attribute":
        monkeypatch.setattr(store_module.Store, "attributes", lambda *_: None)
    else:
        stream = store_module.Store.stream
        monkeypatch.setattr(
            store_module.Store, "stream", lambda self, name, _: stream(self, name, [b"{}\n"])
        )
    with pytest.raises(WriteError) as caught:
        write(tree(leaf("/snapshots/model/x", np.arange(3.0))), path)
    assert caught.value.file == str(path)
    assert os.listdir(path.parent) == []


def test_a_full_disk(path):
    code = (
        "import resource, sys; sys.path[:0] = sys.argv[2:]\n"
        "import numpy as np; from hierarchy.samples import leaf, tree\n"
        "from legacy_weights.hierarchy import write\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))\n"
        "leaves = [leaf(f'/snapshots/model/{n}', np.zeros(1000)) for n in range(200)]\n"
        "try: write(tree(*leaves), sys.argv[1])\n"
        "except Exception as error: print(type(error).__name__, error)\n"
    )
    command = [sys.executable, "-c", code, str(path), *sys.path]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout.startswith("WriteError")
    assert "File too large" in done.stdout
    assert os.listdir(path.parent) == []


def test_reading_does_not_import_pytables():
    code = "import sys, legacy_weights.hierarchy.read; print('tables' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
