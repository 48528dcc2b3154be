"""Reading migrated files: the friendly ones, and hostile ones."""

import json
import shutil

import h5py
import numpy as np
import pytest
from hierarchy.samples import leaf, rich_tree, tree
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from legacy_weights import hdf5
from legacy_weights.errors import (
    DamagedError,
    LegacyWeightsError,
    RefusedError,
    UnreadableError,
    UsageError,
    VersionError,
)
from legacy_weights.hierarchy import check, is_hierarchy, open_file, write


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    path = tmp_path_factory.mktemp("rich") / "rich.h5"
    write(rich_tree(), path)
    return path


@pytest.fixture
def path(original, tmp_path):
    return shutil.copy(original, tmp_path / "copy.h5")


def test_arrays_by_path_name_and_link(original):
    weights = rich_tree().snapshots[0].leaves[0].array.load()
    with open_file(original) as file:
        for path in (
            "/snapshots/model/conv1/W",
            "conv1/W",
            "conv1.W",
            "/snapshots/model/tied/W",
            "tied/W",
            "tied.W",
            "/snapshots/best/conv1/W",
            "/snapshots/best/tied/W",
        ):
            assert path in file
            assert file[path].tolist() == weights.tolist()
        assert file["mean"].flags.f_contiguous
        assert file["/other/constants/0"].tolist() == ["text", "é"]
        for path in ("/snapshots/model", "conv1", "gone", "/", "", "/log"):
            assert path not in file
        with pytest.raises(UsageError, match=r"no array 'conv1/w'.*conv1/W"):
            file["conv1/w"]


def test_weights_in_order(original):
    with open_file(original) as file:
        weights = file.weights()
        assert list(weights) == ["conv1.W", "tied.W", "conv1.b", "mean", "half"]
        assert weights["tied.W"] is weights["conv1.W"]
        assert weights["conv1.b"].dtype == ">f8"
        assert list(file.weights("best")) == ["other", "conv1.W", "tied.W"]
        with pytest.raises(UsageError, match=r"no 'last'.*model, best"):
            file.weights("last")


def test_what_else_there_is(original):
    with open_file(original) as file:
        assert list(file.snapshots) == ["model", "best"]
        assert file.snapshots["model"].iteration == 10**30
        assert file.tables["/log"].columns["iter"].load().tolist() == [0, 1, 2, 3, 4]
        assert file.tables["/log"].length == 5
        assert file.metadata["args"] == {"n": 3}
        assert file.history == ({"action": "rename", "from": "a"},)
        assert [record.cls for record in file.records()] == ["__main__.Model", "é"]
        assert list(file.arrays())[:2] == ["/snapshots/model/conv1/W", "/snapshots/model/tied/W"]
        assert file.format_version == 1


def test_opening_reads_no_array(original, monkeypatch):
    read = []
    original_read = hdf5.File.read
    monkeypatch.setattr(
        hdf5.File, "read", lambda file, path: read.append(path) or original_read(file, path)
    )
    with open_file(original) as file:
        found = file.tree()
        assert {path.split("/")[1] for path in read} == {"index", "meta"}
        read.clear()
        found.snapshots[0].leaves[0].array.load()
        assert read == ["/snapshots/model/conv1/W"]


def test_after_closing(original):
    with open_file(original) as file:
        array = file.arrays()["/snapshots/model/half"]
    with pytest.raises(UsageError, match="closed"):
        array.load()
    with pytest.raises(UsageError, match="closed"):
        file["half"]


def test_a_file_without_snapshots(tmp_path):
    path = tmp_path / "out.h5"
    write(tree(snapshots=(), default_snapshot=None, other=[leaf("/other/data/x", [1, 2])]), path)
    with open_file(path) as file:
        assert file["/other/data/x"].tolist() == [1, 2]
        with pytest.raises(UsageError, match="no default snapshot"):
            file.weights()


