"""Layouts from outside: how a bare flat vector is to be cut."""

from __future__ import annotations

import json
from os import PathLike
from pathlib import Path

from pydantic import BaseModel, ConfigDict, NonNegativeInt, TypeAdapter, ValidationError

from legacy_weights.errors import LayoutError, UsageError
from legacy_weights.families.unflatten import Entry

_HDF5 = b"\x89HDF\r\n\x1a\n"


class _Entry(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True)

    name: str
    shape: list[NonNegativeInt]


_LAYOUT = TypeAdapter(list[_Entry])


def load_layout(path: str | PathLike[str]) -> list[Entry]:
    """Read a layout: JSON ``[{"name": …, "shape": […]}, …]``, or a migrated file's own.

    Raises
    ------
    LayoutError
        If the file is neither, or states no layout.
    UsageError
        If there is no such file.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            head = file.read(len(_HDF5))
            raw = b"" if head == _HDF5 else head + file.read()
    except OSError as error:
        raise UsageError(error.strerror or "cannot be read", file=path) from error
    if head == _HDF5:
        return _of_migrated(path)
    try:
        entries = _LAYOUT.validate_python(json.loads(raw))
    except (ValidationError, ValueError, RecursionError) as error:
        reason = _reason(error)
        raise LayoutError(
            f"this is no layout ({reason})",
            file=path,
            expected='JSON like [{"name": "W", "shape": [784, 10]}, …], or a migrated file',
        ) from error
    return [Entry(entry.name, tuple(entry.shape)) for entry in entries]


def _reason(error: Exception) -> str:
    if not isinstance(error, ValidationError):
        return str(error)
    first = error.errors()[0]
    return ": ".join(["/".join(map(str, first["loc"])), first["msg"]]).removeprefix(": ")


def _of_migrated(path: Path) -> list[Entry]:
    from legacy_weights.hierarchy import open_file

    with open_file(path) as file:
        tree = file.tree()
        for snapshot in tree.snapshots:
            if snapshot.name == tree.default_snapshot:
                rows = [leaf for leaf, start in snapshot.layout() if start >= 0]
                return [Entry(leaf.name, leaf.array.shape) for leaf in rows]
    raise LayoutError("the file has no snapshot whose layout could be taken", file=path)
