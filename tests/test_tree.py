"""The neutral tree: what follows from its parts."""

import numpy as np
import pytest

from legacy_weights.tree import (
    Array,
    Leaf,
    Order,
    Role,
    Snapshot,
    Source,
    Table,
    Trainable,
    Tree,
)


def leaf(name, values, role=Role.WEIGHT, trainable=Trainable.UNKNOWN):
    return Leaf(f"/snapshots/model/{name}", name, Array.of(np.asarray(values)), role, trainable)


def starts(*leaves):
    return [start for _, start in Snapshot("model", leaves, Order.STATED).layout()]


def test_the_flat_vector_is_in_the_order_of_the_snapshot():
    assert starts(leaf("W", np.ones((3, 2))), leaf("b", np.ones(2)), leaf("V", np.ones(()))) == [
        0,
        6,
        8,
    ]


def test_what_is_not_trained_is_not_in_the_flat_vector():
    one = np.ones(2)
    assert starts(
        leaf("no", one, trainable=Trainable.NO),
        leaf("yes", one, trainable=Trainable.YES),
        leaf("state", one, role=Role.STATE),
        leaf("int", np.ones(2, int)),
        leaf("bool", np.ones(2, bool)),
        leaf("unknown", one),
    ) == [-1, 0, -1, -1, -1, 2]


def test_each_dtype_has_a_vector_of_its_own_byte_order_apart():
    assert starts(
        leaf("a", np.ones(3, "<f8")),
        leaf("b", np.ones(3, "<f4")),
        leaf("c", np.ones(2, ">f8")),
        leaf("d", np.ones(2, "c16")),
        leaf("e", np.ones(1, "f4")),
    ) == [0, 0, 3, 0, 3]


@pytest.mark.parametrize(
    ("values", "fortran"),
    [
        (np.ones((2, 3)), False),
        (np.ones((2, 3), order="F"), True),
        (np.ones(3), False),
        (np.ones((1, 3), order="F"), False),
        (np.float64(2.0).reshape(()), False),
        (np.ones((2, 0)), False),
    ],
)
def test_an_array_tells_its_order_and_size(values, fortran):
    array = Array.of(values)
    assert array.load() is values
    assert array.fortran is fortran
    assert (array.size, array.nbytes) == (values.size, values.nbytes)
    assert (array.dtype, array.shape) == (values.dtype, values.shape)


def test_sizes_do_not_overflow():
    array = Array(np.dtype("f8"), (2**40, 2**40), lambda: np.empty(0))
    assert array.size == 2**80
    assert array.nbytes == 2**83


def test_each_role_has_a_section():
    assert {role.value: role.section for role in Role} == {
        "weight": "unclassified",
        "state": "unclassified",
        "optimizer": "optimizer",
        "random": "random",
        "constant": "constants",
        "data": "data",
        "other": "unclassified",
    }


def test_a_table_has_the_length_of_its_columns():
    column = Array.of(np.zeros(7))
    assert Table("/log", {"a": column, "b": Array.of(np.zeros((7, 2)))}).length == 7
    assert Table("/log", {}).length == 0


def test_a_tree_yields_its_snapshots_first():
    first, second, third = leaf("a", 1.0), leaf("b", 2.0), leaf("c", 3.0)
    tree = Tree(
        Source("x", 1, "pickle 2", str),
        "plain arrays",
        snapshots=(
            Snapshot("one", (first,), Order.STATED),
            Snapshot("two", (second,), Order.UNKNOWN),
        ),
        other=(third,),
    )
    assert [*tree.leaves()] == [first, second, third]
    assert [*tree.records()] == []
