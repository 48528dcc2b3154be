"""The files beside a legacy file, which it may refer to by name."""

from __future__ import annotations

import os
from pathlib import Path

from legacy_weights.containers._buffer import Buffer, open_buffer
from legacy_weights.errors import RefusedError

_LONGEST = 255


class Siblings:
    """The regular files of one folder.

    Parameters
    ----------
    folder : pathlib.Path
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, name: str | bytes) -> Path:
        """Return the path of a file of the folder.

        Parameters
        ----------
        name : str or bytes
            As the legacy file states it: it is not trusted.

        Raises
        ------
        RefusedError
            It is no plain name of a file.
        """
        check_plain(name)
        return self.folder / os.fsdecode(name)

    def open(self, name: str | bytes) -> Buffer:
        """Map a file of the folder, read-only; no link is followed.

        Raises
        ------
        RefusedError
            It is no plain name of a file.
        UsageError, UnreadableError, DamagedError
            As for :func:`~legacy_weights.containers.open_buffer`.
        """
        return open_buffer(self.path(name), links=False)


def check_plain(name: str | bytes) -> None:
    """Check that a name has no folder, no drive and no control characters in it.

    Raises
    ------
    RefusedError
        It has.
    """
    text = name if isinstance(name, str) else name.decode("latin-1")
    parts = ("", ".", "..")
    odd = any(char in '/\\:"' or char < " " or char == "\x7f" for char in text)
    if text in parts or odd or len(text) > _LONGEST:
        raise RefusedError("it is no plain name of a file", expected="a name without a folder")
