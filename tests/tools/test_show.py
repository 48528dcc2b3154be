"""One array: found by what a person calls it, and described."""

import hashlib
import json

import numpy as np
import pytest
from hierarchy.samples import leaf, rich_tree, tree
from support import FIXTURES, fixture

from legacy_weights.cli import main
from legacy_weights.errors import UsageError
from legacy_weights.hierarchy import write
from legacy_weights.terminal import width
from legacy_weights.tools.finding import find
from legacy_weights.tools.show import lines, show
from legacy_weights.tree import Order, Snapshot

MODEL, ENTRY = fixture("pickles/theano/mlp_p2_t105.pkl")


@pytest.mark.parametrize(
    ("word", "path"),
    [
        ("/snapshots/model/conv1/W", "/snapshots/model/conv1/W"),
        ("conv1/W", "/snapshots/model/conv1/W"),
        ("conv1.W", "/snapshots/model/conv1/W"),
        ("tied.W", "/snapshots/model/conv1/W"),
        ("tied/W", "/snapshots/model/conv1/W"),
        ("/snapshots/best/other", "/snapshots/best/other"),
        ("constants/0", "/other/constants/0"),
        ("/log/ret.", "/log/ret."),
        ("iter", "/log/iter"),
    ],
)
def test_what_an_array_may_be_called(word, path):
    assert find(rich_tree(), word).path == path


def test_the_snapshot_that_is_named():
    assert find(rich_tree(), "conv1.W", "best").path == "/snapshots/best/conv1/W"
    with pytest.raises(UsageError, match=r"no array 'half'"):
        find(rich_tree(), "half", "best")


@pytest.mark.parametrize(
    ("word", "advice"),
    [
        ("conv1.w", r"Did you mean .*conv1[./]W"),
        ("W", r"Did you mean conv1/W"),
        ("/snapshots/best", "a group; an array in it is /snapshots/best/"),
        ("/other/", "a group; an array in it is /other/constants/0"),
        ("zzzzzz", "inspect"),
        ("", "there is no array ''"),
    ],
)
def test_near_names(word, advice):
    with pytest.raises(UsageError, match=advice):
        find(rich_tree(), word)


def test_several_of_one_name():
    found = tree(
        leaf("/snapshots/model/a", np.zeros(1)),
        other=(
            leaf("/other/data/x", np.zeros(1), name="x"),
            leaf("/other/constants/x", np.zeros(1), name="x"),
        ),
    )
    with pytest.raises(UsageError, match="/other/data/x, /other/constants/x"):
        find(found, "x")


def test_a_tree_without_weights():
    found = tree(snapshots=(), default_snapshot=None, other=(leaf("/other/data/x", np.ones(2)),))
    assert find(found, "x").path == "/other/data/x"


def test_a_genuine_model_legacy_and_migrated(tmp_path, monkeypatch, capsys):
    (truth,) = [a for a in ENTRY["arrays"] if a["path"].startswith("hiddenLayer.W")]
    assert main([str(MODEL), "-o", str(tmp_path / "m.h5"), "-q"]) == 0
    seen = []
    for file in (MODEL, tmp_path / "m.h5"):
        assert main(["show", str(file), "hiddenLayer/W", "--json"]) == 0
        document = json.loads(capsys.readouterr().out)
        assert document.pop("file") == str(file)
        assert document["sha256"] == truth["sha256"]
        assert document["source"]["sha256"] == ENTRY["sha256"]
        assert (document["shape"], document["dtype"]) == (truth["shape"], truth["dtype"])
        assert (document["role"], document["position"], document["start"]) == ("weight", 0, 0)
        assert main(["show", str(file), "hiddenLayer/W"]) == 0
        seen.append((document, capsys.readouterr().out))
    assert seen[0] == seen[1]
    assert f"sha256    {truth['sha256']}" in seen[0][1]


def test_a_snapshot_of_a_log_by_its_iteration(capsys):
    log = FIXTURES / "gail/gibbs_two_layers.h5"
    name = "GibbsPolicy/out/AffineLayer/b"
    seen = []
    for words in ([str(log), name, "--snapshot", "0"], [f"{log}/snapshots/iter0000000", name]):
        assert main(["show", *words, "--json"]) == 0
        seen.append(json.loads(capsys.readouterr().out))
    assert seen[0] == seen[1]
    assert seen[0]["snapshot"] == "iter0000000"


def test_nothing_is_wider_than_a_terminal_nor_acts_on_it():
    values = np.concatenate([np.random.default_rng(0).normal(0, 1e-30, 999), [np.nan, np.inf]])
    odd = leaf(
        "/snapshots/model/a", values, name="a\x1b[2Jü日", origins=tuple(f"o{i}" for i in range(99))
    )
    text = list(lines(show(tree(odd), "/snapshots/model/a")))
    assert all(width(line) <= 80 for line in text)
    assert all(line.isprintable() for line in text)
    assert any("1 NaN, 1 Inf" in line for line in text)
    assert any("… 93 more" in line for line in text)


def test_values_without_statistics():
    words = np.array(["a", "\n"])
    text = list(lines(show(tree(leaf("/snapshots/model/a", words)), "a")))
    assert r"first     a, \n" in text
    digest = hashlib.sha256(words.astype("<U1").tobytes()).hexdigest()
    assert f"sha256    {digest}" in text
    rows = np.array([(1, 2.0)], [("x", "i4"), ("y", "f8")])
    assert any("(1, 2.)" in line or "(1, 2.0)" in line for line in _of(rows))
    assert any("0 elements" in line for line in _of(np.zeros((0, 4))))
    assert any("moduli" in line for line in _of(np.array([1j])))


def _of(values):
    return list(lines(show(tree(leaf("/snapshots/model/a", values)), "a")))


def test_numbers_that_json_lacks(tmp_path, capsys):
    values = np.array([np.inf, np.nan])
    snapshot = Snapshot("model", (leaf("/snapshots/model/a", values),), Order.STATED)
    write(tree(snapshots=(snapshot,)), tmp_path / "a.h5")
    assert main(["show", str(tmp_path / "a.h5"), "a", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["statistics"]
    assert found["maximum"] == {"$float": "inf"}
    assert (found["mean"], found["nans"]) == (None, 1)


def test_wrong_usage(capsys):
    assert main(["show", str(MODEL)]) == 2
    assert main(["show", str(MODEL), "hiddenLayer/w"]) == 2
    assert "hiddenLayer/W" in capsys.readouterr().err
    assert main(["show", str(MODEL), "W", "--snapshot", "9"]) == 2
    assert main(["show", "nothing.pkl", "W"]) == 2
