"""``migrate history FILE``: what was done to a file since it was a legacy file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from legacy_weights.cli.options import Debug, File, Json

if TYPE_CHECKING:
    from legacy_weights.tree import JSON


def history(file: File, /, *, json: Json = False, debug: Debug = False) -> int:
    """Show what was done to a migrated file: by which program, from which source, which changes."""
    from legacy_weights import hierarchy
    from legacy_weights.cli import console

    entries = list(hierarchy.history(file))
    if json:
        console.show_json({"file": str(file), "history": [dict(entry) for entry in entries]})
    else:
        console.show(line for entry in entries for line in _lines(entry))
    return 0


def _lines(entry: Mapping[str, JSON]) -> Iterator[str]:
    """Yield an entry: its action, and a line for each of its facts."""
    from legacy_weights.terminal import clean

    yield clean(str(entry.get("action", "?")))
    for name, value in entry.items():
        if name == "action":
            continue
        if isinstance(value, dict):
            yield from (f"  {clean(k)}: {clean(str(v))}" for k, v in value.items())
        elif isinstance(value, list):
            yield f"  {clean(name)}:"
            yield from (f"    {clean(str(item))}" for item in value)
        else:
            yield f"  {clean(name)}: {clean(str(value))}"
