"""What a migrated file says of itself, read from it and checked piece by piece."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from pydantic import ValidationError

from legacy_weights import hdf5
from legacy_weights.errors import DamagedError, UnreadableError, VersionError
from legacy_weights.hierarchy import index, texts
from legacy_weights.hierarchy.openfile import OpenFile
from legacy_weights.hierarchy.schema import FORMAT, VERSION, Manifest, Row, Snapshot
from legacy_weights.tree import JSON

SCHEMA = "/meta/schema"
MANIFEST = "/meta/manifest"
HISTORY = "/meta/history"
ARGS = "/meta/args"
RECORDS = "/meta/records"

LONGEST_ATTRIBUTE = 1 << 14  # bytes; HDF5 ends at 64 KiB
Attribute: TypeAlias = str | int | None


def has_format(file: OpenFile) -> bool:
    """Tell whether a file says that it is of the hierarchy."""
    found = file.attributes("/").get("format")
    return isinstance(found, str | bytes) and found in (FORMAT, FORMAT.encode())


def read_version(file: OpenFile) -> int:
    """Return the format version of a file.

    Raises
    ------
    UnreadableError
        It is no file of the hierarchy.
    VersionError
        It is newer than this program.
    """
    if not has_format(file):
        raise UnreadableError("it is an HDF5 file, but none that legacy-weights wrote")
    version = file.attributes("/").get("format_version")
    if not isinstance(version, np.integer) or version < 1:
        raise DamagedError(f"the format version is {version!r}", where="/")
    if version > VERSION:
        raise VersionError(
            f"it is of format version {version}",
            expected=f"version {VERSION} or older",
            advice="A newer release reads it: pip install --upgrade legacy-weights",
        )
    return int(version)


def read_text(file: OpenFile, path: str) -> str:
    """Return a scalar string."""
    found = file.find(path)
    if not isinstance(found, hdf5.Dataset) or found.shape or found.dtype.kind != "S":
        raise DamagedError("there is no scalar string", where=path)
    try:
        return file.read(path).tobytes().rstrip(b"\0").decode()
    except UnicodeDecodeError as error:
        raise DamagedError("it is no UTF-8", where=path) from error


def read_json(file: OpenFile, path: str) -> Any:
    """Return the value of a scalar string of JSON."""
    try:
        return texts.loads(read_text(file, path))
    except ValueError as error:
        raise DamagedError(f"it is no JSON: {error}", where=path) from error


def read_history(file: OpenFile) -> list[dict[str, JSON]]:
    """Return what was done to the values, the oldest first."""
    found = read_json(file, HISTORY)
    if not isinstance(found, list) or not all(isinstance(step, dict) for step in found):
        raise DamagedError("it is no list of objects", where=HISTORY)
    return found


def read_manifest(file: OpenFile) -> Manifest:
    """Return the manifest without index, history and args."""
    try:
        manifest = Manifest.model_validate_json(read_text(file, MANIFEST))
    except ValidationError as error:
        raise DamagedError("; ".join(index.explain(error)[:9]), where=MANIFEST) from error
    names = [entry.name for entry in manifest.snapshots]
    places = [table.path for table in manifest.tables]
    columns = [(table.path, column.name) for table in manifest.tables for column in table.columns]
    for keys in (names, places, columns):
        if len(set(keys)) < len(keys) or "" in keys:
            raise DamagedError("two snapshots, tables or columns have one name", where=MANIFEST)
    return manifest


def read_index(file: OpenFile, manifest: Manifest) -> list[Row]:
    """Return the rows of the index."""
    found = file.find(index.PATH)
    if not isinstance(found, hdf5.Dataset):
        raise DamagedError("there is no table", where=index.PATH)
    rows = index.unpack(file.read(index.PATH), manifest.long_texts)
    if len(rows) != manifest.arrays:
        raise DamagedError(
            f"it has {len(rows)} rows", where=index.PATH, expected=f"{manifest.arrays}"
        )
    return rows


def root_attributes(manifest: Manifest) -> dict[str, Attribute]:
    """Return the attributes of the root that a manifest implies."""
    return {
        "format": manifest.format,
        "format_version": manifest.format_version,
        "family": manifest.family,
        "default_snapshot": manifest.default_snapshot,
        "source_name": manifest.source.name,
        "source_size": manifest.source.size,
        "source_sha256": manifest.source.sha256,
        "source_kind": manifest.source.kind,
        "partial": int(manifest.partial),
    }


def snapshot_attributes(snapshot: Snapshot) -> dict[str, Attribute]:
    """Return the attributes of the group of a snapshot."""
    return {
        "iteration": snapshot.iteration,
        "order_source": snapshot.order_source.value,
        "order_note": snapshot.order_note,
        "complete": int(snapshot.complete),
        "legacy_hash": snapshot.legacy_hash,
        "theta": texts.dumps([theta.model_dump() for theta in snapshot.theta]),
    }


def is_written(value: Attribute) -> bool:
    """Tell whether an attribute is written: what says nothing or is too long is not."""
    if isinstance(value, int):
        return -(1 << 63) <= value < 1 << 63
    return value is not None and 0 < len(value.encode()) <= LONGEST_ATTRIBUTE
