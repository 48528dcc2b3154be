"""Texts for a terminal: tables, names as cells, sizes and counts."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Sequence

_WIDEST = 60
"""Columns of a cell to which the others of its column are padded."""
_LONGEST = 120
"""Columns of a cell; a longer text is cut in its middle, and ``--json`` has it whole."""


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
    text = cut(clean(name))
    return text if text and text == text.strip() else f"'{text}'"


def cut(text: str) -> str:
    """Return a text without its middle if it is too long for a cell."""
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
