"""Small trees for tests."""

import numpy as np

from legacy_weights.tree import Array, Leaf, Order, Role, Snapshot, Source, Trainable, Tree


def leaf(name, values, role=Role.WEIGHT, trainable=Trainable.UNKNOWN, **more):
    path = f"/snapshots/model/{name}"
    return Leaf(path, name, Array.of(np.asarray(values)), role, trainable, **more)


def tree(*leaves, order=Order.STATED, note="list", other=(), **more):
    snapshot = Snapshot("model", leaves, order, note)
    known = {"snapshots": (snapshot,), "default_snapshot": "model", **more}
    source = Source("net.pkl", 2048, "pickle 2", lambda: "0" * 64, "Python 2")
    return Tree(source, "Theano", other=tuple(other), evidence="class m.Net", **known)
