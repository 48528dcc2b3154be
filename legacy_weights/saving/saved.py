"""Saving a set of weights into a new file of the hierarchy."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from legacy_weights.errors import UsageError, WriteError, in_file
from legacy_weights.hierarchy import texts
from legacy_weights.hierarchy.write import write
from legacy_weights.saving.columns import Columns
from legacy_weights.saving.members import snapshot_of
from legacy_weights.tree import JSON, Source, Tree

_MODEL = "model"


def save(
    path: str | os.PathLike[str],
    arrays_or_variables: Any,
    *,
    log: Mapping[str, Iterable[Any]] | None = None,
    metadata: Mapping[str, JSON] | None = None,
    overwrite: bool = False,
) -> None:
    """Save a set of weights, and the log of its training, into a new file of the hierarchy.

    Everything that reads a migrated file reads it: :func:`legacy_weights.open`,
    ``FlatVector.load``, ``migrate inspect``.  The file is written beside its target, synced, read
    back and compared bit for bit, and only then gets its name.

    Parameters
    ----------
    path : path-like
    arrays_or_variables : mapping, iterable, FlatVector or model
        A mapping of names to arrays or to shared variables (of PyTensor or Aesara); an iterable of
        them, where each is called by its own name, or by its zero-padded position; a
        :class:`~legacy_weights.FlatVector`; or a model that has its ``variables`` by name (those
        outside its ``flat`` vector are saved as state).  Their order is kept, and is that of the
        flat vector.  A slash in a name separates scopes, which are groups in the file.  What
        stands there twice is stored once.
    log : mapping of str to sequence, optional
        Columns of equal length; a pandas DataFrame is fine.
    metadata : mapping of str to JSON, optional
        What the file is to say of itself: settings, the environment.
    overwrite : bool
        Whether an existing file is replaced.

    Raises
    ------
    UsageError
        The file exists, or what is to be saved cannot be.
    WriteError
        The system refuses; then nothing is left behind.

    Examples
    --------
    >>> import numpy as np, legacy_weights
    >>> legacy_weights.save("m.h5", {"W": np.ones((3, 2)), "b": np.zeros(2)})  # doctest: +SKIP
    >>> with legacy_weights.open("m.h5") as file:  # doctest: +SKIP
    ...     weights = file.weights()
    """
    with in_file(path):
        check_new(path, overwrite=overwrite)
        tree = replace(
            empty_tree(path, "legacy_weights.save", metadata),
            snapshots=(snapshot_of(arrays_or_variables, _MODEL),),
            default_snapshot=_MODEL,
            tables=() if log is None else Columns.of(log).tables(),
        )
        write(tree, path, overwrite=overwrite)


def empty_tree(
    path: str | os.PathLike[str], kind: str, metadata: Mapping[str, JSON] | None
) -> Tree:
    """Return what a file that was never migrated says of itself.

    Version 1 of the hierarchy knows of legacy files only: the source is one of no bytes, whose
    kind says what wrote the file.
    """
    source = Source(os.path.basename(path), 0, kind, lambda: hashlib.sha256(b"").hexdigest())
    return Tree(source, "saved arrays", metadata=as_json(metadata or {}))


def as_json(metadata: Mapping[str, JSON]) -> dict[str, JSON]:
    """Return metadata as the file will have it.

    Raises
    ------
    UsageError
        It is no JSON.
    """
    try:
        found = texts.loads(texts.dumps(metadata if isinstance(metadata, dict) else dict(metadata)))
    except (TypeError, ValueError, WriteError) as error:
        raise UsageError(f"the metadata is no JSON: {error}") from error
    assert isinstance(found, dict)
    return found


def check_new(path: str | os.PathLike[str], *, overwrite: bool, advice: str = "") -> None:
    """Make sure that a file may be written, before any work is done."""
    if not overwrite and os.path.lexists(path):
        raise UsageError(
            "it exists already", advice=f"{advice}Replace it with overwrite=True, or name another"
        )
