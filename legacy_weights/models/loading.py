"""From a file, or the tree of one, to a model or a policy."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from os import PathLike, fspath
from pathlib import Path
from typing import Any

from legacy_weights.choosing import choose, split_name
from legacy_weights.errors import UnreadableError, UsageError, in_file
from legacy_weights.families.gail import Arguments, parse_args, parse_spec, policy_scope, scopes
from legacy_weights.models.graph import Network
from legacy_weights.models.model import Model
from legacy_weights.models.policy import Policy
from legacy_weights.models.specification import Specification
from legacy_weights.tree import Snapshot, Tree

_FRAMEWORKS = {
    "Keras": "keras",
    "Lasagne": "lasagne",
    "nolearn": "lasagne",
    "pylearn2": "pylearn2",
    "rllab": "rllab",
    "Theano": "theano",
}
"""The module below :mod:`legacy_weights.models.frameworks` for a family of trees."""


def load_model(
    source: str | PathLike[str] | Tree,
    snapshot: int | str | None = None,
    mode: str | None = None,
) -> Model | Policy:
    """Rebuild the model of a legacy or a migrated file.  Nothing is compiled.

    Parameters
    ----------
    source : path or Tree
    snapshot : int or str, optional
        The iteration or the name of a snapshot; None is the one that the file means, else the
        last.
    mode : {None, "C", "JAX"}
        Where its functions run: PyTensor's default (NUMBA), its C linker CVM, or JAX.

    Returns
    -------
    Model
        Of a GAIL policy a :class:`Policy`, as :func:`load_policy` gives it.

    Notes
    -----
    Each module of :mod:`legacy_weights.models.frameworks` says what it rebuilds, from what, and
    which outputs there are: models of the deeplearning.net tutorials, by the expression of
    ``p_y_given_x`` in the file (probabilities); Lasagne's and nolearn's chains of dense, batch
    normalization, dropout and nonlinearity layers; Keras 0 and 1 dense chains; pylearn2's ``MLP``;
    rllab's categorical (probabilities), Gaussian (mean and log_std) and deterministic policies.

    Raises
    ------
    UsageError
        If there is no such snapshot, or no such mode.
    UnreadableError
        If the file does not state the model whole, or has a layer that cannot be rebuilt; the
        error names the layer.
    LayoutError
        If the arrays do not fit the layers.
    """
    if not isinstance(source, Tree):
        file, inside = _split(source, snapshot)
        with in_file(file):
            return load_model(_read(file), inside, mode)
    if source.family == "GAIL":
        return load_policy(source, snapshot, mode)
    chosen = _complete(source, snapshot)
    layers = _specify(source.family)(source, chosen)
    own = [leaf for leaf in chosen.leaves if leaf.name not in layers.beside]
    weights = {leaf.name: leaf.array.load() for leaf in own}
    theta = [leaf.name for leaf in own if leaf.in_theta]
    return Model(layers, weights, theta, mode)


def _specify(family: str) -> Callable[[Tree, Snapshot], Specification]:
    if family not in _FRAMEWORKS:
        raise UnreadableError(
            f"files of the kind {family!r} are not rebuilt as models",
            expected=f"a model of {', '.join(_FRAMEWORKS)} or GAIL",
            advice="The weights can be had by legacy_weights.open or read",
        )
    module = import_module(f"legacy_weights.models.frameworks.{_FRAMEWORKS[family]}")
    specify: Callable[[Tree, Snapshot], Specification] = module.specification
    return specify


def load_policy(
    source: str | PathLike[str] | Tree,
    snapshot: int | str | None = None,
    mode: str | None = None,
    *,
    hidden_spec: str | Sequence[Mapping[str, Any]] | None = None,
    enable_obsnorm: bool | None = None,
) -> Policy:
    """Rebuild the policy that a GAIL log or a migrated file holds.  Nothing is compiled.

    Parameters
    ----------
    source : path or Tree
        A legacy or a migrated file; GAIL's own ``x.h5/snapshots/iter0000100`` names the snapshot
        too (policyopt/util.py, ``split_h5_name``).
    snapshot : int or str, optional
        The iteration or the name of a snapshot; None is the last one.
    mode : {None, "C", "JAX"}
        Where its functions run: PyTensor's default (NUMBA), its C linker CVM, or JAX.
    hidden_spec : list of mapping, or JSON text of one, optional
        The hidden layers, for a file that does not say (``Model.save_h5``).
    enable_obsnorm : bool, optional
        Whether observations are standardized; by default as the file says, else if it has
        arrays for it.

    Raises
    ------
    UsageError
        If there is no such snapshot.
    UnreadableError
        If the file holds no GAIL policy, or a layer that is unknown.
    LayoutError
        If the arrays do not fit the layers.
    """
    if isinstance(source, Tree):
        return _policy(source, snapshot, mode, hidden_spec, enable_obsnorm)
    file, snapshot = _split(source, snapshot)
    with in_file(file):
        return _policy(_read(file), snapshot, mode, hidden_spec, enable_obsnorm)


def _split(
    source: str | PathLike[str], snapshot: int | str | None
) -> tuple[Path, int | str | None]:
    """Return the file, and the snapshot that its path or the caller names."""
    file, inside = split_name(source)
    if inside is None:
        return file, snapshot
    if snapshot is not None:
        raise UsageError(f"{fspath(source)!r} and {snapshot!r} both name a snapshot")
    return file, inside


def _complete(tree: Tree, snapshot: int | str | None) -> Snapshot:
    """Return the snapshot that is meant, unless it was cut off."""
    chosen = choose(tree, snapshot)
    if not chosen.complete:
        raise UnreadableError(
            "the snapshot was cut off while it was written",
            where=chosen.name,
            expected="a complete one",
        )
    return chosen


def _policy(
    tree: Tree,
    snapshot: int | str | None,
    mode: str | None,
    hidden_spec: str | Sequence[Mapping[str, Any]] | None,
    enable_obsnorm: bool | None,
) -> Policy:
    chosen = _complete(tree, snapshot)
    arguments = _arguments(tree)
    scope = policy_scope(leaf.name for leaf in chosen.leaves)
    arrays = {
        leaf.name: leaf.array.load() for leaf in chosen.leaves if scopes(leaf.name)[0] == scope
    }
    spec = arguments.hidden_spec if hidden_spec is None else parse_spec(hidden_spec)
    if spec is None:
        raise UnreadableError(
            "the file does not say of which layers the policy is made",
            where="args",
            advice="Give them: load_policy(..., hidden_spec=[{'type': 'fc', 'n': 64}, ...])",
        )
    if enable_obsnorm is None:
        enable_obsnorm = arguments.enable_obsnorm
    return Policy(Network(arrays, spec, enable_obsnorm), arguments, mode)


def _arguments(tree: Tree) -> Arguments:
    args = tree.metadata.get("args")
    return parse_args(args) if isinstance(args, str | Mapping) else Arguments()


def _read(file: Path) -> Tree:
    # Here, for a tree can be loaded without the readers.
    from legacy_weights import read

    tree: Tree = read(file)
    return tree
