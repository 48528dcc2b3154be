"""Tutorial models, against what Theano 1.0.5 and 0.8.2 computed when they wrote the files."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from model_support import assert_same, evaluate, model_of, truth_of
from support import FIXTURES, REAL, needs_shared

import legacy_weights
from legacy_weights.errors import LegacyWeightsError, UnreadableError
from legacy_weights.tree import Record

PICKLES = FIXTURES / "pickles" / "theano"
BEST = REAL / "andrew-shackelford+DeepLearningTutorials" / "code" / "best_model.pkl"


@pytest.mark.parametrize(
    ("file", "truth"),
    [
        *((f"logistic_p{p}_{t}", f"logistic_{t}") for p in (0, 2) for t in ("t105", "t082")),
        ("mlp_p2_t105", "mlp_t105"),
        ("mlp_p0_t082", "mlp_t082"),
        ("sigmoid_p2_t082", "sigmoid_t082"),
        ("linear_p2_t082", "linear_t082"),
        ("deep_p2_t105", "deep_t105"),
        ("deep_p2_t082", "deep_t082"),
    ],
)
def test_outputs_are_those_of_theano(file, truth):
    x, y = truth_of("tutorial", truth)
    model = model_of(f"tutorial/{file}.pkl")
    assert_same(evaluate(model, x), y)


def test_a_bias_may_be_a_row_and_the_output_be_called_output():
    model = legacy_weights.load_model(PICKLES / "mlp_p2_t105.pkl")
    w, b, v, c = (variable.get_value() for variable in model.variables.values())
    x = np.random.default_rng(0).normal(size=(4, 3))
    e = np.exp(np.tanh(x @ w + b) @ v + c)
    np.testing.assert_allclose(evaluate(model, x), e / e.sum(axis=1, keepdims=True), rtol=1e-12)
    assert model.variables["hiddenLayer/b"].type.shape == (1, 2)


@needs_shared
def test_the_best_model_of_a_tutorial():
    model = legacy_weights.load_model(BEST)
    assert model.layers.input_shape == (784,)
    assert [str(layer) for layer in model.layers.outputs["output"]] == ["dense 10, softmax (W, b)"]
    w, b = (variable.get_value() for variable in model.variables.values())
    x = np.random.default_rng(0).uniform(size=(3, 784))
    e = np.exp(x @ w + b)
    np.testing.assert_allclose(evaluate(model, x), e / e.sum(axis=1, keepdims=True), rtol=1e-10)


@pytest.mark.parametrize(
    ("file", "words", "where"),
    [
        ("late_weights_p2_t105", "Elemwise of Mul", "output.owner.inputs[0]"),
        ("model_twice_p2_t105", r"several outputs: \[0\].output, \[1\].output", None),
        ("mlp_layers_p2_t105", "no object of the file keeps the expression", None),
        ("shared_list_p2_t105", "no object of the file keeps the expression", None),
    ],
)
def test_what_is_no_chain_of_affine_layers_is_named(file, words, where):
    with pytest.raises(UnreadableError, match=words) as error:
        legacy_weights.load_model(PICKLES / f"{file}.pkl")
    assert error.value.where == where
    assert error.value.advice or where is None


def test_convolutions_are_named():
    for suffix in ("t105", "t082"):
        with pytest.raises(UnreadableError, match="Reshape belongs to no layer") as error:
            model_of(f"tutorial/convolution_p2_{suffix}.pkl")
        assert error.value.where == "layer3.input"


# Altered records -------------------------------------------------------------------------------


def altered(change):
    """Return the tree of a logistic regression whose records `change` replaces."""
    tree = legacy_weights.read(FIXTURES / "families" / "tutorial" / "logistic_p2_t082.pkl")
    records = [change(record) for record in tree.records()]
    return replace(tree, records=lambda: records)


def with_state(record: Record, **values):
    return replace(record, content={"state": {**record.content["state"], **values}})


@pytest.mark.parametrize("value", [None, 3, "x", [], {"$ref": 10**9}, {"$ref": "x"}, {"$ref": 0}])
@pytest.mark.parametrize("key", ["owner", "inputs", "op", "container", "storage", "type", "state"])
def test_wrong_values_are_errors(key, value):
    def change(record):
        if key == "state":
            return replace(record, content={"state": value})
        held = record.content.get("state")
        return (
            with_state(record, **{key: value}) if isinstance(held, dict) and key in held else record
        )

    with pytest.raises(LegacyWeightsError):
        legacy_weights.load_model(altered(change))


def test_circles_end():
    def change(record):
        if not record.cls.endswith("Apply"):
            return record
        outputs = record.content["state"]["outputs"]
        return with_state(record, inputs=[outputs[0], outputs[0]])

    with pytest.raises(UnreadableError):
        legacy_weights.load_model(altered(change))


def test_another_axis_of_softmax_is_refused():
    def change(record):
        return with_state(record, axis=0) if record.cls.endswith("nnet.Softmax") else record

    with pytest.raises(UnreadableError, match="Softmax"):
        legacy_weights.load_model(altered(change))


def test_a_transposed_matrix_is_refused():
    """Dot(x, W) with the inputs exchanged is no affine layer of x."""

    def change(record):
        inputs = record.content.get("state", {}).get("inputs")
        if record.path != "p_y_given_x.owner.inputs[0].owner.inputs[0].owner":
            return record
        return with_state(record, inputs=inputs[::-1])

    with pytest.raises(UnreadableError, match="Dot"):
        legacy_weights.load_model(altered(change))


def test_many_outputs_are_looked_through_once():
    """A thousand outputs, each made of the one before: quadratic work would be a million steps."""
    tree = legacy_weights.read(FIXTURES / "families" / "tutorial" / "logistic_p2_t082.pkl")
    op = Record(0, "", "theano.tensor.basic.Dot", {"state": {}})
    records, count = [op], 1000
    for i in range(1, 3 * count, 3):
        before = {"$ref": i - 2 if i > 1 else 0}
        apply = {"state": {"inputs": [before], "op": {"$ref": 0}}}
        records += [
            Record(i, "", "theano.gof.graph.Apply", apply),
            Record(
                i + 1, "", "theano.tensor.var.TensorVariable", {"state": {"owner": {"$ref": i}}}
            ),
            Record(i + 2, "", "__main__.Layer", {"state": {"output": {"$ref": i + 1}}}),
        ]
    seen = []

    class Counted(dict):
        def get(self, *key):
            seen.append(key)
            return super().get(*key)

    records = [replace(record, content=Counted(record.content)) for record in records]
    with pytest.raises(UnreadableError):
        legacy_weights.load_model(replace(tree, records=lambda: records))
    assert len(seen) < 50 * count
