"""``migrate diff A B``: what differs between two files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from legacy_weights.cli.options import Debug, Json, Snapshot

if TYPE_CHECKING:
    from legacy_weights.tools.comparison import Comparison
    from legacy_weights.tree import JSON

_SHOWN = 20


def diff(
    a: Annotated[
        Path, Parameter(help="A file; FILE/snapshots/NAME is one of its snapshots alone.")
    ],
    b: Annotated[Path, Parameter(help="Another, or the same.")],
    /,
    *,
    snapshot: Snapshot = None,
    weights_only: Annotated[
        bool, Parameter(negative=(), help="Compare the snapshots and nothing beside them.")
    ] = False,
    all: Annotated[bool, Parameter(negative=(), help="List every difference.")] = False,
    json: Json = False,
    debug: Debug = False,
) -> int:
    """Compare two files, legacy or migrated: arrays bit for bit, and what is beside them.

    The exit status is 0 if they are equal, 1 if they differ.
    """
    from legacy_weights import api
    from legacy_weights.choosing import split_name
    from legacy_weights.cli import console
    from legacy_weights.tools.diff import diff as compare

    (first, one), (second, other) = split_name(a), split_name(b)
    found = compare(
        api.read(first),
        api.read(second),
        snapshots=(snapshot or one, snapshot or other),
        weights_only=weights_only,
    )
    if json:
        console.show_json(_document(found, str(a), str(b)))
    else:
        console.show(_lines(found, str(a), str(b), _SHOWN if not all else len(found.differences)))
    return 0 if found.equal else 1


def _lines(found: Comparison, a: str, b: str, shown: int) -> Iterator[str]:
    from legacy_weights.terminal import clean, plural

    signs = {"missing": "-", "added": "+"}
    yield f"- {clean(a)}"
    yield f"+ {clean(b)}"
    yield f"arrays    {plural(found.compared, 'pair')} compared"
    for entry in found.differences[:shown]:
        sign = signs.get(entry.kind, "~")
        place = entry.path if entry.path.startswith("/") else f"{entry.kind} {entry.path}".rstrip()
        yield f"{sign} {clean(place)}"
        yield f"      {clean(entry.message)}"
    if len(found.differences) > shown:
        yield f"  … {len(found.differences) - shown:,} more differences    (--all lists them)"
    for renamed in found.renamed[:shown]:
        sides = (" or ".join(side[:3]) for side in (renamed.first, renamed.second))
        yield f"hint      the same values: {clean(' = '.join(sides))}"
    if len(found.renamed) > shown:
        yield f"  … {len(found.renamed) - shown:,} more hints    (--all lists them)"
    for note in found.notes:
        yield f"note      {clean(note)}"
    for what in found.skipped:
        yield f"note      not compared: {what}"
    if found.equal:
        yield "→ equal"
    else:
        yield f"→ {plural(len(found.differences), 'difference')}"


def _document(found: Comparison, a: str, b: str) -> JSON:
    from legacy_weights.hierarchy.texts import plain

    differences: list[JSON] = []
    for entry in found.differences:
        facts: dict[str, JSON] = {
            "kind": entry.kind,
            "path": entry.path,
            "message": entry.message,
        }
        if entry.values is not None:
            values = entry.values
            facts |= {
                "count": values.count,
                "size": values.size,
                "largest": plain(values.largest),
                "relative": plain(values.relative),
                "at": list(values.at),
                "nans": values.nans,
            }
        differences.append(facts)
    return {
        "a": a,
        "b": b,
        "equal": found.equal,
        "compared": found.compared,
        "differences": differences,
        "renamed": [
            {"a": list(entry.first), "b": list(entry.second), "sha256": entry.sha256}
            for entry in found.renamed
        ],
        "not_compared": list(found.skipped),
        "notes": list(found.notes),
    }
