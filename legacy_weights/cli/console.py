"""What the subcommands print, and where."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from legacy_weights.tree import JSON

Progress = Callable[[int, int, str], None]

_LONG = 64 << 20
"""Work on fewer bytes than this shows no progress bar."""


def show(lines: Iterable[str]) -> None:
    """Print lines; what the terminal cannot encode is escaped."""
    encoding = sys.stdout.encoding or "utf-8"
    for line in lines:
        print(line.encode(encoding, "backslashreplace").decode(encoding))


def show_json(document: JSON) -> None:
    """Print one JSON document."""
    json.dump(document, sys.stdout, ensure_ascii=True, allow_nan=False, indent=1)
    print()


@contextmanager
def progress(*, quiet: bool) -> Iterator[Progress | None]:
    """Show a bar for long work on a terminal, and nothing elsewhere."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, TextColumn, TransferSpeedColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    with Bar(*columns, TransferSpeedColumn(), console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None, visible=False)

        def update(done: int, total: int, what: str) -> None:
            bar.update(task, completed=done, total=total, description=what, visible=total > _LONG)

        yield update
