"""Where each array stands in the flat vector: names, starts, sizes, shapes."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Any

import numpy as np

from legacy_weights.errors import LayoutError
from legacy_weights.flat.theta import checked_theta, checked_values, common_dtype
from legacy_weights.tree import AnyArray


@dataclass(frozen=True, slots=True)
class Entry:
    """One array of the flat vector.

    Parameters
    ----------
    name : str
        Unique within its layout.
    start : int
        Index of its first element in theta.
    size : int
        Number of elements.
    shape : tuple of int
    dtype : numpy.dtype
        Of the array itself; theta may have a wider one.
    """

    name: str
    start: int
    size: int
    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    @property
    def slice(self) -> slice:
        """Its place in theta."""
        return slice(self.start, self.start + self.size)


@dataclass(frozen=True)
class Layout:
    """Arrays laid end to end, each in C order: the meaning of a flat vector theta.

    Parameters
    ----------
    entries : tuple of Entry
        Without gaps, in order.
    dtype : numpy.dtype
        Of theta.

    Examples
    --------
    >>> layout = Layout.of([("W", (2, 3), "f8"), ("b", (3,), "f8")])
    >>> layout.size, layout["b"].start
    (9, 6)
    """

    entries: tuple[Entry, ...]
    dtype: np.dtype[Any]
    size: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "size", sum(entry.size for entry in self.entries))

    @classmethod
    def of(cls, arrays: Iterable[tuple[str, tuple[int, ...], Any]], dtype: Any = None) -> Layout:
        """Lay arrays end to end.

        Parameters
        ----------
        arrays : iterable of (str, tuple of int, dtype)
            Name, shape and dtype of each, in order.
        dtype : dtype, optional
            Of theta; needed where the arrays have several.  It must hold each of them exactly.

        Raises
        ------
        LayoutError
            Two arrays have one name, or there are none.
        """
        entries: list[Entry] = []
        start = 0
        for name, shape, kind in arrays:
            entries.append(Entry(name, start, math.prod(shape), shape, np.dtype(kind)))
            start += entries[-1].size
        if not entries:
            raise LayoutError(
                "there is no array to lay out", expected="at least one", advice="Pass a variable."
            )
        name, times = Counter(entry.name for entry in entries).most_common(1)[0]
        if times > 1:
            raise LayoutError(f"{times} arrays are called {name!r}", expected="unique names")
        return cls(tuple(entries), common_dtype((entry.dtype for entry in entries), dtype))

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)

    def __getitem__(self, key: int | str) -> Entry:
        if isinstance(key, int):
            return self.entries[key]
        try:
            return self._by_name[key]
        except KeyError:
            raise LayoutError(
                f"there is no array called {key!r}", expected=f"one of {', '.join(self.names)}"
            ) from None

    @cached_property
    def _by_name(self) -> dict[str, Entry]:
        return {entry.name: entry for entry in self.entries}

    @property
    def names(self) -> tuple[str, ...]:
        """The names, in order."""
        return tuple(entry.name for entry in self.entries)

    @property
    def shapes(self) -> tuple[tuple[int, ...], ...]:
        """The shapes, in order."""
        return tuple(entry.shape for entry in self.entries)

    @cached_property
    def slices(self) -> dict[str, slice]:
        """The place in theta of each name."""
        return {entry.name: entry.slice for entry in self.entries}

    def select(self, *patterns: str) -> tuple[Entry, ...]:
        """Return the entries whose names match a shell pattern, in the order of the layout.

        Parameters
        ----------
        *patterns : str
            As :mod:`fnmatch` reads them, case-sensitive; ``*`` matches ``/`` too.

        Raises
        ------
        LayoutError
            A pattern matches nothing.
        """
        for pattern in patterns:
            if not any(fnmatchcase(name, pattern) for name in self.names):
                raise LayoutError(
                    f"no array matches {pattern!r}", expected=f"some of {', '.join(self.names)}"
                )
        return tuple(e for e in self.entries if any(fnmatchcase(e.name, p) for p in patterns))

    def flatten(self, arrays: Mapping[str, Any], *, cast: bool = False) -> AnyArray:
        """Return a new theta of named arrays.

        Parameters
        ----------
        arrays : mapping of str to array_like
            Exactly the names of the layout, in any order, with exactly its shapes.
        cast : bool
            Whether values may be rounded to theta's dtype.

        Returns
        -------
        ndarray, shape (size,)

        Raises
        ------
        LayoutError
            A name is missing or unknown, or a shape differs.
        CastError
            A dtype does not fit, and `cast` is False.
        """
        missing = [name for name in self.names if name not in arrays]
        unknown = [name for name in arrays if name not in self._by_name]
        if missing or unknown:
            raise LayoutError(
                f"missing: {', '.join(missing) or 'none'}; unknown: {', '.join(unknown) or 'none'}",
                expected="exactly the names of the layout",
            )
        theta = np.empty(self.size, self.dtype)
        for entry in self.entries:
            values = checked_values(
                arrays[entry.name], entry.shape, self.dtype, entry.name, cast=cast
            )
            theta[entry.slice].reshape(entry.shape)[...] = values
        return theta

    def unflatten(self, theta: AnyArray) -> dict[str, AnyArray]:
        """Return the arrays of a theta by name: views of it, nothing is copied.

        Parameters
        ----------
        theta : array_like, shape (size,)
            Of theta's dtype, or one that it holds exactly.

        Raises
        ------
        LayoutError
            The length or the number of dimensions is another.
        CastError
            The dtype does not fit.
        """
        whole = checked_theta(theta, self.size, self.dtype)
        return {entry.name: whole[entry.slice].reshape(entry.shape) for entry in self.entries}
