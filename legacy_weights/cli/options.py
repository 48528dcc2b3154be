"""Parameters that several subcommands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

File = Annotated[Path, Parameter(help="The file.")]
Json = Annotated[
    bool, Parameter(name="--json", negative=(), help="Print one JSON document instead of text.")
]
Debug = Annotated[
    bool, Parameter(name="--debug", negative=(), help="Show a traceback with an error.")
]
Snapshot = Annotated[
    str | None,
    Parameter(
        name="--snapshot", help="Name or iteration of a snapshot; by default the file's own choice."
    ),
]
All = Annotated[
    bool,
    Parameter(name="--all", negative=(), help="List every array, also those that are no weights."),
]
Layout = Annotated[
    Path | None,
    Parameter(
        name="--layout",
        help='How to cut a bare flat vector: JSON [{"name": …, "shape": […]}, …], or a migrated '
        "file.",
    ),
]
Architecture = Annotated[
    Path | None,
    Parameter(
        name="--architecture",
        help="What `model.to_json()` gave, for a file with the weights of a Keras model alone.",
    ),
]
Convert = Annotated[
    tuple[str, ...],
    Parameter(
        name="--convert",
        negative=(),
        help="A transformation, which the history will tell: keras-kernels (or =th, =tf) turns "
        "convolution kernels of Keras for cross-correlation.",
    ),
]
Limit = Annotated[
    tuple[str, ...],
    Parameter(
        name="--limit",
        negative=(),
        help="What the file may ask for, as NAME=NUMBER (memo=1000000, unpacked=8G); "
        "docs/safety.md has the names.",
    ),
]
Strict = Annotated[
    bool,
    Parameter(
        name="--strict",
        negative=(),
        help="Refuse a file that calls anything outside of known data types.",
    ),
]
