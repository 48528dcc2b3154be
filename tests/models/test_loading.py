"""From trees to policies."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from gail_support import FIXTURES, sha256, tree_of, truth_of

import legacy_weights
from legacy_weights.choosing import choose
from legacy_weights.errors import LayoutError, UnreadableError, UsageError
from legacy_weights.models import load_policy
from legacy_weights.tree import Array

SPEC = [{"type": "fc", "n": 8}, {"type": "nonlin", "func": "lrelu"}]


@pytest.fixture
def tree():
    return tree_of(FIXTURES / "gibbs_two_layers.h5")


def altered(tree, change):
    """Return the tree with the leaves of its first snapshot changed."""
    first = tree.snapshots[0]
    return replace(tree, snapshots=(replace(first, leaves=tuple(change(first.leaves))),))


def test_snapshots_by_number_name_and_default(tree):
    truth = truth_of("gibbs_two_layers")
    for given, name in (
        (None, "iter0000001"),
        (0, "iter0000000"),
        ("iter0000000", "iter0000000"),
        (np.int64(1), "iter0000001"),
    ):
        policy = load_policy(tree, given)
        assert sha256(policy.flat.get()) == str(truth[f"{name}/theta_sha256"])
    assert choose(replace(tree, default_snapshot="iter0000000"), None).iteration == 0
    for unknown in (7, "iter7", "0"):
        with pytest.raises(UsageError, match="iter0000000, iter0000001"):
            load_policy(tree, unknown)
    with pytest.raises(UsageError, match="no weights"):
        load_policy(replace(tree, snapshots=()))


def test_half_written_snapshots():
    tree = tree_of(FIXTURES / "unclosed.h5")
    assert [s.complete for s in tree.snapshots] == [True, False]
    assert load_policy(tree).flat.size == load_policy(tree, 0).flat.size
    with pytest.raises(UnreadableError, match="cut off"):
        load_policy(tree, 1)


@pytest.mark.parametrize(
    "name", ["gibbs_two_layers", "gaussian_one_layer", "gaussian_no_obsnorm", "tensorflow"]
)
def test_legacy_and_migrated_files(name, tmp_path):
    legacy = FIXTURES / f"{name}.h5"
    report = legacy_weights.migrate(legacy, tmp_path / "new.h5")
    wanted = load_policy(tree_of(legacy), 0)
    for source in (
        legacy,
        report.path,
        f"{legacy}/snapshots/iter0000000",
        f"{report.path}/snapshots/iter0000000",
    ):
        snapshot = None if "snapshots" in str(source) else 0
        policy = legacy_weights.load_policy(source, snapshot)
        assert list(policy.variables) == list(wanted.variables)
        for key, variable in policy.variables.items():
            np.testing.assert_array_equal(variable.get_value(), wanted.variables[key].get_value())
        np.testing.assert_array_equal(policy.flat.get(), wanted.flat.get())
        assert policy.arguments == wanted.arguments


def test_saved_models_need_their_layers():
    path = FIXTURES / "model.h5"
    with pytest.raises(UnreadableError, match="hidden_spec=") as error:
        legacy_weights.load_policy(path)
    assert error.value.file == str(path)
    policy = legacy_weights.load_policy(path, hidden_spec=SPEC)
    assert policy.flat.size == load_policy(tree_of(FIXTURES / "gaussian_one_layer.h5")).flat.size


def test_two_names_for_a_snapshot():
    path = FIXTURES / "gibbs_two_layers.h5" / "snapshots" / "iter0000000"
    with pytest.raises(UsageError, match="both name"):
        load_policy(path, 1)


def test_names_of_tensorflow():
    plain = load_policy(tree_of(FIXTURES / "gaussian_one_layer.h5"))
    suffixed = load_policy(tree_of(FIXTURES / "tensorflow.h5"))
    assert list(suffixed.variables) == [f"{name}:0" for name in plain.variables]
    assert [v.name for v in suffixed.variables.values()] == list(suffixed.variables)
    assert suffixed.kind == "gaussian"
    assert suffixed.flat.size == plain.flat.size


def test_missing_superfluous_and_misshapen_arrays(tree):
    out = "GibbsPolicy/out/AffineLayer/b"
    with pytest.raises(LayoutError, match=r"missing.*\(1, 3\)") as error:
        load_policy(altered(tree, lambda leaves: [x for x in leaves if x.name != out]))
    assert error.value.where == out

    def misshape(leaves):
        wrong = Array.of(np.zeros((1, 4)))
        return [replace(x, array=wrong) if x.name == out else x for x in leaves]

    with pytest.raises(LayoutError, match=r"\(1, 4\).*\(1, 3\)"):
        load_policy(altered(tree, misshape))

    def add(leaves):
        extra = "GibbsPolicy/hidden/FeedforwardNet/layer_4/AffineLayer/W"
        return [*leaves, replace(leaves[0], name=extra)]

    with pytest.raises(LayoutError, match="layer_4"):
        load_policy(altered(tree, add))
    with pytest.raises(LayoutError, match="obsnorm"):
        load_policy(tree, enable_obsnorm=False)


def test_unknown_layers_are_named(tree):
    args = dict(tree.metadata["args"], policy_hidden_spec='[{"type": "conv"}]')
    with pytest.raises(UnreadableError, match=r"layer 0 of GibbsPolicy/hidden.*conv"):
        load_policy(replace(tree, metadata={"args": args}))


def test_files_without_a_specification():
    tree = replace(tree_of(FIXTURES / "gaussian_one_layer.h5"), metadata={})
    with pytest.raises(UnreadableError, match="hidden_spec="):
        load_policy(tree)
    policy = load_policy(tree, hidden_spec=SPEC)
    assert any("obsnorm" in name for name in policy.variables)
    assert policy.arguments.env_name is None
