"""``migrate FILE``: write everything a legacy file holds into one hierarchy."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from legacy_weights.cli.options import (
    All,
    Architecture,
    Convert,
    Debug,
    File,
    Json,
    Layout,
    Limit,
    Strict,
)

if TYPE_CHECKING:
    from legacy_weights import api


def migrate(
    file: File,
    /,
    *,
    output: Annotated[
        Path | None,
        Parameter(name=["--output", "-o"], help="The file to write, beside the legacy file."),
    ] = None,
    overwrite: Annotated[bool, Parameter(negative=(), help="Replace an existing target.")] = False,
    dry_run: Annotated[
        bool, Parameter(negative=(), help="Read and report, and write nothing.")
    ] = False,
    layout: Layout = None,
    architecture: Architecture = None,
    convert: Convert = (),
    all: All = False,
    weights_only: Annotated[
        bool,
        Parameter(negative=(), help="Leave out every array that is no part of the model."),
    ] = False,
    strict: Strict = False,
    limit: Limit = (),
    json: Json = False,
    quiet: Annotated[
        bool, Parameter(name=["--quiet", "-q"], negative=(), help="Print nothing but errors.")
    ] = False,
    debug: Debug = False,
) -> int:
    """Migrate a legacy file: every array, bit for bit, and all that is beside them.

    The result is FILE with `.migrated.h5` in place of its last suffix. It is read back and
    compared before it takes its place. The legacy file is never changed, and none of it is run.
    """
    from legacy_weights import api, limits, summary
    from legacy_weights.cli import console
    from legacy_weights.document import document

    with console.progress(quiet=quiet or json) as progress:
        report = api.migrate(
            file,
            output,
            overwrite=overwrite,
            layout=layout,
            architecture=architecture,
            convert=convert,
            weights_only=weights_only,
            strict=strict,
            limits=limits.parse(limit),
            dry_run=dry_run,
            progress=progress,
        )
    if json and not quiet:
        found = document(report.tree, file=str(file))
        done = {"output": str(report.path) if report.written else None, "verified": report.verified}
        console.show_json({**found, **done})
    elif not quiet:
        console.show(summary.lines(report.tree, everything=all))
        console.show(_closing(report))
    return report.exit_status


def _closing(report: api.Report) -> list[str]:
    from legacy_weights.terminal import clean, plural

    if not report.written:
        return [f"→ {clean(str(report.path))} would be written (dry run)"]
    arrays = plural(report.arrays, "array")
    lines = [f"→ {clean(str(report.path))}  {report.verified} of {arrays} verified"]
    if report.tree.snapshots:
        lines += [
            "  import legacy_weights",
            f"  weights = legacy_weights.open({str(report.path)!r}).weights()",
        ]
    return lines
