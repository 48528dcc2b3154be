"""``migrate show FILE PATH``: one array."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from legacy_weights.cli.options import Debug, File, Json, Snapshot


def show(
    file: File,
    path: Annotated[str, Parameter(help="Path or name of an array, or of a log's column.")],
    /,
    *,
    snapshot: Snapshot = None,
    json: Json = False,
    debug: Debug = False,
) -> int:
    """Show one array of a legacy or migrated file: statistics, provenance, a histogram."""
    from legacy_weights import api
    from legacy_weights.choosing import split_name
    from legacy_weights.cli import console
    from legacy_weights.errors import in_file
    from legacy_weights.tools import show as tool

    name, inside = split_name(file)
    with in_file(name):
        seen = tool.show(api.read(name), path, snapshot or inside)
    if json:
        console.show_json(tool.document(seen, file=str(name)))
    else:
        console.show(tool.lines(seen))
    return 0
