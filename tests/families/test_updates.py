"""Optimizer memory: what training updates beside the parameters."""

import time

import numpy as np
import pytest
from stubs import clone, dumps, graph, interpret, make, model, result, shared, weights
from support import FIXTURES

import legacy_weights
from legacy_weights.families.theano import cells_of
from legacy_weights.families.updates import Updates


def function(updates, outputs=()):
    """Return a compiled function, as Theano 1.0 pickles it (compile/function_module.py)."""
    inputs = [
        make("theano.compile.io.In", variable=target, update=update, shared=True)
        for target, update in updates
    ]
    held = [make("theano.compile.io.SymbolicOutput", variable=variable) for variable in outputs]
    return make("theano.compile.function_module.FunctionMaker", inputs=inputs, outputs=held)


def memory(value):
    """Return the names of the optimizer's memory."""
    found = interpret(value)
    return [leaf.name for leaf in found.other if leaf.role == "optimizer"]


def both(name="W", buffer=None):
    w, v = shared(2, name), shared(2, buffer)
    return w, v


# The rules -------------------------------------------------------------------------------------


def test_a_buffer_is_named_after_the_parameter_whose_update_contains_it():
    w, v = both()
    b, u = both("b")
    train = function([(w, result(w, v)), (v, result(v)), (b, result(b, result(u))), (u, result(u))])
    assert memory(model(params=[w, b], train=train)) == ["W/update_0", "b/update_0"]


def test_a_name_of_its_own_counts_then_the_attribute():
    w, v = both(buffer="vel")
    x = shared(2)
    train = function([(w, result(w, v, x)), (v, result(v)), (x, result(x))])
    assert memory(model(params=[w], train=train)) == ["W/vel", "W/update_0"]
    assert memory(model(params=[w], train=train, sums=[x], zeta=v)) == ["W/vel", "W/sums/0"]


def test_what_several_parameters_use_is_of_none():
    w, b, step = shared(2, "W"), shared(2, "b"), shared(np.array(0.0), "t")
    train = function([(w, result(w, step)), (b, result(b, step)), (step, result(step))])
    assert memory(model(params=[w, b], train=train)) == ["t"]


def test_an_average_is_named_after_the_parameter_that_its_update_contains():
    w, average = both(buffer="average")
    train = function([(w, result(w)), (average, result(average, w))])
    assert memory(model(params=[w], train=train)) == ["W/average"]


def test_a_clone_of_the_variable_is_updated():
    w, v = both(buffer="v")
    train = function([(clone(w), result(clone(w), clone(v))), (clone(v), result(v))])
    assert memory(model(params=[w], v=v, train=train)) == ["W/v"]


@pytest.mark.parametrize("package", ["theano", "aesara", "pytensor"])
def test_the_heirs_are_read_alike(package):
    cls = f"{package}.tensor.sharedvar.TensorSharedVariable"
    w, v = shared(2, "W", cls=cls), shared(2, "v", cls=cls)
    node = make(f"{package}.graph.basic.Apply", inputs=[w, v])
    update = make(f"{package}.tensor.var.TensorVariable", _owner=node, name=None)
    step = make(f"{package}.compile.io.In", variable=w, update=update)
    step_v = make(f"{package}.compile.io.In", variable=v, update=update)
    assert memory(model(params=[w], train=[step, step_v])) == ["W/v"]


@pytest.mark.parametrize(
    "kept",
    [
        lambda w, v: {w: result(w, v), v: result(v)},
        lambda w, v: [(w, result(w, v)), (v, result(v))],
        lambda w, v: [[[w, result(w, v)], [v, result(v)]]],
    ],
)
def test_updates_that_a_program_keeps(kept):
    w, v = both(buffer="v")
    assert memory(model(params=[w], updates=kept(w, v))) == ["W/v"]
    assert memory(model(params=[w], grads=kept(w, v), v=v)) == []
    assert memory(model(params=[w], options={"givens": kept(w, v)}, v=v)) == []


def test_default_updates_count():
    w, v = both(buffer="v")
    w.default_update, v.default_update = result(w, v), result(v)
    assert memory(model(params=[w], v=v)) == ["W/v"]


def test_what_a_model_needs_is_no_memory():
    """A running mean is updated, but what the model predicts is made of it."""
    w, mean = shared(2, "W"), shared(2, "mean")
    updates = [(w, result(w)), (mean, result(mean))]
    predicts = model(params=[w], train=function(updates, [result(w, mean)]))
    keeps = model(params=[w], mean=mean, output=result(w, mean), train=function(updates))
    for value in (predicts, keeps):
        found = interpret(value)
        (snapshot,) = found.snapshots
        assert [(leaf.name, str(leaf.role)) for leaf in snapshot.leaves] == [
            ("W", "weight"),
            ("mean", "state"),
        ]
    assert memory(model(params=[w], mean=mean, train=function(updates))) == ["mean"]


def test_without_a_list_the_parameters_are_what_a_function_gives():
    w, v = both(buffer="v")
    updates = [(w, result(w, v)), (v, result(v, w))]
    assert memory([w, v, function(updates, [result(w)])]) == ["W/v"]
    found = interpret([w, v, function(updates)])
    assert set(weights(found)) == {"W", "v"}  # nothing tells them apart
    found = interpret([w, v, function(updates, [result(w)])])
    (leaf,) = found.snapshots[0].leaves
    assert leaf.trainable == 1


