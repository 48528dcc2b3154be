"""The manifest document, version 1, as pydantic models.

``/meta/manifest`` of a file is a :class:`Manifest` as JSON.  What has a place of its own in the
file (``index``, ``history``, ``args``) is left out there and put in when the whole document is
rendered.  Names and other texts of the legacy file are quoted by
:func:`legacy_weights.hierarchy.texts.quote`.

The JSON Schema of a released version never changes.  It stands beside this module, made once by
:func:`generated_schema`, for what pydantic generates can vary with its version.
"""

from __future__ import annotations

import json
from importlib import resources
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, Strict

from legacy_weights.tree import Order, Role

FORMAT: Final = "legacy-weights"
VERSION: Final = 1

Count = Annotated[int, Field(ge=0)]
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
ArrayPath = Annotated[str, Field(pattern="^/(snapshots|other)/[^/]+(/[^/]+)*$")]
TablePath = Annotated[str, Field(pattern="^/(log|logs/[^/]+)$")]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Source(_Model):
    """The legacy file."""

    name: str
    size: Count
    sha256: Sha256
    kind: str = Field(description="containers and format, the outermost first")
    writer: str = Field(description="what is known of the program that wrote it")


class Theta(_Model):
    """A flat parameter vector: the rows of a snapshot with `start` >= 0, of one dtype."""

    dtype: str
    size: Count
    sha256: Sha256


class Snapshot(_Model):
    """One complete set of weights."""

    name: str
    group: str
    iteration: int | None
    order_source: Annotated[Order, Strict(False)]
    order_note: str
    complete: bool
    legacy_hash: str | None
    theta: list[Theta]


class Column(_Model):
    """A column of a table."""

    name: str
    column: str = Field(description="its name in HDF5; empty if it has no bytes to store")
    dtype: str
    shape: list[Count]
    sha256: Sha256


class Table(_Model):
    """A log."""

    path: TablePath
    length: Count
    columns: list[Column]


class Records(_Model):
    """What `/meta/records` holds."""

    count: Count
    sha256: Sha256 = Field(description="of the text")


class LongText(_Model):
    """A text that is cut in its cell of `/index`."""

    row: Count
    column: str
    text: str


class Row(_Model):
    """An array, or a further name of one, in `/index`."""

    snapshot: str = Field(description="empty for what stands below /other")
    path: ArrayPath
    name: str = Field(description="the model's own")
    role: Annotated[Role, Strict(False)]
    trainable: Literal[-1, 0, 1] = Field(description="-1 is unknown")
    position: int = Field(ge=-1, description="in the order of the model; -1 for a further name")
    start: int = Field(ge=-1, description="in the flat vector of its dtype; -1 if not part of it")
    size: Count
    shape: list[Count]
    dtype: str = Field(description="NumPy's, or JSON if it is structured")
    fortran: bool = Field(description="whether the legacy file has it in column-major order")
    sha256: Sha256 = Field(description="of the values in C order, little endian")
    origin: list[str] = Field(description="where the legacy file has it, the plainest first")
    target: str = Field(description="the path of the array that a soft link here points to")
    note: str = Field(description="why it has this role")


class Manifest(_Model):
    """What a migrated file says of itself."""

    model_config = ConfigDict(title="legacy-weights hierarchy, version 1")

    format: Literal["legacy-weights"]
    format_version: Literal[1]
    generator: str
    source: Source
    family: str
    evidence: str
    partial: bool
    default_snapshot: str | None
    snapshots: list[Snapshot]
    tables: list[Table]
    arrays: Count = Field(description="number of rows of /index")
    records: Records
    classes: list[str]
    warnings: list[str]
    long_texts: list[LongText]
    index: list[Row] | None = Field(default=None, description="in the file: the table /index")
    history: list[dict[str, Any]] | None = Field(
        default=None, description="in the file: /meta/history"
    )
    args: dict[str, Any] | None = Field(default=None, description="in the file: /meta/args")

    def text(self) -> str:
        """Return the JSON that stands in a file."""
        return self.model_dump_json(indent=1, exclude={"index", "history", "args"})


def generated_schema() -> str:
    """Return the text of the JSON Schema that the models make."""
    dialect = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return json.dumps({**dialect, **Manifest.model_json_schema()}, indent=1) + "\n"


def released_schema(version: int = VERSION) -> str:
    """Return the text of the JSON Schema of a released version."""
    return resources.files(__package__).joinpath(f"schema_v{version}.json").read_text("ascii")
