"""What the archive formats have in common."""

from __future__ import annotations

import stat
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from legacy_weights.containers._buffer import Buffer

_LONGEST = 100
_KINDS = {
    stat.S_IFLNK: "symbolic link",
    stat.S_IFCHR: "character device",
    stat.S_IFBLK: "block device",
    stat.S_IFIFO: "fifo",
    stat.S_IFSOCK: "socket",
}


@dataclass(frozen=True, slots=True)
class Piece:
    """One stream that came out of a wrapper.

    Parameters
    ----------
    buffer : Buffer
    label : str, optional
        The name of the member in an archive.
    notes : tuple of str
        What a user should know of the member.
    """

    buffer: Buffer
    label: str | None = None
    notes: tuple[str, ...] = ()


def decode(raw: bytes) -> tuple[str, tuple[str, ...]]:
    """Return a member's name as text, and a note if it is no UTF-8."""
    try:
        return raw.decode(), ()
    except UnicodeDecodeError:
        name = raw.decode("latin-1")
        return name, (f"the name of member {show(name)} is not UTF-8 and was read as Latin-1",)


def show(name: str) -> str:
    """Return a member's name in quotes, without control characters and not too long."""
    return repr(name if len(name) <= _LONGEST else name[: _LONGEST - 1] + "…")


def special(mode: int) -> str | None:
    """Return what a member of this Unix mode is, if it is neither a file nor a directory."""
    return _KINDS.get(stat.S_IFMT(mode))


def repeated(names: Iterable[str]) -> tuple[str, ...]:
    """Return a note for each name that stands in the archive more than once."""
    return tuple(
        f"{count} members are called {show(name)}; all are read"
        for name, count in Counter(names).items()
        if count > 1
    )
