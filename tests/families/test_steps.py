"""What objects of a file hold, and by which steps."""

import array
from collections import Counter, OrderedDict, defaultdict, deque

import numpy as np
import pytest
from stubs import graph, model, stub

from legacy_weights.families.steps import Step, StepKind, children
from legacy_weights.families.values import (
    BLOB,
    resolve,
)
from legacy_weights.pickles.objects import Global, Instance, PersistentId

ROOT = Step(StepKind.PART, "root")


def steps(value, step=ROOT):
    """Return the steps into a value, as a path shows them."""
    return [str(step) for step, _ in children(value, resolve(value), step)]


def below(value):
    """Return the paths of the arrays of a value's pickle."""
    found = graph(value)
    return {found.path(node) for node in found.arrays}


W, B = np.arange(2.0), np.arange(3.0)


def test_only_what_holds_something_is_a_child():
    assert steps([1, "a", W, None, [], 2.5, np.float32(1)]) == ["[2]", "[4]"]
    assert steps({"n": 1, "W": W, "b": [1]}) == ["['W']", "['b']"]
    assert steps([1.0] * 1000) == []


def test_the_keys_of_a_dictionary_are_in_natural_order():
    assert steps({"W10": W, "W9": W, 3: W, "W1": W}) == ["[3]", "['W1']", "['W9']", "['W10']"]


def test_a_position_is_part_of_a_step_only_where_order_is_stated():
    assert [step.position for step, _ in children((W, B), (W, B), ROOT)] == [0, 1]
    assert [step.position for step, _ in children({}, {"a": W, "b": B}, ROOT)] == [-1, -1]


@pytest.mark.parametrize("protocol", [0, 1, 2, 4])
def test_every_way_to_hold_an_array(protocol):
    named = stub("lost_models.Named", tuple)
    named_list = stub("lost_models.NamedList", list)
    named_dict = stub("lost_models.NamedDict", dict)
    arrays = [np.full(2, i, "f4") for i in range(11)]
    held = named_list([arrays[8]])
    held.extra = arrays[9]
    value = {
        "list": [arrays[0]],
        "tuple": ((arrays[1],),),
        "ordered": OrderedDict([("W", arrays[2])]),
        "default": defaultdict(list, {"W": arrays[3]}),
        "deque": deque([arrays[4]]),
        "object": model(W=arrays[5]),
        "named": named((arrays[6],)),
        "dict": named_dict(W=arrays[7]),
        "held": held,
        "cell": np.array([arrays[10], None], object),
        "counter": Counter("aab"),
    }
    found = graph(value, protocol)
    assert {float(node.value[0]) for node in found.arrays} == {float(i) for i in range(11)}
    paths = {float(node.value[0]): found.path(node) for node in found.arrays}
    assert paths[0] == "['list'][0]"
    assert paths[1] == "['tuple'][0][0]"
    assert paths[2] == "['ordered']['W']"
    assert paths[3] == "['default']['W']"
    assert paths[4] == "['deque'][0]"
    assert paths[5] == "['object'].W"
    assert paths[7] == "['dict']['W']"
    assert paths[8] == "['held'][0]"
    assert paths[9] == "['held'].extra"
    assert paths[10] == "['cell'][0]"


def test_a_masked_array_is_two_arrays():
    assert below({"m": np.ma.masked_array([1.0, 2.0], [0, 1])}) == {"['m'].data", "['m'].mask"}


def test_an_array_of_the_standard_library_is_an_array():
    assert below({"a": array.array("d", [1, 2])}) == {"['a']"}


def test_everything_of_an_instance_is_a_child():
    """Nothing is dropped: what a record shows, the walk must have seen."""
    instance = Instance(Global("collections", "OrderedDict"), ([("k", W), [1, 2, B]],), 0)
    instance.kwargs = {"k": [W]}
    instance.earlier = [[W]]
    instance.items = [[W]]
    instance.pairs = [([W], [W]), ("p", [W])]
    instance.base = [W]
    instance.state = [W]
    instance.cls = Instance(Global("collections", "OrderedDict"), ([W],), 0)
    found = [child for _, child in children(instance, instance, ROOT)]
    for part in (
        instance.args,
        instance.kwargs,
        instance.earlier,
        instance.items,
        instance.base,
        instance.state,
        instance.cls,
        instance.pairs[0][0],
        instance.pairs[0][1],
        instance.pairs[1][1],
    ):
        assert any(part is child for child in found)


def test_the_elements_of_an_ordered_dict_that_are_no_pairs():
    odd = Instance(Global("collections", "OrderedDict"), ([("k", W), [1, 2, B]], [W]), 0)
    assert steps(odd) == [".<args>"]
    odd.args = ([("k", W), [1, 2, B]],)
    ((step, pairs),) = children(odd, odd, ROOT)
    assert steps(pairs, step) == ["['k']", "[1]"]


def test_an_object_as_a_key_is_a_child_and_a_text_is_none():
    key = model(W=W)
    assert steps({key: 1}) == [".<key>"]
    assert steps({"k" * BLOB: 1, b"k" * BLOB: 1}) == []


def test_what_a_persistent_id_holds():
    assert steps(PersistentId("ndarray.1", 0)) == []
    assert steps(PersistentId((1, [W]), 0)) == [".<pid>"]


def test_the_random_state_of_numpy():
    state = np.random.RandomState(3)
    assert any(path.endswith("['key']") for path in below(model(rng=state)))


def test_a_state_of_slots_or_of_none_or_of_something_else():
    slots = Instance(Global("m", "C"), (), 0)
    assert steps(slots) == []
    slots.state = (None, {b"b": B})
    assert steps(slots) == [""]
    slots.state = (W, B)
    assert steps(slots) == [".<state>"]
