"""Exported files, read by the libraries of the formats themselves."""

import hashlib
import json
import os
import subprocess
import sys
import tracemalloc
import zipfile

import numpy as np
import pytest
from hierarchy.samples import leaf, raw, rich_tree, tree
from support import FIXTURES, fixture

import legacy_weights
from legacy_weights.cli import main
from legacy_weights.errors import DamagedError, UsageError
from legacy_weights.hierarchy import open_file, write
from legacy_weights.tools.export import export
from legacy_weights.tree import Array, Leaf, Order, Role, Snapshot, Trainable

MODEL, ENTRY = fixture("pickles/theano/mlp_p2_t105.pkl")
TRUTH = {entry["sha256"] for entry in ENTRY["arrays"]}
NAMES = ["hiddenLayer/W", "hiddenLayer/b", "logRegressionLayer/W", "logRegressionLayer/b"]

VALUES = {
    "half": np.array([1.5, -0.0, np.nan], "<f2"),
    "single": np.array([[0.1, np.inf]], "<f4"),
    "big": np.array([1.1, 2.2], ">f8"),
    "columns": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    "scalar": np.array(7, "i8"),
    "nothing": np.zeros((0, 3), "f4"),
    "truth": np.array([True, False]),
    "large": np.array([2**64 - 1], "u8"),
    "a/b é.c": np.arange(3, dtype="i2"),
    "": np.ones(1),
    "../x": np.ones(1),
    "file": np.ones(1),
}
MORE = {
    "long": np.array([1.25], "g"),
    "pairs": np.array([1 + 2j, 3]),
    "text": np.array(["ü", "abc"]),
    "no text": np.zeros(2, "U0"),
    "bytes": np.array([b"\xff\0a", b""]),
    "time": np.array(["2016-05-01"], "M8[D]"),
    "rows": np.array([(1, 2.5)], [("a", "i1"), ("b", ">f8")]),
    "gaps": np.array([(1, 2.5)], np.dtype([("a", "i1"), ("b", "f8")], align=True)),
    "kanji": np.array([(1,)], [("日", "i4")]),
}


def of(values, **options):
    leaves = (
        leaf(f"/snapshots/model/{number}", value, name=name)
        for number, (name, value) in enumerate(values.items())
    )
    return tree(*leaves, **options)


def test_numpy_reads_npz(tmp_path):
    export(of({**VALUES, **MORE}), tmp_path / "a.npz", "npz")
    with np.load(tmp_path / "a.npz") as found:
        assert found.files == [*VALUES, *MORE]
        for name, values in {**VALUES, **MORE}.items():
            assert (found[name].dtype, found[name].shape) == (values.dtype, values.shape)
            assert found[name].tolist() == values.tolist() or np.isnan(values).any()
            if values.dtype.names is None:
                assert raw(found[name]) == raw(values)


@pytest.mark.parametrize("migrated", [False, True])
def test_a_genuine_model(tmp_path, migrated):
    path = MODEL
    if migrated:
        path = tmp_path / "m.h5"
        assert main([str(MODEL), "-o", str(path), "-q"]) == 0
    assert main(["export", str(path), "--to", "npz", "-o", str(tmp_path / "a.npz")]) == 0
    with np.load(tmp_path / "a.npz") as found:
        assert found.files == NAMES
        assert {hashlib.sha256(found[name].tobytes()).hexdigest() for name in NAMES} <= TRUTH


def test_the_same_bytes_each_time(tmp_path):
    for name in ("a.npz", "b.npz"):
        export(of(VALUES), tmp_path / name, "npz")
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_safetensors_reads_back(tmp_path):
    numpy = pytest.importorskip("safetensors.numpy")
    from safetensors import safe_open

    done = export(of(VALUES), tmp_path / "a.safetensors", "safetensors")
    found = numpy.load_file(tmp_path / "a.safetensors")
    assert found.keys() == VALUES.keys()
    for name, values in VALUES.items():
        little = values.astype(values.dtype.newbyteorder("<"))
        assert (found[name].dtype, found[name].shape) == (little.dtype, values.shape)
        assert found[name].tobytes() == little.tobytes()
    with safe_open(tmp_path / "a.safetensors", "np") as file:
        facts = file.metadata()
    assert [entry["name"] for entry in json.loads(facts["layout"])] == [*VALUES]
    assert (facts["order_source"], facts["snapshot"]) == ("stated", "model")
    assert any("little endian" in note for note in done.notes)


