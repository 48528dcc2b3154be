"""Plain containers: their arrays are weights; those of unknown objects are data."""

from collections import OrderedDict, deque

import numpy as np
import pytest
from stubs import graph, interpret, model, records, stub, weights
from support import FIXTURES, MANIFEST

import legacy_weights
from legacy_weights import families
from legacy_weights.families import plain
from legacy_weights.families.graph import Graph
from legacy_weights.families.plain import held_plainly
from legacy_weights.pickles.objects import Global, Instance

W, B = np.arange(2.0), np.arange(3.0)


def names(value):
    """Return the names of the weights; none if there is no snapshot."""
    found = interpret(value)
    return [*weights(found)] if found.snapshots else []


def data(value):
    """Return the names of what is data."""
    return [leaf.name for leaf in interpret(value).other if leaf.role == "data"]


# Containers ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ({"W": W, "b": B}, ["W", "b"]),
        ([W, B], ["0", "1"]),
        ((W, B), ["0", "1"]),
        ([[W, B], [W + 1]], ["0/0", "0/1", "1/0"]),
        ({"l1": {"W": W}, "l2": {"W": B}}, ["l1/W", "l2/W"]),
        (OrderedDict([("b", B), ("W", W)]), ["b", "W"]),
        (deque([B, W]), ["0", "1"]),
        (W, ["0"]),
        ([("W", W), ("b", B)], ["W", "b"]),
        ([["b", B], ["W", W]], ["b", "W"]),
        (([W, B], {"cost": W + 1}), ["0/0", "0/1", "1/cost"]),
        ({"W": W, "n": 3, "name": "net", "sizes": [1, 2]}, ["W"]),
        ([], []),
        ({}, []),
        ({"n_epochs": 3}, []),
    ],
)
def test_arrays_of_plain_containers_are_weights(value, found):
    assert names(value) == found


def test_subclasses_of_containers_are_containers():
    assert names(stub("lost_models.Bunch", dict)(W=W, b=B)) == ["W", "b"]
    assert names(stub("lost_models.Params", list)([B, W])) == ["0", "1"]


def test_arrays_of_objects_are_containers():
    row = np.empty(2, object)
    row[:] = [B, W]
    assert names(row) == ["0", "1"]
    assert names({"layers": row}) == ["layers/0", "layers/1"]


def test_of_a_masked_array_the_data_is_the_weight():
    value = {"m": np.ma.masked_array(W, [0, 1]), "b": B}
    assert names(value) == ["b", "m/data"]
    assert data(value) == ["m/mask"]
    value = {"params": [np.ma.masked_array(W, [0, 1]), B]}
    assert interpret(value).snapshots[0].order == "stated"


@pytest.mark.parametrize("dtype", ["f2", "f4", ">f8", "g", "i1", "u8", "?", "c8", "c16"])
def test_numbers_are_weights(dtype):
    assert names({"x": np.zeros(2, dtype)}) == ["x"]


@pytest.mark.parametrize("dtype", ["S3", "U3", "M8[s]", "m8[s]", "V4", [("a", "f8")]])
def test_what_is_no_number_is_data(dtype):
    assert data({"x": np.zeros(2, dtype), "W": W}) == ["x"]


def test_long_byte_strings_are_data():
    found = interpret([W, b"\xff" * 70_000], protocol=4)
    assert [(leaf.name, leaf.array.dtype, leaf.array.size) for leaf in found.other] == [
        ("1", np.uint8, 70_000)
    ]


# Objects ---------------------------------------------------------------------------------------


def test_arrays_of_an_unknown_object_are_data():
    found = interpret(model("Net", W=W, layers=[model(b=B)]))
    assert (found.family, found.evidence) == ("unknown", "class lost_models.Net")
    assert data(model("Net", W=W, layers=[model(b=B)])) == ["W", "layers/0/b"]
    assert data({"net": model(W=W), "b": B}) == ["net/W"]


