"""``migrate check FILE``: validate a migrated file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from legacy_weights.cli.options import Debug, File, Json

if TYPE_CHECKING:
    from legacy_weights.tree import JSON


def check(file: File, /, *, json: Json = False, debug: Debug = False) -> int:
    """Validate a migrated file against its schema and its checksums: all findings at once."""
    from legacy_weights.cli import console
    from legacy_weights.hierarchy import check as validate
    from legacy_weights.terminal import clean, plural

    findings = validate(file)
    if json:
        listed: list[JSON] = [
            {"path": f.path, "rule": f.rule, "message": f.message} for f in findings
        ]
        console.show_json({"file": str(file), "valid": not findings, "findings": listed})
    elif findings:
        console.show(f"{clean(f.path)}  {f.rule}: {clean(f.message)}" for f in findings)
        console.show([f"{clean(str(file))}: {plural(len(findings), 'finding')}"])
    else:
        console.show([f"{clean(str(file))}: valid"])
    return 1 if findings else 0
