"""The application: subcommands, exit status, errors."""

from __future__ import annotations

import difflib
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import cyclopts

from legacy_weights.cli import (
    check,
    diff,
    export,
    history,
    inspect,
    migrate,
    plot,
    replay,
    show,
    upgrade,
    verify,
)
from legacy_weights.errors import LegacyWeightsError

COMMANDS: dict[str, Callable[..., int]] = {
    "inspect": inspect.inspect,
    "check": check.check,
    "verify": verify.verify,
    "show": show.show,
    "diff": diff.diff,
    "export": export.export,
    "upgrade": upgrade.upgrade,
    "history": history.history,
    "replay": replay.replay,
    "plot": plot.plot,
}

app = cyclopts.App(
    name="migrate",
    help="Open Theano-era pickles and logs without running them, and write everything they hold "
    "into one HDF5 file.",
    version_flags=["--version"],
    help_epilogue="Exit status: 0 done; 1 read, but something falls short; 2 wrong usage; "
    "3 refused, damaged or unreadable, and nothing was written.",
    result_action="return_value",
)
app.default(migrate.migrate)
for _name, _function in COMMANDS.items():
    app.command(_function, name=_name)


def run(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit status."""
    words = list(arguments)
    debug = "--debug" in words[: words.index("--")] if "--" in words else "--debug" in words
    if not words:
        app.help_print([])
        return 2
    try:
        status = app(words, exit_on_error=False, print_error=False)
        # What a pipe no longer takes is an error here, not at the interpreter's exit.
        sys.stdout.flush()
    except cyclopts.CycloptsError as error:
        if debug:
            raise
        return _fail(f"{error} (migrate --help shows the usage)", 2)
    except LegacyWeightsError as error:
        if debug:
            raise
        return _fail(f"{error}{_suggestion(words)}", error.exit_status)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return _fail("interrupted", 130)
    return status if isinstance(status, int) else 0


def _fail(message: str, status: int) -> int:
    from legacy_weights.terminal import clean

    print(f"migrate: {clean(' '.join(message.split()))}", file=sys.stderr)
    return status


def _suggestion(words: Sequence[str]) -> str:
    """Return a hint where a missing file resembles a subcommand."""
    first = words[0]
    if first.startswith("-") or first in COMMANDS or Path(first).exists():
        return ""
    close = difflib.get_close_matches(first, COMMANDS, n=1, cutoff=0.7)
    return f" Did you mean the subcommand `migrate {close[0]}`?" if close else ""
