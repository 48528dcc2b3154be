"""Checkpoints by numpy.savez with the errors of the training beside the parameters."""

from collections import OrderedDict

import numpy as np
import pytest
from stubs import interpret, weights

import legacy_weights

PARAMETERS = {
    "Wemb": np.arange(15, dtype="f4").reshape(5, 3),
    "lstm_U": np.arange(36, dtype="f4").reshape(3, 12),
    "lstm_b": np.arange(12, dtype="f4"),
}
ERRORS = {"train_err": 0.1, "valid_err": 0.2, "test_err": 0.3}


def other(tree):
    return {leaf.name: str(leaf.role) for leaf in tree.other}


@pytest.fixture
def saved(tmp_path):
    def save(**arrays):
        np.savez(tmp_path / "model.npz", **arrays)
        return legacy_weights.read(tmp_path / "model.npz")

    return save


def test_the_errors_of_the_training_are_no_weights(saved):
    """train_lstm of DeepLearningTutorials/code/lstm.py: the last of its two calls of savez."""
    tree = saved(**ERRORS, history_errs=[[0.2, 0.3], [0.1, 0.2]], **PARAMETERS)
    (snapshot,) = tree.snapshots
    assert [leaf.name for leaf in snapshot.leaves] == [*PARAMETERS]
    assert other(tree) == dict.fromkeys([*ERRORS, "history_errs"], "data")
    (history,) = (leaf for leaf in tree.other if leaf.name == "history_errs")
    assert history.array.load().tolist() == [[0.2, 0.3], [0.1, 0.2]]
    assert "validation" in history.note


def test_a_history_without_errors(saved):
    """The training script of skip-thoughts (training/train.py) has an empty one."""
    tree = saved(history_errs=[], **PARAMETERS)
    assert [leaf.name for leaf in tree.snapshots[0].leaves] == [*PARAMETERS]
    assert other(tree) == {"history_errs": "data"}


def test_the_best_parameters_are_a_snapshot_of_their_own(saved):
    """train of dl4mt-material, session2/nmt.py: savez(zipped_params=best_p, …, **params)."""
    best = OrderedDict((name, PARAMETERS[name] + 1) for name in ("lstm_U", "Wemb", "lstm_b"))
    tree = saved(zipped_params=best, history_errs=[3.0, 2.0], uidx=77, **PARAMETERS)
    model, found = tree.snapshots
    assert [leaf.name for leaf in model.leaves] == [*PARAMETERS]
    assert (found.name, found.order) == ("best", "stated")
    assert [leaf.name for leaf in found.leaves] == ["lstm_U", "Wemb", "lstm_b"]
    assert found.leaves[0].array.load().tolist() == (PARAMETERS["lstm_U"] + 1).tolist()
    assert tree.default_snapshot == model.name
    assert other(tree) == {"history_errs": "data", "uidx": "data"}


def test_the_best_parameters_alone():
    found = interpret({"zipped_params": PARAMETERS, "history_errs": np.ones(2)})
    assert found.snapshots[0].name == "model"
    assert list(weights(found)) == [f"zipped_params/{name}" for name in PARAMETERS]


def test_a_pickled_dictionary_of_the_same():
    """As ``lstm_model.npz.pkl`` of https://github.com/Sentimentron/Dracula is."""
    found = interpret({**PARAMETERS, "history_errs": np.ones((3, 2)), "valid_err": np.ones(())})
    assert list(weights(found)) == [*PARAMETERS]


def test_without_a_history_such_names_mean_nothing():
    found = interpret({"valid_err": np.ones(2), "uidx": np.ones(2), "zipped_params": PARAMETERS})
    assert len(weights(found)) == 5
    assert len(found.snapshots) == 1


@pytest.mark.parametrize("value", [3, None, "x", [[1.0], np.ones(2)], {"a": np.ones(2)}])
def test_records_of_other_kinds(value):
    entries = {**PARAMETERS, "history_errs": value, "zipped_params": value, "uidx": value}
    assert {*PARAMETERS} <= {*weights(interpret(entries))}


def test_deeper_down_it_is_no_checkpoint():
    found = interpret({"a": {**PARAMETERS, "history_errs": np.ones(2)}})
    assert "a/history_errs" in weights(found)
