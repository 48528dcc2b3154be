"""A migrated file against its legacy file: nothing lost is proved, and everything altered found."""

import json
import pickle
import shutil
from dataclasses import replace

import h5py
import numpy as np
import pytest
from support import FIXTURES, MANIFEST, fixture

import legacy_weights
from legacy_weights.cli import main
from legacy_weights.errors import UnreadableError
from legacy_weights.hierarchy import write
from legacy_weights.tools.verify import verify
from legacy_weights.tree import Array

MODEL, ENTRY = fixture("pickles/theano/mlp_p2_t105.pkl")
LOG = FIXTURES / "gail/gibbs_two_layers.h5"
FILES = [entry["file"] for entry in MANIFEST if entry["status"] != 3]
LOGS = [f"gail/{path.name}" for path in (FIXTURES / "gail").glob("*.h5")]


def migrated(path, folder, **options):
    return legacy_weights.migrate(path, folder / "m.h5", **options).path


@pytest.mark.parametrize("file", FILES[1::9] + [f for f in LOGS if "truncated" not in f])
def test_nothing_of_a_genuine_file_is_lost(file, tmp_path):
    found = verify(FIXTURES / file, migrated(FIXTURES / file, tmp_path))
    assert found.findings == []
    assert found.notes == []


def test_what_the_manifest_counts(tmp_path, capsys):
    path = migrated(MODEL, tmp_path)
    assert main(["verify", str(MODEL), str(path), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["verified"] is True
    assert document["arrays"] == len({array["sha256"] for array in ENTRY["arrays"]})
    with legacy_weights.open(path) as file:
        assert document["records"] == len([*file.records()])
    assert main(["verify", str(MODEL), str(path)]) == 0
    assert capsys.readouterr().out.endswith("nothing is lost\n")


@pytest.mark.parametrize(("action", "notes"), [("upgrade", 0), ("downgrade", 0), ("other", 1)])
def test_another_version_of_the_hierarchy_is_no_change_of_what_is_held(action, notes, tmp_path):
    path = migrated(MODEL, tmp_path)
    with h5py.File(path, "a") as file:
        del file["meta/history"]
        file["meta/history"] = np.bytes_(json.dumps([{"action": action, "from": 1, "to": 2}]))
    found = verify(MODEL, path)
    assert found.findings == []
    assert len(found.notes) == notes


def test_a_value_that_was_altered(tmp_path, capsys):
    path = migrated(MODEL, tmp_path)
    with h5py.File(path, "a") as file:
        file["snapshots/model/hiddenLayer/W"][2, 1] += 0.5
    found = verify(MODEL, path)
    places = [(finding.path, finding.rule) for finding in found.findings]
    place = "/snapshots/model/hiddenLayer/W"
    assert (place, "sha256") in places
    assert (place, "values") in places
    (values,) = [finding for finding in found.findings if finding.rule == "values"]
    assert "1 of 6 differ, by 0.5 at most" in values.message
    assert main(["verify", str(MODEL), str(path)]) == 1
    assert "values" in capsys.readouterr().out


def test_an_array_that_is_missing(tmp_path):
    path = migrated(MODEL, tmp_path)
    with h5py.File(path, "a") as file:
        del file["snapshots/model/hiddenLayer/W"]
    found = verify(MODEL, path)
    places = {(finding.path, finding.rule) for finding in found.findings}
    assert places >= {("/snapshots/model/hiddenLayer/W", rule) for rule in ("content", "readable")}
    assert found.arrays == len({array["sha256"] for array in ENTRY["arrays"]})  # the others, too


def test_a_whole_file_that_says_otherwise(tmp_path):
    """It is a valid file, and not what the legacy file holds."""
    tree = legacy_weights.read(MODEL)
    (snapshot,) = tree.snapshots
    first, second, *others = snapshot.leaves
    moved = replace(second, path="/snapshots/model/elsewhere", name="elsewhere")
    changed = replace(first, array=Array.of(first.array.load() + 1), origins=("x",))
    other = replace(
        tree,
        snapshots=(replace(snapshot, leaves=(changed, moved, *others)),),
        metadata={"x": 1},
        records=lambda: [*tree.records()][:-1],
        classes=tree.classes[1:],
        other=tree.other[1:],
    )
    write(other, tmp_path / "m.h5")
    found = verify(MODEL, tmp_path / "m.h5")
    rules = {(finding.path, finding.rule) for finding in found.findings}
    assert {
        (first.path, "values"),
        (first.path, "facts"),
        (second.path, "missing"),
        (moved.path, "added"),
        ("x", "metadata"),
    } <= rules
    assert {"records", "classes"} <= {rule for _, rule in rules}
    (lost,) = [f for f in found.findings if (f.path, f.rule) == (second.path, "missing")]
    assert "the same values stand at /snapshots/model/elsewhere" in lost.message
    if tree.other:
        assert (tree.other[0].path, "missing") in rules


def test_an_order_that_nothing_states_is_kept_too(tmp_path):
    legacy = FIXTURES / "pickles/plain/dict_p0.pkl"
    tree = legacy_weights.read(legacy)
    (snapshot,) = tree.snapshots
    assert snapshot.order == "unknown"
    other = replace(snapshot, leaves=snapshot.leaves[::-1])
    write(replace(tree, snapshots=(other,)), tmp_path / "m.h5")
    findings = [(f.path, f.rule) for f in verify(legacy, tmp_path / "m.h5").findings]
    assert ("/snapshots/model", "facts") in findings


def test_another_source(tmp_path):
    legacy = tmp_path / "a.pkl"
    legacy.write_bytes(pickle.dumps({"W": np.ones(3), "b": np.zeros(2)}, 2))
    path = migrated(legacy, tmp_path)
    changed = tmp_path / "b.pkl"
    changed.write_bytes(pickle.dumps({"W": np.ones(3), "b": np.ones(2)}, 2))
    found = verify(changed, path)
    rules = [finding.rule for finding in found.findings]
    assert "source" in rules
    assert "values" in rules
    assert any("a.pkl" in note for note in found.notes)
    renamed = tmp_path / "c.pkl"
    shutil.copy(legacy, renamed)
    assert verify(renamed, path).findings == []


def test_the_weights_alone_are_said_to_be_so(tmp_path):
    legacy, _ = fixture("pickles/theano/logistic_p0_t082.pkl")  # W, b and two constants
    found = verify(legacy, migrated(legacy, tmp_path, weights_only=True))
    assert found.findings == []
    (note,) = [note for note in found.notes if "only the weights" in note]
    assert "2 other arrays" in note
    assert found.arrays == 2


def test_a_layout_is_applied_again(tmp_path):
    legacy, entry = fixture("pickles/plain/array_flat_p2.pkl")
    (length,) = entry["arrays"][0]["shape"]
    layout = [{"name": "a/W", "shape": [2, 3]}, {"name": "b", "shape": [length - 6]}]
    (tmp_path / "layout.json").write_text(json.dumps(layout))
    path = migrated(legacy, tmp_path, layout=tmp_path / "layout.json")
    found = verify(legacy, path)
    assert found.findings == []
    assert any("unflatten" in note for note in found.notes)
    assert found.arrays == 3


KERAS = sorted((FIXTURES / "families").glob("keras*/*.h5"))


def test_kernels_are_turned_again(tmp_path):
    done = 0
    for legacy in KERAS:
        tree = legacy_weights.read(legacy)
        if not any(leaf.array.load().ndim == 4 for leaf in tree.leaves()):
            continue
        try:
            path = legacy_weights.migrate(
                legacy, tmp_path / f"{done}.h5", convert=["keras-kernels"]
            ).path
        except legacy_weights.LegacyWeightsError:
            continue
        found = verify(legacy, path)
        assert found.findings == []
        assert any("keras-kernels" in note for note in found.notes)
        done += 1
    assert done


def test_a_step_that_is_not_known(tmp_path):
    tree = legacy_weights.read(MODEL)
    write(replace(tree, history=({"action": "polish"},)), tmp_path / "m.h5")
    found = verify(MODEL, tmp_path / "m.h5")
    assert any("'polish'" in note for note in found.notes)
    write(replace(tree, history=({"action": "keras-kernels"},)), tmp_path / "n.h5")
    rules = [finding.rule for finding in verify(MODEL, tmp_path / "n.h5").findings]
    assert rules == ["history"]


def test_files_of_other_kinds(tmp_path, capsys):
    path = migrated(LOG, tmp_path)
    with pytest.raises(UnreadableError):
        verify(MODEL, LOG)
    assert main(["verify", str(LOG), str(LOG)]) == 3
    assert main(["verify", str(tmp_path / "none"), str(path)]) == 2
    assert main(["verify", str(MODEL)]) == 2
    assert main(["verify", str(path), str(path)]) == 0
    assert "a migrated one itself" in capsys.readouterr().out
    assert main(["verify", str(MODEL), str(path)]) == 1
