"""Policies of the fixtures, and of the experts where they are at hand."""

from __future__ import annotations

import hashlib
from pathlib import Path

import h5py
import numpy as np
import pytensor
import pytest

from legacy_weights.families.gail import iteration, order_names, parse_args, role
from legacy_weights.models import load_policy
from legacy_weights.tree import Array, Leaf, Order, Snapshot, Source, Table, Tree

ROOT = Path(__file__).parents[1]
FIXTURES = ROOT / "fixtures" / "gail"
EXPERTS = ROOT.parent / "shared" / "gail"


def need_experts() -> None:
    """Skip a test where the experts are missing; the words are those that CI looks for."""
    if not EXPERTS.exists():
        pytest.skip("needs ../shared, which is missing")


NEEDS_COMPILER = pytest.mark.skipif(not pytensor.config.cxx, reason="no C++ compiler")
MODES = [None, pytest.param("C", marks=NEEDS_COMPILER), "JAX"]


def tree_of(path: Path) -> Tree:
    """Read a log with h5py alone: what the reader of the package is compared with."""
    with h5py.File(path) as file:
        args = file.attrs["args"]
        snapshots = []
        for name, group in file["snapshots"].items():
            arrays: dict[str, np.ndarray] = {}
            group.visititems(
                lambda n, o, a=arrays: a.update({n: o[()]}) if isinstance(o, h5py.Dataset) else None
            )
            leaves = tuple(
                Leaf(f"/snapshots/{name}/{n}", n, Array.of(np.asarray(arrays[n])), *role(n))
                for n in order_names(arrays)[0]
            )
            snapshots.append(
                Snapshot(name, leaves, Order.FORMAT, "", iteration(name), "hash" in group.attrs)
            )
        log = file["log"][()] if "log" in file else np.empty(0, [("iter", "i4")])
    columns = {name: Array.of(np.ascontiguousarray(log[name])) for name in log.dtype.names}
    return Tree(
        Source(path.name, 0, "HDF5", lambda: ""),
        "GAIL",
        tuple(snapshots),
        tables=(Table("/log", columns),),
        metadata={"args": parse_args(args).raw},
    )


def policy_of(name: str, mode: str | None = None, snapshot: int | str | None = None):
    folder = FIXTURES if (FIXTURES / f"{name}.h5").exists() else EXPERTS
    return load_policy(tree_of(folder / f"{name}.h5"), snapshot, mode)


def truth_of(name: str) -> dict[str, np.ndarray]:
    for folder in (FIXTURES / "truth", EXPERTS / "theano_truth"):
        if (folder / f"{name}.npz").exists():
            with np.load(folder / f"{name}.npz") as file:
                return dict(file)
    raise FileNotFoundError(name)


def sha256(theta: np.ndarray) -> str:
    return hashlib.sha256(theta.astype("<f8").tobytes()).hexdigest()


def assert_near(actual, truth, mode: str | None, tolerance: float | None = None) -> None:
    """max|a - b| ≤ 1e-12 max|b|; 1e-9 under JAX."""
    tolerance = tolerance or (1e-9 if mode == "JAX" else 1e-12)
    actual, truth = np.asarray(actual), np.asarray(truth)
    assert actual.shape == truth.shape
    assert np.abs(actual - truth).max() <= tolerance * np.abs(truth).max()
