"""What a file holds, for people and for programs."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from legacy_weights.hashing import sha256
from legacy_weights.tree import JSON, Leaf, Order, Role, Snapshot, Trainable, Tree

_SNAPSHOTS = 4
"""If a file has more snapshots, the default one stands for all, unless all are asked for."""

_SHOWN = 40
"""So many weights of a snapshot are listed; more are counted, unless all are asked for."""
_NAMES = 6
"""So many names stand in a line that only counts."""
_LINE = 80
_GAPS = ("  ", "  ", "  ", " ", "   ")
"""What stands before each column of a table: number, name, shape, dtype, place."""
_WIDEST = 60
"""Columns of a cell to which the others of its column are padded."""
_LONGEST = 120
"""Columns of a cell; a longer text is cut in its middle, and ``--json`` has it whole."""

_KINDS = {
    Role.CONSTANT: "constant",
    Role.RANDOM: "random state",
    Role.OPTIMIZER: "optimizer array",
    Role.DATA: "data array",
    Role.OTHER: "unclassified array",
    Role.WEIGHT: "unclassified array",
    Role.STATE: "unclassified array",
}


# For people ------------------------------------------------------------------------------------


def lines(tree: Tree, *, everything: bool = False) -> Iterator[str]:
    """Yield the lines that describe a tree.

    Parameters
    ----------
    tree : Tree
    everything : bool
        List every array, also those that are no weights.
    """
    yield _headline(tree)
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
        yield f"note      {clean(warning)}"


def _headline(tree: Tree) -> str:
    source = tree.source
    written = ", ".join(part for part in (source.kind, source.writer) if part)
    found = ", ".join(part for part in (tree.family, tree.evidence) if part)
    return f"{clean(source.name)}  {size(source.size)}  {clean(written)} · {clean(found)}"


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
    return [shown(leaf.name), shape(leaf.array.shape), _cut(kind)]


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


def table(rows: Iterable[Sequence[str]], before: Sequence[str]) -> Iterator[str]:
    """Yield rows as lines whose columns are aligned; overlong cells do not widen the others.

    Parameters
    ----------
    rows : iterable of sequence of str
    before : sequence of str
        What stands before each cell of a row.
    """
    cells = [list(row) for row in rows]
    widths = [
        max((n for n in map(width, column) if n <= _WIDEST), default=0)
        for column in zip(*cells, strict=True)
    ]
    for row in cells:
        padded = (cell + " " * (n - width(cell)) for cell, n in zip(row, widths, strict=True))
        yield "".join(gap + cell for gap, cell in zip(before, padded, strict=True)).rstrip()


def width(text: str) -> int:
    """Return how many columns of a terminal a text takes."""
    if text.isascii():
        return len(text)
    wide = sum(unicodedata.east_asian_width(char) in "WF" for char in text)
    return len(text) + wide - sum(map(bool, map(unicodedata.combining, text)))


def clean(text: str) -> str:
    """Return a text of a file with everything escaped that would act on a terminal."""
    return "".join(char if char.isprintable() else _escape(char) for char in text)


def _escape(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")


def shown(name: str) -> str:
    """Return a name as a cell of a table: clean, visible, and not endless."""
    text = _cut(clean(name))
    return text if text and text == text.strip() else f"'{text}'"


def _cut(text: str) -> str:
    half = _LONGEST // 2
    return text if len(text) <= _LONGEST else f"{text[:half]}…{text[1 - half :]}"


def shape(lengths: Sequence[int]) -> str:
    """Return a shape as ``784×10``."""
    return "×".join(map(str, lengths)) or "scalar"


def size(count: int) -> str:
    """Return a number of bytes with a binary unit."""
    if count < 1024:
        return plural(count, "byte")
    value, unit = count / 1024, 0
    while value >= 1023.5 and unit < 4:
        value, unit = value / 1024, unit + 1
    digits = 1 if value < 9.95 else 0
    return f"{value:.{digits}f} {('KiB', 'MiB', 'GiB', 'TiB', 'PiB')[unit]}"


def plural(count: int, word: str) -> str:
    """Return a count with its noun."""
    return f"{count:,} {word}" + ("" if count == 1 else "s")


# For programs ----------------------------------------------------------------------------------


def document(tree: Tree, *, file: str, hashes: bool = True) -> dict[str, JSON]:
    """Return what a tree holds as one JSON document.

    Parameters
    ----------
    tree : Tree
    file : str
        The path as the user gave it.
    hashes : bool
        Whether to compute the SHA-256 of each array: of its values in C order, little endian.

    Returns
    -------
    dict
        ``file``, ``kind``, ``arrays``, ``order_source``, ``records``, ``classes``, ``warnings``
        and further keys.
    """
    arrays: list[JSON] = []
    for snapshot in tree.snapshots:
        for position, (leaf, start) in enumerate(snapshot.layout()):
            arrays.append(_array(leaf, hashes, snapshot.name, position, start))
    arrays.extend(_array(leaf, hashes, None, None, -1) for leaf in tree.other)
    default = next((s for s in tree.snapshots if s.name == tree.default_snapshot), None)
    records: list[JSON] = [
        {"id": record.id, "path": record.path, "class": record.cls, **record.content}
        for record in tree.records()
    ]
    return {
        "file": file,
        "size": tree.source.size,
        "kind": tree.source.kind,
        "writer": tree.source.writer,
        "family": tree.family,
        "evidence": tree.evidence,
        "arrays": arrays,
        "order_source": None if default is None else str(default.order),
        "order_note": None if default is None else default.order_note,
        "default_snapshot": tree.default_snapshot,
        "snapshots": [_snapshot_document(snapshot) for snapshot in tree.snapshots],
        "logs": [{"path": t.path, "rows": t.length, "columns": [*t.columns]} for t in tree.tables],
        "records": records,
        "classes": list(tree.classes),
        "metadata": dict(tree.metadata),
        "history": [dict(step) for step in tree.history],
        "warnings": list(tree.warnings),
    }


def _snapshot_document(snapshot: Snapshot) -> dict[str, JSON]:
    return {
        "name": snapshot.name,
        "order_source": str(snapshot.order),
        "order_note": snapshot.order_note,
        "iteration": snapshot.iteration,
        "complete": snapshot.complete,
    }


def _array(
    leaf: Leaf, hashes: bool, snapshot: str | None, position: int | None, start: int
) -> dict[str, JSON]:
    array = leaf.array
    known = {Trainable.YES: True, Trainable.NO: False, Trainable.UNKNOWN: None}
    entry: dict[str, JSON] = {
        "path": leaf.path,
        "name": leaf.name,
        "dtype": _dtype(array.dtype),
        "shape": list(array.shape),
        "fortran": array.fortran,
        "role": str(leaf.role),
        "trainable": known[leaf.trainable],
        "snapshot": snapshot,
        "position": position,
        "start": start if start >= 0 else None,
        "origins": list(leaf.origins),
        "links": [place for place, _ in leaf.links],
    }
    if hashes:
        entry["sha256"] = sha256(array.load())
    return entry


def _dtype(dtype: np.dtype[Any]) -> str:
    if dtype.names is None:
        return dtype.str
    try:
        return str(dtype.descr)
    except ValueError:  # its fields overlap, or are out of order
        return str(dtype)
