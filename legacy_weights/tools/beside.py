"""What stands beside the arrays of two files, compared: logs, metadata, records."""

from __future__ import annotations

from itertools import zip_longest

from legacy_weights import paths
from legacy_weights.hierarchy import texts
from legacy_weights.tools.comparison import Comparison
from legacy_weights.tree import JSON, Record, Table, Tree


def tables(first: Tree, second: Tree, found: Comparison) -> None:
    """Compare the logs, column by column."""
    ours = {table.path: table for table in first.tables}
    theirs = {table.path: table for table in second.tables}
    for path, table in ours.items():
        if path in theirs:
            _table(table, theirs[path], found)
        else:
            found.add("log", path, "it is missing")
    for path in sorted(theirs.keys() - ours.keys()):
        found.add("log", path, "only the second file has it")


def _table(one: Table, other: Table, found: Comparison) -> None:
    if list(one.columns) != list(other.columns):
        ours, theirs = dict.fromkeys(one.columns), dict.fromkeys(other.columns)
        lost = ", ".join(name for name in ours if name not in theirs)
        more = ", ".join(name for name in theirs if name not in ours)
        found.add("log", one.path, f"columns missing: {lost or 'none'}; added: {more or 'none'}")
    for name, column in one.columns.items():
        if name in other.columns:
            found.values(f"{one.path}/{paths.encode(name)}", column, other.columns[name])


def metadata(first: Tree, second: Tree, found: Comparison) -> None:
    """Compare what the files say of themselves."""
    for key in dict.fromkeys((*first.metadata, *second.metadata)):
        where = [key in tree.metadata for tree in (first, second)]
        if not all(where):
            found.add("metadata", key, f"only the {'first' if where[0] else 'second'} file has it")
        elif not _same(first.metadata[key], second.metadata[key]):
            found.add("metadata", key, "it differs")


def records(first: Tree, second: Tree, found: Comparison) -> None:
    """Compare the inert records one after the other, and the classes that the files name."""
    if first.classes != second.classes:
        apart = sorted({*first.classes} ^ {*second.classes})
        more = f", … {len(apart) - 3} more" if len(apart) > 3 else ""
        found.add("classes", "", f"named by one file only: {', '.join(apart[:3])}{more}")
    counts, unlike, place = [0, 0], 0, ""
    for pair in zip_longest(first.records(), second.records()):
        for side, record in enumerate(pair):
            counts[side] += record is not None
        one, other = pair
        if one is None or other is None or not _same(_values(one), _values(other)):
            unlike += 1
            place = place or next(record.path for record in pair if record is not None)
    if unlike:
        words = f"{counts[0]:,} and {counts[1]:,}; {unlike:,} differ, the first of them at {place}"
        found.add("records", "", words)


def _values(record: Record) -> JSON:
    return [record.id, record.path, record.cls, dict(record.content)]


def _same(one: JSON, other: JSON) -> bool:
    """Tell whether two values are one in JSON, where NaN is itself."""
    spelt = texts.dumps(one), texts.dumps(other)
    if spelt[0] == spelt[1]:
        return True
    # A number can be spelt in two ways, which are one when it was read.
    read = [texts.dumps(texts.loads(text)) for text in spelt]
    return read[0] == read[1]
