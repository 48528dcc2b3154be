"""What variables say of themselves: the broadcastable pattern, the line that made them."""

import numpy as np
import pytest
from stubs import interpret, make, model, shared
from support import FIXTURES

import legacy_weights


def facts(kind=None, trace=None, value=None):
    variable = shared(np.ones((1, 3)) if value is None else value, "W")
    if kind is not None:
        variable.type = make("theano.tensor.type.TensorType", **kind)
    if trace is not None:
        variable.tag = make("theano.gof.utils.scratchpad", trace=trace)
    told = interpret(model(W=variable)).metadata.get("variables", {})
    return told.get("/snapshots/model/W", {})


def test_a_pattern_is_told_if_a_dimension_repeats():
    assert facts({"broadcastable": (True, False)}) == {"broadcastable": [True, False]}
    assert facts({"broadcastable": (False, False)}) == {}


def test_the_heirs_have_a_static_shape():
    assert facts({"shape": (1, None)}) == {"broadcastable": [True, False]}
    assert facts({"shape": (None, 3)}) == {}


def test_the_dtype_of_the_type_if_it_is_another():
    assert facts({"dtype": "float64"}) == {}
    assert facts({"dtype": "float32"}) == {"dtype": "float32"}


@pytest.mark.parametrize(
    "wrong",
    [None, 3, "x", (), (True,), (1, "0"), [None, True], {}, np.ones(2), (True, False, True)],
)
def test_wrong_patterns(wrong):
    assert facts({"broadcastable": wrong, "shape": wrong, "dtype": None}) == {}


USER = ("/home/u/mlp.py", 57, "__init__", "self.W = theano.shared(W)")
THEANO = ("/usr/lib/python2.7/site-packages/theano/compile/sharedvalue.py", 238, "shared", "x")
LASAGNE = ("/home/u/src/lasagne/layers/base.py", 264, "add_param", "x")


@pytest.mark.parametrize(
    ("trace", "created"),
    [
        ([USER, THEANO], "/home/u/mlp.py:57"),  # Theano 0.6
        ([[USER, THEANO]], "/home/u/mlp.py:57"),  # Theano 0.8 and later
        ([[USER, LASAGNE, THEANO]], "/home/u/mlp.py:57"),
        ([[LASAGNE, THEANO]], "/home/u/src/lasagne/layers/base.py:264"),
        ([[THEANO]], None),
        ([[USER, ("C:\\Python27\\Lib\\site-packages\\theano\\x.py", 3)]], "/home/u/mlp.py:57"),
        ([[("theano_mlp.py", 3)]], "theano_mlp.py:3"),
    ],
)
def test_the_line_of_the_user(trace, created):
    assert facts(trace=trace).get("created") == created


@pytest.mark.parametrize(
    "wrong",
    [None, 3, "x", [], [[]], [3], [[3]], [[("a",)]], [[(1, 2)]], [[("a", "b")]], {}, [[None]]],
)
def test_wrong_traces(wrong):
    assert facts(trace=wrong) == {}


def test_a_stack_that_is_very_deep_is_not_walked():
    assert facts(trace=[[USER] + [THEANO] * 1_000_000]) == {}


@pytest.mark.parametrize("suffix", ["p112", "a294", "pt2811"])
def test_theanos_heirs(suffix):
    """fixtures/scripts/theano_heirs.py makes b a row."""
    tree = legacy_weights.read(FIXTURES / f"families/theano/trained_p2_{suffix}.pkl.gz")
    told = tree.metadata["variables"]
    assert told["/snapshots/model/b"]["broadcastable"] == [True, False]
    assert "broadcastable" not in told["/snapshots/model/W"]
    script = (FIXTURES / "scripts/theano_heirs.py").read_text().splitlines()
    for name in "Wb":
        file, _, line = told[f"/snapshots/model/{name}"]["created"].partition(":")
        assert file == "theano_heirs.py"
        assert f"self.{name} = package.shared(" in script[int(line) - 1]


def test_genuine_theano():
    tree = legacy_weights.read(FIXTURES / "pickles/theano/trainer_p2_t105.pkl")
    told = tree.metadata["variables"]
    assert told["/snapshots/model/b"]["broadcastable"] == [True, False]
    assert told["/snapshots/model/W"]["created"] == "theano_setup.py:26"
