"""The steps between versions of the hierarchy."""

import json

import numpy as np
import pytest
from support import SHARED, needs_shared

import legacy_weights
from legacy_weights.hierarchy import VERSION
from legacy_weights.migrations import STEPS

TRUTH = sorted((SHARED / "gail" / "theano_truth").glob("*.npz"))
TRUTH = [path for path in TRUTH if path.name.count(".") == 1]


def test_the_chain_has_no_gap():
    assert [step.FROM for step in STEPS] == list(range(VERSION))
    assert [step.TO for step in STEPS] == list(range(1, VERSION + 1))
    assert all(step.__doc__ for step in STEPS)


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
