"""Checking a migrated file: all findings at once."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from legacy_weights import hdf5
from legacy_weights.errors import DamagedError, LegacyWeightsError, LimitError
from legacy_weights.hashing import canonical_blocks, is_little_endian, sha256
from legacy_weights.hierarchy import document, index, storage, texts
from legacy_weights.hierarchy.document import LONGEST_ATTRIBUTE
from legacy_weights.hierarchy.read import MigratedFile
from legacy_weights.hierarchy.schema import Row, released_schema
from legacy_weights.tree import Array


@dataclass(frozen=True, slots=True)
class Finding:
    """Something in a migrated file that should not be so.

    Parameters
    ----------
    path : str
        The place in the file.
    rule : str
        ``readable``, ``index``, ``schema``, ``content``, ``link``, ``attribute``, ``sha256``,
        ``theta``, ``table`` or ``records``.
    message : str
        What was found.
    """

    path: str
    rule: str
    message: str


def check(path: str | os.PathLike[str]) -> list[Finding]:
    """Check a migrated file against its schema, its index and its hashes.

    Returns
    -------
    list of Finding
        Empty if all is well.

    Raises
    ------
    UnreadableError
        The file is not to be opened, or none of the hierarchy.
    VersionError
        It is of a newer version than this program knows.
    """
    faults: list[tuple[str, str]] = []
    try:
        file = MigratedFile(path, faults=faults)
    except (DamagedError, LimitError) as error:
        return [_finding(error, "readable")]
    findings = [Finding(place, "index", message) for place, message in faults]
    with file:
        for part in (structure, hashes, tables, records):
            try:
                findings += part(file)
            except LegacyWeightsError as error:
                findings.append(_finding(error, "readable"))
    return findings


def structure(file: MigratedFile, nodes: dict[str, hdf5.Node] | None = None) -> Iterator[Finding]:
    """Compare what stands in the file with its manifest and its index, both ways.

    The nodes that were met are put into `nodes`, by path.
    """
    yield from _documents(file)
    yield from _attributes(file, "/", document.root_attributes(file.manifest))
    groups = {entry.group: document.snapshot_attributes(entry) for entry in file.manifest.snapshots}
    expected = _expected(file)
    parents = _parents([*expected, *(f"{group}/" for group in groups)])
    missing = set(expected) | set(groups)
    for node in file.hdf5.walk():
        missing.discard(node.path)
        if nodes is not None:
            nodes[node.path] = node
        if isinstance(node, hdf5.Group) and node.path in parents:
            fault = None
        else:
            fault = expected.get(node.path, _unexpected)(node)
        if fault:
            rule = "link" if isinstance(node, hdf5.Link) else "content"
            yield Finding(node.path, rule, fault)
        attributes = groups.get(node.path, {})
        has_any = isinstance(node, hdf5.Group | hdf5.Dataset) and node.n_attributes
        if attributes or has_any:
            yield from _attributes(file, node.path, attributes)
    for path in sorted(missing):
        yield Finding(path, "content", "it is missing")


def _documents(file: MigratedFile) -> Iterator[Finding]:
    try:
        if document.read_text(file.hdf5, document.SCHEMA) != released_schema(
            file.manifest.format_version
        ):
            yield Finding(document.SCHEMA, "schema", "it is not the JSON Schema of this version")
    except LegacyWeightsError as error:
        yield _finding(error, "schema")
    for read in (lambda: file.history, lambda: file.metadata):
        try:
            read()
        except LegacyWeightsError as error:
            yield _finding(error, "schema")


def hashes(file: MigratedFile) -> Iterator[Finding]:
    """Compare every array, and every flat vector, with its SHA-256."""
    thetas: dict[str, dict[str, Any]] = {}  # by snapshot, then dtype
    sizes: dict[tuple[str, str], int] = {}
    for row in file.contents.rows.values():
        theta = None
        if row.start >= 0:
            dtype = storage.parse_dtype(row.dtype).newbyteorder("<").str
            theta = thetas.setdefault(row.snapshot, {}).setdefault(dtype, hashlib.sha256())
            sizes[row.snapshot, dtype] = row.start + row.size
        elif row.target:
            continue
        try:
            digest = hashlib.sha256()
            for block in _values(file, row):
                digest.update(block)
                if theta is not None:
                    theta.update(block)
        except LegacyWeightsError as error:
            yield _finding(error, "readable")
            continue
        if digest.hexdigest() != row.sha256:
            yield Finding(row.path, "sha256", "its values are not those that were written")
    for entry in file.manifest.snapshots:
        stated = {theta.dtype: (theta.size, theta.sha256) for theta in entry.theta}
        found = {
            dtype: (sizes[entry.name, dtype], theta.hexdigest())
            for dtype, theta in thetas.get(entry.name, {}).items()
        }
        if stated != found:
            yield Finding(entry.group, "theta", "its flat vectors are not those of its arrays")


def tables(file: MigratedFile) -> Iterator[Finding]:
    """Compare every column of every table with its SHA-256."""
    for entry in file.manifest.tables:
        columns = file.tables[entry.path].columns.values()
        for column, array in zip(entry.columns, columns, strict=True):
            try:
                same = sha256(array.load()) == column.sha256
            except LegacyWeightsError as error:
                yield _finding(error, "readable")
            else:
                if not same:
                    yield Finding(entry.path, "table", f"column {column.name!r} has changed")


def records(file: MigratedFile) -> Iterator[Finding]:
    """Check that the records are those written, and point to what there is."""
    yield from record_hash(file)
    ids: set[int] = set()
    references: set[int] = set()
    for number, line in enumerate(file.record_lines()):
        place = f"{document.RECORDS}, line {number + 1}"
        try:
            record = texts.loads(line)
            ids.add(record["id"])
            waiting = [record]
            while waiting:
                value = waiting.pop()
                if isinstance(value, list):
                    waiting += value
                elif isinstance(value, dict):
                    waiting += value.values()
                    if value.keys() == {"$ref"}:
                        references.add(value["$ref"])
                    elif value.keys() == {"$array"} and value["$array"] not in file.contents.rows:
                        yield Finding(place, "records", f"there is no array {value['$array']!r}")
        except (ValueError, TypeError, LookupError) as error:
            yield Finding(place, "records", f"it is no record: {error}")
    for reference in sorted(references - ids, key=str):
        yield Finding(document.RECORDS, "records", f"there is no record {reference!r}")


def record_hash(file: MigratedFile) -> Iterator[Finding]:
    """Compare the text of the records with its SHA-256."""
    digest = hashlib.sha256()
    for block in file.hdf5.blocks(document.RECORDS):
        digest.update(block)
    if digest.hexdigest() != file.manifest.records.sha256:
        yield Finding(document.RECORDS, "records", "the text is not the one that was written")


def _expected(file: MigratedFile) -> dict[str, Callable[[hdf5.Node], str | None]]:
    """Return for each path a function that says what is wrong with the node there."""
    expected: dict[str, Callable[[hdf5.Node], str | None]] = {}
    for path in (document.SCHEMA, document.MANIFEST, document.HISTORY, document.ARGS):
        expected[path] = _dataset
    expected |= {document.RECORDS: _dataset, index.PATH: _dataset}
    for entry in file.manifest.tables:
        if any(column.column for column in entry.columns):
            expected[entry.path] = _dataset
    for row in file.contents.rows.values():
        if row.target:
            expected[row.path] = partial(_link, row.target)
        else:
            expected[row.path] = partial(_array, file.contents.arrays[row.path])
    return expected


def _array(array: Array, node: hdf5.Node) -> str | None:
    if not isinstance(node, hdf5.Dataset):
        return "it is no dataset"
    if (node.dtype, node.shape) not in storage.forms(array.dtype, array.shape):
        return f"it has dtype {node.dtype} and shape {node.shape}, which the index denies"
    return None


def _link(target: str, node: hdf5.Node) -> str | None:
    if isinstance(node, hdf5.Link) and (node.kind, node.target) == ("soft", target):
        return None
    return f"it is no soft link to {target}"


def _dataset(node: hdf5.Node) -> str | None:
    return None if isinstance(node, hdf5.Dataset) else "it is no dataset"


def _unexpected(_: hdf5.Node) -> str | None:
    return "neither the index nor the manifest has it"


def _parents(paths: list[str]) -> set[str]:
    parents: set[str] = set()
    for path in paths:
        parent = path.rpartition("/")[0]
        while parent and parent not in parents:
            parents.add(parent)
            parent = parent.rpartition("/")[0]
    return parents


def _attributes(
    file: MigratedFile, path: str, expected: dict[str, document.Attribute]
) -> Iterator[Finding]:
    try:
        found = file.hdf5.attributes(path)
    except DamagedError as error:
        yield _finding(error, "readable")
        return
    for name, value in found.items():
        if isinstance(value, hdf5.Unread):
            yield Finding(path, "attribute", f"{name} cannot be read: {value.reason}")
        elif _size(value) > LONGEST_ATTRIBUTE:
            yield Finding(path, "attribute", f"{name} has {_size(value):,} bytes")
        elif isinstance(value, bytes) and value.endswith(b"."):
            yield Finding(path, "attribute", f"{name} is text that PyTables would unpickle")
    for name, wanted in expected.items():
        value = found.get(name)
        same = isinstance(value, str | np.int64 | None) and value == wanted
        if not (same if document.is_written(wanted) else value is None):
            yield Finding(path, "attribute", f"{name} is not what the manifest says")


def _size(value: Any) -> int:
    if isinstance(value, list):
        return sum(_size(item) for item in value)
    if isinstance(value, str):
        return len(value.encode("utf-8", "surrogateescape"))
    return len(value) if isinstance(value, bytes) else int(np.asarray(value).nbytes)


def _values(file: MigratedFile, row: Row) -> Iterator[memoryview]:
    """Yield the values of an array as they are hashed."""
    home = file.contents.home(row).path
    array = file.contents.arrays[home]
    kept, _ = storage.form(array.dtype, array.shape)
    if is_little_endian(array.dtype):
        yield from file.hdf5.blocks(home)
    elif kept.itemsize > 1:
        for block in file.hdf5.blocks(home):
            yield np.frombuffer(block, kept).byteswap().view(np.uint8).data
    else:
        yield from canonical_blocks(array.load())


def _finding(error: LegacyWeightsError, rule: str) -> Finding:
    expected = f"; expected {error.expected}" if error.expected else ""
    return Finding(str(error.where or "/"), rule, f"{error.found}{expected}")
