"""What the inert values of a file are."""

import numpy as np

from legacy_weights.families.steps import Step, StepKind
from legacy_weights.families.values import (
    BLOB,
    Bundle,
    attribute_parts,
    attributes,
    is_hollow,
    is_leaf,
)
from legacy_weights.pickles.objects import ABSENT, Global, Instance

ROOT = Step(StepKind.PART, "root")


W, B = np.arange(2.0), np.arange(3.0)


def test_attributes_of_slots_and_of_a_dictionary():
    both = Instance(Global("m", "C"), (), 0)
    both.state = ({"W": W}, {"b": B})
    assert attributes(both) == {"W": W, "b": B}
    slots = Instance(Global("m", "C"), (), 0)
    slots.state = (None, {b"b": B})
    assert attributes(slots) == {"b": B}
    other = Instance(Global("m", "C"), (), 0)
    other.state = (W, B)
    assert attributes(other) == {}


def test_no_state_is_not_the_state_none():
    instance = Instance(Global("m", "C"), (), 0)
    assert instance.state is ABSENT
    assert attribute_parts(instance.state) == ()


def test_long_byte_strings_are_arrays():
    assert not is_leaf(b"x" * (BLOB - 1))
    assert is_leaf(b"x" * BLOB)
    assert is_leaf(memoryview(b"x" * BLOB))
    assert not is_leaf("x" * BLOB)
    assert not is_leaf(np.bytes_(b"x" * BLOB))  # a scalar, and a record


def test_a_container_of_plain_values_is_hollow():
    assert all(map(is_hollow, ([], (), {}, [1, 2.0, "a", None], (True,))))
    assert not any(map(is_hollow, ([[]], [W], {"a": 1}, "a", 1)))


def test_the_members_of_savez_are_in_the_order_of_its_arguments():
    entries = [(f"arr_{i}", np.zeros(i)) for i in (0, 1, 10, 11, 2, 3, 4, 5, 6, 7, 8, 9)]
    bundle = Bundle(entries, members=True)
    assert bundle.numbered
    assert [label for label, _ in bundle.entries] == [f"arr_{i}" for i in range(12)]
    assert not Bundle(entries[1:], members=True).numbered
    assert not Bundle([*entries, ("W", W)], members=True).numbered
    assert not Bundle(entries, members=False).numbered
    assert not Bundle([], members=True).numbered
