"""Expressions of Theano as text; nothing of a hostile graph takes long."""

import time

import numpy as np
import pytest
from stubs import constant, graph, make, records, result, shared
from support import FIXTURES

import legacy_weights
from legacy_weights.families.expressions import Expressions


def variable(name=None, **attributes):
    return make("theano.tensor.var.TensorVariable", name=name, owner=None, **attributes)


def apply(op, *inputs):
    named = make("theano.tensor.elemwise.Elemwise", name=op) if op else make("theano.tensor.Dot")
    return make("theano.gof.graph.Apply", op=named, inputs=list(inputs))


def text(value):
    found = graph(value)
    return Expressions(found).of(found.root.raw)


def given(op, *inputs, index=0, name=None):
    made = variable(name)
    made.owner, made.index = apply(op, *inputs), index
    return made


def test_an_operation_and_its_inputs():
    x, w = variable("x"), shared(2, "W")
    assert text(given("Elemwise{add}", x, w)) == "Elemwise{add}(x, W)"
    assert text(apply(None, x, w)) == "Dot(x, W)"
    assert text(given("f", x, index=1)) == "f(x).1"
    assert text(given("f", given(None, x, w), constant(0.5))) == "f(Dot(x, W), 0.5)"
    assert text(given("f", given("g", x, name="hidden"))) == "f(hidden)"
    assert text(given("f", variable())) == "f(<TensorVariable>)"


def test_what_is_no_expression():
    assert text(variable("x")) is None
    assert text(shared(2, "W")) is None
    assert text(make("my.Apply", inputs=[])) is None


def test_deep_wide_and_long_expressions_are_cut():
    deep = variable("x")
    for _ in range(6):
        deep = given("f", deep)
    assert text(deep) == "f(f(f(…)))"
    assert text(given("f", *[variable("x")] * 9)) == "f(x, x, x, x, x, x, …)"
    assert len(text(given("f", *[variable("x" * 300)] * 3))) == 200


@pytest.mark.parametrize("wrong", [None, 3, "x", (), {}, [None, 3], np.ones(2)])
def test_wrong_kinds(wrong):
    made = given("f", variable("x"))
    made.owner.inputs = made.owner.op = made.index = wrong
    assert text(made).startswith("?(")
    made = given("f", variable("x"))
    made.owner.inputs[0].name = made.owner.op.name = wrong
    assert isinstance(text(made), str)


def test_a_circle_ends():
    made = given("f", variable("x"))
    made.owner.inputs.append(made)
    assert text(made) == "f(x, f(x, f(x, …)))"


def test_many_operations_with_one_list_of_inputs():
    inputs = [result(variable("x")) for _ in range(20_000)]
    values = []
    for _ in range(20_000):
        made = given("f")
        made.owner.inputs = inputs
        values.append(made)
    found = graph([inputs, values], 4)
    shown = Expressions(found)
    began = time.process_time()
    texts = {shown.of(raw) for _, raw in found.instances()}
    assert time.process_time() - began < 10
    assert "f(?(x), ?(x), ?(x), ?(x), ?(x), ?(x), …)" in texts


def test_records_show_expressions():
    (shown,) = [
        record.content["value"]
        for record in records([given("Elemwise{add}", variable("x"), shared(2, "W"))])
        if record.cls.endswith("TensorVariable") and "value" in record.content
    ]
    assert shown == "Elemwise{add}(x, W)"


def test_a_genuine_model():
    """``Momentum`` of fixtures/scripts/theano_classes.py: W - velocity, velocity + W, dot(x, W)."""
    tree = legacy_weights.read(FIXTURES / "pickles/theano/momentum_p2_t105.pkl")
    shown = {record.content.get("value") for record in tree.records() if "Variable" in record.cls}
    assert {
        "dot(x, W)",
        "Elemwise{sub,no_inplace}(W, velocity)",
        "Elemwise{add,no_inplace}(velocity, W)",
    } <= {text if text is None else text.replace("Dot(", "dot(") for text in shown}
