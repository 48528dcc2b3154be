"""The inert records of a tree, followed from one to the next.

The same for a legacy and a migrated file; :mod:`legacy_weights.readers.records` has the form.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from legacy_weights.tree import JSON, Record, Tree

_STEPS = 8


class Records:
    """The records of a tree by their numbers.

    Parameters
    ----------
    tree : Tree
    """

    def __init__(self, tree: Tree) -> None:
        self._by_id = {record.id: record for record in tree.records()}

    def __iter__(self) -> Iterator[Record]:
        return iter(self._by_id.values())

    def record(self, value: JSON) -> Record | None:
        """Return the record that a value refers to, or None if it refers to none."""
        number = value.get("$ref") if isinstance(value, dict) else None
        return self._by_id.get(number) if isinstance(number, int) else None

    def plain(self, value: JSON) -> JSON:
        """Return a value itself where a container or text has a record of its own.

        Tuples become lists.
        """
        for _ in range(_STEPS):
            record = self.record(value)
            if record is None or "value" not in record.content:
                break
            value = record.content["value"]
        if isinstance(value, dict) and set(value) == {"$tuple"}:
            return value["$tuple"]
        return value

    def attributes(self, record: Record) -> Mapping[str, JSON]:
        """Return the attributes of an instance; none if its state is something else."""
        state = self.plain(record.content.get("state"))
        return state if isinstance(state, dict) else {}

    def array(self, value: JSON) -> str | None:
        """Return the path in the tree of the array that a value is, or None if it is none."""
        value = self.plain(value)
        path = value.get("$array") if isinstance(value, dict) else None
        return path if isinstance(path, str) else None