def test_a_constant_rate_is_no_memory():
    w, rate = shared(2, "W"), shared(np.array(0.1), "rate")
    found = interpret(model(params=[w], rate=rate, train=function([(w, result(w, rate))])))
    assert [(leaf.name, str(leaf.role)) for leaf in found.snapshots[0].leaves] == [
        ("W", "weight"),
        ("rate", "state"),
    ]


def test_the_memory_of_each_pickle_of_a_file(tmp_path):
    w, v = shared(2, "W", 1), shared(3, "v", 2)
    net = model(params=[w], train=function([(w, result(w, v)), (v, result(v))]))
    (tmp_path / "two.pkl").write_bytes(dumps(net, net))
    tree = legacy_weights.read(tmp_path / "two.pkl")
    assert [leaf.path for leaf in tree.leaves() if leaf.role == "weight"] == ["/snapshots/model/W"]
    assert [leaf.path for leaf in tree.other] == [
        "/other/optimizer/W/v",
        "/other/optimizer/W/v (2)",
    ]


# Hostile files ---------------------------------------------------------------------------------


@pytest.mark.parametrize("wrong", [None, 3, "W", [], {}, (1, 2), [[]], np.ones(2)])
def test_wrong_kinds_of_values(wrong):
    w, v = both(buffer="v")
    variable = make("theano.tensor.var.TensorVariable", owner=wrong)
    listed = make(
        "theano.tensor.var.TensorVariable", owner=make("theano.gof.graph.Apply", inputs=wrong)
    )
    inputs = [
        make("theano.compile.io.In", variable=target, update=update)
        for target, update in [
            (w, wrong),
            (wrong, result(w)),
            (w, variable),
            (w, listed),
            (v, listed),
        ]
    ]
    held = make("theano.compile.io.SymbolicOutput", variable=wrong)
    found = interpret(model(params=[w], v=v, f=inputs, g=held, updates=[(wrong, w), (w, wrong)]))
    assert "W" in weights(found)


def test_a_graph_that_is_a_circle():
    w, v = both(buffer="v")
    node = make("theano.gof.graph.Apply", inputs=[w])
    around = make("theano.tensor.var.TensorVariable", owner=node)
    node.inputs += [around, node.inputs, v]
    train = function([(w, around), (v, around)], [around])
    assert set(weights(interpret(model(params=[w], v=v, train=train)))) == {"W"}


def test_a_deep_graph_of_many_updates_takes_linear_time():
    """A thousand parameters, each of whose updates contains all of a deep graph."""
    pairs = [(shared(1, f"W{n}"), shared(1)) for n in range(1000)]
    parts = [result(*[w for w, _ in pairs])]
    for _ in range(3000):
        parts.append(result(parts[-1], parts[-1]))
    updates = [(w, result(w, v, parts[-1])) for w, v in pairs]
    updates += [(v, result(v, parts[-1])) for _, v in pairs]
    value = [parts, [w for w, _ in pairs], function(updates)]
    found = graph(value, 4)
    nodes = [n for n in found.nodes.values() if type(n.raw).__name__ == "Instance"]
    cells = cells_of(found, [n for n in nodes if n.raw.cls_name.endswith("SharedVariable")], {})
    began = time.process_time()
    kept = Updates(found, cells).memory([cell for cell in cells if cell.name])
    assert len(kept) == 1000
    assert [entry.serves.name for entry in kept] == [f"W{n}" for n in range(1000)]
    assert time.process_time() - began < 10


# Genuine files ---------------------------------------------------------------------------------


def optimizer(file):
    tree = legacy_weights.read(FIXTURES / "families/theano" / file)
    return {
        leaf.path.removeprefix("/other/optimizer/"): leaf.array.load()
        for leaf in tree.other
        if leaf.role == "optimizer"
    }


def test_lasagnes_adam():
    """``adam`` of lasagne/updates.py 0.1 keeps m, then v for each parameter, and one t."""
    found = optimizer("adam_p2_t082.pkl.gz")
    assert set(found) == {"update_0", *(f"{p}/update_{n}" for p in "Wb" for n in (0, 1))}
    assert found["update_0"] == 2  # trained two steps
    for name in "Wb":
        first, second = found[f"{name}/update_0"], found[f"{name}/update_1"]
        assert first.shape == second.shape
        # Two steps by nearly the same gradient g: m is (1 - 0.9²) g, v is (1 - 0.999²) g².
        np.testing.assert_allclose(second / 0.001999, (first / 0.19) ** 2, rtol=0.02)


def test_lasagnes_adadelta():
    """It keeps the squares of the gradients, then those of the steps, which are smaller."""
    found = optimizer("adadelta_p2_t082.pkl.gz")
    assert set(found) == {f"{p}/update_{n}" for p in "Wb" for n in (0, 1)}
    for name in "Wb":
        assert (found[f"{name}/update_0"] > found[f"{name}/update_1"]).all()


@pytest.mark.parametrize(
    ("file", "names"),
    [
        ("nesterov_p2_t082.pkl.gz", {"W/update_0", "b/update_0"}),
        ("momentum_named_p2_t105.pkl.gz", {"W/v_W", "b/v_b"}),
        ("rmsprop_rate_p2_t082.pkl.gz", {"rate", "W/update_0", "b/update_0"}),
        ("keeps_updates_p2_t105.pkl.gz", {"W/velocity"}),
        ("running_mean_p2_t105.pkl.gz", {"W/velocity"}),
        ("no_list_p2_t105.pkl.gz", {"W/velocity"}),
    ],
)
def test_memory_is_named_after_its_parameter(file, names):
    """fixtures/scripts/theano_updates.py says which serves which."""
    assert set(optimizer(file)) == names
