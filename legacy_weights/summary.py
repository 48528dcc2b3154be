"""What a file holds, for people and for programs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from legacy_weights.hashing import sha256
from legacy_weights.tree import JSON, Leaf, Order, Role, Snapshot, Trainable, Tree

_SHOWN = 40
"""So many weights of a snapshot are listed; more are counted, unless all are asked for."""

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
    for snapshot in tree.snapshots:
        yield from _snapshot(tree, snapshot, everything)
    for table in tree.tables:
        columns = ", ".join(map(clean, table.columns))
        yield f"log       {plural(table.length, 'row')}  {clean(table.path)}: {columns}"
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


def _snapshot(tree: Tree, snapshot: Snapshot, everything: bool) -> Iterator[str]:
    weights = [(leaf, start) for leaf, start in snapshot.layout() if leaf.role is Role.WEIGHT]
    state = [leaf for leaf in snapshot.leaves if leaf.role is Role.STATE]
    numbers = sum(leaf.array.size for leaf, _ in weights)
    title = "weights" if len(tree.snapshots) == 1 else clean(snapshot.name)
    facts = [plural(len(weights), "array"), plural(numbers, "number"), _order(snapshot)]
    if not snapshot.complete:
        facts.append("INCOMPLETE")
    yield f"{title:<9} {'  '.join(facts)}"
    if len(tree.snapshots) > 1 and snapshot.name != tree.default_snapshot and not everything:
        return
    shown = weights if everything else weights[:_SHOWN]
    yield from columns(
        [
            f"  {number}",
            clean(leaf.name),
            shape(leaf.array.shape),
            leaf.array.dtype.name,
            f"[{start}:{start + leaf.array.size}]" if start >= 0 else "not trained",
        ]
        for number, (leaf, start) in enumerate(shown)
    )
    if len(shown) < len(weights):
        yield f"  … {len(weights) - len(shown):,} more (--all lists them)"
    if state:
        yield f"state     {plural(len(state), 'array')}" + (_hint(everything))
        if everything:
            yield from columns(_row(leaf) for leaf in state)


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
    first = True
    for kind, leaves in groups.items():
        title, first = ("other" if first else ""), False
        yield f"{title:<9} {plural(len(leaves), kind)}{_where(leaves)}{_hint(everything)}"
        if everything:
            yield from columns(_row(leaf) for leaf in leaves)


def _hint(everything: bool) -> str:
    return "" if everything else "    (--all lists them)"


def _where(leaves: Sequence[Leaf]) -> str:
    """Return in which graphs constants stand."""
    names = list(dict.fromkeys(clean(leaf.note) for leaf in leaves if leaf.note))
    if not names or leaves[0].role not in (Role.CONSTANT, Role.OTHER):
        return ""
    word = "graph" if len(names) == 1 else "graphs"
    more = f" and {len(names) - 6} more" if len(names) > 6 else ""
    return f" in the {word} {', '.join(names[:6])}{more}"


def _row(leaf: Leaf) -> list[str]:
    origin = clean(leaf.origins[0]) if leaf.origins else ""
    return [f"  {clean(leaf.name)}", shape(leaf.array.shape), leaf.array.dtype.name, origin]


def columns(rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Yield rows as lines whose columns are aligned; overlong cells do not widen the others."""
    table = [list(row) for row in rows]
    if not table:
        return
    widths = [min(max(map(len, column)), 48) for column in zip(*table, strict=True)]
    for row in table:
        padded = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        yield "  ".join(padded).rstrip()


def clean(text: str) -> str:
    """Return a text of a file with everything escaped that would act on a terminal."""
    return "".join(char if char.isprintable() else _escape(char) for char in text)


def _escape(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")


def shape(lengths: Sequence[int]) -> str:
    """Return a shape as ``784×10``."""
    return "×".join(map(str, lengths)) or "scalar"


def size(count: int) -> str:
    """Return a number of bytes with a binary unit."""
    if count < 1024:
        return plural(count, "byte")
    value, unit = count / 1024, 0
    while value >= 1024 and unit < 4:
        value, unit = value / 1024, unit + 1
    return f"{value:.0f} {('KiB', 'MiB', 'GiB', 'TiB', 'PiB')[unit]}"


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
        "dtype": array.dtype.str if array.dtype.names is None else str(array.dtype.descr),
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
