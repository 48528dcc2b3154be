"""The command line, as a user meets it: arguments, output, exit status."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from support import REAL, fixture, needs_shared

from legacy_weights.cli import main

DICT, DICT_ENTRY = fixture("pickles/plain/dict_p0.pkl")
NO_ARRAY, _ = fixture("pickles/plain/options_p2.pkl")
CUT, _ = fixture("pickles/damaged/cut_second_p2.pkl")
MODEL = REAL / "andrew-shackelford+DeepLearningTutorials/code/best_model.pkl"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def copy(path, folder, name=None):
    target = folder / (name or path.name)
    target.write_bytes(path.read_bytes())
    return target.name


@needs_shared
def test_inspect_reads_as_the_tutorials_model_is(folder, capsys):
    copy(MODEL, folder)
    assert main(["inspect", "best_model.pkl"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "best_model.pkl  204 KiB  pickle 0, Python 2 · Theano, class __main__.LogisticRegression",
        "weights   2 arrays  7,850 numbers  order: `params` list (stated)",
        "  0  W  784×10 float64   [0:7840]",
        "  1  b  10     float64   [7840:7850]",
        "other     2 constants in the graphs y_pred, L2_sqr    (--all lists them)",
    ]


@needs_shared
def test_migrate_prints_the_same_then_what_was_verified(folder, capsys):
    copy(MODEL, folder)
    assert main(["inspect", "best_model.pkl"]) == 0
    inspected = capsys.readouterr().out
    assert main(["best_model.pkl"]) == 0
    out = capsys.readouterr().out
    assert out.startswith(inspected)
    closing = out[len(inspected) :].splitlines()
    assert closing[0] == "→ best_model.migrated.h5  4 of 4 arrays verified"
    scope = {}
    exec("\n".join(line.strip() for line in closing[1:]), scope)
    assert [*scope["weights"]] == ["W", "b"]
    assert scope["weights"]["W"].shape == (784, 10)
    assert main(["inspect", "best_model.migrated.h5"]) == 0


@pytest.mark.parametrize(
    ("name", "target"),
    [
        ("legacy.pkl", "legacy.migrated.h5"),
        ("m.pkl.gz", "m.pkl.migrated.h5"),
        ("model", "model.migrated.h5"),
    ],
)
def test_the_result_stands_beside_the_file(folder, name, target):
    copy(DICT, folder, name)
    assert main([name, "--quiet"]) == 0
    assert sorted(p.name for p in folder.iterdir()) == sorted([name, target])


def test_an_existing_target_is_wrong_usage(folder, capsys):
    name = copy(DICT, folder)
    (folder / "dict_p0.migrated.h5").write_bytes(b"mine")
    assert main([name]) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert (folder / "dict_p0.migrated.h5").read_bytes() == b"mine"
    assert main([name, "--overwrite"]) == 0
    assert main(["check", "dict_p0.migrated.h5"]) == 0


def test_the_target_is_never_the_source(folder):
    name = copy(DICT, folder)
    before = (folder / name).read_bytes()
    assert main([name, "-o", name, "--overwrite"]) == 2
    assert (folder / name).read_bytes() == before


def test_dry_run_writes_nothing(folder, capsys):
    name = copy(DICT, folder)
    assert main([name, "--dry-run"]) == 0
    assert [p.name for p in folder.iterdir()] == [name]
    assert "dry run" in capsys.readouterr().out


def test_quiet_prints_nothing(folder, capsys):
    assert main([copy(DICT, folder), "--quiet"]) == 0
    assert capsys.readouterr() == ("", "")


def test_json_is_one_document_with_the_truth(folder, capsys):
    name = copy(DICT, folder)
    assert main(["inspect", name, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["file"] == name
    truth = {array["sha256"] for array in DICT_ENTRY["arrays"]}
    assert {array["sha256"] for array in document["arrays"]} == truth
    assert document["order_source"] == "unknown"
    keys = {"path", "dtype", "shape", "sha256", "role", "trainable", "position"}
    assert all(keys <= array.keys() for array in document["arrays"])
    assert main([name, "--json"]) == 0
    migrated = json.loads(capsys.readouterr().out)
    assert migrated["verified"] == len(DICT_ENTRY["arrays"])
    assert main(["inspect", "dict_p0.migrated.h5", "--json"]) == 0
    again = json.loads(capsys.readouterr().out)
    for key in ("arrays", "records", "classes", "order_source", "kind"):
        assert again[key] == document[key]


def test_a_file_without_arrays_is_written_and_falls_short(folder, capsys):
    name = copy(NO_ARRAY, folder)
    assert main([name]) == 1
    assert "arrays    none" in capsys.readouterr().out
    assert (folder / f"{name.removesuffix('.pkl')}.migrated.h5").exists()


def test_a_damaged_file_is_refused_in_one_paragraph(folder, capsys):
    name = copy(CUT, folder)
    assert main([name]) == 3
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert name in err
    assert "truncated" in err
    assert [p.name for p in folder.iterdir()] == [name]


def test_debug_shows_the_traceback(folder):
    name = copy(CUT, folder)
    command = [sys.executable, "-m", "legacy_weights", name, "--debug"]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode != 0
    assert "Traceback" in result.stderr


def test_no_argument_shows_the_help(capsys):
    assert main([]) == 2
    assert "Usage" in capsys.readouterr().out


@pytest.mark.parametrize(
    "words", [["--no-such-option"], ["a", "b"], ["check"], ["inspect", "--layout"]]
)
def test_wrong_usage(folder, words, capsys):
    assert main(words) == 2
    assert "--help" in capsys.readouterr().err


def test_a_file_called_like_a_subcommand(folder):
    copy(DICT, folder, "check")
    assert main(["./check", "-q"]) == 0
    (folder / "check.migrated.h5").unlink()
    assert main(["-q", "--", "check"]) == 0
    assert (folder / "check.migrated.h5").exists()


def test_a_missing_file_that_resembles_a_subcommand(folder, capsys):
    assert main(["inspekt", "model.pkl"]) == 2
    assert main(["chek"]) == 2
    assert "migrate check" in capsys.readouterr().err


def test_a_missing_file(folder, capsys):
    assert main(["nothing.pkl"]) == 2
    assert "nothing.pkl" in capsys.readouterr().err


def test_check_tells_all_findings(folder, capsys):
    name = copy(DICT, folder)
    assert main([name, "-q"]) == 0
    raw = bytearray((folder / "dict_p0.migrated.h5").read_bytes())
    (array, *_) = DICT_ENTRY["arrays"]
    with np.load(_as_npz(name, folder)) as arrays:
        values = next(a for a in arrays.values() if list(a.shape) == array["shape"])
    place = raw.find(values.tobytes())
    assert place > 0
    raw[place] ^= 1
    (folder / "altered.h5").write_bytes(raw)
    assert main(["check", "altered.h5"]) == 1
    assert "sha256" in capsys.readouterr().out.lower()
    assert main(["check", "altered.h5", "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert document["findings"]
    assert main(["check", name]) == 3


def _as_npz(name, folder):
    """The arrays by CPython's own pickle, for the place of their bytes."""
    code = (
        "import pickle, numpy, sys;"
        "d = pickle.load(open(sys.argv[1], 'rb'), encoding='latin1');"
        "numpy.savez('truth.npz', **{f'a{i}': v for i, v in enumerate(d.values())})"
    )
    subprocess.run([sys.executable, "-c", code, name], check=True, cwd=folder)
    return folder / "truth.npz"


def test_layout_cuts_a_flat_vector(folder, capsys):
    path, entry = fixture("pickles/plain/array_flat_p2.pkl")
    name = copy(path, folder)
    (length,) = entry["arrays"][0]["shape"]
    layout = [{"name": "a/W", "shape": [2, 3]}, {"name": "b", "shape": [length - 6]}]
    (folder / "layout.json").write_text(json.dumps(layout))
    assert main([name, "--layout", "layout.json", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    names = [array["name"] for array in document["arrays"] if array["role"] == "weight"]
    assert names == ["a/W", "b"]
    # A migrated file can lend its layout, too.
    target = f"{name.removesuffix('.pkl')}.migrated.h5"
    assert main([name, "--layout", target, "-o", "again.h5", "-q"]) == 0
    layout[1]["shape"] = [length]
    (folder / "layout.json").write_text(json.dumps(layout))
    assert main([name, "--layout", "layout.json", "-o", "third.h5"]) == 2
    err = capsys.readouterr().err
    assert str(length) in err
    assert str(length + 6) in err


def test_output_to_a_closed_pipe(folder):
    name = copy(DICT, folder)
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-m", "legacy_weights", "inspect", name]
    result = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, text=True)
    os.close(write)
    assert "Traceback" not in result.stderr
