"""nolearn's nets: genuine files, nets as older versions kept them, and hostile ones."""

import collections

import numpy as np
import pytest
from stubs import interpret, make, model, shared, weights
from support import FIXTURES

import legacy_weights
from legacy_weights.tree import Order, Trainable

NET = "nolearn.lasagne.base.NeuralNet"


def layer(name, below=None, *, bias=True, **attributes):
    """Return a dense layer, or without one below it an input layer."""
    if below is None:
        own = {"shape": (None, 2), "input_var": None, "params": collections.OrderedDict()}
        return make("lasagne.layers.input.InputLayer", name=name, **own)
    params = collections.OrderedDict([(shared(2, f"{name}.W"), {"trainable"})])
    if bias:
        params[shared(3, f"{name}.b")] = {"trainable"}
    own = {"input_layer": below, "params": params, "name": name}
    return make("lasagne.layers.dense.DenseLayer", **own | attributes)


def net(cls=NET, **attributes):
    """Return a net of an input and two dense layers."""
    below = layer("in")
    hidden = layer("hidden", below)
    top = layer("out", hidden, bias=False)
    named = collections.OrderedDict([("in", below), ("hidden", hidden), ("out", top)])
    history = [{"epoch": 1, "valid_loss": 0.5}, {"epoch": 2, "valid_loss": 0.25}]
    return make(cls, **{"layers_": named, "train_history_": history} | attributes)


def values(*shapes):
    return [np.full(shape, 7.0) for shape in shapes]


def best(value):
    """Return the names of the second snapshot."""
    _, snapshot = interpret(value).snapshots
    return [leaf.name for leaf in snapshot.leaves]


def genuine(stem):
    return legacy_weights.read(FIXTURES / "families" / "nolearn" / f"{stem}_p2_n06.pkl.gz")


# Genuine files: what they say is set in fixtures/scripts/nolearn_files.py ------------------------


def test_the_history_is_a_log():
    (table,) = genuine("momentum").tables
    columns = {name: column.load() for name, column in table.columns.items()}
    assert columns["epoch"].tolist() == [1, 2]
    assert columns["train_loss"].dtype == np.float64
    assert columns["train_loss_best"].dtype == np.bool_
    assert (table.path, table.length) == ("/log", 2)


def test_the_best_weights_have_the_names_of_the_nets():
    """The second epoch was the better one, so they equal the last weights."""
    tree = genuine("momentum")
    last, better = tree.snapshots
    assert (tree.default_snapshot, better.name, better.iteration) == ("model", "best_weights", 2)
    for one, other in zip(last.leaves, better.leaves, strict=True):
        assert one.name == other.name
        assert other.trainable is Trainable.YES
        assert one.array.load().tobytes() == other.array.load().tobytes()


def test_layers_keep_the_order_of_the_net():
    """nolearn's ``Layers`` is an OrderedDict under another name."""
    tree = genuine("momentum")
    assert tree.snapshots[0].order_note == "`layers_` of nolearn's net"
    found = [entry["name"] for entry in tree.metadata["layers"]]
    assert found == ["input", "hidden", "dropout", "output"]


def test_memory_is_named_after_its_parameter():
    names = {leaf.name for leaf in genuine("momentum").other if leaf.role == "optimizer"}
    assert {name.rpartition("/")[0] for name in names} == {
        *("hidden.W", "hidden.b", "output.W", "output.b"),
    }


def test_the_step_counter_of_adam_serves_no_parameter():
    memory = [leaf for leaf in genuine("adam").other if leaf.role == "optimizer"]
    (counter,) = [leaf for leaf in memory if leaf.array.shape == ()]
    assert "/" not in counter.name
    assert float(counter.array.load()) == 9.0  # three epochs of three batches


def test_settings_of_the_net():
    settings = genuine("momentum").metadata["net"]
    assert settings["update"] == "lasagne.updates.nesterov_momentum"
    assert (settings["update_momentum"], settings["max_epochs"]) == (0.9, 2)
    assert settings["layers"][2] == ["dropout", "lasagne.layers.noise.DropoutLayer"]