def test_what_safetensors_lacks_is_refused(tmp_path):
    pytest.importorskip("safetensors")
    names = ["long", "pairs", "text", "time", "rows"]
    with pytest.raises(UsageError, match="--to npz") as caught:
        export(of({name: MORE[name] for name in names}), tmp_path / "a", "safetensors")
    assert all(name in caught.value.found for name in names)
    with pytest.raises(UsageError, match="__metadata__"):
        export(of({"__metadata__": np.ones(1)}), tmp_path / "a", "safetensors")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("to", "module", "command"),
    [
        ("safetensors", "safetensors", "pip install 'legacy-weights[export]'"),
        ("torch", "torch", "pip install torch"),
    ],
)
def test_a_library_that_is_not_installed(to, module, command, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, module, None)
    assert main(["export", str(MODEL), "--to", to, "-o", str(tmp_path / "a")]) == 2
    assert command in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_torch_reads_a_state_dict(tmp_path):
    torch = pytest.importorskip("torch")
    values = {name: VALUES[name] for name in ("half", "single", "big", "columns", "scalar")}
    export(of(values), tmp_path / "a.pt", "torch")
    found = torch.load(tmp_path / "a.pt", weights_only=True)
    assert [*found] == [*values]
    for name, wanted in values.items():
        assert found[name].numpy().tobytes() == raw(wanted.astype(wanted.dtype.newbyteorder("<")))
    with pytest.raises(UsageError, match="--to npz"):
        export(of(MORE), tmp_path / "b.pt", "torch")


def test_json_reads_back_exactly(tmp_path):
    values = {**VALUES, "pairs": MORE["pairs"], "text": MORE["text"], "no text": MORE["no text"]}
    export(of(values), tmp_path / "a.json", "json")
    document = json.loads((tmp_path / "a.json").read_text(), parse_constant=pytest.fail)
    assert [entry["name"] for entry in document["arrays"]] == [*values]
    for entry in document["arrays"]:
        wanted = values[entry["name"]]
        listed = [
            float(value["$float"]) if isinstance(value, dict) else value
            for value in entry["values"]
        ]
        if wanted.dtype.kind == "c":
            listed = [complex(*pair) for pair in zip(listed[::2], listed[1::2], strict=True)]
        again = np.array(listed, entry["dtype"]).reshape(entry["shape"])
        assert raw(again) == raw(wanted)
    assert document["layout"][0]["dtype"] == "<f2"
    with pytest.raises(UsageError, match=r"long .*time .*rows"):
        export(of(MORE), tmp_path / "b.json", "json")


def test_bytes_in_json(tmp_path):
    done = export(of({"s": MORE["bytes"]}), tmp_path / "a.json", "json")
    (entry,) = json.loads((tmp_path / "a.json").read_text())["arrays"]
    assert [text.encode("latin-1") for text in entry["values"]] == [b"\xff\0a", b""]
    assert any("Latin-1" in note for note in done.notes)


def test_names_that_no_format_carries(tmp_path):
    found = of({"a\0b": np.ones(1), "\ud800": np.ones(2), "%41": np.ones(3)})
    export(found, tmp_path / "a.npz", "npz")
    with np.load(tmp_path / "a.npz") as arrays:
        assert {name: len(arrays[name]) for name in arrays.files} == {
            "a%00b": 1,
            "%ED%A0%80": 2,
            "%2541": 3,
        }
    for names in (("W", "W.npy"), ("x" * 70_000,)):
        with pytest.raises(UsageError, match="cannot carry the name"):
            export(of(dict.fromkeys(names, np.ones(1))), tmp_path / "b.npz", "npz")


def test_theta_is_what_the_manifest_hashes(tmp_path):
    write(rich_tree(), tmp_path / "a.h5")
    log = FIXTURES / "gail/gaussian_one_layer.h5"
    assert main([str(log), "-o", str(tmp_path / "log.h5"), "-q"]) == 0
    words = ["export", str(log), "--to", "npz", "--flat", "--snapshot", "0"]
    assert main([*words, "-o", str(tmp_path / "a.npz")]) == 0
    with np.load(tmp_path / "a.npz") as found, open_file(tmp_path / "log.h5") as file:
        (vector,) = file.manifest.snapshots[0].theta
        assert found.files == ["theta"]
        assert hashlib.sha256(found["theta"].tobytes()).hexdigest() == vector.sha256
        assert found["theta"].shape == (vector.size,)
        assert found["theta"].dtype.str == vector.dtype


def test_theta_by_hand(tmp_path):
    leaves = (
        leaf("/snapshots/model/a", np.array([[1, 2], [3, 4]], ">f4"), trainable=Trainable.YES),
        leaf("/snapshots/model/n", np.ones(2, "f4"), trainable=Trainable.NO),
        leaf("/snapshots/model/s", np.ones(2, "f4"), role=Role.STATE),
        leaf("/snapshots/model/b", np.asfortranarray([[5, 6], [7, 8]]).astype("f4", order="K")),
    )
    export(tree(*leaves), tmp_path / "a.npz", "npz", flat=True)
    with np.load(tmp_path / "a.npz") as found:
        assert found["theta"].dtype == np.dtype("<f4")
        assert found["theta"].tolist() == [1, 2, 3, 4, 5, 6, 7, 8]
    export(tree(*leaves), tmp_path / "a.json", "json", flat=True)
    document = json.loads((tmp_path / "a.json").read_text())
    places = [(row["name"], row["shape"], row["start"]) for row in document["layout"]]
    assert places == [("a", [2, 2], 0), ("b", [2, 2], 4)]


