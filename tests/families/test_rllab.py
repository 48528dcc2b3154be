"""rllab's flat vectors, cut as the constructors built them; genuine, crafted and hostile files."""

import hashlib

import numpy as np
import pytest
from stubs import interpret, make, shared, stub
from support import FIXTURES, MANIFEST, REAL, needs_shared

import legacy_weights
from legacy_weights.tree import Trainable

GAUSSIAN = "rllab.policies.gaussian_mlp_policy.GaussianMLPPolicy"
CATEGORICAL = "rllab.policies.categorical_mlp_policy.CategoricalMLPPolicy"
SWIMMER = (
    "florensacc+rllab-curriculum/sandbox/carlos_snn/data_share/swimmer-trpo/"
    "swimmer-trpo-50kBs-200itr-500pl-10/params.pkl"
)


# The genuine file ------------------------------------------------------------------------------


@needs_shared
def test_the_swimmers_policy():
    """Layers as ``MLP`` makes them, and the deviation's ``ParamLayer`` behind them.

    rllab/core/network.py, class MLP: ``name="%shidden_%d"`` and ``name="%soutput"``;
    rllab/policies/gaussian_mlp_policy.py: ``LasagnePowered.__init__(self, [l_mean, l_log_std])``;
    rllab/core/lasagne_powered.py: ``L.get_all_params(L.concat(self._output_layers))``.
    """
    tree = legacy_weights.read(REAL / SWIMMER)
    (snapshot,) = tree.snapshots
    assert tree.family == "rllab"
    assert [(leaf.name, leaf.array.shape) for leaf in snapshot.leaves] == [
        ("hidden_0/W", (13, 32)),
        ("hidden_0/b", (32,)),
        ("hidden_1/W", (32, 32)),
        ("hidden_1/b", (32,)),
        ("output/W", (32, 2)),
        ("output/b", (2,)),
        ("log_std", (2,)),
    ]
    assert (snapshot.name, snapshot.order, snapshot.iteration) == ("model", "format", 199)
    (vector,) = [leaf for leaf in tree.other if leaf.name == "policy/params"]
    joined = np.concatenate([leaf.array.load().ravel() for leaf in snapshot.leaves])
    assert vector.array.shape == (1572,)
    assert joined.tobytes() == vector.array.load().tobytes()
    assert {leaf.name: leaf.array.shape for leaf in tree.other} == {
        "policy/params": (1572,),
        "baseline/_coeffs": (30,),  # 2 × 13 observations, and 4: linear_feature_baseline.py
        "env/_obs_mean": (13,),
        "env/_obs_var": (13,),
        "policy/observation_space/low": (13,),
        "policy/observation_space/high": (13,),
        "policy/action_space/low": (2,),
        "policy/action_space/high": (2,),
    }
    assert {leaf.role for leaf in tree.other} == {"data"}
    assert tree.metadata["architectures"] == {
        "model": {
            "class": GAUSSIAN,
            "obs_dim": 13,
            "action_dim": 2,
            "hidden_sizes": [32, 32],
            "hidden_nonlinearity": "lasagne.nonlinearities.tanh",
            "output_nonlinearity": None,
            "adaptive_std": False,
            "learn_std": True,
            "min_std": 1e-6,
        }
    }
    assert not tree.warnings


# Crafted ones, on the real Lasagne --------------------------------------------------------------

CRAFTED = [entry for entry in MANIFEST if entry["file"].startswith("families/rllab/")]


@pytest.mark.parametrize("entry", CRAFTED, ids=lambda entry: entry["file"])
def test_each_name_has_the_values_that_lasagne_had(entry):
    tree = legacy_weights.read(FIXTURES / entry["file"])
    found = [
        (leaf.name, hashlib.sha256(leaf.array.load().tobytes()).hexdigest())
        for snapshot in tree.snapshots
        for leaf in snapshot.leaves
        if leaf.name not in entry.get("state", ()) or "_bn/" in leaf.name
    ]
    assert sorted(found) == sorted((cut["path"], cut["sha256"]) for cut in entry["cuts"])


@pytest.mark.parametrize(
    ("file", "fixed"), [("gaussian_l01.pkl", []), ("fixed_std_l01.pkl", ["log_std"])]
)
def test_what_is_trained(file, fixed):
    tree = legacy_weights.read(FIXTURES / "families/rllab" / file)
    leaves = tree.snapshots[0].leaves
    assert [leaf.name for leaf in leaves if leaf.trainable is not Trainable.YES] == fixed


def test_a_number_too_few_is_told():
    """Five observations, layers of 4 and 3, two actions: 24 + 15 + 8 + 2 numbers."""
    tree = legacy_weights.read(FIXTURES / "families/rllab/short_p2_l01.pkl")
    assert tree.warnings == (
        "['policy'].params is not cut into weights: the constructor's arguments make 49 numbers, "
        "and the vector has the shape (48,)",
    )


