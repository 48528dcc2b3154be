"""Attributes that mean something wherever they stand."""

import numpy as np
import pytest
from stubs import constant, graph, make, model

from legacy_weights.families.graph import Graph
from legacy_weights.families.marks import is_library, is_list_step
from legacy_weights.families.steps import Step, StepKind
from legacy_weights.pickles.objects import Global, Instance

W = np.arange(2.0)


@pytest.mark.parametrize("name", ["variables", "features", "fn", "input_storage", "variable"])
def test_a_user_may_call_a_thing_as_theano_does(name):
    assert not graph(model(**{name: W})).arrays[0].hidden
    theirs = make("theano.gof.fg.FunctionGraph", **{name: [constant(1)]})
    assert graph(theirs).arrays[0].hidden


@pytest.mark.parametrize(
    "name", ["owner", "inputs", "outputs", "clients", "tag", "fgraph", "maker"]
)
def test_some_names_are_wiring_everywhere(name):
    assert graph(model(**{name: W})).arrays[0].hidden
    assert not graph({name: W}).arrays[0].hidden


def test_what_makes_a_compiled_function_is_wiring():
    call = Instance(Global("theano.compile.function_module", "_constructor_Function"), ([W],), 0)
    assert Graph(call).arrays[0].hidden
    gpu = Instance(Global("theano.gpuarray.type", "GpuArray_unpickler"), (W, "dev0"), 0)
    assert not Graph(gpu).arrays[0].hidden


@pytest.mark.parametrize(
    ("dotted", "known"),
    [
        ("theano.tensor.var.TensorVariable", True),
        ("aesara.tensor.var.TensorVariable", True),
        ("pytensor.tensor.variable.TensorVariable", True),
        ("theanolib.Model", False),
        ("my.theano.Model", False),
    ],
)
def test_the_library_and_its_heirs(dotted, known):
    assert is_library(dotted) is known


@pytest.mark.parametrize(
    ("step", "known"),
    [
        (Step(StepKind.ATTRIBUTE, "params"), True),
        (Step(StepKind.KEY, b"_params"), True),
        (Step(StepKind.KEY, ["params"]), False),
        (Step(StepKind.INDEX, 0), False),
        (Step(StepKind.PART, "params"), False),
        (Step(StepKind.KEY, "n_params"), False),
    ],
)
def test_what_is_a_list_of_parameters(step, known):
    assert is_list_step(step) is known
