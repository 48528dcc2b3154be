"""From the description of a file of version 0, GAIL's own layout, to the neutral tree."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from legacy_weights import paths
from legacy_weights.description import Description
from legacy_weights.migrations import m0001_gail
from legacy_weights.tree import JSON, Leaf, Order, Record, Role, Snapshot, Trainable, Tree

INDEX = "/index"


def upgraded(description: Description) -> Tree:
    """Return the tree of a file of version 0; what is written of it has the present version.

    The first step leaves to the writer what can be computed: hashes, starts, the schema.
    """
    return _tree_of(m0001_gail.upgrade(description))


def _tree_of(description: Description) -> Tree:
    documents: Mapping[str, Any] = description.documents
    manifest = documents["/meta/manifest"]
    sections: dict[str, list[Leaf]] = {}
    for row in documents[INDEX]:
        sections.setdefault(row["snapshot"], []).append(_leaf(row, description))
    records = documents["/meta/records"]
    return Tree(
        source=description.source,
        family=manifest["family"],
        evidence=manifest["evidence"],
        snapshots=tuple(_snapshots(description, sections)),
        default_snapshot=manifest["default_snapshot"],
        other=tuple(sections.get("", ())),
        tables=tuple(description.tables.values()),
        records=lambda: map(_record, records),
        classes=tuple(manifest["classes"]),
        metadata=documents["/meta/args"],
        history=tuple(documents["/meta/history"]),
        warnings=tuple(manifest["warnings"]),
        partial=manifest["partial"],
    )


def _leaf(row: Mapping[str, Any], description: Description) -> Leaf:
    return Leaf(
        path=row["path"],
        name=row["name"],
        array=description.arrays[row["path"]],
        role=Role(row["role"]),
        trainable=Trainable(row["trainable"]),
        origins=tuple(row["origin"]),
    )


def _snapshots(description: Description, sections: Mapping[str, list[Leaf]]) -> Iterator[Snapshot]:
    for group in description.groups:
        facts = description.attributes[group]
        name = paths.split(group)[-1]
        yield Snapshot(
            name=name,
            leaves=tuple(sections.get(name, ())),
            order=Order(facts["order_source"]),
            order_note=facts["order_note"],
            iteration=facts["iteration"],
            complete=facts["complete"],
            legacy_hash=facts["legacy_hash"],
        )


def _record(entry: Mapping[str, JSON]) -> Record:
    content = {key: value for key, value in entry.items() if key not in ("id", "path", "class")}
    number = entry["id"]
    assert isinstance(number, int)
    return Record(number, str(entry["path"]), str(entry["class"]), content)
