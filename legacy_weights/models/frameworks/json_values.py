"""Values of an architecture in JSON, each asked for by the kind that it must have."""

from __future__ import annotations

from collections.abc import Mapping

from legacy_weights.errors import DamagedError
from legacy_weights.tree import JSON


class Settings:
    """The settings of a layer or of a model.

    Parameters
    ----------
    values : mapping of str to JSON
    where : str
        The layer, as an error names it.

    Raises
    ------
    DamagedError
        By each method, if the value is of another kind.
    """

    def __init__(self, values: Mapping[str, JSON], where: str) -> None:
        self.values = values
        self.where = where

    def __contains__(self, key: str) -> bool:
        return self.values.get(key) is not None

    def wrong(self, key: str, expected: str) -> DamagedError:
        """Return the error of a value that is of another kind."""
        return DamagedError(
            f"`{key}` is {self.values.get(key)!r:.80}", where=self.where, expected=expected
        )

    def integer(self, key: str) -> int:
        """Return a number that counts something, at least 1."""
        value = self.values.get(key)
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise self.wrong(key, "a number of at least 1")
        return value

    def number(self, key: str, default: float | None = None) -> float:
        """Return a number."""
        value = self.values.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.wrong(key, "a number")
        return float(value)

    def truth(self, key: str, default: bool | None = None) -> bool:
        """Return whether something is so."""
        value = self.values.get(key, default)
        if not isinstance(value, bool):
            raise self.wrong(key, "true or false")
        return value

    def text(self, key: str) -> str:
        """Return a text."""
        value = self.values.get(key)
        if not isinstance(value, str):
            raise self.wrong(key, "a text")
        return value

    def integers(self, key: str) -> list[int]:
        """Return a list of numbers that count something."""
        value = self.values.get(key)
        if not isinstance(value, list):
            raise self.wrong(key, "a list of numbers")
        counts = [n for n in value if isinstance(n, int) and not isinstance(n, bool) and n > 0]
        if len(counts) < len(value):
            raise self.wrong(key, "a list of numbers of at least 1")
        return counts