def test_where_there_is_no_flat_vector(tmp_path):
    one = leaf("/snapshots/model/a", np.ones(1))
    unknown = tree(snapshots=(Snapshot("model", (one,), Order.UNKNOWN),))
    mixed = tree(one, leaf("/snapshots/model/b", np.ones(1, "f4")))
    none = tree(leaf("/snapshots/model/b", np.ones(1, "i4")))
    for found, words in ((unknown, "order"), (mixed, "float32, float64"), (none, "none")):
        with pytest.raises(UsageError, match=words):
            export(found, tmp_path / "a.npz", "npz", flat=True)
    assert any("sorted by name" in n for n in export(unknown, tmp_path / "a.npz", "npz").notes)


def test_what_is_refused(tmp_path):
    (tmp_path / "mine").write_bytes(b"mine")
    with pytest.raises(UsageError, match="--overwrite"):
        export(of(VALUES), tmp_path / "mine", "npz")
    assert (tmp_path / "mine").read_bytes() == b"mine"
    export(of(VALUES), tmp_path / "mine", "npz", overwrite=True)
    assert zipfile.is_zipfile(tmp_path / "mine")
    for found, words in ((tree(), "no array in it"), (tree(snapshots=()), "no weights")):
        with pytest.raises(UsageError, match=words):
            export(found, tmp_path / "a.npz", "npz")
    with pytest.raises(UsageError, match="pickle"):
        export(of(VALUES), tmp_path / "a", "pickle")
    with pytest.raises(UsageError, match="no directory"):
        export(of(VALUES), tmp_path / "no" / "a", "npz")
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_the_target_is_never_the_source(tmp_path, capsys):
    file = tmp_path / "m.pkl"
    file.write_bytes(MODEL.read_bytes())
    os.link(file, tmp_path / "same.pkl")
    for name in ("m.pkl", "same.pkl"):
        words = ["export", str(file), "--to", "npz", "-o", str(tmp_path / name), "--overwrite"]
        assert main(words) == 2
    assert file.read_bytes() == MODEL.read_bytes()


def test_an_incomplete_snapshot_falls_short(tmp_path, capsys):
    snapshot = Snapshot("a", (leaf("/snapshots/a/x", np.ones(1)),), Order.STATED, complete=False)
    assert export(tree(snapshots=(snapshot,)), tmp_path / "a.npz", "npz").exit_status == 1
    path = FIXTURES / "gail/unclosed.h5"
    cut = [s.name for s in legacy_weights.read(path).snapshots if not s.complete]
    for name in cut:
        words = ["export", f"{path}/snapshots/{name}", "--to", "npz", "-o", str(tmp_path / name)]
        assert main(words) == 1
        assert "cut off" in capsys.readouterr().out


def test_further_names_are_told(tmp_path):
    done = export(rich_tree(), tmp_path / "a.npz", "npz")
    assert any("tied.W = conv1.W" in note for note in done.notes)
    with np.load(tmp_path / "a.npz") as found:
        assert found.files == ["conv1.W", "conv1.b", "mean", "half"]


def test_a_large_array_is_never_whole_in_memory(tmp_path):
    write(tree(leaf("/snapshots/model/a", np.zeros(10_000_000))), tmp_path / "a.h5")
    with open_file(tmp_path / "a.h5") as file:
        for flat in (False, True):
            tracemalloc.start()
            export(file.tree(), tmp_path / "a.npz", "npz", flat=flat, overwrite=True)
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
            assert peak < 20_000_000


def test_an_array_that_cannot_be_read_leaves_nothing(tmp_path):
    def load():
        raise DamagedError("cut", where="/a")

    broken = Leaf("/snapshots/model/a", "a", Array(np.dtype("f8"), (3,), load), Role.WEIGHT)
    with pytest.raises(DamagedError) as caught:
        export(tree(broken), tmp_path / "a.npz", "npz")
    assert caught.value.file == "m.pkl"
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_told(tmp_path):
    if not os.path.exists("/dev/full"):
        pytest.skip("no /dev/full")
    code = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100));"
        "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "from legacy_weights.cli import main; sys.exit(main(sys.argv[1:]))"
    )
    words = ["export", str(MODEL), "--to", "npz", "-o", str(tmp_path / "a.npz")]
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True)
    assert (done.returncode, list(tmp_path.iterdir())) == (3, [])
    assert "could not be written" in done.stderr