# Hand-made nets ----------------------------------------------------------------------------------


@pytest.mark.parametrize("cls", [NET, "nolearn.lasagne.NeuralNet", "lost.MyNet"])
def test_nets_of_any_module(cls):
    found = interpret(net(cls))
    assert found.family == "nolearn"
    assert found.evidence == f"class {cls}"
    assert list(weights(found)) == ["hidden.W", "hidden.b", "out.W"]


def test_best_weights_as_a_plain_list():
    """``self.best_weights = [w.get_value() for w in nn.get_all_params()]``, the recipe of 2014."""
    handler = model("EarlyStopping", best_weights=values(2, 3, 2), best_valid_epoch=1)
    found = interpret(net(on_epoch_finished=[handler]))
    assert [leaf.name for leaf in found.snapshots[1].leaves] == ["hidden.W", "hidden.b", "out.W"]
    assert found.snapshots[1].iteration == 1


def test_best_weights_that_do_not_fit_go_by_position():
    handler = model("EarlyStopping", best_weights=values(2, 3, 2, 2))
    assert best(net(on_epoch_finished=[handler])) == ["0", "1", "2", "3"]


def test_a_layer_whose_values_do_not_fit():
    pairs = [("hidden", values(9, 3)), ("out", values(2)), ("gone", values(4))]
    handler = model("Best", best_weights=collections.OrderedDict(pairs))
    assert best(net(on_epoch_finished=[handler])) == ["hidden/0", "hidden/1", "out.W", "gone/0"]


def test_best_weights_in_a_dictionary_have_no_order():
    handler = model("Best", best_weights={"out": values(2), "hidden": values(2, 3)})
    found = interpret(net(on_epoch_finished=[handler]))
    assert found.snapshots[1].order is Order.UNKNOWN
    assert [leaf.name for leaf in found.snapshots[1].leaves] == ["hidden.W", "hidden.b", "out.W"]


def test_two_handlers():
    handlers = [model("Best", best_weights=values(2, 3, 2)) for _ in range(2)]
    found = interpret(net(on_epoch_finished=handlers))
    assert [snapshot.name for snapshot in found.snapshots] == [
        *("model", "best_weights", "best_weights_2"),
    ]


def test_two_nets():
    found = interpret([net(), net()])
    assert [table.path for table in found.tables] == ["/logs/0", "/logs/1"]
    names = list(weights(found))
    assert names[:3] == ["0/hidden/hidden.W", "0/hidden/hidden.b", "0/out/out.W"]
    assert len(names) == 6


def test_the_order_is_that_of_the_net():
    """``layers_`` can differ from the chain (nolearn/lasagne/base.py, get_all_layers)."""
    value = net()
    value.layers_.move_to_end("hidden")
    assert list(weights(interpret(value))) == ["out.W", "hidden.W", "hidden.b"]


def test_a_net_that_was_never_trained():
    definition = [("in", "InputLayer"), ("hidden", "DenseLayer")]
    found = interpret(make(NET, layers=definition, train_history_=[], max_epochs=10))
    assert (found.family, found.snapshots, found.tables) == ("nolearn", [], [])


# Hostile files -----------------------------------------------------------------------------------


@pytest.mark.parametrize("wrong", [7, "text", None, [1], {"a": 1}, np.ones(2)])
@pytest.mark.parametrize("attribute", ["layers_", "train_history_", "best_weights"])
def test_attributes_of_the_wrong_kind(attribute, wrong):
    found = interpret(net(**{attribute: wrong}))
    held = [leaf for snapshot in found.snapshots for leaf in snapshot.leaves] + found.other
    assert len(held) == (attribute != "layers_") * 3 + isinstance(wrong, np.ndarray)


def test_many_handlers_with_one_list():
    shared_values = values(2, 3, 2)
    handlers = [model("Best", best_weights=shared_values) for _ in range(3000)]
    found = interpret(net(on_epoch_finished=handlers))
    assert [snapshot.name for snapshot in found.snapshots] == ["model", "best_weights"]
