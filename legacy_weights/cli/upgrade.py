"""``migrate upgrade FILE``: another version of the hierarchy."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from legacy_weights.cli.options import Debug, Json

if TYPE_CHECKING:
    from legacy_weights.hierarchy import Upgrade
    from legacy_weights.tree import JSON


def upgrade(
    file: Annotated[Path | None, Parameter(help="The migrated file.")] = None,
    /,
    *,
    to: Annotated[int | None, Parameter(help="The version; by default the newest.")] = None,
    output: Annotated[
        Path | None, Parameter(name=["--output", "-o"], help="The file to write.")
    ] = None,
    in_place: Annotated[
        bool,
        Parameter(
            negative=(),
            help="Replace the file; it is kept as FILE.backup until the new one passed the check.",
        ),
    ] = False,
    overwrite: Annotated[bool, Parameter(negative=(), help="Replace an existing target.")] = False,
    dry_run: Annotated[
        bool, Parameter(negative=(), help="Take the steps in memory, and write nothing.")
    ] = False,
    plan: Annotated[bool, Parameter(negative=(), help="List the steps that there are.")] = False,
    json: Json = False,
    debug: Debug = False,
) -> int:
    """Bring a migrated file to another version of the hierarchy."""
    from legacy_weights import hierarchy
    from legacy_weights.cli import console
    from legacy_weights.errors import UsageError

    if plan:
        if json:
            console.show_json(_plan())
        else:
            console.show(_steps())
        return 0
    if file is None:
        raise UsageError("no file is named", advice="migrate upgrade FILE, or --plan for the steps")
    done = hierarchy.upgrade(
        file, output, to=to, in_place=in_place, overwrite=overwrite, dry_run=dry_run
    )
    if json:
        console.show_json(
            {
                "file": str(file),
                "from": done.found,
                "to": done.wanted,
                "steps": list(done.steps),
                "output": str(done.path) if done.written else None,
            }
        )
    else:
        console.show(_told(file, done))
    return 0


def _plan() -> JSON:
    from legacy_weights import migrations
    from legacy_weights.hierarchy import VERSION

    steps: list[JSON] = [
        {
            "from": step.FROM,
            "to": step.TO,
            "step": step.__name__.rpartition(".")[2],
            "undone": hasattr(step, "downgrade"),
        }
        for step in migrations.STEPS
    ]
    return {"steps": steps, "version": VERSION}


def _steps() -> Iterator[str]:
    from legacy_weights import migrations
    from legacy_weights.hierarchy import VERSION

    for step in migrations.STEPS:
        back = "" if hasattr(step, "downgrade") else "  (no way back)"
        first = (step.__doc__ or "").partition("\n")[0]
        yield f"{step.FROM} → {step.TO}  {step.__name__.rpartition('.')[2]}  {first}{back}"
    yield f"this release writes version {VERSION}"


def _told(file: Path, done: Upgrade) -> Iterator[str]:
    from legacy_weights.terminal import clean

    if not done.steps:
        yield f"{clean(str(file))}: version {done.found}, nothing to do"
        return
    what = "→" if done.written else "would become"
    steps = ", ".join(done.steps)
    yield f"{clean(str(file))}: version {done.found} {what} {done.wanted} by {steps}"
    if done.written:
        yield f"→ {clean(str(done.path))}"
