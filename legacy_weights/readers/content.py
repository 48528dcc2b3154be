"""What a reader finds in one stream: values, and how they were written."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from legacy_weights.families.values import Bundle
from legacy_weights.pickles.objects import Global
from legacy_weights.tree import Call


@dataclass(slots=True, eq=False)
class Content:
    """The values of one stream.

    Parameters
    ----------
    kind : str
        The format: ``pickle 2``, ``npy``.
    values : list
        One for each pickle; inert, see :mod:`legacy_weights.families.values`.
    writer : str
        ``Python 2``, ``Python 3``, or nothing if it does not show.
    classes : list of Global
        Every class and callable that the stream names.
    notes : list of str
        Repairs and oddities that a user should know.
    complete : bool
        False if something that the stream refers to is missing.
    calls : list of Call
        What the stream would call outside of known data types.
    """

    kind: str
    values: list[Any]
    writer: str
    classes: list[Global]
    notes: list[str]
    complete: bool = True
    calls: list[Call] = field(default_factory=list)

    def value(self) -> Any:
        """Return the only value, or a bundle of several."""
        if len(self.values) == 1:
            return self.values[0]
        labelled = [(str(index), value) for index, value in enumerate(self.values)]
        return Bundle(labelled, members=False)
