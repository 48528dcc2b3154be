"""One array of a file: its statistics, its first values, and where it comes from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from legacy_weights import streams
from legacy_weights.hierarchy import texts
from legacy_weights.hierarchy.storage import dtype_text
from legacy_weights.terminal import clean, plural, shape, shown, size
from legacy_weights.tools.finding import Found, find
from legacy_weights.tools.statistics import Statistics, statistics
from legacy_weights.tree import JSON, Array, Trainable, Tree

_FIRST = 6
_BAR = 40
_LINE = 80
_TRAINABLE = {Trainable.YES: True, Trainable.NO: False, Trainable.UNKNOWN: None}


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """An array, as :func:`show` found it.

    Parameters
    ----------
    tree : Tree
    found : Found
    statistics : Statistics, optional
        None if it holds no numbers.
    sha256 : str
        Of the values in C order, little endian.
    first : tuple of str
        Its first values.
    """

    tree: Tree
    found: Found
    statistics: Statistics | None
    sha256: str
    first: tuple[str, ...]


def show(tree: Tree, word: str, snapshot: str | None = None) -> Shown:
    """Look at one array, block by block.

    Parameters
    ----------
    tree : Tree
    word, snapshot : str
        See :func:`legacy_weights.tools.finding.find`.
    """
    found = find(tree, word, snapshot)
    array = found.array
    return Shown(tree, found, statistics(array), streams.sha256(array), tuple(_first(array)))


def _first(array: Array) -> Iterator[str]:
    for block in streams.elements(array):
        for value in islice(block, _FIRST):
            yield str(value.item() if array.dtype.kind in "SUb" else value)
        return


# For people ------------------------------------------------------------------------------------


def lines(seen: Shown) -> Iterator[str]:
    """Yield the lines that describe an array."""
    found, array = seen.found, seen.found.array
    leaf = found.leaf
    yield shown(found.path if leaf is None else leaf.name)
    yield from _listed("path", [clean(found.path)])
    yield (
        f"array     {shape(array.shape)} {clean(str(array.dtype))}  "
        f"{plural(array.size, 'element')}, {size(array.nbytes)}"
        + (", in Fortran order" if array.fortran else "")
    )
    yield from _role(found)
    if seen.first:
        first = (clean(_short(value, array.dtype.kind)) for value in seen.first)
        yield _cut(f"first     {', '.join(first)}", array.size > len(seen.first))
    if seen.statistics is not None and array.size:
        yield from _numbers(seen.statistics, is_complex=array.dtype.kind == "c")
    if leaf is not None:
        yield from _listed("origin", map(clean, leaf.origins))
        yield from _listed("note", [clean(leaf.note)] if leaf.note else [])
        yield from _listed("also", (f"{shown(n)}  {clean(path)}" for path, n in leaf.links))
    yield f"sha256    {seen.sha256}"
    source = seen.tree.source
    written = ", ".join(part for part in (source.kind, source.writer) if part)
    yield f"source    {clean(source.name)}  {size(source.size)}  {clean(written)}"
    if seen.statistics is not None:
        yield from _histogram(seen.statistics)


def _role(found: Found) -> Iterator[str]:
    leaf, snapshot = found.leaf, found.snapshot
    if leaf is None:
        yield "role      column of a log"
        return
    words = {Trainable.YES: ", trainable", Trainable.NO: ", not trained"}
    word = words.get(leaf.trainable, ", trainable unknown") if snapshot is not None else ""
    yield f"role      {leaf.role}{word}"
    if snapshot is not None:
        place = f"number {found.position} of {len(snapshot.leaves)} in {shown(snapshot.name)}"
        if found.start >= 0:
            place += f"; [{found.start}:{found.start + leaf.array.size}] of theta"
        yield f"place     {place}"


def _numbers(of: Statistics, *, is_complex: bool) -> Iterator[str]:
    word = "moduli" if is_complex else "values"
    if of.minimum is not None:
        text = f"{word:<9} min {_number(of.minimum)}  max {_number(of.maximum)}"
        if of.mean is not None:
            text += f"  mean {_number(of.mean)}  std {_number(of.std)}"
        yield text
    rare = [
        f"{count:,} {what}" for count, what in ((of.nans, "NaN"), (of.infinities, "Inf")) if count
    ]
    yield f"{'':<9} {', '.join([plural(of.zeros, 'zero'), *(rare or ['no NaN or Inf'])])}"


def _histogram(of: Statistics) -> Iterator[str]:
    if of.span is None or not of.histogram:
        return
    least, most = of.span
    count, largest = len(of.histogram), max(of.histogram)
    # Two products, for the difference of the ends can be infinite.
    edges = [least * (1 - i / count) + most * (i / count) for i in range(count + 1)]
    nothing = 1e-9 * max(abs(least), abs(most))
    edges = [0.0 if abs(edge) < nothing else edge for edge in edges]
    rows = [
        [_number(low), "…", _number(high), f"{number:,}"]
        for low, high, number in zip(edges, edges[1:], of.histogram, strict=False)
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    for row, number in zip(rows, of.histogram, strict=True):
        cells = " ".join(cell.rjust(wide) for cell, wide in zip(row, widths, strict=True))
        bar = "█" * round(_BAR * number / largest) or ("▏" if number else "")
        yield f"  {cells}  {bar}".rstrip()


def _short(value: str, kind: str) -> str:
    return _number(float(value)) if kind == "f" else value


def _number(value: float | None) -> str:
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.4g}"


def _listed(title: str, entries: Any) -> Iterator[str]:
    """Yield entries below each other, a few of them."""
    entries = list(entries)
    for number, entry in enumerate(entries[:_FIRST]):
        yield f"{'' if number else title:<9} {entry}"
    if len(entries) > _FIRST:
        yield f"{'':<9} … {len(entries) - _FIRST:,} more"


def _cut(text: str, more: bool) -> str:
    """Return a text that fits into a line, and says whether there is more."""
    if len(text) > _LINE - 3:
        return text[: _LINE - 3] + " …"
    return text + (" …" if more else "")


# For programs ----------------------------------------------------------------------------------


def document(seen: Shown, *, file: str) -> dict[str, JSON]:
    """Return what is known of an array as one JSON document."""
    found, leaf, snapshot = seen.found, seen.found.leaf, seen.found.snapshot
    source = seen.tree.source
    entry: dict[str, JSON] = {
        "file": file,
        "path": found.path,
        "name": found.path.rpartition("/")[2] if leaf is None else leaf.name,
        "dtype": dtype_text(found.array.dtype),
        "shape": list(found.array.shape),
        "size": found.array.size,
        "fortran": found.array.fortran,
        "role": None if leaf is None else str(leaf.role),
        "trainable": None if leaf is None else _TRAINABLE[leaf.trainable],
        "snapshot": None if snapshot is None else snapshot.name,
        "order_source": None if snapshot is None else str(snapshot.order),
        "position": found.position,
        "start": found.start if found.start >= 0 else None,
        "sha256": seen.sha256,
        "first": list(seen.first),
        "statistics": _statistics(seen.statistics),
        "origins": [] if leaf is None else list(leaf.origins),
        "note": "" if leaf is None else leaf.note,
        "links": [] if leaf is None else [{"path": p, "name": n} for p, n in leaf.links],
        "source": {
            "name": source.name,
            "size": source.size,
            "sha256": source.sha256(),
            "kind": source.kind,
            "writer": source.writer,
        },
    }
    return entry


def _statistics(of: Statistics | None) -> JSON:
    if of is None:
        return None
    return {
        "zeros": of.zeros,
        "nans": of.nans,
        "infinities": of.infinities,
        "minimum": texts.plain(of.minimum),
        "maximum": texts.plain(of.maximum),
        "mean": of.mean,
        "std": of.std,
        "histogram": list(of.histogram),
        "span": None if of.span is None else list(of.span),
    }
