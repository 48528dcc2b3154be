"""Pictures of logs: what is in them, not how they look."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from gail_support import FIXTURES, tree_of

import legacy_weights
from legacy_weights.errors import UsageError
from legacy_weights.models import plot

pytest.importorskip("matplotlib")


@pytest.fixture
def tree():
    return tree_of(FIXTURES / "gibbs_two_layers.h5")


def titles(figure):
    return [a.get_title() for part in figure.subfigs for a in part.axes if a.get_title()]


def test_curves_and_weights(tree, tmp_path):
    figure = plot(tree, tmp_path / "curve.png", 0)
    assert (tmp_path / "curve.png").read_bytes().startswith(b"\x89PNG")
    curves, weights = figure.subfigs
    (line, mark) = curves.axes[0].get_lines()
    np.testing.assert_array_equal(line.get_ydata(), tree.tables[0].columns["ret"].load())
    assert list(mark.get_xdata()) == [0, 0]
    assert "hidden/layer_2/W  8 × 8" in titles(figure)
    assert "out/b  1 × 3" in titles(figure)
    assert not any("Standardizer" in title for title in titles(figure))
    (image,) = weights.axes[0].get_images()
    leaf = next(x for x in tree.snapshots[0].leaves if x.in_theta)
    np.testing.assert_array_equal(image.get_array(), leaf.array.load())


def test_only_one_of_them(tree):
    assert "return" not in titles(plot(replace(tree, tables=())))
    assert titles(plot(replace(tree, snapshots=())))[0] == "return"
    with pytest.raises(UsageError, match="neither"):
        plot(replace(tree, snapshots=(), tables=()))
    with pytest.raises(UsageError, match="iter7"):
        plot(tree, snapshot="iter7")


def test_a_log_of_a_new_training(tmp_path):
    path = tmp_path / "run.h5"
    with legacy_weights.TrainingLog(path, ["iter", "loss", "ret", "note"]) as log:
        for number in range(4):
            log.write([10 * number, number / 2, 1, "text"])
        log.write_snapshot({"hidden/W": np.ones((2, 3)), "out/W": np.ones((3, 1))}, 30)
    figure = plot(legacy_weights.read(path))
    assert titles(figure) == ["return", "loss", "hidden/W  2 × 3", "out/W  3 × 1"]
    (line, _) = figure.subfigs[0].axes[1].get_lines()
    assert line.get_xydata().tolist() == [[0, 0], [10, 0.5], [20, 1], [30, 1.5]]
