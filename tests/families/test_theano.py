"""Theano's own objects, hand-made and genuine: what is a weight, and what is none."""

import time

import numpy as np
import pytest
from stubs import (
    clone,
    constant,
    container,
    dumps,
    graph,
    interpret,
    make,
    model,
    result,
    shared,
    stub,
    weights,
)
from support import FIXTURES, MANIFEST

import legacy_weights
from legacy_weights import families
from legacy_weights.families.graph import Graph
from legacy_weights.families.theano import Kind, kind_of, roles_of
from legacy_weights.families.values import Bundle
from legacy_weights.pickles import Machine
from legacy_weights.pickles.objects import Global, Instance

W, B = np.arange(2.0), np.arange(3.0)


def roles(value):
    """Return the role of each array by its path."""
    found = graph(value)
    known = roles_of(found)
    return {found.path(node): known.get(id(node)) for node in found.arrays}


# Classes ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("dotted", "kind"),
    [
        ("theano.tensor.sharedvar.TensorSharedVariable", Kind.SHARED),
        ("theano.tensor.sharedvar.ScalarSharedVariable", Kind.SHARED),
        ("theano.compile.sharedvalue.SharedVariable", Kind.SHARED),
        ("theano.sparse.sharedvar.SparseTensorSharedVariable", Kind.SHARED),
        ("theano.sandbox.cuda.var.CudaNdarraySharedVariable", Kind.SHARED),
        ("theano.gpuarray.type.GpuArraySharedVariable", Kind.SHARED),
        ("aesara.tensor.sharedvar.TensorSharedVariable", Kind.SHARED),
        ("pytensor.tensor.sharedvar.TensorSharedVariable", Kind.SHARED),
        ("theano.tensor.shared_randomstreams.RandomStateSharedVariable", Kind.RANDOM),
        ("pytensor.tensor.random.var.RandomGeneratorSharedVariable", Kind.RANDOM),
        ("theano.tensor.shared_randomstreams.RandomStreams", Kind.RANDOM),
        ("theano.sandbox.rng_mrg.MRG_RandomStreams", Kind.RANDOM),
        ("theano.sandbox.cuda.rng_curand.CURAND_RandomStreams", Kind.RANDOM),
        ("numpy.random.__RandomState_ctor", Kind.RANDOM),
        ("numpy.random.mtrand.RandomState", Kind.RANDOM),
        ("numpy.random._pickle.__generator_ctor", Kind.RANDOM),
        ("mtrand.RandomState", Kind.RANDOM),
        ("theano.tensor.var.TensorConstant", Kind.CONSTANT),
        ("theano.scalar.basic.ScalarConstant", Kind.CONSTANT),
        ("theano.tensor.type_other.NoneConst", Kind.OTHER),
        ("theano.tensor.var.TensorVariable", Kind.OTHER),
        ("mygan.Generator", Kind.OTHER),
        ("mygan.TensorSharedVariable", Kind.OTHER),
        ("mygan.TensorConstant", Kind.OTHER),
        ("mygan.RandomStateModel", Kind.OTHER),
    ],
)
def test_what_a_class_is_for(dotted, kind):
    module, _, name = dotted.rpartition(".")
    assert kind_of(Instance(Global(module, name), (), 0)) is kind


def test_what_is_no_record_is_something_else():
    assert kind_of(W) is Kind.OTHER
    assert kind_of([1]) is Kind.OTHER


# Shared variables ------------------------------------------------------------------------------


@pytest.mark.parametrize("protocol", [0, 1, 2, 4])
@pytest.mark.parametrize("package", ["theano", "aesara", "pytensor"])
def test_the_heirs_keep_the_form(package, protocol):
    cls = f"{package}.tensor.sharedvar.TensorSharedVariable"
    found = interpret(model(W=shared(W, "W", cls=cls)), protocol)
    assert found.family == "Theano"
    assert found.evidence == "class lost_models.Model"
    assert weights(found) == {"W": [0.0, 1.0]}


def test_nothing_of_theano_is_no_matter_of_this_family():
    assert families.theano.interpret(graph({"W": W})) is None
    assert families.theano.interpret(graph(model(W=W))) is None


def test_the_value_counts_wherever_else_it_is():
    """``get_value(borrow=True)`` gives the very array that the container holds."""
    variable = shared(W, "W")
    found = interpret({"net": model(W=variable, params=[variable]), "values": [W], "x": W})
    assert weights(found) == {"W": [0.0, 1.0]}
    assert found.other == []


def test_clones_are_one_cell():
    variable = shared(W, "W")
    copies = [clone(variable) for _ in range(3)]
    assert weights(interpret(model(a=copies, W=variable))) == {"W": [0.0, 1.0]}
    nameless = shared(W)
    named = clone(nameless)
    named.name = "theta"
    assert weights(interpret([nameless, named])) == {"theta": [0.0, 1.0]}


