"""Trees for the tests, made by hand."""

from __future__ import annotations

import numpy as np

from legacy_weights.tree import Array, Leaf, Order, Role, Snapshot, Source, Trainable, Tree


def leaf(name, values, *, snapshot="model", role=Role.WEIGHT, trainable=Trainable.YES, links=()):
    """Return a leaf that stands where its name says."""
    array = Array.of(np.asarray(values))
    path = f"/snapshots/{snapshot}/{name}"
    return Leaf(path, name, array, role, trainable, links=tuple(links))


def snapshot(*leaves, name="model", order=Order.STATED, complete=True):
    return Snapshot(name, tuple(leaves), order, complete=complete)


def tree(*snapshots, default=None):
    source = Source("model.pkl", 0, "pickle 2", lambda: "0" * 64)
    return Tree(source, "Theano", snapshots, default)


W = np.arange(6.0).reshape(2, 3)
B = np.arange(6.0, 9.0).reshape(1, 3)
SCALE = np.array([9.0, 10.0, 11.0])
GAIN = np.array(12.0)
STATE = np.array([100, 200])


def net_leaves(**options):
    """Return the arrays of a Net, whose theta is 0, 1, … 12, and a state that is not in theta."""
    return (
        leaf("out/W", W, **options),
        leaf("count", STATE, role=Role.STATE, trainable=Trainable.NO, **options),
        leaf("out/b", B, **options),
        leaf("scale", SCALE, trainable=Trainable.UNKNOWN, **options),
        leaf("gain", GAIN, **options),
    )
