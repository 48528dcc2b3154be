"""The command ``migrate``.

A first word that equals a subcommand is the subcommand (``./check`` or ``-- check`` is a file of
that name); any other word is a legacy file to migrate.

Exit status: 0 done; 1 read, but something falls short; 2 wrong usage; 3 refused, damaged or
unreadable, and nothing was written.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from legacy_weights.cli.app import run


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    return run(sys.argv[1:] if arguments is None else arguments)
