"""pylearn2: its orders and names, its monitors, and files that are none."""

import json
import time

import numpy as np
import pytest
from stubs import interpret, make, model, shared, weights
from support import FIXTURES, REAL, needs_shared

import legacy_weights

MLP, SOFTMAX = "pylearn2.models.mlp.MLP", "pylearn2.models.mlp.Softmax"


def softmax(name="y", size=2):
    b, w = shared(size, "softmax_b"), shared(size, "softmax_W")
    return make(SOFTMAX, layer_name=name, W=w, b=b, _params=[b, w])


def linear(name, cls="pylearn2.models.mlp.Linear", **attributes):
    transformer = make("pylearn2.linear.matrixmul.MatrixMul", _W=shared(2, f"{name}_W"))
    bias = shared(3, f"{name}_b")
    return make(cls, layer_name=name, b=bias, transformer=transformer, **attributes)


def names(value):
    found = interpret(value)
    assert found.family == "pylearn2"
    return list(weights(found))


def test_a_model_walks_its_layers():
    """MLP.get_params of pylearn2/models/mlp.py; Softmax keeps [b, W], others W, then b."""
    net = make(MLP, layers=[linear("h0"), linear("h1"), softmax()])
    assert names(net) == ["h0_W", "h0_b", "h1_W", "h1_b", "softmax_b", "softmax_W"]
    assert interpret(net).snapshots[0].order == "stated"


def test_a_boltzmann_machine_begins_with_what_is_visible():
    """DBM.get_params of pylearn2/models/dbm/dbm.py; BinaryVector of layer.py has no `_params`."""
    bias, offset = shared(2, "visible_bias"), shared(3, "offset")
    visible = make("pylearn2.models.dbm.layer.BinaryVector", nvis=2, bias=bias, offset=offset)
    hidden = [linear("h0", "pylearn2.models.dbm.layer.BinaryVectorMaxPool"), softmax()]
    net = make("pylearn2.models.dbm.dbm.DBM", visible_layer=visible, hidden_layers=hidden)
    found = ["visible_bias", "h0_W", "h0_b", "softmax_b", "softmax_W"]
    assert names(net) == found
    leaves = interpret(net).snapshots[0].leaves
    assert [leaf.name for leaf in leaves if leaf.role == "state"] == ["offset"]


def test_a_gaussian_visible_layer_has_beta_then_mu():
    """GaussianVisLayer.get_params of pylearn2/models/dbm/layer.py."""
    layer = "pylearn2.models.dbm.layer.GaussianVisLayer"
    visible = make(layer, mu=shared(2, "mu"), beta=shared(2, "beta"))
    hidden = [linear("h0", "pylearn2.models.dbm.layer.BinaryVectorMaxPool")]
    net = make("pylearn2.models.dbm.dbm.DBM", visible_layer=visible, hidden_layers=hidden)
    assert names(net) == ["beta", "mu", "h0_W", "h0_b"]
    visible.mu = [3, visible]
    net = make("pylearn2.models.dbm.dbm.DBM", visible_layer=visible, hidden_layers=hidden)
    assert names(net) == ["beta", "h0_W", "h0_b"]
    net = make("pylearn2.models.dbm.dbm.DBM", visible_layer=7, hidden_layers=hidden)
    assert names(net) == ["h0_W", "h0_b"]


def test_components_side_by_side():
    """CompositeLayer.get_params of pylearn2/models/dbm/layer.py: in their order."""
    parts = [linear(name, "pylearn2.models.dbm.layer.BinaryVectorMaxPool") for name in ("a", "b")]
    layer = make("pylearn2.models.dbm.layer.CompositeLayer", components=parts, layer_name="both")
    visible = make("pylearn2.models.dbm.layer.BinaryVector", bias=shared(2, "visible_bias"))
    net = make("pylearn2.models.dbm.dbm.DBM", visible_layer=visible, hidden_layers=[layer])
    assert names(net) == ["visible_bias", "a_W", "a_b", "b_W", "b_b"]


