"""``migrate verify LEGACY MIGRATED``: proof that nothing is lost."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from legacy_weights.cli.options import Debug, Json

if TYPE_CHECKING:
    from legacy_weights.tree import JSON


def verify(
    legacy: Annotated[Path, Parameter(help="The legacy file.")],
    migrated: Annotated[Path, Parameter(help="What it was migrated to.")],
    /,
    *,
    json: Json = False,
    debug: Debug = False,
) -> int:
    """Read a legacy file once more, and prove that the migrated one has all of it, bit for bit.

    What the history says was changed on purpose is done again before comparing. The exit status is
    0 if nothing is lost, 1 with all findings.
    """
    from legacy_weights.cli import console
    from legacy_weights.terminal import clean, plural
    from legacy_weights.tools.verify import verify as compare

    found = compare(legacy, migrated)
    if json:
        listed: list[JSON] = [
            {"path": f.path, "rule": f.rule, "message": f.message} for f in found.findings
        ]
        console.show_json(
            {
                "legacy": str(legacy),
                "migrated": str(migrated),
                "verified": not found.findings,
                "arrays": found.arrays,
                "records": found.records,
                "logs": found.tables,
                "findings": listed,
                "notes": list(found.notes),
            }
        )
    else:
        counts = (
            plural(found.arrays, "array"),
            plural(found.records, "record"),
            plural(found.tables, "log"),
        )
        console.show([f"{clean(str(migrated))}  {', '.join(counts)} compared"])
        console.show(f"{clean(f.path)}  {f.rule}: {clean(f.message)}" for f in found.findings)
        console.show(f"note      {clean(note)}" for note in found.notes)
        closing = plural(len(found.findings), "finding") if found.findings else "nothing is lost"
        console.show([f"→ {clean(str(legacy))}: {closing}"])
    return 1 if found.findings else 0
