"""What stands in an HDF5 file, as plain descriptions without a handle."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np


@dataclass(frozen=True, slots=True)
class Group:
    """A group.

    Parameters
    ----------
    path : str
    n_attributes : int
    """

    path: str
    n_attributes: int


@dataclass(frozen=True, slots=True)
class Dataset:
    """A dataset whose values NumPy can hold.

    Parameters
    ----------
    path : str
    dtype : numpy.dtype
        As stored; structured for a compound (a table).
    shape : tuple of int
    stored : int
        Number of bytes that the file keeps for it.
    offset : int, optional
        Where in the file its bytes begin, if they stand there in one piece and uncompressed.
    n_attributes : int
    """

    path: str
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    stored: int
    offset: int | None
    n_attributes: int

    @property
    def nbytes(self) -> int:
        """Number of bytes of all elements in memory."""
        size = self.dtype.itemsize
        for length in self.shape:
            size *= length
        return size


@dataclass(frozen=True, slots=True)
class Link:
    """A link; it is shown and not followed.

    Parameters
    ----------
    path : str
    kind : str
        ``soft``, ``external``, ``hard`` (a further name of an object met before) or ``user``.
    target : str
        The path that it names; ``FILE:PATH`` for an external one.
    """

    path: str
    kind: str
    target: str


@dataclass(frozen=True, slots=True)
class Other:
    """Something that is not read.

    Parameters
    ----------
    path : str
    what : str
        What it is, in words: ``virtual dataset``.
    """

    path: str
    what: str


Node: TypeAlias = Group | Dataset | Link | Other


@dataclass(frozen=True, slots=True)
class Unread:
    """Stands for the value of an attribute that is not read, and says why."""

    reason: str