def test_a_constant_beside_the_value_is_no_part_of_it():
    variable = shared(W, "W")
    variable.default_update = result(variable, constant(1))
    variable.mask = B
    found = interpret(model(W=variable))
    assert weights(found) == {"W": [0.0, 1.0]}
    assert {(str(leaf.role), leaf.array.shape) for leaf in found.other} == {
        ("constant", ()),
        ("data", (3,)),
    }


def test_a_variable_of_the_gpu_holds_the_argument_of_its_unpickler():
    unpickler = stub("theano.sandbox.cuda.type.CudaNdarray_unpickler")

    class Unpickled:
        def __reduce__(self):
            return unpickler, (W,)

    cls = "theano.sandbox.cuda.var.CudaNdarraySharedVariable"
    assert weights(interpret(model(W=shared(Unpickled(), "W", cls=cls)))) == {"W": [0.0, 1.0]}


def test_a_sparse_variable_is_three_arrays():
    matrix = make("scipy.sparse.csr.csr_matrix", data=W, indices=np.arange(2), indptr=np.arange(4))
    found = interpret(shared(matrix, "S", cls="theano.sparse.sharedvar.SparseTensorSharedVariable"))
    assert set(weights(found)) == {"S/data", "S/indices", "S/indptr"}
    also = {"net": shared(matrix, "S"), "plain": matrix}
    assert set(weights(interpret(also))) == {"S/data", "S/indices", "S/indptr"}


def test_a_variable_without_a_value_is_no_weight():
    empty = make("theano.tensor.sharedvar.TensorSharedVariable", name="W")
    lost = make("theano.tensor.sharedvar.TensorSharedVariable", container=container(None))
    found = interpret(model(a=empty, b=lost, W=shared(W, "W")))
    assert weights(found) == {"W": [0.0, 1.0]}
    assert interpret(model(a=empty, b=lost)).snapshots == []


# Random states and constants -------------------------------------------------------------------


def streams(update=None):
    """Return the random streams of Theano, whose states are shared variables."""
    states = [
        (shared(np.zeros((2, 6), "i4"), "rstate"), update),
        (shared(np.zeros((2, 6), "i4")), None),
    ]
    return make(
        "theano.sandbox.rng_mrg.MRG_RandomStreams", rstate=np.zeros(6, "i4"), state_updates=states
    )


def test_the_states_of_streams_are_random():
    found = roles(model(srng=streams(), W=shared(W, "W")))
    assert {path for path, role in found.items() if role == "random"} == {
        "srng.rstate",
        "srng.state_updates[0][0].container.storage[0]",
        "srng.state_updates[1][0].container.storage[0]",
    }
    assert found["W.container.storage[0]"] is None


def test_a_weight_that_a_stream_uses_is_none_of_its_states():
    found = interpret(model(srng=streams(result(shared(B, "W"))), W=shared(W, "V")))
    assert set(weights(found)) == {"V", "W"}


def test_weights_beside_a_stream_are_plain_arrays():
    found = interpret({"W": W, "rng": streams()})
    assert found.family == "plain arrays"
    assert weights(found) == {"W": [0.0, 1.0]}
    assert [str(leaf.role) for leaf in found.other].count("random") == 3


def test_a_generator_of_images_is_not_random():
    found = interpret(model("Generator", W=shared(W, "W")))
    assert weights(found) == {"W": [0.0, 1.0]}


def test_constants_are_no_weights():
    found = interpret(model(W=shared(W, "W"), y=constant([1.0, 2.0])))
    assert weights(found) == {"W": [0.0, 1.0]}
    assert [(leaf.path, leaf.origins) for leaf in found.other] == [
        ("/other/constants/0000", ("y.data",))
    ]


def test_a_graph_without_variables_is_still_of_theano():
    found = interpret(result(constant(2)))
    assert (found.family, found.snapshots) == ("Theano", [])
    assert found.evidence == "class theano.tensor.var.TensorVariable"


# Evidence --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "evidence"),
    [
        (model("MLP", layer=model("Layer", W=shared(2))), "class lost_models.MLP"),
        ({"net": model("MLP", W=shared(2)), "epoch": 3}, "class lost_models.MLP"),
        ({"W": shared(2)}, "shared variables"),
        (shared(2), "shared variables"),
        (model("MLP", y=result(shared(2))), "class lost_models.MLP"),
    ],
)
def test_the_class_that_holds_the_weights_is_evidence(value, evidence):
    assert interpret(value).evidence == evidence


# Several pickles of one model ------------------------------------------------------------------


