"""Signs of the version of Theano; each was looked up in the tags of its repository."""

import pytest
from stubs import graph, make, model, shared
from support import FIXTURES, REAL, needs_shared

import legacy_weights
from legacy_weights.families.versions import framework


def variable(cls="theano.tensor.sharedvar.TensorSharedVariable", **attributes):
    return make(cls, owner=None, index=None, name="W", **attributes)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (3, ""),
        (model(W=3), ""),
        (make("theano.gof.graph.Apply"), "Theano"),
        (variable(auto_name="auto_3"), "Theano 0.7 or later"),
        (variable(), "Theano before 0.7"),
        (variable(auto_name=None), "Theano"),
        (make("theano.tensor.type.TensorType"), "Theano 0.6 or later"),
        (make("theano.tensor.basic.TensorType"), "Theano before 0.6"),
        (make("theano.gpuarray.type.GpuArrayType"), "Theano 0.9 or later"),
        (make("theano.sandbox.gpuarray.type.GpuArrayType"), "Theano 0.6 or later, before 0.9"),
        (make("theano.sandbox.cuda.type.CudaNdarrayType"), "Theano before 1.0"),
        (
            [variable(auto_name="auto_3"), make("theano.sandbox.cuda.x.Y")],
            "Theano 0.7 or later, before 1.0",
        ),
        ([variable(auto_name="auto_3"), variable()], "Theano"),  # of two times
        (make("theano.link.basic.Container"), "Theano-PyMC 1.1"),
        (make("aesara.link.basic.Container"), "Aesara"),
        (make("pytensor.link.basic.Container"), "PyTensor"),
        (make("theanolib.tensor.type.TensorType"), ""),
    ],
)
def test_signs(value, shown):
    assert framework(graph(value)) == shown


@pytest.mark.parametrize(
    ("file", "shown"),
    [
        ("momentum_named_p2_t105.pkl.gz", "Theano 1.0 or later"),
        ("adam_p2_t082.pkl.gz", "Theano 0.7 or later, before 1.0"),
        ("trained_p2_p112.pkl.gz", "Theano-PyMC 1.1"),
        ("trained_p2_a294.pkl.gz", "Aesara"),
        ("trained_p2_pt2811.pkl.gz", "PyTensor"),
    ],
)
def test_genuine_files(file, shown):
    tree = legacy_weights.read(FIXTURES / "families/theano" / file)
    assert tree.metadata["framework"] == shown


@needs_shared
def test_the_real_autoencoder():
    """Of 2014, by a development version before 0.7, on a GPU by ``theano.sandbox.cuda``."""
    tree = legacy_weights.read(REAL / "lisa-lab+pylearn2/pylearn2/scripts/tests/model.pkl")
    assert tree.metadata["framework"] == "Theano 0.6 or later, before 0.7"


def test_wrong_kinds():
    for wrong in (None, 3, b"x", [], ()):
        assert framework(graph(variable(auto_name=wrong))).startswith("Theano")
    assert framework(graph(shared(2, "W"))) == "Theano"