def test_what_is_no_hierarchy(tmp_path, original):
    path = tmp_path / "other.h5"
    with h5py.File(path, "w") as h5:
        h5["x"] = 1
    assert not is_hierarchy(path)
    assert not is_hierarchy(tmp_path / "gone")
    assert not is_hierarchy(__file__)
    assert is_hierarchy(original)
    with pytest.raises(UnreadableError, match="none that legacy-weights wrote"):
        open_file(path)


def test_a_newer_version(path):
    with h5py.File(path, "r+") as h5:
        h5.attrs["format_version"] = 7
    assert is_hierarchy(path)
    with pytest.raises(VersionError, match=r"version 7; expected version 1 or older"):
        open_file(path)
    with pytest.raises(VersionError):
        check(path)


@pytest.mark.parametrize("version", [0, -1, "1", 1.5, [1, 2]])
def test_a_version_that_is_none(path, version):
    with h5py.File(path, "r+") as h5:
        h5.attrs["format_version"] = version
    with pytest.raises(DamagedError, match="version"):
        open_file(path)


def alter_manifest(h5, change):
    manifest = json.loads(h5["meta/manifest"][()])
    change(manifest)
    del h5["meta/manifest"]
    h5["meta/manifest"] = np.bytes_(json.dumps(manifest).encode())


def alter_index(h5, row, column, value):
    index = h5["index"][()]
    dtype = [(name, "S400" if name == "dtype" else index.dtype[name]) for name in index.dtype.names]
    index = index.astype(dtype)
    index[row][column] = value
    del h5["index"]
    h5["index"] = index


