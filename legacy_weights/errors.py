"""The errors of this package: one family, each saying where, what, and what to do.

Every error that a file can cause is a :class:`LegacyWeightsError`.  It is put together from parts
(the file, the place in it, what was found, what was expected, what to do), so that a caller can
read them one by one and a person reads one paragraph.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike, fspath


class LegacyWeightsError(Exception):
    """What went wrong, and where.

    Parameters
    ----------
    found : str
        What was found.
    where : str or int, optional
        The place inside the file: a byte offset (int) or a path (str).
    expected : str, optional
        What was expected instead.
    advice : str, optional
        What to do about it.
    file : path-like, optional
        The file; mostly filled in later by :func:`in_file`.

    Attributes
    ----------
    exit_status : int
        What the command line returns for it: 2 wrong usage, 3 refused, damaged or unreadable.
    """

    exit_status = 3

    def __init__(
        self,
        found: str,
        *,
        where: str | int | None = None,
        expected: str | None = None,
        advice: str | None = None,
        file: str | PathLike[str] | None = None,
    ) -> None:
        super().__init__(found)
        self.found = found
        self.where = where
        self.expected = expected
        self.advice = advice
        self.file = None if file is None else fspath(file)

    def __str__(self) -> str:
        place = f"byte {self.where:,}" if isinstance(self.where, int) else self.where
        head = ": ".join(str(part) for part in (self.file, place, self.found) if part)
        if self.expected:
            head += f"; expected {self.expected}"
        return f"{head}. {self.advice}" if self.advice else f"{head}."


class UsageError(LegacyWeightsError):
    """The caller asked for something that cannot be done as asked."""

    exit_status = 2


class LayoutError(UsageError):
    """A layout does not fit the vector it is to cut."""


class UnreadableError(LegacyWeightsError):
    """The file is of a kind that this package does not read."""


class DamagedError(LegacyWeightsError):
    """The file is of a known kind, but broken: truncated, altered, or inconsistent."""


class RefusedError(LegacyWeightsError):
    """The file is refused, although it could be parsed."""


class LimitError(RefusedError):
    """The file asks for more than a limit allows."""


class VersionError(RefusedError):
    """The file was written in a version of the hierarchy that this program does not know."""


class WriteError(LegacyWeightsError):
    """What was written does not read back as it should, or could not be written."""


@contextmanager
def in_file(file: str | PathLike[str]) -> Iterator[None]:
    """Name `file` in every error of this package that leaves the block without a file."""
    try:
        yield
    except LegacyWeightsError as error:
        if error.file is None:
            error.file = fspath(file)
        raise