def test_architectures_of_a_file_with_several_networks():
    tree = legacy_weights.read(FIXTURES / "families/rllab/ddpg_l01.pkl")
    known = tree.metadata["architectures"]
    assert list(known) == [snapshot.name for snapshot in tree.snapshots]
    assert tree.default_snapshot == "policy"
    assert known["qf"] == {
        "class": "rllab.q_functions.continuous_mlp_q_function.ContinuousMLPQFunction",
        "obs_dim": 5,
        "action_dim": 2,
        "hidden_sizes": [4, 3],
        "hidden_nonlinearity": "lasagne.nonlinearities.rectify",
        "output_nonlinearity": None,
        "action_merge_layer": 1,
    }
    assert known["policy"]["output_nonlinearity"] == "lasagne.nonlinearities.tanh"


def test_statistics_that_are_in_use_are_state():
    tree = legacy_weights.read(FIXTURES / "families/rllab/normalized_l01.pkl")
    state = [leaf.name for leaf in tree.snapshots[0].leaves if leaf.role == "state"]
    assert state == ["env/_obs_mean", "env/_obs_var"]


# Hand-made and hostile ones --------------------------------------------------------------------


def spec(observation=3, action=2):
    """Return the specification of an environment with bounded observations and actions."""

    def box(size):
        return make("rllab.spaces.box.Box", low=-np.ones(size), high=np.ones(size))

    boxes = (box(observation), box(action))
    return make("rllab.envs.env_spec.EnvSpec", __args=boxes, __kwargs={})


def policy(params, *args, cls=GAUSSIAN, **kwargs):
    """Return a policy with these parameters; a number makes that many."""
    params = np.arange(float(params)) if isinstance(params, int) else params
    return make(cls, __args=args, __kwargs=kwargs, params=params)


def cut(value):
    """Return the names and shapes of the default snapshot."""
    found = interpret(value)
    (snapshot,) = [s for s in found.snapshots if s.name == found.default_snapshot]
    return {leaf.name: leaf.array.shape for leaf in snapshot.leaves}


SMALL = {"hidden_0/W": (3, 4), "hidden_0/b": (4,), "output/W": (4, 2), "output/b": (2,)}


def test_defaults_of_the_class_count():
    """rllab/policies/gaussian_mlp_policy.py: hidden_sizes=(32, 32), learn_std=True."""
    numbers = 3 * 32 + 32 + 32 * 32 + 32 + 32 * 2 + 2 + 2
    assert cut(policy(numbers, env_spec=spec())) == {
        "hidden_0/W": (3, 32),
        "hidden_0/b": (32,),
        "hidden_1/W": (32, 32),
        "hidden_1/b": (32,),
        "output/W": (32, 2),
        "output/b": (2,),
        "log_std": (2,),
    }


def test_keywords_count():
    found = policy(28, spec(), hidden_sizes=[4], learn_std=False)
    assert cut(found) == {**SMALL, "log_std": (2,)}
    leaves = interpret(found).snapshots[0].leaves
    assert [leaf.trainable for leaf in leaves] == [Trainable.YES] * 4 + [Trainable.NO]


def test_a_discrete_space_and_a_product():
    parts = (make("rllab.spaces.discrete.Discrete", _n=2), spec().__dict__["__args"][0])
    product = make("rllab.spaces.product.Product", _components=parts)
    actions = make("rllab.spaces.discrete.Discrete", _n=2)
    states = make("rllab.envs.env_spec.EnvSpec", __args=(product, actions), __kwargs={})
    found = cut(policy(5 * 4 + 4 + 4 * 2 + 2, states, (4,), cls=CATEGORICAL))
    assert found == {**SMALL, "hidden_0/W": (5, 4)}


def test_a_shared_variable_beside_a_policy_is_a_weight_too():
    found = interpret({"policy": policy(28, spec(), (4,)), "gan": [shared(3, "W")]})
    names = {s.name: [leaf.name for leaf in s.leaves] for s in found.snapshots}
    assert names == {"model": [*SMALL, "log_std"], "variables": ["W"]}
    assert found.default_snapshot == "model"


def test_one_vector_is_cut_once():
    first = policy(28, spec(), (4,))
    second = policy(first.params, spec(), (4,))
    assert len(interpret([first, second]).snapshots) == 1


def test_names_of_the_file_do_not_collide_with_weights():
    env = make(
        "rllab.envs.normalized_env.NormalizedEnv",
        __args=(None, 1.0, True),
        __kwargs={},
        _obs_mean=np.zeros(3),
        _obs_var=np.ones(3),
    )
    assert cut({"p": policy(28, spec(), (4,)), "env": env}) == {
        **SMALL,
        "log_std": (2,),
        "env/_obs_mean": (3,),
        "env/_obs_var": (3,),
    }
    assert cut({"p": policy(28, spec(), (4,)), "log_std": env}) == {**SMALL, "log_std": (2,)}


def cycle():
    found = []
    found.append(found)
    return found


def looped_product():
    product = make("rllab.spaces.product.Product")
    product._components = [product, product]
    return make("rllab.envs.env_spec.EnvSpec", __args=(product, product), __kwargs={})


