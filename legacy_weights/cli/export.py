"""``migrate export FILE``: a snapshot in a format of others."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from legacy_weights.cli.options import Debug, File, Json, Snapshot


def export(
    file: File,
    /,
    *,
    to: Annotated[
        Literal["npz", "safetensors", "json", "torch"], Parameter(help="The format to write.")
    ],
    output: Annotated[Path, Parameter(name=["--output", "-o"], help="The file to write.")],
    snapshot: Snapshot = None,
    flat: Annotated[
        bool, Parameter(negative=(), help="Write the flat vector alone, as `theta`.")
    ] = False,
    overwrite: Annotated[bool, Parameter(negative=(), help="Replace an existing target.")] = False,
    json: Json = False,
    debug: Debug = False,
) -> int:
    """Write the weights and the state of a snapshot as npz, safetensors, JSON or for PyTorch.

    Names and values are the model's own. What a format cannot hold is refused, and what it does
    not keep is told.
    """
    from legacy_weights import api
    from legacy_weights.choosing import split_name
    from legacy_weights.cli import console
    from legacy_weights.errors import UsageError
    from legacy_weights.terminal import clean, plural, size
    from legacy_weights.tools.export import export as write

    name, inside = split_name(file)
    tree = api.read(name)
    if output.exists() and output.samefile(name):
        raise UsageError("the target is the file itself", file=output)
    done = write(tree, output, to, snapshot=snapshot or inside, flat=flat, overwrite=overwrite)
    if json:
        console.show_json(
            {
                "file": str(name),
                "output": done.path,
                "to": done.to,
                "snapshot": done.snapshot,
                "arrays": done.arrays,
                "size": done.size,
                "complete": done.complete,
                "notes": list(done.notes),
            }
        )
    else:
        arrays = "theta" if flat else plural(done.arrays, "array")
        told = f"{clean(done.path)}  {arrays} of {clean(done.snapshot)}, {size(done.size)}"
        console.show([f"→ {told}", *(f"note      {clean(note)}" for note in done.notes)])
    return done.exit_status
