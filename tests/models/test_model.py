"""Rebuilt models: predicting, the flat vector, what is refused."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from gail_support import FIXTURES as GAIL
from gail_support import MODES
from model_support import assert_same, evaluate, model_of, truth_of
from support import FIXTURES, ROOT

import legacy_weights
from legacy_weights.errors import LayoutError, UnreadableError, UsageError
from legacy_weights.models import Model, Policy
from legacy_weights.models.specification import Dense, Specification

MLP = "tutorial/mlp_p2_t105.pkl"


@pytest.fixture(scope="module")
def mlp():
    return model_of(MLP)


@pytest.mark.parametrize("mode", MODES)
def test_predictions_in_every_mode(mode):
    if mode == "JAX":
        pytest.importorskip("jax")
    x, y = truth_of("tutorial", "mlp_t105")
    model = model_of(MLP, mode=mode)
    found = model.predict(x)
    assert isinstance(found, np.ndarray)
    assert_same(found, y)
    # One input is a batch without its axis; the weights are read when it is called.
    np.testing.assert_allclose(model.predict(x[2]), y[2], atol=1e-6)
    model.flat.set(np.zeros(model.flat.size, np.float32))
    np.testing.assert_allclose(model.predict(x), np.full((7, 3), 1 / 3), atol=1e-6)


def test_nothing_is_compiled_at_first_and_once_later(monkeypatch):
    calls = []

    def count(*_, **__):
        calls.append(1)
        raise ZeroDivisionError

    monkeypatch.setattr("pytensor.function", count)
    model = model_of(MLP)
    assert "Theano" in repr(model)
    assert not calls
    with pytest.raises(ZeroDivisionError):
        model.predict(np.zeros((1, 6)))


def test_variables_and_the_flat_vector_are_those_of_the_file(mlp):
    tree = legacy_weights.read(FIXTURES / "families" / MLP)
    leaves = tree.snapshots[0].leaves
    assert list(mlp.variables) == [leaf.name for leaf in leaves]
    for leaf in leaves:
        variable = mlp.variables[leaf.name]
        assert variable.name == leaf.name
        assert variable.type.shape == leaf.array.shape
        np.testing.assert_array_equal(variable.get_value(), leaf.array.load())
    theta = np.concatenate([leaf.array.load().ravel() for leaf in leaves])
    np.testing.assert_array_equal(mlp.flat.get(), theta)


def test_the_graph_and_the_layers(mlp):
    assert mlp.graph.input.type.shape == (None, 6)
    assert mlp.graph.output.type.shape == (None, 3)
    assert mlp.graph.output.dtype == "float32"
    assert str(mlp.layers).splitlines() == [
        "Theano, input (batch, 6)",
        "  hiddenLayer (__main__.HiddenLayer): dense 5, tanh (hiddenLayer/W, hiddenLayer/b)",
        "  logRegressionLayer (__main__.LogisticRegression): dense 3, softmax "
        "(logRegressionLayer/W, logRegressionLayer/b)",
    ]
    assert repr(mlp) == "Model(Theano, (6,) → (3,), 4 variables, float32, mode=None)"


def test_migrated_files_give_the_same_model(tmp_path):
    legacy = FIXTURES / "families" / MLP
    report = legacy_weights.migrate(legacy, tmp_path / "new.h5")
    x, y = truth_of("tutorial", "mlp_t105")
    for source in (report.path, f"{report.path}/snapshots/model", legacy_weights.read(legacy)):
        model = legacy_weights.load_model(source)
        assert str(model.layers) == str(model_of(MLP).layers)
        assert_same(evaluate(model, x), y)


def test_inputs_of_other_shapes_are_refused(mlp):
    for x in (np.zeros((2, 5)), np.zeros(5), 0.0, np.zeros((1, 2, 6))):
        with pytest.raises(UsageError, match=r"\(batch, 6\) or \(6,\)"):
            mlp.predict(x)


def test_a_gail_log_gives_its_policy():
    policy = legacy_weights.load_model(GAIL / "gibbs_two_layers.h5", 0)
    assert isinstance(policy, Policy)
    assert list(policy.variables) == list(
        legacy_weights.load_policy(GAIL / "gibbs_two_layers.h5", 0).variables
    )


def test_files_that_state_no_model(tmp_path):
    path = tmp_path / "w.npz"
    np.savez(path, W=np.zeros((2, 2)))
    with pytest.raises(UnreadableError, match=r"plain arrays.*not rebuilt") as error:
        legacy_weights.load_model(path)
    assert error.value.file == str(path)
    with pytest.raises(UsageError, match="no snapshot 'best'"):
        model_of(MLP, snapshot="best")
    with pytest.raises(UsageError, match="'numba'"):
        model_of(MLP, mode="numba")


def test_half_written_snapshots_are_refused():
    tree = legacy_weights.read(FIXTURES / "families" / MLP)
    half = replace(tree.snapshots[0], complete=False)
    with pytest.raises(UnreadableError, match="cut off"):
        legacy_weights.load_model(replace(tree, snapshots=(half,)))


LAYERS = Specification("test", (2,), {"y": (Dense("layer 0", 3, "W", "b"),)})


def test_arrays_that_do_not_fit():
    good = {"W": np.ones((2, 3)), "b": np.zeros(3)}
    np.testing.assert_array_equal(
        evaluate(Model(LAYERS, good, ["W"]), np.ones((1, 2))), [[2.0] * 3]
    )
    with pytest.raises(LayoutError, match=r"\(3,\)") as error:
        Model(LAYERS, {**good, "b": np.zeros(2)}, [])
    assert error.value.where == "b"
    with pytest.raises(LayoutError, match="missing"):
        Model(LAYERS, {"W": good["W"]}, [])
    with pytest.raises(LayoutError, match="1 arrays c"):
        Model(LAYERS, {**good, "c": np.zeros(1)}, [])


def test_dtypes():
    single = {"W": np.ones((2, 3), ">f4"), "b": np.zeros(3, "f4")}
    assert Model(LAYERS, single, []).dtype == np.float32
    mixed = {"W": np.ones((2, 3), "f4"), "b": np.full(3, 0.1)}
    model = Model(LAYERS, mixed, ["W", "b"])
    assert model.dtype == model.flat.layout.dtype == np.float64
    for dtype in ("f2", "i4", "c16", "O"):
        with pytest.raises(UnreadableError, match="float32 or float64"):
            Model(LAYERS, {**single, "b": np.zeros(3, dtype)}, [])


def test_several_outputs_have_no_single_one():
    chain = (Dense("layer 0", 3, "W", "b"),)
    both = replace(LAYERS, outputs={"y": chain, "z": chain})
    model = Model(both, {"W": np.ones((2, 3)), "b": np.zeros(3)}, [])
    assert len(model.variables) == 2  # the chains share them
    with pytest.raises(UsageError, match="y, z"):
        model.graph.output  # noqa: B018


def test_the_package_imports_no_pytensor_for_its_name():
    code = "import sys, legacy_weights; assert 'load_model' in dir(legacy_weights); "
    subprocess.run(
        [sys.executable, "-c", code + "assert 'pytensor' not in sys.modules"], check=True
    )


def test_the_example_of_the_readme():
    text = (ROOT / "README.md").read_text()
    model = model_of(MLP)
    assert f">>> model\n{model!r}\n" in text
    assert f">>> print(model.layers)\n{model.layers}\n" in text
    assert f">>> model.flat\n{model.flat!r}\n" in text
    (numbers,) = re.findall(r"predict\(numpy.zeros\(6\)\)\narray\(\[(.+?)\], dtype=float32", text)
    wanted = np.array([float(number) for number in numbers.split(",")])
    np.testing.assert_allclose(evaluate(model, np.zeros((1, 6)))[0], wanted, atol=1e-6)
    with pytest.raises(UnreadableError) as error:
        model_of("keras/conv_th_model_k122.h5")
    assert str(error.value).removeprefix(f"{error.value.file}: ") in text
