"""Rebuilt models of the fixtures, and what the old software computed."""

from __future__ import annotations

import numpy as np
import pytensor
from support import FIXTURES

import legacy_weights


def model_of(file: str, **options):
    """Return the model of a fixture below families/."""
    return legacy_weights.load_model(FIXTURES / "families" / file, **options)


def truth_of(family: str, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the only inputs, and what the old software computed for them."""
    with np.load(FIXTURES / "families" / family / "truth" / f"{name}.npz") as file:
        (x,) = [file[key] for key in file if key.startswith("x")]
        return x, file["y"]


def evaluate(model, x):
    """Compute the outputs in Python's own loops, which are quick to compile."""
    outputs = list(model.graph.outputs.values())
    function = pytensor.function([model.graph.input], outputs, mode="FAST_COMPILE")
    found = function(np.asarray(x, model.dtype))
    return dict(zip(model.graph.outputs, found, strict=True)) if len(found) > 1 else found[0]


def assert_same(actual, truth) -> None:
    """max|a - b| is at most 1e-6 in float32, 1e-12 in float64, of what is of the order of 1."""
    assert actual.dtype == truth.dtype
    assert actual.shape == truth.shape
    limit = 1e-6 if truth.dtype == np.float32 else 1e-12
    assert np.abs(actual - truth).max() <= limit * max(1.0, np.abs(truth).max())
