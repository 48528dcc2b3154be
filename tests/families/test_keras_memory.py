"""What the arrays of ``optimizer_weights`` are, by the rules of Keras's own optimizers."""

import numpy as np
import pytest
from support import FIXTURES

import legacy_weights
from legacy_weights.families.keras_memory import notes
from legacy_weights.tree import Array, Leaf, Role, Trainable

KERAS = FIXTURES / "families/keras"


def memory(stem):
    tree = legacy_weights.read(KERAS / f"{stem}.h5")
    return [leaf for leaf in tree.other if leaf.role == "optimizer"]


def test_the_memory_of_adam():
    """keras/optimizers.py, ``Adam``: ``[self.iterations] + ms + vs``; the frozen layer has none."""
    found = memory("dense_model_k122")
    trained = ["dense_4/dense_4_W", "dense_4/dense_4_b", "hidden/hidden_W", "hidden/hidden_b"]
    assert [leaf.note for leaf in found] == [
        "count of iterations",
        *(f"first moment of {name}" for name in trained),
        *(f"second moment of {name}" for name in trained),
    ]
    assert found[0].array.load() == 1  # one step was taken
    assert all(np.all(leaf.array.load() >= 0) for leaf in found[5:])  # means of squares


def test_the_memory_of_rmsprop_is_in_the_order_of_the_variables_names():
    names = [leaf.note.rpartition("/")[2] for leaf in memory("nested_model_k122")]
    assert names == [
        *("end_W", "end_b", "first_W", "first_b", "last_W", "last_b"),
        *("norm_beta", "norm_gamma", "outer_W", "outer_b"),
    ]


def weight(name, *shape):
    array = Array.of(np.zeros(shape, "f4"))
    return Leaf(f"/snapshots/model/{name}", name, array, Role.WEIGHT, Trainable.YES)


SGD = {"optimizer_config": {"class_name": "SGD"}}


@pytest.mark.parametrize(
    ("training", "shapes"),
    [
        (None, [(), (2,)]),
        ([], [(), (2,)]),
        ({"optimizer_config": 3}, [(), (2,)]),
        ({"optimizer_config": {"class_name": ["SGD"]}}, [(), (2,)]),
        ({"optimizer_config": {"class_name": "Own"}}, [(), (2,)]),
        (SGD, [(2,)]),
        (SGD, [(), (3,)]),
        (SGD, [(), (2,), (2,)]),
        (SGD, []),
    ],
)
def test_what_does_not_fit_is_not_told(training, shapes):
    assert notes(training, shapes, [weight("a/a_W", 2)]) == []


def test_what_fits():
    assert notes(SGD, [(), (2,)], [weight("a/a_W", 2)]) == [
        "count of iterations",
        "velocity of a/a_W",
    ]
