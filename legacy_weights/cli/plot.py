"""``migrate plot FILE``: draw the training curves and the weights of a snapshot."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from legacy_weights.cli.options import Debug, File, Snapshot


def plot(
    file: File,
    /,
    *,
    output: Annotated[
        Path, Parameter(name=["--output", "-o"], help="The picture: .png, .pdf or .svg.")
    ],
    snapshot: Snapshot = None,
    debug: Debug = False,
) -> int:
    """Draw the training curves of a log and the weights of a snapshot."""
    from legacy_weights import api
    from legacy_weights.choosing import choose_word
    from legacy_weights.cli import console
    from legacy_weights.models import plot as draw
    from legacy_weights.terminal import clean

    tree = api.read(file)
    draw(tree, output, None if snapshot is None else choose_word(tree, snapshot).name)
    console.show([f"→ {clean(str(output))}"])
    return 0
