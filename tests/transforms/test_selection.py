"""The weights alone: what is left out is told."""

import pytest
from support import fixture

import legacy_weights
from legacy_weights.errors import UsageError
from legacy_weights.hierarchy import check


def test_only_the_snapshots_are_written(tmp_path):
    path, entry = fixture("pickles/theano/logistic_p0_t082.pkl")  # W, b and two constants
    report = legacy_weights.migrate(path, tmp_path / "out.h5", weights_only=True)
    assert check(report.path) == []
    with legacy_weights.open(report.path) as file:
        assert list(file.weights()) == ["W", "b"]
        assert file.tree().other == ()
        assert list(file.tree().records()) == []
        assert file.tree().history[-1] == {"action": "weights-only", "arrays_left_out": 2}
    assert len(entry["arrays"]) == 4
    assert "2 other arrays" in report.tree.warnings[-1]


def test_a_file_without_weights_is_refused(tmp_path):
    path, _ = fixture("pickles/numpy/random_state_p2_n116.pkl")
    with pytest.raises(UsageError, match="--weights-only") as caught:
        legacy_weights.migrate(path, tmp_path / "out.h5", weights_only=True)
    assert path.name in str(caught.value)
    assert list(tmp_path.iterdir()) == []