@pytest.mark.parametrize(
    ("args", "reason"),
    [
        ((), "spaces of the environment"),
        ((None,), "spaces of the environment"),
        ((3, (4,)), "spaces of the environment"),
        ((cycle(), (4,)), "spaces of the environment"),
        ((looped_product(), (4,)), "nested too deeply"),
        ((spec(), 4), "hidden_sizes is a int"),
        ((spec(), "44"), "hidden_sizes is a str"),
        ((spec(), None), "hidden_sizes is a NoneType"),
        ((spec(), (4.0,)), "hidden_sizes is a tuple"),
        ((spec(), (True,)), "hidden_sizes is a tuple"),
        ((spec(), (0,)), "hidden_sizes is a tuple"),
        ((spec(), (-4,)), "hidden_sizes is a tuple"),
        ((spec(), (2**70,)), "hidden_sizes is a tuple"),
        ((spec(), (1,) * 1000), "hidden_sizes is a tuple"),
        ((spec(), cycle()), "hidden_sizes is a list"),
        ((spec(), (2**30, 2**30, 2**30)), "numbers, and the vector has the shape (28,)"),
        ((spec(), (5,)), "make 34 numbers, and the vector has the shape (28,)"),
        ((spec(7), (4,)), "make 44 numbers, and the vector has the shape (28,)"),
        ((spec(), (4,), "yes"), "learn_std is a str"),
        ((spec(), (4,), True, 1.0, [1]), "adaptive_std is a list"),
        ((spec(), (4,), True, 1.0, True, False, {}), "std_hidden_sizes is a dict"),
        ((spec(), (4,), *(1.0,) * 9), "adaptive_std is a float"),
        ((spec(), (4,), True, 1.0, False, False, (4,), 1e-6, 5), "fit several versions"),
        ((spec(), (4,), True, 1.0, False, False, (4,), 1e-6, 5, 5, None), "hidden_nonlinearity"),
        (
            (spec(), (4,), True, 1.0, False, False, (4,), 0, None, None, None, [1], None),
            "a network of its own (mean_network)",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "spec",
)
def test_what_does_not_fit_stays_whole(args, reason):
    found = interpret({"policy": policy(28, *args)})
    (snapshot,) = found.snapshots
    (leaf,) = snapshot.leaves
    assert (leaf.name, leaf.array.shape) == ("policy/params", (28,))
    assert reason in leaf.note
    assert reason in found.warnings[0]
    assert "architectures" not in found.metadata


@pytest.mark.parametrize(
    "space",
    [
        None,
        7,
        make("rllab.spaces.box.Box"),
        make("rllab.spaces.box.Box", low=-1.0, high=1.0),
        make("rllab.spaces.box.Box", low=np.zeros(3), high=np.zeros(4)),
        make("rllab.spaces.box.Box", low=np.zeros(0), high=np.zeros(0)),
        make("rllab.spaces.discrete.Discrete", _n=-1),
        make("rllab.spaces.discrete.Discrete", _n=2**80),
        make("rllab.spaces.discrete.Discrete", _n=None),
        make("rllab.spaces.product.Product", _components=7),
        make("rllab.spaces.graph.Graph", low=np.zeros(3), high=np.zeros(3)),
    ],
    ids=lambda space: repr(getattr(space, "__dict__", space)),
)
def test_spaces_of_a_wrong_kind(space):
    env_spec = make("rllab.envs.env_spec.EnvSpec", __args=(space, space), __kwargs={})
    found = interpret(policy(28, env_spec, (4,)))
    assert [leaf.name for leaf in found.snapshots[0].leaves] == ["params"]


@pytest.mark.parametrize("params", [None, 7, "x", [1.0], {"a": 1}, np.arange(3), cycle()], ids=repr)
def test_parameters_that_are_no_vector(params):
    value = make(GAUSSIAN, __args=(spec(), (4,)), __kwargs={}, params=params)
    assert interpret({"policy": value}).family == "rllab"
    assert not interpret({"policy": value}).snapshots


@pytest.mark.parametrize("shape", [(), (4, 7), (1, 28)])
def test_a_vector_of_another_rank_stays_whole(shape):
    values = np.zeros(shape)
    assert cut(policy(values, spec(), (4,))) == {"params": shape}


@pytest.mark.parametrize(
    ("args", "kwargs"), [(None, {}), (5, {}), ({}, {}), ((), None), ((), 5), ((), [1])]
)
def test_arguments_of_a_wrong_kind(args, kwargs):
    value = make(GAUSSIAN, __args=args, __kwargs=kwargs, params=np.zeros(28))
    assert cut(value) == {"params": (28,)}


def test_tensorflow_is_named():
    cls = "sandbox.rocky.tf.policies.gaussian_mlp_policy.GaussianMLPPolicy"
    found = interpret(policy(28, "name", spec(), (4,), cls=cls))
    assert "TensorFlow" in found.warnings[0]


def test_recurrent_policies_stay_whole():
    cls = "rllab.policies.gaussian_gru_policy.GaussianGRUPolicy"
    found = interpret(policy(28, spec(), (4,), cls=cls))
    assert "GaussianGRUPolicy have no known layout" in found.warnings[0]


def test_a_class_of_theano_alone_is_not_of_rllab():
    stub(GAUSSIAN)
    assert interpret([shared(3, "W")]).family == "Theano"
