"""The weights of a tree without what is beside them."""

from __future__ import annotations

from dataclasses import replace

from legacy_weights.errors import UsageError
from legacy_weights.tree import Tree


def weights_only(tree: Tree) -> Tree:
    """Leave out every array that is in no snapshot, and the records, which point to them.

    Logs and metadata stay, and the history and a warning tell what was left out.

    Raises
    ------
    UsageError
        The tree has no weights.
    """
    if not tree.snapshots:
        raise UsageError(
            f"the file has {len(tree.other)} arrays, and none is known to be a weight",
            advice="Without --weights-only everything is written",
        )
    arrays = len(tree.other)
    return replace(
        tree,
        other=(),
        records=tuple,
        history=(*tree.history, {"action": "weights-only", "arrays_left_out": arrays}),
        warnings=(
            *tree.warnings,
            f"only the weights are written: {arrays:,} other arrays and all records are left out",
        ),
    )
