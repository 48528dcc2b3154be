"""How policies behave beyond the truth files: shapes, draws, refusals, modes, laziness."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from gail_support import assert_near, policy_of, truth_of

from legacy_weights.errors import UsageError
from legacy_weights.models import compiling

GIBBS, GAUSSIAN = "gibbs_two_layers", "gaussian_one_layer"


@pytest.fixture(scope="module")
def gibbs():
    return policy_of(GIBBS, None, 0)


@pytest.fixture(scope="module")
def gaussian():
    return policy_of(GAUSSIAN, None, 0)


def facts(name):
    return {k.split("/")[1]: v for k, v in truth_of(name).items() if k.startswith("iter0000000/")}


def test_nothing_is_compiled_at_first(monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("compiled")

    monkeypatch.setattr("pytensor.function", refuse)
    policy = policy_of(GIBBS)
    policy.flat.set(policy.flat.get() * 2)
    policy.update_obsnorm(np.ones((3, 4)))
    assert "gibbs" in repr(policy)
    with pytest.raises(AssertionError):
        policy.act(np.zeros(4))


def test_each_function_is_compiled_once(monkeypatch):
    policy = policy_of("gaussian_no_obsnorm")
    policy.act(np.zeros((2, 4)))
    monkeypatch.setattr("pytensor.function", None)
    policy.act(np.ones(4))
    policy.flat.set(policy.flat.get())
    policy.act(np.ones((7, 4), np.float32))


def test_one_observation_is_a_batch_without_its_axis(gibbs, gaussian):
    for policy, name in ((gibbs, GIBBS), (gaussian, GAUSSIAN)):
        truth = facts(name)
        obs = truth["obs"]
        batch = policy.action_distribution(obs)
        one = policy.action_distribution(obs[3])
        assert one.shape == batch.shape[1:]
        np.testing.assert_allclose(one, batch[3], rtol=1e-12)
        action = policy.act(obs[3])
        assert action.shape == truth["det_action"].shape[1:]
        assert_near(action, truth["det_action"][3], None)
        assert policy.act(list(obs[3])).shape == action.shape
        assert policy.act(obs[:0]).shape == (0, policy.action_width)


@pytest.mark.parametrize("layout", ["F", "strided", "readonly", "float32", "big", "list"])
def test_any_array_will_do(gibbs, layout):
    obs = facts(GIBBS)["obs"]
    kinds = {
        "F": np.asfortranarray(obs),
        "strided": np.repeat(obs, 2, axis=1)[:, ::2],
        "readonly": obs.copy(),
        "float32": obs.astype("f4"),
        "big": obs.astype(">f8"),
        "list": obs.tolist(),
    }
    given = kinds[layout]
    if layout == "readonly":
        given.flags.writeable = False
    tolerance = 1e-5 if layout == "float32" else 1e-12
    truth = facts(GIBBS)["actiondist"]
    assert_near(gibbs.action_distribution(given), truth, None, tolerance)


def test_draws_are_those_of_gail(gibbs, gaussian):
    # policyopt/util.py, sample_cats: one choice a row; policyopt/rl.py: randn.
    obs = facts(GIBBS)["obs"]
    p = np.exp(gibbs.action_distribution(obs))
    for seed in range(5):
        state = np.random.RandomState(seed)
        truth = [[state.choice(3, p=row)] for row in p]
        drawn = gibbs.act(obs, deterministic=False, rng=np.random.RandomState(seed))
        np.testing.assert_array_equal(drawn, truth)
        assert drawn.dtype == np.int64
    obs = facts(GAUSSIAN)["obs"]
    means, stdevs = np.split(gaussian.action_distribution(obs), 2, axis=1)
    truth = means + stdevs * np.random.RandomState(3).randn(16, 3)
    drawn = gaussian.act(obs, False, np.random.RandomState(3))
    np.testing.assert_allclose(drawn, truth, rtol=1e-14)


def test_draws_follow_the_generator(gibbs):
    obs = np.repeat(facts(GIBBS)["obs"][:1], 20_000, axis=0)
    drawn = gibbs.act(obs, False, np.random.default_rng(0))
    shares = np.bincount(drawn[:, 0], minlength=3) / len(obs)
    np.testing.assert_allclose(shares, np.exp(gibbs.action_distribution(obs[0])), atol=0.02)
    np.testing.assert_array_equal(drawn, gibbs.act(obs, False, 0))
    assert (gibbs.act(obs, False) != gibbs.act(obs, False)).any()


@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (1, 2, 4)])
def test_observations_that_do_not_fit(gibbs, shape):
    with pytest.raises(UsageError, match=r"\(batch, 4\)"):
        gibbs.act(np.zeros(shape))


def test_actions_that_cannot_be(gibbs):
    obs = facts(GIBBS)["obs"]
    for actions, words in (
        (np.full((16, 1), 3), "0 to 2"),
        (np.full((16, 1), -1), "0 to 2"),
        (np.zeros((16, 1)), "integers"),
        (np.zeros((15, 1), int), r"\(16, 1\)"),
        (np.zeros((1, 16), int), r"\(16, 1\)"),
    ):
        with pytest.raises(UsageError, match=words):
            gibbs.log_prob(obs, actions)
    truth = facts(GIBBS)
    assert_near(gibbs.log_prob(obs, truth["acts"][:, 0]), truth["logprobs"], None)


def test_modes():
    assert compiling.uses_numba(None)
    assert not compiling.uses_numba("C")
    for mode in ("CVM", "c", "NUMBA"):
        with pytest.raises(UsageError, match="JAX"):
            policy_of(GIBBS, mode)


@pytest.mark.parametrize("mode", [None, "JAX"])
def test_new_values_are_seen(mode):
    if mode == "JAX":
        pytest.importorskip("jax")
    policy = policy_of("gaussian_no_obsnorm", mode, 0)
    obs = facts("gaussian_no_obsnorm")["obs"]
    before = policy.act(obs)
    theta = policy.flat.get()
    bias = policy.variables["GaussianPolicy/out/AffineLayer/b"]
    theta[policy.flat.slices[bias.name]] += 1
    policy.flat.set(theta)
    np.testing.assert_allclose(policy.act(obs), before + 1, rtol=1e-12)
    bias.set_value(bias.get_value() + 1)
    np.testing.assert_allclose(policy.act(obs), before + 2, rtol=1e-12)
    np.testing.assert_allclose(
        policy.flat.get()[policy.flat.slices[bias.name]], bias.get_value()[0]
    )
    result = policy.act(obs)
    result += 1  # the caller's own
    np.testing.assert_allclose(policy.act(obs), before + 2, rtol=1e-12)


def test_graph_can_be_built_on():
    import pytensor

    policy = policy_of(GAUSSIAN, snapshot=0)
    truth = facts(GAUSSIAN)
    graph = policy.graph
    loss = (graph.distribution**2).sum() + graph.bclone_loss
    function = pytensor.function([graph.observations, graph.actions], loss, mode="FAST_COMPILE")
    wanted = (truth["actiondist"] ** 2).sum() + truth["bclone_loss"]
    np.testing.assert_allclose(function(truth["obs"], truth["acts"]), wanted, rtol=1e-12)


def test_step_refuses_another_policys_distribution():
    pytest.importorskip("jax")  # the mode that compiles soonest
    policy = policy_of(GIBBS, "JAX", 0)
    truth = {k[5:]: v for k, v in truth_of(GIBBS).items() if k.startswith("trpo/")}
    before = policy.flat.get()
    batch = [truth[key] for key in ("obs", "acts", "actiondist", "advantages")]
    with pytest.raises(UsageError, match="nats away"):
        policy.trpo_step(batch[0], batch[1], np.log(np.full((40, 3), 1 / 3)), batch[3])
    # A gradient that is too small, and a failure half-way, leave everything as it was.
    info = policy.trpo_step(*batch, grad_stop_tol=1e9)
    assert info.obj1 == info.obj0
    assert info.bt == 0
    assert info.gnorm == pytest.approx(truth["info"][4], rel=1e-9)

    def fail(*_):
        raise KeyboardInterrupt

    surrogate = policy._functions.surrogate
    policy._functions.surrogate = fail
    with pytest.raises(KeyboardInterrupt):
        policy.trpo_step(*batch)
    np.testing.assert_array_equal(policy.flat.get(), before)
    policy._functions.surrogate = surrogate
    # The Hessian on part of the batch is another one, and reproducible.
    steps = []
    for seed in (0, 0, 1):
        policy.flat.set(before)
        policy.trpo_step(*batch, subsample_hvp_frac=0.5, rng=seed)
        steps.append(policy.flat.get())
    np.testing.assert_array_equal(steps[0], steps[1])
    assert (steps[0] != steps[2]).any()
    with pytest.raises(UsageError, match="at most 1"):
        policy.trpo_step(
            *batch[:2], policy.action_distribution(batch[0]), batch[3], subsample_hvp_frac=2.0
        )


def test_policies_without_a_normalizer_ignore_its_update():
    policy = policy_of("gaussian_no_obsnorm")
    policy.update_obsnorm(np.ones((3, 4)))
    assert not [name for name in policy.variables if "obsnorm" in name]


@pytest.mark.parametrize(
    "module", ["legacy_weights", "legacy_weights.models", "legacy_weights.cli"]
)
def test_imports_are_cheap(module):
    code = f"import sys, {module}; print(*{{'pytensor', 'jax', 'matplotlib'}} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
