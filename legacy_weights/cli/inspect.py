"""``migrate inspect FILE``: what is inside, nothing written."""

from __future__ import annotations

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


def inspect(
    file: File,
    /,
    *,
    layout: Layout = None,
    architecture: Architecture = None,
    convert: Convert = (),
    strict: Strict = False,
    limit: Limit = (),
    all: All = False,
    json: Json = False,
    debug: Debug = False,
) -> int:
    """Show what a legacy or migrated file holds, and write nothing."""
    from legacy_weights import api, limits, summary
    from legacy_weights.cli import console
    from legacy_weights.document import document

    tree = api.read(
        file,
        layout=layout,
        architecture=architecture,
        convert=convert,
        strict=strict,
        limits=limits.parse(limit),
        hostile=not strict,
    )
    if json:
        console.show_json(document(tree, file=str(file)))
    else:
        console.show(summary.lines(tree, everything=all))
    exploits = any(call.exploit for call in tree.calls)
    return 0 if any(True for _ in tree.leaves()) and not exploits else 1
