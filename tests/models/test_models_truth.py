"""Against what real Theano 1.0.5 computed on Python 2.7."""

from __future__ import annotations

import json

import numpy as np
import pytest
from gail_support import MODES, assert_near, need_experts, policy_of, sha256, truth_of

SMALL = ["gibbs_two_layers", "gibbs_no_obsnorm", "gaussian_one_layer", "gaussian_no_obsnorm"]
GREAT = ["CartPole-v0", "log_Hopper-v1_4", "log_HalfCheetah-v0_2"]


def snapshots(truth):
    return sorted({key.split("/")[0] for key in truth if key.startswith("iter")})


def need_jax(mode):
    if mode == "JAX":
        pytest.importorskip("jax")


@pytest.mark.parametrize("name", SMALL + GREAT)
def test_names_shapes_and_theta(name):
    if name in GREAT:
        need_experts()
    truth = truth_of(name)
    for snapshot in snapshots(truth):
        policy = policy_of(name, snapshot=snapshot)
        slots = policy.flat.layout
        assert [slot.name for slot in slots] == [n.lstrip("/") for n in truth["names"]]
        assert [list(slot.shape) for slot in slots] == json.loads(str(truth["shapes"]))
        assert list(policy.variables) == [n.lstrip("/") for n in truth["allnames"]]
        assert policy.flat.size == truth[f"{snapshot}/theta_size"]
        assert sha256(policy.flat.get()) == str(truth[f"{snapshot}/theta_sha256"])
        for variable in policy.variables.values():
            static = variable.type.shape
            assert static == variable.get_value().shape
            assert variable.dtype == "float64"


@pytest.mark.parametrize("name", GREAT)
@pytest.mark.parametrize("mode", MODES)
def test_experts(name, mode):
    need_experts()
    need_jax(mode)
    truth = truth_of(name)
    policy = policy_of(name, mode, snapshots(truth)[0])
    for snapshot in snapshots(truth):
        # One compilation serves all snapshots.
        for variable, other in zip(
            policy.variables.values(),
            policy_of(name, mode, snapshot).variables.values(),
            strict=True,
        ):
            variable.set_value(other.get_value())
        agrees(policy, {k.split("/")[1]: v for k, v in truth.items() if snapshot in k}, mode)


def agrees(policy, truth, mode):
    obs, acts = truth["obs"], truth["acts"]
    assert_near(policy.action_distribution(obs), truth["actiondist"], mode)
    assert_near(policy.log_prob(obs, acts), truth["logprobs"], mode)
    if policy.kind == "gibbs":
        np.testing.assert_array_equal(policy.act(obs), truth["det_action"])
    else:
        assert_near(policy.act(obs), truth["det_action"], mode)
    loss, gradient = policy.bclone_loss_and_grad(obs, acts)
    assert_near(loss, truth["bclone_loss"], mode)
    assert_near(gradient, truth["bclone_grad"], mode)


@pytest.mark.parametrize("name", SMALL)
@pytest.mark.parametrize("mode", MODES)
def test_small_policies(name, mode):
    need_jax(mode)
    truth = truth_of(name)
    policy = policy_of(name, mode, 0)
    here = {k.split("/")[1]: v for k, v in truth.items() if k.startswith("iter0000000/")}
    full = {None: SMALL[2:3], "C": SMALL[1:3], "JAX": SMALL}[mode]
    if name not in full:
        # Compiling is slow: here, only what the experts and the full ones do not have.
        assert_near(policy.action_distribution(here["obs"]), here["actiondist"], mode)
        return
    agrees(policy, here, mode)
    obs = here["obs"]
    assert_near(policy.normalized(obs), here["normalized"], mode)
    assert_near(policy.entropy(obs), here["entropy"], mode)
    assert_near(policy.kl(obs, here["old_actiondist"]), here["kl"], mode)
    hvp = policy.kl_hvp(obs, here["old_actiondist"], here["v"])
    assert_near(hvp, here["kl_hvp"], mode)
    step_agrees(policy, {k[5:]: v for k, v in truth.items() if k.startswith("trpo/")})


@pytest.mark.parametrize("mode", MODES)
def test_step_of_an_expert(mode):
    need_experts()
    need_jax(mode)
    truth = truth_of("CartPole-v0.trpo")
    step_agrees(policy_of("CartPole-v0", mode, str(truth["snapshot"])), truth)


def step_agrees(policy, truth):
    batch = [truth[key] for key in ("obs", "acts", "actiondist", "advantages")]
    info = policy.trpo_step(*batch, float(truth["max_kl"]), float(truth["damping"]))
    np.testing.assert_allclose(info, truth["info"], rtol=1e-9, atol=1e-12)
    assert_near(policy.flat.get(), truth["theta_after"], None, 1e-9)
    policy.update_obsnorm(truth["obs"])
    for name, variable in policy.variables.items():
        if "/Standardizer/" in name:
            key = "obsnorm_" + name.rpartition("/")[2].removesuffix("_1_D")
            assert_near(variable.get_value(), truth[key], None, 1e-12)
