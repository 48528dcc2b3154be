"""``migrate upgrade`` and ``migrate history``, as a user meets them."""

import json

import h5py
import numpy as np
import pytest
from support import FIXTURES

import legacy_weights
from legacy_weights.cli import main

TUTORIAL = FIXTURES / "hierarchy" / "tutorial_v1.h5"
GAIL = FIXTURES / "gail" / "model.h5"


def test_the_plan_lists_every_step(capsys):
    assert main(["upgrade", "--plan"]) == 0
    first, *_, last = capsys.readouterr().out.splitlines()
    assert first.startswith("0 → 1  m0001_gail  GAIL's own layout")
    assert last == "this release writes version 1"
    assert main(["upgrade", "--plan", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "steps": [{"from": 0, "to": 1, "step": "m0001_gail", "undone": False}],
        "version": 1,
    }


def test_the_newest_version_needs_nothing(capsys):
    assert main(["upgrade", str(TUTORIAL)]) == 0
    assert capsys.readouterr().out.strip().endswith("version 1, nothing to do")
    assert main(["upgrade", str(TUTORIAL), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["from"], found["to"], found["steps"], found["output"]) == (1, 1, [], None)


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["upgrade"], 2, "no file is named"),
        (["upgrade", str(GAIL)], 3, "none that legacy-weights wrote"),
        (["upgrade", str(TUTORIAL), "--to", "9"], 2, "no version 9"),
        (["history", str(GAIL)], 3, "none that legacy-weights wrote"),
    ],
)
def test_what_cannot_be_done_is_said(words, status, said, capsys):
    assert main(words) == status
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("history", ["5", '[1, "x"]', '{"action": "upgrade"}', "null"])
def test_a_history_that_is_none_is_damaged(history, tmp_path, capsys):
    path = tmp_path / "model.h5"
    legacy_weights.save(path, {"W": np.ones(2)})
    with h5py.File(path, "r+") as file:
        del file["/meta/history"]
        file["/meta/history"] = np.bytes_(history)
    for command, status in (("history", 3), ("inspect", 3), ("check", 1)):
        assert main([command, str(path)]) == status
        told = "".join(capsys.readouterr())
        assert "/meta/history" in told
        assert "no list of objects" in told


def test_the_history_begins_with_the_legacy_file(tmp_path, capsys):
    report = legacy_weights.migrate(GAIL, tmp_path / "model.h5")
    assert main(["history", str(report.path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "migrate"
    assert "  name: model.h5" in lines
    assert f"  size: {GAIL.stat().st_size}" in lines
    assert lines[-3:] == ["upgrade", "  from: 0", "  to: 1"]
    assert main(["history", str(report.path), "--json"]) == 0
    actions = [entry["action"] for entry in json.loads(capsys.readouterr().out)["history"]]
    assert actions == ["migrate", "upgrade"]
