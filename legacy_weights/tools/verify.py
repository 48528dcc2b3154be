"""A migrated file held against its legacy file, to prove that nothing is lost.

The legacy file is read once more and compared with what was written, bit for bit.  What the
history says was changed on purpose is done again to what was read, so that the result is compared.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from legacy_weights import api
from legacy_weights.architectures import with_architecture
from legacy_weights.errors import LegacyWeightsError, in_file
from legacy_weights.families.keras import CONFIG
from legacy_weights.families.unflatten import Entry
from legacy_weights.hierarchy import Finding, check, is_hierarchy, open_file
from legacy_weights.tools.comparison import Comparison
from legacy_weights.tools.diff import diff
from legacy_weights.tools.places import group_of
from legacy_weights.transforms import TRANSFORMATIONS, selection, transform
from legacy_weights.transforms.layout import with_layout
from legacy_weights.tree import JSON, Leaf, Tree

_Step = Mapping[str, JSON]


@dataclass(slots=True)
class Verification:
    """What :func:`verify` found.

    Parameters
    ----------
    findings : list of Finding
        Everything that is not as it should be, with the rules of
        :func:`legacy_weights.hierarchy.check`, and ``source``, ``history``, ``facts`` and the
        kinds of :class:`legacy_weights.tools.comparison.Difference`.
    notes : list of str
        What was changed on purpose, and what this release calls otherwise.
    arrays : int
        How many arrays of the legacy file were compared.
    records, tables : int
        How many of them the migrated file has.
    """

    findings: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    arrays: int = 0
    records: int = 0
    tables: int = 0

    def add(self, path: str, rule: str, message: str) -> None:
        """Put down a finding."""
        self.findings.append(Finding(path, rule, message))


def verify(legacy: str | os.PathLike[str], migrated: str | os.PathLike[str]) -> Verification:
    """Read a legacy file once more, and compare it with the file it was migrated to.

    Parameters
    ----------
    legacy, migrated : path-like

    Raises
    ------
    UnreadableError
        `migrated` is no migrated file.
    LegacyWeightsError
        One of them cannot be read at all.
    """
    found = Verification()
    with open_file(migrated) as file, in_file(migrated):
        found.findings += check(migrated)
        kept = file.tree()
        original = api.read(legacy)
        _source(legacy, original, kept, found)
        original = _changed(original, kept, found)
        found.tables, found.records = len(kept.tables), file.manifest.records.count
        try:
            comparison = diff(original, kept, tolerant=True)
        except LegacyWeightsError as error:  # in what is beside the arrays
            found.add("/", "readable", str(error))
        else:
            found.arrays = comparison.compared
            _differences(comparison, found)
        for path, message in _facts(original, kept):
            found.add(path, "facts", message)
        for what, left, right in (
            ("family", original.family, kept.family),
            ("evidence", original.evidence, kept.evidence),
            ("warnings", original.warnings, kept.warnings),
        ):
            if left != right:
                found.notes.append(f"this release gives another {what}: {left or 'none'}")
    return found


def _source(
    legacy: str | os.PathLike[str], original: Tree, kept: Tree, found: Verification
) -> None:
    """Compare the file that is at hand with the one that was migrated."""
    here, there = original.source, kept.source
    if is_hierarchy(legacy):
        found.notes.append("the first file is a migrated one itself; its own source is what counts")
    if here.size != there.size:
        found.add("/", "source", f"it has {here.size:,} bytes, the one migrated {there.size:,}")
    if here.sha256() != there.sha256():
        what = f"its SHA-256 is {here.sha256()}, that of the one migrated {there.sha256()}"
        found.add("/", "source", what)
    if here.name != there.name:
        found.notes.append(f"when it was migrated, the source was called {there.name}")


def _changed(original: Tree, kept: Tree, found: Verification) -> Tree:
    """Return a tree after what was done to the migrated file on purpose."""
    done = [*original.history]
    steps: Sequence[_Step] = kept.history
    if [*steps[: len(done)]] == done:
        steps = steps[len(done) :]
    for step in steps:
        action = step.get("action")
        if action in ("upgrade", "downgrade"):  # of the form of the file, not of what it holds
            continue
        try:
            changed = _again(original, kept, step)
        except LegacyWeightsError as error:
            found.add("/", "history", f"{action} cannot be done again: {error.found}")
            continue
        if changed is None:
            found.notes.append(f"the history has {action!r}, which is not known: it is not redone")
        elif action == "weights-only":
            count = len(original.other)
            found.notes.append(
                f"only the weights were migrated, as asked: {count:,} other arrays and all "
                "records are not in the file"
            )
        else:
            found.notes.append(f"done again before comparing, as the history says: {action}")
        original = changed or original
    return original


def _again(original: Tree, kept: Tree, step: _Step) -> Tree | None:
    """Do one step of a history; None if it is not known."""
    action = step.get("action")
    if action == "weights-only":
        return selection.weights_only(original)
    if action == "architecture":
        config = kept.metadata.get(CONFIG)
        return with_architecture(original, config) if isinstance(config, dict) else None
    if action == "unflatten":
        entries = [
            Entry(leaf.name, leaf.array.shape)
            for snapshot in kept.snapshots
            if snapshot.name == kept.default_snapshot
            for leaf in snapshot.leaves
        ]
        return with_layout(original, entries)
    if isinstance(action, str) and action in TRANSFORMATIONS:
        option = step.get("ordering")
        return transform(original, [f"{action}={option}" if option in ("th", "tf") else action])
    return None


def _differences(comparison: Comparison, found: Verification) -> None:
    elsewhere = {path: renamed.second for renamed in comparison.renamed for path in renamed.first}
    for difference in comparison.differences:
        message = difference.message
        if difference.path in elsewhere:
            message += f"; the same values stand at {' or '.join(elsewhere[difference.path][:3])}"
        found.add(difference.path or "/", difference.kind, message)


def _facts(original: Tree, kept: Tree) -> Iterator[tuple[str, str]]:
    """Yield what is known of arrays and snapshots, where the files do not agree on it."""
    if original.default_snapshot != kept.default_snapshot:
        yield "/", f"default snapshot {original.default_snapshot} and {kept.default_snapshot}"
    if original.partial != kept.partial:
        yield "/", f"partial {original.partial} and {kept.partial}"
    snapshots = {snapshot.name: snapshot for snapshot in kept.snapshots}
    for snapshot in original.snapshots:
        other = snapshots.get(snapshot.name, snapshot)
        if other.order != snapshot.order:
            yield group_of(snapshot.name), f"order {snapshot.order} and {other.order}"
        places = [[leaf.path for leaf in either.leaves] for either in (snapshot, other)]
        if places[0] != places[1] and sorted(places[0]) == sorted(places[1]):
            yield group_of(snapshot.name), "its arrays stand in another order"
    leaves = {leaf.path: leaf for leaf in kept.leaves()}
    for leaf in original.leaves():
        if leaf.path in leaves:
            yield from ((leaf.path, message) for message in _unlike(leaf, leaves[leaf.path]))


def _unlike(one: Leaf, other: Leaf) -> Iterator[str]:
    for what, left, right in (
        ("name", one.name, other.name),
        ("trainable", one.trainable.name.lower(), other.trainable.name.lower()),
        ("origin", one.origins, other.origins),
        ("further names", sorted(one.links), sorted(other.links)),
        ("Fortran order", one.array.fortran, other.array.fortran),
    ):
        if left != right:
            yield f"{what} {left} and {right}"