def bundle(*values):
    machine = Machine(dumps(*values))
    entries = [(str(number), machine.load()) for number in range(len(values))]
    return families.interpret(Graph(Bundle(entries, members=False)))


def saved(add=0.0, counter=1):
    return model(W=shared(W + add, "W", counter), b=shared(B, "b", counter + 1))


def test_copies_of_a_variable_in_several_pickles_are_one():
    found = bundle(saved(), saved())
    (snapshot,) = found.snapshots
    assert [(leaf.name, leaf.origins) for leaf in snapshot.leaves] == [
        ("W", ("[0].W.container.storage[0]", "[1].W.container.storage[0]")),
        ("b", ("[0].b.container.storage[0]", "[1].b.container.storage[0]")),
    ]


def test_other_bytes_are_another_weight():
    assert weights(bundle(saved(), saved(1.0), saved(1.0))) == {
        "0/W": [0.0, 1.0],
        "b": [0.0, 1.0, 2.0],
        "1/W": [1.0, 2.0],
    }


def test_the_same_bytes_of_another_variable_are_another_weight():
    assert len(weights(bundle(saved(), saved(counter=7)))) == 4
    assert len(weights(bundle([shared(W, "W")], [shared(W, "W")]))) == 2


def test_copies_with_nan_are_copies():
    nan = np.array([np.nan, -0.0])
    other = np.array([np.nan, 0.0])
    assert len(weights(bundle([shared(nan, "W", 1)], [shared(nan.copy(), "W", 1)]))) == 1
    assert len(weights(bundle([shared(nan, "W", 1)], [shared(other, "W", 1)]))) == 2


# Genuine files ---------------------------------------------------------------------------------

THEANO = [e for e in MANIFEST if e["file"].startswith("pickles/theano/") and e["status"] == 0]


@pytest.mark.parametrize("entry", THEANO, ids=lambda entry: entry["file"].rpartition("/")[2])
def test_weights_of_genuine_files(entry):
    tree = legacy_weights.read(FIXTURES / entry["file"])
    if entry["weights"] is None:
        return
    (snapshot,) = tree.snapshots
    names = [leaf.name for leaf in snapshot.leaves if leaf.role == "weight"]
    assert names == entry["weights"] if entry["order"] else set(names) == set(entry["weights"])
    if entry["order"]:
        assert snapshot.order == entry["order"]


def names_by_role(file):
    tree = legacy_weights.read(FIXTURES / "pickles/theano" / file)
    found = {}
    for leaf in tree.leaves():
        found.setdefault(str(leaf.role), []).append(leaf.name)
    return found


def test_a_dataset_and_a_rate_are_state():
    """``Trainer`` of fixtures/scripts/theano_classes.py has them beside its ``params``."""
    found = names_by_role("trainer_p0_t082.pkl")
    assert found["state"] == ["train_x", "train_y", "learning_rate"]
    assert found["weight"] == ["W", "b"]


def test_the_velocity_in_a_compiled_function_is_no_weight():
    found = names_by_role("momentum_p2_t105.pkl")
    assert found["weight"] == ["W"]
    assert found["optimizer"] == ["W/velocity"]


def test_the_states_of_genuine_streams_are_random():
    for file in ("random_streams_p2_t105.pkl", "mrg_random_streams_p2_t105.pkl"):
        found = names_by_role(file)
        assert found["weight"] == ["W"]
        assert len(found["random"]) >= 2
        assert "state" not in found


def test_sparse_variables_of_both_forms():
    for file in ("sparse_p2_t105.pkl", "sparse_generic_p2_t105.pkl"):
        assert names_by_role(file)["weight"] == ["S/data", "S/indices", "S/indptr"]


# Little time -----------------------------------------------------------------------------------


def test_nested_layers_take_linear_time():
    layers = None
    for number in range(300):
        w = shared(1, "W")
        layers = model(W=w, params=[w], inner=layers, number=number)
    began = time.process_time()
    assert len(weights(interpret(layers, protocol=4))) == 300
    assert time.process_time() - began < 10


def test_the_state_that_an_mrg_stream_leaves_in_a_graph_is_random():
    """theano/sandbox/rng_mrg.py: the first input of ``mrg_uniform`` is the state."""
    weight, state = shared(2, "W"), shared(np.arange(12, dtype="i4").reshape(2, 6))
    drawn = result(clone(state), weight)
    drawn.owner.op = make("theano.sandbox.rng_mrg.mrg_uniform")
    other = result(shared(3, "b"), state)
    other.owner.op = make("theano.tensor.basic.Dot")
    found = interpret(model(noise=drawn, sum=other, rstate=state))
    assert sorted(weights(found)) == ["W", "b"]
    assert [(leaf.role, leaf.array.shape) for leaf in found.other] == [("random", (2, 6))]
