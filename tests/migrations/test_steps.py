"""The steps between versions of the hierarchy."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from support import FIXTURES, SHARED, needs_shared

import legacy_weights
from legacy_weights.errors import DamagedError
from legacy_weights.hierarchy import VERSION, check
from legacy_weights.migrations import STEPS

RELEASED = {
    "m0001_gail": "16e16f6e45b4830f1fca36c94b4305375f57e2ca0c579746b02c2f7eca5b14fd",
}
"""The SHA-256 of the source of each released step."""
FROZEN = {
    0: sorted((FIXTURES / "gail").glob("*.h5")),
    1: sorted((FIXTURES / "hierarchy").glob("*_v1.h5")),
}
"""Files of each version, as the programs of their day wrote them."""
TRUTH = sorted((SHARED / "gail" / "theano_truth").glob("*.npz"))
TRUTH = [path for path in TRUTH if path.name.count(".") == 1]


def test_the_chain_has_no_gap():
    assert [step.FROM for step in STEPS] == list(range(VERSION))
    assert [step.TO for step in STEPS] == list(range(1, VERSION + 1))
    assert all(step.__doc__ for step in STEPS)


def test_a_released_step_never_changes():
    found = {
        step.__name__.rpartition(".")[2]: hashlib.sha256(Path(step.__file__).read_bytes())
        for step in STEPS
    }
    assert {name: digest.hexdigest() for name, digest in found.items()} == RELEASED


@pytest.mark.parametrize("version", range(VERSION + 1))
def test_frozen_files_of_every_version_become_valid_files_of_the_newest(version, tmp_path):
    assert FROZEN[version]
    for path in FROZEN[version]:
        target = tmp_path / path.name
        if version == 0:
            try:
                legacy_weights.migrate(path, target)
            except DamagedError:
                assert path.stem == "truncated"
                continue
        else:
            legacy_weights.hierarchy.upgrade(path, target)
            target = target if target.exists() else path
        assert check(target) == []
        with legacy_weights.open(target) as file:
            assert file.format_version == VERSION


@needs_shared
@pytest.mark.parametrize("path", TRUTH, ids=lambda path: path.stem)
def test_the_flat_order_is_that_of_the_program(path):
    """``names`` is what GAIL's own code said under real Theano, in its flat order."""
    with np.load(path) as truth:
        names = [str(name).strip("/") for name in truth["names"]]
        shapes = [tuple(shape) for shape in json.loads(str(truth["shapes"]))]
    for snapshot in legacy_weights.read(SHARED / "gail" / f"{path.stem}.h5").snapshots:
        layout = [leaf for leaf, start in snapshot.layout() if start >= 0]
        assert [leaf.name for leaf in layout] == names
        assert [leaf.array.shape for leaf in layout] == shapes