def stated(dotted, state):
    """Return an instance with a state that its class chose."""
    instance = Instance(Global(*dotted.rsplit(".", 1)), (), 0)
    instance.state = state
    return instance


@pytest.mark.parametrize("state", [(W, B), [W, B], ({"n_in": 3}, [W, B])])
def test_a_list_as_a_state_is_of_weights(state):
    (snapshot,) = families.interpret(Graph(stated("lost_models.Net", state))).snapshots
    assert [leaf.array.size for leaf in snapshot.leaves] == [W.size, B.size]
    assert snapshot.order == "stated"


def test_the_state_of_a_librarys_class_is_no_list_of_weights():
    for dotted in ("pandas.core.internals.BlockManager", "numpy.lost.Thing", "sklearn.x.Y"):
        assert not families.interpret(Graph(stated(dotted, [W, B]))).snapshots
    held = Instance(Global("lost_models", "Holder"), (), 0)
    held.state = {"data": stated("lost_models.Net", [W, B])}  # an attribute of what is unknown
    assert not families.interpret(Graph(held)).snapshots


def test_what_an_object_states_as_its_parameters_are_weights():
    value = model(params=[W, B], costs=[W + 1])
    assert names(value) == ["params/0", "params/1"]
    assert data(value) == ["costs/0"]
    assert interpret(value).snapshots[0].order == "stated"
    assert names(model(W=W, b=B, params=[B, W])) == ["b", "W"]
    nested = model(layers=[model(params=[W, B]), model(params={"W": W + 1})], x=B + 1)
    assert names(nested) == ["layers/0/params/0", "layers/0/params/1", "layers/1/params/W"]
    assert data(nested) == ["x"]


def test_a_flat_vector_of_parameters():
    """rllab's ``Parameterized.__getstate__`` (rllab/core/parameterized.py)."""
    value = {"policy": model(params=B, env=model(low=W)), "itr": 3}
    assert names(value) == ["policy/params"]
    assert data(value) == ["policy/env/low"]


def test_the_arguments_of_a_call_are_data():
    point = stub("lost_models.Point", tuple)
    assert data({"p": point((W, B)), "b": B + 1}) == ["p/0/0", "p/0/1"]


def test_what_a_subclass_of_ndarray_keeps_is_data():
    cls = stub("lost_models.Labelled", np.ndarray)
    make, _, state = W.__reduce__()
    cls.__reduce__ = lambda self: (make, (cls, (0,), b"b"), (state, {"weights": B}))
    value = {"x": W.view(cls)}
    assert names(value) == ["x"]
    assert data(value) == ["x/weights"]


# A list of parameters beside others ------------------------------------------------------------


def test_what_stands_beside_a_list_of_parameters_is_no_weight():
    value = {"params": [W, B], "epoch": 3, "cost": W + 1, "updates": {"v": B + 1}}
    assert names(value) == ["params/0", "params/1"]
    assert sorted(data(value)) == ["cost", "updates/v"]
    found = interpret(value).snapshots[0]
    assert {int(leaf.trainable) for leaf in found.leaves} == {1}


def test_names_beside_the_list_are_the_names():
    assert names({"params": [B, W], "W": W, "b": B, "cost": W + 1}) == ["b", "W"]


def test_a_dictionary_of_parameters():
    assert names({"params": {"b": B, "W": W}, "cost": W + 1}) == ["params/W", "params/b"]


def test_a_list_in_one_layer_says_nothing_of_the_others():
    value = {"l1": {"params": [W], "x": B}, "l2": {"W": B + 1}}
    assert names(value) == ["l1/params/0", "l2/W"]
    assert data(value) == ["l1/x"]


def test_settings_called_parameters_are_no_weights_in_place_of_others():
    value = {"W": W, "b": B, "parameters": {"rate": np.array(0.1), "n": 3}}
    assert names(value) == ["W", "b", "parameters/rate"]
    assert names({"W": W, "params": {"rate": 0.1}}) == ["W"]


