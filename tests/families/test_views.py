"""A flat vector whose parameters are views of it."""

import numpy as np
import pytest
from stubs import constant, interpret, make, model, shared

from legacy_weights.tree import Trainable


def scalar(value):
    return make("theano.scalar.basic.ScalarConstant", data=np.int64(value), name=None, owner=None)


def apply(op, inputs, name=None, **settings):
    node = make("theano.gof.graph.Apply", inputs=inputs, op=make(op, **settings))
    return make("theano.tensor.var.TensorVariable", owner=node, index=0, name=name)


def part(theta, start, stop, name=None):
    """Return ``theta[start:stop]``; Theano keeps types in the slice, and numbers as inputs."""
    kinds = [None if bound is None else "int64" for bound in (start, stop)]
    numbers = [scalar(bound) for bound in (start, stop) if bound is not None]
    op = "theano.tensor.subtensor.Subtensor"
    return apply(op, [theta, *numbers], name, idx_list=(slice(*kinds),))


def reshaped(vector, shape, name=None):
    return apply("theano.tensor.basic.Reshape", [vector, constant(shape)], name, ndim=len(shape))


def weights(value):
    (snapshot,) = interpret(value).snapshots
    return {leaf.name: leaf.array.load().tolist() for leaf in snapshot.leaves}


def test_views_without_a_name_go_by_their_attributes():
    theta = shared(6, "theta")
    w, b = reshaped(part(theta, None, 4), [2, 2]), part(theta, 4, None)
    found = interpret(model(theta=theta, W=w, b=b, params=[w, b]))
    (snapshot,) = found.snapshots
    assert [leaf.name for leaf in snapshot.leaves] == ["W", "b"]
    assert [leaf.array.load().tolist() for leaf in snapshot.leaves] == [[[0, 1], [2, 3]], [4, 5]]
    assert {leaf.trainable for leaf in snapshot.leaves} == {Trainable.YES}
    assert snapshot.order == "stated"
    (kept,) = (leaf for leaf in found.other if leaf.role == "data")
    assert (kept.path, kept.array.load().tolist()) == ("/other/data/theta", [0, 1, 2, 3, 4, 5])


def test_a_further_variable_stays_beside_the_views():
    theta = shared(2, "theta")
    found = interpret(model(theta=theta, W=part(theta, 0, 2, "W"), theta_old=np.zeros(2)))
    assert sorted(leaf.path for leaf in found.other) == [
        "/other/data/theta",
        "/other/data/theta_old",
    ]


@pytest.mark.parametrize(
    "bounds",
    [
        [(0, 2)],  # not all of it
        [(0, 2), (3, 4)],
        [(0, 3), (2, 4)],
        [(0, -2), (2, 4)],
        [(0, 2), (2, 5)],
        [(2, 4)],
    ],
)
def test_a_vector_that_views_do_not_make_up_stays(bounds):
    theta = shared(4, "theta")
    views = {f"v{n}": part(theta, *pair) for n, pair in enumerate(bounds)}
    assert weights(model(theta=theta, **views)) == {"theta": [0, 1, 2, 3]}


def test_a_shape_that_does_not_fit_names_nothing():
    theta = shared(4, "theta")
    for shape in ([3, 2], [-1, 2], [2.0, 2.0], 4):
        view = apply("theano.tensor.basic.Reshape", [part(theta, 0, 4), constant(shape)])
        assert weights(model(theta=theta, W=view)) == {"theta": [0, 1, 2, 3]}


def test_malformed_operations_name_nothing():
    theta = shared(2, "theta")
    op = "theano.tensor.subtensor.Subtensor"
    for inputs, slices in (
        ([theta], (slice("int64", "int64", None),)),
        ([theta, scalar(0), theta], (slice("int64", "int64", None),)),
        ([theta, scalar(0), scalar(2)], (slice("int64", "int64", "int64"),)),
        ([theta, scalar(0), scalar(2)], (3,)),
        ([theta, scalar(0), scalar(2)], 3),
        ([], ()),
    ):
        view = apply(op, inputs, idx_list=slices)
        assert weights(model(theta=theta, W=view)) == {"theta": [0, 1]}
    two = [part(theta, 0, 1, "W"), part(theta, 1, 2, "W")]  # one name for two
    assert weights(model(theta=theta, params=two)) == {"theta": [0, 1]}
