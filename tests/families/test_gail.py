"""What GAIL's names and arguments mean; the truth is Theano's own order."""

from __future__ import annotations

import random

import h5py
import pytest
from gail_support import EXPERTS, FIXTURES, truth_of

from legacy_weights.errors import DamagedError, UnreadableError
from legacy_weights.families.gail import (
    iteration,
    order_names,
    parse_args,
    policy_scope,
    role,
    trajectory_kind,
)
from legacy_weights.tree import Role, Trainable

NAMES = ["gibbs_two_layers", "gibbs_no_obsnorm", "gaussian_one_layer", "gaussian_no_obsnorm"]
if EXPERTS.exists():
    NAMES += ["CartPole-v0", "log_Hopper-v1_4", "log_HalfCheetah-v0_2"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("suffix", ["", ":0"])
def test_order_and_roles_are_those_of_the_program(name, suffix):
    truth = truth_of(name)
    made = [f"{n}{suffix}" for n in truth["allnames"].tolist()]
    shuffled = random.Random(0).sample(made, len(made))
    assert order_names(shuffled) == (made, True)
    assert order_names(n.lstrip("/") for n in shuffled)[0] == [n.lstrip("/") for n in made]
    weights = [n for n in made if role(n) == (Role.WEIGHT, Trainable.YES)]
    assert [n.removesuffix(":0") for n in weights] == truth["names"].tolist()
    assert all(role(n) == (Role.STATE, Trainable.NO) for n in set(made) - set(weights))


def test_layers_are_numbers():
    layers = [f"P/hidden/FeedforwardNet/layer_{i}/AffineLayer/{v}" for i in (2, 10) for v in "Wb"]
    assert order_names(sorted(layers)) == (layers, True)


def test_value_function_and_classifier():
    # policyopt/rl.py, ValueFunc: obsnorm, vnorm, hidden, out.
    made = [
        "V/obsnorm/Standardizer/count",
        "V/vnorm/Standardizer/count",
        "V/hidden/FeedforwardNet/layer_0/AffineLayer/W",
        "V/out/AffineLayer/W",
    ]
    assert order_names(reversed(made)) == (made, True)


def test_unknown_names_come_last_and_are_told():
    names, known = order_names(["P/out/AffineLayer/W", "P/extra", "P/logstdevs_1_Da", "P/a/W"])
    assert names == ["P/logstdevs_1_Da", "P/extra", "P/out/AffineLayer/W", "P/a/W"]
    assert not known


@pytest.mark.parametrize(
    ("args", "enabled"),
    [
        ('{"enable_obsnorm": 1}', True),
        ('{"enable_obsnorm": 0, "obsnorm_mode": "expertdata"}', False),
        ('{"obsnorm_mode": "expertdata"}', True),
        (b'{"obsnorm_mode": "none"}', False),
        ("{}", None),
    ],
)
def test_obsnorm(args, enabled):
    assert parse_args(args).enable_obsnorm is enabled


def test_arguments():
    args = parse_args(
        {"env_name": "Hopper-v1", "policy_hidden_spec": '[{"type":"fc","n":8}]', "lam": 0.97}
    )
    assert args.env_name == "Hopper-v1"
    assert args.hidden_spec == ({"type": "fc", "n": 8},)
    assert args.max_traj_len is None
    assert args.raw["lam"] == 0.97


@pytest.mark.parametrize("args", ["[1]", "{", '{"policy_hidden_spec": "{}"}', b"\x80\x02}q."])
def test_broken_arguments(args):
    with pytest.raises(DamagedError):
        parse_args(args)


def test_iteration():
    assert iteration("iter0000100") == 100
    assert iteration("model") is None


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("trajectories_padded", "padded"),
        ("trajectories_episodes", "episodes"),
        ("gibbs_two_layers", None),
        ("model", None),
    ],
)
def test_trajectories(name, kind):
    paths = []
    with h5py.File(FIXTURES / f"{name}.h5") as file:
        file.visititems(
            lambda path, item: paths.append(path) if isinstance(item, h5py.Dataset) else None
        )
    assert trajectory_kind(paths) == kind
    assert trajectory_kind([]) is None


def test_policy_scope():
    policy = "GibbsPolicy/out/AffineLayer/W"
    assert policy_scope([policy, "ValueFunc/out/AffineLayer/W"]) == "GibbsPolicy"
    assert policy_scope(["Mine/out/AffineLayer/W:0"]) == "Mine"
    with pytest.raises(UnreadableError, match="A, B"):
        policy_scope(["A/W", "B/W"])
    with pytest.raises(UnreadableError, match="none"):
        policy_scope(["W"])
