"""The steps from one version of the hierarchy to another, taken in memory."""

from __future__ import annotations

from dataclasses import replace
from types import ModuleType
from typing import Any

from legacy_weights import hdf5, migrations
from legacy_weights.description import Description
from legacy_weights.errors import UsageError
from legacy_weights.hierarchy import document, raw, schema
from legacy_weights.hierarchy.described_file import DescribedFile
from legacy_weights.tree import JSON


def plan(found: int, wanted: int) -> list[tuple[ModuleType, bool]]:
    """Return the steps from one version to another, and whether each goes upwards.

    Raises
    ------
    UsageError
        There is no such version, or a step on the way down would lose something.
    """
    if not 1 <= wanted <= schema.VERSION:
        raise UsageError(f"there is no version {wanted}", expected=f"1 to {schema.VERSION}")
    if found <= wanted:
        return [(step, True) for step in migrations.STEPS if found <= step.FROM < wanted]
    steps = [step for step in reversed(migrations.STEPS) if wanted <= step.FROM < found]
    for step in steps:
        if not hasattr(step, "downgrade"):
            raise UsageError(
                f"{name_of(step)} cannot be undone without loss",
                advice=f"Version {step.TO} is the lowest that this file can have",
            )
    return [(step, False) for step in steps]


def name_of(step: ModuleType) -> str:
    """Return the name of a step: ``m0001_gail``."""
    return step.__name__.rpartition(".")[2]


def take(found: Description, wanted: int) -> Description:
    """Take the steps to a version, and note each in the history."""
    for step, upwards in plan(found.version, wanted):
        before = found.version
        found = step.upgrade(found) if upwards else step.downgrade(found)
        entry: dict[str, JSON] = {
            "action": "upgrade" if upwards else "downgrade",
            "from": before,
            "to": found.version,
            "step": name_of(step),
        }
        done: Any = found.documents[document.HISTORY]
        found = replace(found, documents={**found.documents, document.HISTORY: [*done, entry]})
    return found


def in_memory(file: hdf5.File, found: int) -> DescribedFile:
    """Return an older file as one of the present version; the file itself stays as it is."""
    return DescribedFile(take(raw.describe(file, found), schema.VERSION), file)
