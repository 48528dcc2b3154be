"""Two files compared: what was altered is found, and nothing else."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hierarchy.samples import leaf, rich_tree, tree
from support import FIXTURES, MANIFEST, SHARED, fixture, needs_shared

import legacy_weights
from legacy_weights.cli import main
from legacy_weights.errors import DamagedError, UsageError
from legacy_weights.tools.diff import diff
from legacy_weights.tree import Array, Leaf, Order, Record, Role, Snapshot, Table, Trainable

MODEL, _ = fixture("pickles/theano/mlp_p2_t105.pkl")
LOG = FIXTURES / "gail/gibbs_two_layers.h5"
GROUP = "/snapshots/model"


def kinds(found):
    return [(difference.kind, difference.path) for difference in found.differences]


def of(*leaves, **options):
    return tree(*(leaf(f"{GROUP}/{name}", values) for name, values in leaves), **options)


@pytest.mark.parametrize(
    "entry", [entry for entry in MANIFEST if entry["status"] == 0][::9], ids=lambda e: e["file"]
)
def test_a_file_equals_what_it_was_migrated_to(entry, tmp_path):
    legacy = FIXTURES / entry["file"]
    legacy_weights.migrate(legacy, tmp_path / "a.h5")
    found = diff(legacy_weights.read(legacy), legacy_weights.read(tmp_path / "a.h5"))
    assert found.equal, found.differences
    assert not found.renamed + found.skipped + found.notes
    assert found.compared >= len({a["sha256"] for a in entry["arrays"]})


def test_everything_that_was_altered():
    first = rich_tree()
    model, best = first.snapshots
    altered = [
        model.leaves[0],
        replace(model.leaves[1], array=Array.of(np.zeros(3, "<f8"))),
        replace(model.leaves[2], role=Role.WEIGHT),
        replace(model.leaves[3], array=Array.of(np.array([0, 1, 7], "f2"))),
        leaf(f"{GROUP}/new", np.zeros(1)),
    ]
    (log, _) = first.tables
    columns = dict(log.columns)
    columns["iter"] = Array.of(np.arange(5) * 2)
    del columns["words"]
    records = [*first.records()]
    records[1] = replace(records[1], cls="other")
    second = replace(
        first,
        snapshots=(
            replace(model, leaves=tuple(altered), iteration=3),
            replace(best, leaves=best.leaves[1:]),
        ),
        other=(replace(first.other[0], array=Array.of(np.zeros((2, 1)))),),
        tables=(replace(log, columns=columns),),
        metadata={"args": {"n": 4}, "nan": float("nan")},
        records=lambda: records,
        classes=(),
    )
    assert kinds(diff(first, second)) == [
        ("snapshot", GROUP),
        ("dtype", f"{GROUP}/conv1/b"),
        ("role", f"{GROUP}/mean"),
        ("values", f"{GROUP}/half"),
        ("added", f"{GROUP}/new"),
        ("missing", "/snapshots/best/other"),
        ("dtype", "/other/constants/0"),
        ("shape", "/other/constants/0"),
        ("log", "/log"),
        ("values", "/log/iter"),
        ("log", "/logs/other"),
        ("metadata", "args"),
        ("classes", ""),
        ("records", ""),
    ]
    assert diff(first, rich_tree()).equal


def test_a_hint_where_values_stand_elsewhere():
    values = np.arange(6.0)
    first = of(("a", values), ("b", np.zeros(2)), ("c", np.zeros(2)))
    second = of(("x", values.astype(">f8")), ("y", np.zeros(2)), ("z", values + 1))
    (renamed, zeros) = diff(first, second).renamed
    assert (renamed.first, renamed.second) == ((f"{GROUP}/a",), (f"{GROUP}/x",))
    assert (zeros.first, zeros.second) == ((f"{GROUP}/b", f"{GROUP}/c"), (f"{GROUP}/y",))
    # An array that is a weight in one file and not in the other.
    moved = of(other=(leaf("/other/data/v", values),))
    (renamed,) = diff(first, moved).renamed
    assert renamed.second == ("/other/data/v",)


def test_names_pair_what_paths_do_not():
    first = tree(leaf(f"{GROUP}/conv1/W", np.ones(2), name="conv1.W"))
    second = tree(leaf(f"{GROUP}/conv1.W", np.ones(2), name="conv1.W"))
    assert diff(first, second).equal
    twice = tree(*(leaf(f"{GROUP}/{n}", np.ones(2), name="conv1.W") for n in "ab"))
    assert not diff(first, twice).equal


def test_a_shared_array_that_is_two():
    shared = leaf(f"{GROUP}/a", np.ones(2), links=((f"{GROUP}/b", "b"),))
    apart = of(("a", np.ones(2)), ("b", np.ones(2)))
    assert diff(tree(shared), apart).equal
    assert kinds(diff(tree(shared), of(("a", np.ones(2))))) == [("missing", f"{GROUP}/b")]
    found = diff(tree(shared), of(("a", np.ones(2)), ("b", np.zeros(2))))
    assert kinds(found) == [("values", f"{GROUP}/b")]


def test_the_order_of_the_weights():
    a, b = leaf(f"{GROUP}/a", np.ones(1)), leaf(f"{GROUP}/b", np.ones(1))
    found = diff(tree(a, b), tree(b, a))
    assert kinds(found) == [("order", GROUP)]
    unknown = tree(snapshots=(Snapshot("model", (b, a), Order.UNKNOWN),))
    found = diff(tree(a, b), unknown)
    assert found.equal
    assert any("order" in note for note in found.notes)


def test_trainable_unknown_is_no_difference():
    yes, no, unknown = (
        tree(leaf(f"{GROUP}/a", np.ones(1), trainable=trainable))
        for trainable in (Trainable.YES, Trainable.NO, Trainable.UNKNOWN)
    )
    assert diff(yes, unknown).equal
    assert kinds(diff(yes, no)) == [("role", f"{GROUP}/a")]


def test_only_snapshots_of_other_names():
    other = tree(leaf("/snapshots/best/a", np.ones(1)), name="best")
    found = diff(of(("a", np.ones(1))), other)
    assert found.equal
    assert "the only snapshots are compared: model and best" in found.notes


def test_families_are_notes_and_the_weights_alone():
    first = of(("a", np.ones(1)), other=(leaf("/other/data/x", np.ones(1)),))
    second = replace(of(("a", np.ones(1))), family="Keras", metadata={"x": 1})
    assert kinds(diff(first, second)) == [("missing", "/other/data/x"), ("metadata", "x")]
    found = diff(first, second, weights_only=True)
    assert found.equal
    assert any("Keras" in note for note in found.notes)
    assert found.skipped


def test_records_that_one_file_has_more_of():
    records = [Record(n, f"r{n}", "c", {"x": float("nan")}) for n in range(3)]
    first = replace(of(("a", np.ones(1))), records=lambda: records)
    second = replace(of(("a", np.ones(1))), records=lambda: records[:1])
    (difference,) = diff(first, second).differences
    assert difference.message == "3 and 1; 2 differ, the first of them at r1"


def test_a_number_is_the_same_however_it_is_spelt():
    first, second = (
        replace(of(("a", np.ones(1))), records=lambda n=n: [Record(1, "r", "c", {"x": n})])
        for n in ({"$int": "0xff"}, 255)
    )
    assert diff(first, second).equal


def test_a_column_by_its_name():
    first, second = (
        replace(of(("a", np.ones(1))), tables=(Table("/log", {"a/b": Array.of(values)}),))
        for values in (np.zeros(2), np.zeros(3))
    )
    assert kinds(diff(first, second)) == [("shape", "/log/a%2Fb")]


def test_nothing_to_compare():
    empty = tree(snapshots=(), default_snapshot=None)
    assert diff(empty, empty).equal
    with pytest.raises(UsageError, match="weights to compare"):
        diff(empty, empty, weights_only=True)
    with pytest.raises(UsageError, match="no weights"):
        diff(empty, tree(), snapshots=("model", None))
    with pytest.raises(UsageError, match=r"m\.pkl: there is no snapshot 9"):
        diff(tree(), tree(), snapshots=("9", "9"))


def test_an_array_that_cannot_be_read_is_an_error():
    def load():
        raise DamagedError("cut", where="/a")

    broken = Leaf(f"{GROUP}/a", "a", Array(np.dtype("f8"), (3,), load), Role.WEIGHT)
    with pytest.raises(DamagedError, match=r"m\.pkl"):
        diff(tree(broken), of(("a", np.ones(3))))


# The command -----------------------------------------------------------------------------------


def test_exit_status_and_text(tmp_path, capsys):
    assert main(["diff", str(MODEL), str(MODEL)]) == 0
    assert capsys.readouterr().out.endswith("→ equal\n")
    assert main(["diff", str(MODEL), str(LOG)]) == 1
    assert "note      family: Theano and GAIL" in capsys.readouterr().out
    for name, values in (("a.npz", {}), ("b.npz", {f"a{n}": np.ones(1) for n in range(30)})):
        np.savez(tmp_path / name, x=np.zeros(1), **values)
    many = ["diff", str(tmp_path / "a.npz"), str(tmp_path / "b.npz")]
    assert main(many) == 1
    assert "more differences    (--all lists them)" in capsys.readouterr().out
    assert main([*many, "--all"]) == 1
    assert "/a29" in capsys.readouterr().out
    assert main(["diff", str(MODEL), str(tmp_path / "none")]) == 2
    assert main(["diff", str(MODEL)]) == 2
    assert main(["diff", str(MODEL), str(FIXTURES / "pickles/damaged/cut_second_p2.pkl")]) == 3


def test_two_snapshots_of_one_log(capsys):
    words = ["diff", f"{LOG}/snapshots/iter0000000", f"{LOG}/snapshots/iter0000001", "--json"]
    assert main(words) == 1
    document = json.loads(capsys.readouterr().out)
    assert document["not_compared"]
    assert {entry["kind"] for entry in document["differences"]} == {"values"}
    first, second = (s.leaves for s in legacy_weights.read(LOG).snapshots[:2])
    for entry in document["differences"]:
        (left,) = [leaf.array.load() for leaf in first if leaf.path == entry["path"]]
        name = entry["path"].replace("iter0000000", "iter0000001")
        (right,) = [leaf.array.load() for leaf in second if leaf.path == name]
        assert entry["largest"] == np.abs(left - right).max()
        assert np.abs(left - right)[tuple(entry["at"])] == entry["largest"]
        assert entry["count"] == np.count_nonzero(left != right)
    assert main(["diff", str(LOG), str(LOG), "--snapshot", "1"]) == 0


@needs_shared
def test_an_expert(capsys):
    path = SHARED / "gail/CartPole-v0.h5"
    assert main(["diff", str(path), str(path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["compared"] == 54


def test_infinite_differences_are_json(tmp_path, capsys):
    for name, value in (("a.npy", np.inf), ("b.npy", -np.inf)):
        np.save(tmp_path / name, np.array([value]))
    assert main(["diff", str(tmp_path / "a.npy"), str(tmp_path / "b.npy"), "--json"]) == 1
    (difference,) = json.loads(capsys.readouterr().out)["differences"]
    assert difference["largest"] == {"$float": "inf"}
