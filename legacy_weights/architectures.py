"""Architectures from outside: what ``model.to_json()`` gave, kept beside a file of weights."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

from legacy_weights.errors import UsageError
from legacy_weights.families import keras, keras_architecture
from legacy_weights.tree import JSON, Tree


def load_architecture(path: str | PathLike[str]) -> JSON:
    """Read the architecture of a Keras model.

    Parameters
    ----------
    path : path-like
        A file with the JSON text that ``model.to_json()`` gave.

    Raises
    ------
    UsageError
        If there is no such file, or it is no JSON.
    """
    path = Path(path)
    try:
        return keras_architecture.loads(path.read_bytes())
    except OSError as error:
        raise UsageError(error.strerror or "cannot be read", file=path) from error
    except ValueError as error:
        raise UsageError(
            f"this is no architecture ({error})",
            file=path,
            expected="the JSON text that `model.to_json()` gave",
        ) from error


def with_architecture(tree: Tree, architecture: str | PathLike[str] | dict[str, JSON]) -> Tree:
    """Return a tree of Keras with the architecture that its file lacks.

    Parameters
    ----------
    tree : Tree
    architecture : path-like or dict
        A file, or the value of its JSON.

    Raises
    ------
    UsageError
        If the one is not for the other; see :func:`legacy_weights.families.keras.describe`.
    """
    if isinstance(architecture, dict):
        return keras.describe(tree, architecture, source="architecture")
    return keras.describe(tree, load_architecture(architecture), source=Path(architecture).name)
