"""Policies in their environments, and which these are today."""

from __future__ import annotations

import numpy as np
import pytest
from gail_support import FIXTURES, need_experts, policy_of, tree_of

from legacy_weights.errors import UsageError
from legacy_weights.models.environments import find
from legacy_weights.models.replaying import find_logged_return

MODERN = ["CartPole-v0", "CartPole-v1", "Acrobot-v1", "MountainCar-v0", "Hopper-v4", "Hopper-v5"]
MODERN += ["Ant-v4", "Ant-v5", "Walker2d-v5", "Reacher-v4", "Mine-v3"]


@pytest.mark.parametrize(
    ("name", "id_", "limit"),
    [
        ("CartPole-v0", "CartPole-v1", 200),
        ("MountainCar-v0", "MountainCar-v0", 200),
        ("Hopper-v1", "Hopper-v4", 1000),
        ("Walker2d", "Walker2d-v5", 1000),
        ("Reacher-v1", "Reacher-v4", 50),
        ("Mine-v3", "Mine-v3", None),
    ],
)
def test_modern_names_and_lengths(name, id_, limit):
    found = find(name, MODERN)
    assert (found.id, found.max_episode_steps) == (id_, limit)
    assert find(name, MODERN, 2000).max_episode_steps == 2000
    assert any(f"{name} of the log" in note for note in found.notes) == (id_ != name)


def test_changes_are_told():
    ant = find("Ant-v1", MODERN)
    assert ant.options == {"use_contact_forces": True}
    assert any("contact forces" in note for note in ant.notes)
    acrobot = find("Acrobot-v0", MODERN)
    assert acrobot.raw_state
    assert any("raw state" in note for note in acrobot.notes)
    with pytest.raises(UsageError, match="Humanoid-v4"):
        find("Humanoid-v1", MODERN)


def test_logged_returns():
    tree = tree_of(FIXTURES / "gibbs_two_layers.h5")
    returns = tree.tables[0].columns["ret"].load()
    assert find_logged_return(tree, 0) == returns[0]
    assert find_logged_return(tree, None) == returns[1]
    assert find_logged_return(tree, 9) is None


def replay(name, *args, mode=None, **options):
    pytest.importorskip("gymnasium")
    from legacy_weights.models import replay

    return replay(policy_of(name, mode), *args, **options)


def test_an_untrained_policy():
    result = replay("gibbs_no_obsnorm", episodes=2, seed=3, logged_return=-200.0)
    assert result.environment == "MountainCar-v0"
    assert result.returns == (-200.0, -200.0)
    assert result.lengths == (200, 200)
    assert (result.mean, result.std, result.logged_return) == (-200.0, 0.0, -200.0)


def test_draws_are_reproducible():
    options = {"episodes": 2, "deterministic": False, "seed": 5}
    one, two = (replay("gibbs_two_layers", "Acrobot-v1", **options) for _ in range(2))
    assert one == two
    assert one.lengths[0] <= 500


def test_environments_that_do_not_fit():
    with pytest.raises(UsageError, match=r"\(2,\)"):
        replay("gibbs_two_layers", "MountainCar-v0")
    with pytest.raises(UsageError, match=r"Discrete\(2\)"):
        replay("gibbs_two_layers", "CartPole-v1")
    with pytest.raises(UsageError, match="at least 1"):
        replay("gibbs_two_layers", episodes=0)


def test_cartpole_expert():
    need_experts()
    result = replay("CartPole-v0", episodes=5)
    assert result.returns == (200.0,) * 5
    assert result.logged_environment == "CartPole-v0"


def test_hopper_expert():
    need_experts()
    pytest.importorskip("mujoco")
    result = replay("log_Hopper-v1_4", episodes=3)
    assert result.environment == "Hopper-v4"
    assert np.mean(result.returns) > 3300