HOSTILE = {
    "no manifest": lambda h5: h5.pop("meta/manifest"),
    "no meta": lambda h5: h5.pop("meta"),
    "no index": lambda h5: h5.pop("index"),
    "manifest is no JSON": lambda h5: (h5.pop("meta/manifest"), h5.update({"meta/manifest": b"{"})),
    "manifest is a number": lambda h5: (h5.pop("meta/manifest"), h5.update({"meta/manifest": 1})),
    "manifest lacks": lambda h5: alter_manifest(h5, lambda m: m.pop("source")),
    "manifest says more": lambda h5: alter_manifest(h5, lambda m: m.update(surplus=1)),
    "another number of rows": lambda h5: alter_manifest(h5, lambda m: m.update(arrays=3)),
    "default snapshot": lambda h5: alter_manifest(h5, lambda m: m.update(default_snapshot="x")),
    "long text": lambda h5: alter_manifest(
        h5, lambda m: m.update(long_texts=[{"row": 99, "column": "note", "text": "x" * 600}])
    ),
    "long text of a number": lambda h5: alter_manifest(
        h5, lambda m: m.update(long_texts=[{"row": 0, "column": "size", "text": "x" * 600}])
    ),
    "group of a snapshot": lambda h5: alter_manifest(
        h5, lambda m: m["snapshots"][0].update(group="/other")
    ),
    "index is an array": lambda h5: (h5.pop("index"), h5.update({"index": np.zeros(9)})),
    "index is a link": lambda h5: (
        h5.move("index", "logs/index"),
        h5.update({"index": h5py.SoftLink("/logs/index")}),
    ),
    "target": lambda h5: alter_index(h5, 1, "target", "/other/constants/0"),
    "target loops": lambda h5: alter_index(h5, 1, "target", "/snapshots/model/tied/W"),
    "no target": lambda h5: alter_index(h5, 1, "target", "/gone"),
    "outside": lambda h5: alter_index(h5, 0, "path", "/meta/schema"),
    "above": lambda h5: alter_index(h5, 0, "path", "/other/../x"),
    "twice": lambda h5: alter_index(h5, 2, "path", "/snapshots/model/mean"),
    "size": lambda h5: alter_index(h5, 0, "size", 7),
    "negative": lambda h5: alter_index(h5, 0, "size", -1),
    "huge shape": lambda h5: alter_index(h5, 0, "shape", "[1e9]"),
    "start": lambda h5: alter_index(h5, 2, "start", 3),
    "position": lambda h5: alter_index(h5, 2, "position", 7),
    "object": lambda h5: alter_index(h5, 0, "dtype", "|O"),
    "code": lambda h5: alter_index(h5, 0, "dtype", "__import__('os')"),
    "hash": lambda h5: alter_index(h5, 0, "sha256", "abc"),
    "role": lambda h5: alter_index(h5, 0, "role", "king"),
    "origin": lambda h5: alter_index(h5, 0, "origin", "{}"),
    "no UTF-8": lambda h5: alter_index(h5, 0, "name", b"\xff"),
    "start of no weight": lambda h5: alter_index(h5, 8, "start", 0),
    "position of a link": lambda h5: alter_index(h5, 1, "position", 5),
    "no position": lambda h5: alter_index(h5, 8, "position", -1),
    "name twice": lambda h5: alter_index(h5, 2, "name", "mean"),
    "other snapshot": lambda h5: alter_index(h5, 7, "snapshot", "model"),
    "snapshot twice": lambda h5: alter_manifest(
        h5, lambda m: m["snapshots"].append(m["snapshots"][0])
    ),
    "snapshot without a name": lambda h5: alter_manifest(
        h5, lambda m: m["snapshots"][1].update(name="")
    ),
    "table twice": lambda h5: alter_manifest(h5, lambda m: m["tables"].append(m["tables"][0])),
    "snapshot": lambda h5: alter_index(h5, 0, "snapshot", "none"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_give_our_errors(path, name):
    with h5py.File(path, "r+") as h5:
        HOSTILE[name](h5)
    with pytest.raises(DamagedError) as caught:
        open_file(path)
    assert caught.value.file == str(path)
    assert caught.value.where
    assert check(path)


def test_arrays_that_are_not_what_the_index_says(path, tmp_path):
    with h5py.File(tmp_path / "secret.h5", "w") as h5:
        h5["x"] = np.zeros((4, 3))
    with h5py.File(path, "r+") as h5:
        group = h5["snapshots/model"]
        for name in ("conv1/W", "conv1/b", "mean"):
            del group[name]
        group["conv1/W"] = h5py.ExternalLink(str(tmp_path / "secret.h5"), "/x")
        group["conv1/b"] = np.zeros(3, "<f8")
        group["mean"] = h5py.SoftLink("/other/constants/0")
        del group["half"]
    with open_file(path) as file:
        with pytest.raises(RefusedError, match=r"conv1/W: .*link"):
            file["conv1/W"]
        with pytest.raises(DamagedError, match=r"conv1/b: it has dtype float64.*expected >f8"):
            file["conv1/b"]
        with pytest.raises(RefusedError, match=r"mean: .*link"):
            file["mean"]
        with pytest.raises(DamagedError, match=r"half: nothing"):
            file["half"]
    findings = check(path)
    assert {finding.path for finding in findings} >= {
        f"/snapshots/model/{name}" for name in ("conv1/W", "conv1/b", "mean", "half")
    }


def test_records_that_are_none(path):
    with h5py.File(path, "r+") as h5:
        del h5["meta/records"]
        h5["meta/records"] = np.frombuffer(b'{"id": 1}\n', "u1")
    with open_file(path) as file, pytest.raises(DamagedError, match="line 1 is no record"):
        list(file.records())


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_altered_bytes_give_values_or_our_errors(original, tmp_path, data):
    content = bytearray(original.read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path / "altered.h5"
    path.write_bytes(content)
    try:
        check(path)
        with open_file(path) as file:
            tree = file.tree()
            for leaf in tree.leaves():
                leaf.array.load()
            for table in tree.tables:
                for column in table.columns.values():
                    column.load()
            list(tree.records())
    except LegacyWeightsError as error:
        assert error.file == str(path)  # noqa: PT017 - some alterations do no harm