def test_autoencoders_one_on_another():
    """DeepComposedAutoencoder.get_params of pylearn2/models/autoencoder.py."""
    cls = "pylearn2.models.autoencoder.Autoencoder"
    parts = []
    for _ in range(2):
        vb, hb, w = shared(1, "vb"), shared(2, "hb"), shared(3, "W")
        parts.append(make(cls, visbias=vb, hidbias=hb, weights=w, _params=[vb, hb, w]))
    net = make("pylearn2.models.autoencoder.StackedDenoisingAutoencoder", autoencoders=parts)
    found = names(net)
    assert found == [f"autoencoders/{i}/{name}" for i in (0, 1) for name in ("vb", "hb", "W")]


def test_variables_without_a_name_go_by_layer_and_attribute():
    layer = make(SOFTMAX, layer_name="y", W=shared(2), b=shared(1))
    layer._params = [layer.b, layer.W]
    assert names(make(MLP, layers=[layer])) == ["y/b", "y/W"]


def test_a_model_of_a_class_of_ones_own():
    assert names(model(layers=[linear("h0")])) == ["h0_W", "h0_b"]


def test_what_is_frozen_is_not_trained():
    layer = linear("h0")
    content = make(MLP, layers=[linear("in")])
    kept = make("pylearn2.models.mlp.PretrainedLayer", layer_content=content, freeze_params=True)
    net = make(MLP, layers=[layer, kept, softmax()], freeze_set={layer.b})
    (snapshot,) = interpret(net).snapshots
    assert {leaf.name: int(leaf.trainable) for leaf in snapshot.leaves} == {
        **{"h0_W": 1, "h0_b": 0, "in_W": 0, "in_b": 0, "softmax_b": 1, "softmax_W": 1}
    }


def test_what_the_model_has_besides_is_state():
    net = make(MLP, layers=[linear("h0", mask=shared(5, "mask"))])
    (snapshot,) = interpret(net).snapshots
    assert [(leaf.name, str(leaf.role)) for leaf in snapshot.leaves][2:] == [("mask", "state")]


def test_pickles_of_pylearn2_without_a_model_are_not_of_this_family():
    data = make("pylearn2.datasets.dense_design_matrix.DenseDesignMatrix", X=np.ones((2, 3)))
    assert interpret(data).family == "unknown"
    assert interpret([data, shared(2, "W")]).family == "Theano"


def test_a_layer_says_where_its_weights_are():
    net = make(MLP, layers=[linear("h0", dim=3, irange=0.05), softmax()], nvis=4)
    (facts,) = interpret(net).metadata["pylearn2"]
    assert facts["nvis"] == 4
    first, last = facts["layers"]
    assert first["class"] == "pylearn2.models.mlp.Linear"
    assert (first["dim"], first["irange"]) == (3, 0.05)
    assert first["transformer"]["_W"] == {"weight": "h0_W"}
    assert last["W"] == {"weight": "softmax_W"}
    json.dumps(facts, allow_nan=False)


# Monitors --------------------------------------------------------------------------------------


def channel(values, steps, **attributes):
    return make(
        "pylearn2.monitor.MonitorChannel", val_record=values, epoch_record=steps, **attributes
    )


def tables(**channels):
    monitor = make("pylearn2.monitor.Monitor", channels=channels)
    found = interpret(make(MLP, layers=[softmax()], monitor=monitor))
    return {
        table.path: {name: column.load().tolist() for name, column in table.columns.items()}
        for table in found.tables
    }


def test_channels_are_columns():
    values = [np.array(0.5, "f4"), np.array(0.25, "f4")]
    assert tables(cost=channel(values, [0, 1]), rate=channel([0.1, 0.2], [0, 1])) == {
        "/logs/monitor": {"epoch": [0, 1], "cost": [0.5, 0.25], "rate": [0.1, 0.2]}
    }


def test_a_late_channel_has_a_table_of_its_own():
    assert tables(
        a=channel([1.0, 2.0], [0, 1]), b=channel([1.0, 3.0], [0, 1]), c=channel([7.0], [1])
    ) == {
        "/logs/monitor": {"epoch": [0, 1], "a": [1.0, 2.0], "b": [1.0, 3.0]},
        "/logs/monitor_1": {"epoch": [1], "c": [7.0]},
    }


def test_a_channel_called_as_a_record():
    assert tables(epoch=channel([1.5], [0])) == {
        "/logs/monitor": {"epoch": [0], "epoch (channel)": [1.5]}
    }


