"""What a file holds, for people: as lines of a terminal."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from legacy_weights.suspicion import EXPLOITS, OUTSIDE, is_notice
from legacy_weights.terminal import clean, cut, plural, shape, shown, size, table, width
from legacy_weights.tree import Leaf, Order, Role, Snapshot, Tree

_SNAPSHOTS = 4
"""If a file has more snapshots, the default one stands for all, unless all are asked for."""

_SHOWN = 40
"""So many weights of a snapshot are listed; more are counted, unless all are asked for."""
_NAMES = 6
"""So many names stand in a line that only counts."""
_LINE = 80
_GAPS = ("  ", "  ", "  ", " ", "   ")
"""What stands before each column of a table: number, name, shape, dtype, place."""
_ALARMS = {EXPLOITS: "DANGER", OUTSIDE: "CALLS"}
_KINDS = {
    Role.CONSTANT: "constant",
    Role.RANDOM: "random state",
    Role.OPTIMIZER: "optimizer array",
    Role.DATA: "data array",
    Role.OTHER: "unclassified array",
    Role.WEIGHT: "unclassified array",
    Role.STATE: "unclassified array",
}


def lines(tree: Tree, *, everything: bool = False) -> Iterator[str]:
    """Yield the lines that describe a tree.

    Parameters
    ----------
    tree : Tree
    everything : bool
        List every array, also those that are no weights.
    """
    yield _headline(tree)
    yield from _alarms(tree)
    version = tree.metadata.get("framework")
    if everything and isinstance(version, str):
        yield f"version   {clean(version)}"
    if not everything:
        yield from _snapshots(tree)
    for snapshot in _shown_snapshots(tree, everything):
        yield from _snapshot(tree, snapshot, everything)
    for log in tree.tables:
        names = list(map(shown, log.columns))
        more = f", … {len(names) - _NAMES} more" if len(names) > _NAMES else ""
        columns = ", ".join(names[:_NAMES]) + more
        yield f"log       {plural(log.length, 'row')}  {shown(log.path)}: {columns}"
    yield from _others(tree, everything)
    if not any(True for _ in tree.leaves()):
        yield "arrays    none"
    for warning in tree.warnings:
        if not any(is_notice(warning, text) for text in _ALARMS):
            yield f"note      {clean(warning)}"


def _headline(tree: Tree) -> str:
    source = tree.source
    written = ", ".join(part for part in (source.kind, source.writer) if part)
    found = ", ".join(part for part in (tree.family, tree.evidence) if part)
    # What was saved was never a legacy file, and has no size of one.
    length = f"  {size(source.size)}" if source.size else ""
    return f"{clean(source.name)}{length}  {clean(written)} · {clean(found)}"


def _alarms(tree: Tree) -> Iterator[str]:
    """Yield what a file calls outside of known data types, before anything else of it."""
    for text, heading in _ALARMS.items():
        for warning in tree.warnings:
            if is_notice(warning, text):
                yield f"{heading:<9} {clean(warning)}"


def _shown_snapshots(tree: Tree, everything: bool) -> Iterator[Snapshot]:
    """Yield the snapshots to describe: of many, the default one and those that are incomplete."""
    if everything or len(tree.snapshots) <= _SNAPSHOTS:
        yield from tree.snapshots
        return
    for snapshot in tree.snapshots:
        if snapshot.name == tree.default_snapshot or not snapshot.complete:
            yield snapshot


def _snapshots(tree: Tree) -> Iterator[str]:
    """Yield a line that counts the snapshots, where not all are described."""
    names = [shown(snapshot.name) for snapshot in tree.snapshots]
    if len(names) > _SNAPSHOTS:
        some = f"{names[0]}, {names[1]}, …, {names[-1]}"
        yield f"snapshots {len(names)}: {some}    (--all lists them)"


def _snapshot(tree: Tree, snapshot: Snapshot, everything: bool) -> Iterator[str]:
    weights = [(leaf, start) for leaf, start in snapshot.layout() if leaf.role is Role.WEIGHT]
    state = [leaf for leaf in snapshot.leaves if leaf.role is Role.STATE]
    numbers = sum(leaf.array.size for leaf, _ in weights)
    title = "weights" if len(tree.snapshots) == 1 else shown(snapshot.name)
    facts = [plural(len(weights), "array"), plural(numbers, "number"), _order(snapshot)]
    if not snapshot.complete:
        facts.append("INCOMPLETE")
    yield f"{title:<9} {'  '.join(facts)}"
    if len(tree.snapshots) > 1 and snapshot.name != tree.default_snapshot and not everything:
        return
    listed = weights if everything else weights[:_SHOWN]
    rows = [
        [str(number), *_facts(leaf), _span(leaf, start)]
        for number, (leaf, start) in enumerate(listed)
    ]
    yield from table(rows, _GAPS)
    if len(listed) < len(weights):
        yield f"  … {len(weights) - len(listed):,} more    (--all lists them)"
    yield from _listed("state", "array", state, everything)


def _span(leaf: Leaf, start: int) -> str:
    return f"[{start}:{start + leaf.array.size}]" if start >= 0 else "not trained"


def _order(snapshot: Snapshot) -> str:
    if snapshot.order is Order.UNKNOWN:
        return "order: unknown (sorted by name)"
    if snapshot.order_note:
        return f"order: {clean(snapshot.order_note)} ({snapshot.order})"
    return f"order: {snapshot.order}"


def _others(tree: Tree, everything: bool) -> Iterator[str]:
    groups: dict[str, list[Leaf]] = {}
    for leaf in tree.other:
        groups.setdefault(_KINDS[leaf.role], []).append(leaf)
    for number, (kind, leaves) in enumerate(groups.items()):
        yield from _listed("" if number else "other", kind, leaves, everything)


def _listed(title: str, kind: str, leaves: Sequence[Leaf], everything: bool) -> Iterator[str]:
    """Yield a line that counts arrays and says which, or all of them."""
    if not leaves:
        return
    head = f"{title:<9} {plural(len(leaves), kind)}"
    if everything:
        yield f"{head}{_graphs(leaves)}"
        rows = [[*_facts(leaf), _origin(leaf), _reason(leaf)] for leaf in leaves]
        yield from table(rows, (*_GAPS[1:], "  "))
    else:
        yield f"{head}{_graphs(leaves) or _names(leaves, _LINE - len(head))}    (--all lists them)"


def _graphs(leaves: Sequence[Leaf]) -> str:
    """Return in which graphs constants stand."""
    names = list(dict.fromkeys(shown(leaf.note) for leaf in leaves if leaf.note))
    if not names or leaves[0].role not in (Role.CONSTANT, Role.OTHER):
        return ""
    word = "graph" if len(names) == 1 else "graphs"
    more = f" and {len(names) - _NAMES} more" if len(names) > _NAMES else ""
    return f" in the {word} {', '.join(names[:_NAMES])}{more}"


def _names(leaves: Sequence[Leaf], room: int) -> str:
    """Return the names of a few arrays, if there is room for them before the hint."""
    if len(leaves) > _NAMES or leaves[0].role is Role.CONSTANT:
        return ""
    text = f": {', '.join(shown(leaf.name) for leaf in leaves)}"
    return text if width(text) <= room - 22 else ""


def _facts(leaf: Leaf) -> list[str]:
    dtype = leaf.array.dtype
    kind = dtype.name if dtype.names is None else f"({', '.join(map(shown, dtype.names))})"
    return [shown(leaf.name), shape(leaf.array.shape), cut(kind)]


def _origin(leaf: Leaf) -> str:
    """Return where the legacy file has an array, unless its name says so."""
    origin = leaf.origins[0].removesuffix(".container.storage[0]") if leaf.origins else ""
    same = _WORD.findall(origin.replace("<args>", "")) == _WORD.findall(leaf.name)
    return "" if same or not origin else shown(origin)


def _reason(leaf: Leaf) -> str:
    """Return why an array has its role, unless the line above tells it of all."""
    graph = leaf.role in (Role.CONSTANT, Role.OTHER)
    return f"({shown(leaf.note)})" if leaf.note and not graph else ""


_WORD = re.compile(r"\w+")