def test_which_nodes_only_plain_containers_hold():
    found = graph({"a": [W], "o": model(b=B), "p": model(params=[B + 1])})
    held = held_plainly(found, set())
    assert [found.path(node) for node in found.arrays if id(node) in held] == [
        "['a'][0]",
        "['p'].params[0]",
    ]


# Genuine files ---------------------------------------------------------------------------------

PLAIN = [
    entry
    for entry in MANIFEST
    if entry["weights"] and not entry["file"].startswith("pickles/theano/") and entry["status"] == 0
    if entry.get("family", "plain arrays") == "plain arrays"
]


@pytest.mark.parametrize("entry", PLAIN, ids=lambda entry: entry["file"])
def test_weights_of_genuine_files(entry):
    (snapshot,) = legacy_weights.read(FIXTURES / entry["file"]).snapshots
    names = [leaf.name for leaf in snapshot.leaves if leaf.role == "weight"]
    if entry["order"] is None:
        assert sorted(names) == sorted(entry["weights"])
    else:
        assert (names, snapshot.order) == (entry["weights"], entry["order"])


def test_a_file_without_an_array_has_no_snapshot():
    tree = legacy_weights.read(FIXTURES / "pickles/plain/options_p2.pkl")
    assert tree.snapshots == ()
    assert plain.interpret(graph({"n": 1})).family == "unknown"


# Values on a GPU -------------------------------------------------------------------------------


def on_gpu(values, *context):
    name = "theano.gpuarray.type.GpuArray_unpickler"
    unpickler = stub(name if context else "theano.sandbox.cuda.type.CudaNdarray_unpickler")

    class Unpickled:
        def __reduce__(self):
            return unpickler, (values, *context)

    return Unpickled()


def test_a_value_on_a_gpu_stands_where_its_record_does():
    w, b = np.arange(2, dtype="f4"), np.arange(3, dtype="f4")
    held = {"W": on_gpu(w, "dev0"), "layers": [on_gpu(b)]}
    (snapshot,) = interpret(held).snapshots
    assert [(leaf.name, leaf.origins) for leaf in snapshot.leaves] == [
        ("W", ("['W']",)),
        ("layers/0", ("['layers'][0]",)),
    ]
    assert "dev0" in str([record.content for record in records(held)])


def test_a_list_of_values_on_a_gpu_has_an_order():
    values = [on_gpu(np.arange(n + 1.0), "dev0") for n in range(3)]
    (snapshot,) = interpret(model(params=values, rate=on_gpu(np.ones(1)))).snapshots
    assert [leaf.array.shape for leaf in snapshot.leaves] == [(1,), (2,), (3,)]
    assert snapshot.order == "stated"


@pytest.mark.parametrize("wrong", [None, 3, "x", [1.0]])
def test_a_gpu_value_of_the_wrong_kind(wrong):
    assert interpret([on_gpu(wrong, "dev0"), on_gpu(wrong)]).snapshots == []


def test_a_value_on_a_gpu_is_evidence():
    held = [on_gpu(np.ones(2), "dev0"), on_gpu(np.ones(3))]
    expected = "no known model, CudaNdarray of Theano, GpuArray of Theano"
    assert interpret(held).evidence == expected


# Why an array is data --------------------------------------------------------------------------


def test_data_say_what_they_are():
    held = {
        "text": np.array(["a"]),
        "day": np.array(["2016-01-01"], "M8[D]"),
        "masked": np.ma.masked_array([1.0, 2.0], [True, False]),
        "kept": model(x=np.ones(2), name=np.array([b"n"]), yes=np.array([True])),
        "W": np.ones(2),
    }
    assert {leaf.name: leaf.note for leaf in interpret(held).other} == {
        "text": "text",
        "day": "dates",
        "masked/mask": "mask of a masked array",
        "kept/x": "kept by lost_models.Model",
        "kept/name": "text",
        "kept/yes": "truth values",
    }


def test_what_a_file_without_weights_holds():
    assert interpret(np.array([None, "a"], object)).evidence == "an array of objects"
    assert interpret(model(n=1)).evidence == "class lost_models.Model"