@pytest.mark.parametrize(
    "values", [None, 3, [], ["x"], [None], [np.ones(2)], [[1.0]], [10**400, 0.5], "text", {1: 2}]
)
def test_wrong_kinds_of_records(values):
    assert tables(cost=channel(values, [0])) == {}
    assert list(tables(cost=channel([1.0], values))["/logs/monitor"]) == ["cost"]


@pytest.mark.parametrize("channels", [None, 3, [], [1, 2], "x", {"a": 3}, {3: make("x.Y")}])
def test_wrong_kinds_of_channels(channels):
    monitor = make("pylearn2.monitor.Monitor", channels=channels)
    assert interpret(make(MLP, layers=[softmax()], monitor=monitor)).tables == []


# Hostile files ---------------------------------------------------------------------------------


@pytest.mark.parametrize("wrong", [None, 3, b"x", [], {}, (1,), [None, 3], np.ones(2)])
def test_wrong_kinds_of_attributes(wrong):
    for attribute in ("_params", "transformer", "layer_name", "freeze_set", "layers", "monitor"):
        layer = linear("h0")
        setattr(layer, attribute, wrong)
        net = make(
            MLP, layers=[layer, softmax()], **{attribute: wrong} if attribute != "layers" else {}
        )
        assert {"softmax_b", "softmax_W"} <= {
            leaf.name for leaf in interpret(net).snapshots[0].leaves
        }


def test_layers_in_a_circle():
    net = make(MLP, layers=[softmax()])
    net.layers.append(net)
    net.layers.append(make(MLP, layers=net.layers, layer_name="again"))
    assert names(net) == ["softmax_b", "softmax_W"]


def test_one_list_in_a_thousand_layers_takes_linear_time():
    params = [shared(1, f"W{n}") for n in range(1000)]
    layers = [make(SOFTMAX, layer_name="y", _params=params) for _ in range(1000)]
    values = [0.5] * 10_000
    channels = {f"c{n}": channel(values, values) for n in range(1000)}
    monitor = make("pylearn2.monitor.Monitor", channels=channels)
    net = make(MLP, layers=layers, freeze_set=set(params), monitor=monitor)
    for layer in layers:
        layer.layers, layer.freeze_set = layers, net.freeze_set
    began = time.process_time()
    found = interpret(net, 4)
    assert len(weights(found)) == 1000
    assert time.process_time() - began < 20


# Files -----------------------------------------------------------------------------------------


@needs_shared
def test_the_real_autoencoder():
    """``_params`` is stated by pylearn2/models/autoencoder.py, Autoencoder.__init__."""
    tree = legacy_weights.read(REAL / "lisa-lab+pylearn2/pylearn2/scripts/tests/model.pkl")
    (snapshot,) = tree.snapshots
    assert tree.family == "pylearn2"
    assert [(leaf.name, leaf.array.shape) for leaf in snapshot.leaves] == [
        ("vb", (3,)),
        ("hb", (4,)),
        ("W", (3, 4)),
        ("Wprime", (4, 3)),
    ]
    assert snapshot.order == "stated"
    streams = [leaf for leaf in tree.other if leaf.array.shape == (92160,)]
    assert [str(leaf.role) for leaf in streams] == ["random"] * 3
    (table,) = tree.tables
    assert table.path == "/logs/monitor"
    columns = {name: column.load() for name, column in table.columns.items()}
    assert columns["epoch"].tolist() == [0, 1]
    assert columns["example"].tolist() == [0, 5]
    assert columns["objective"].dtype == np.float32
    assert tree.metadata["pylearn2"][0]["nhid"] == 4


def test_a_frozen_weight_of_a_crafted_file():
    tree = legacy_weights.read(FIXTURES / "families/pylearn2/mlp_p2_t105.pkl")
    trainable = {leaf.name: int(leaf.trainable) for leaf in tree.snapshots[0].leaves}
    assert trainable["h0_W"] == 0
    assert sum(trainable.values()) == 5
    late = next(table for table in tree.tables if table.path == "/logs/monitor_1")
    assert late.columns["epoch"].load().tolist() == [2]
