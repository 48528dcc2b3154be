"""What a family makes of a file, and how the file reaches what is in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from legacy_weights.families.graph import Graph, Node
from legacy_weights.tree import JSON, Leaf, Snapshot, Table


@dataclass(slots=True, eq=False)
class Interpretation:
    """What a family makes of a graph.

    Parameters
    ----------
    family : str
    evidence : str
        How it was recognised.
    snapshots : list of Snapshot
    other : list of Leaf
        Every array that is in no snapshot.
    places : dict of int to str
        The path of each array's leaf in the tree, by the identity of the array's object.
    tables : list of Table
        Logs: the history of the training.  Their arrays may be made of records.
    metadata : dict of str to JSON
        What the file says of itself: hyper-parameters, versions, an architecture.
    default_snapshot : str, optional
        The one that a user means who names none; by default the last.
    warnings : list of str
    """

    family: str
    evidence: str
    snapshots: list[Snapshot] = field(default_factory=list)
    other: list[Leaf] = field(default_factory=list)
    places: dict[int, str] = field(default_factory=dict)
    tables: list[Table] = field(default_factory=list)
    metadata: dict[str, JSON] = field(default_factory=dict)
    default_snapshot: str | None = None
    warnings: list[str] = field(default_factory=list)


_MOST_ORIGINS = 20_000
"""So many further paths of all arrays are kept, but one of each; a file can have millions."""


def share(total: int, count: int) -> int:
    """Return how much each of `count` gets of `total`; at least one."""
    return max(1, total // max(1, count))


def origins(graph: Graph, node: Node) -> tuple[str, ...]:
    """Return the paths by which the file reaches an array, the plainest first."""
    most = share(_MOST_ORIGINS, len(graph.arrays))
    plainest = graph.path(node)
    others = [
        graph.path(Node(node.raw, parent, step))
        for parent, step in graph.references.get(id(node.raw), ())[:most]
        if parent is not node.parent or step is not node.step
    ]
    return tuple(dict.fromkeys([plainest, *others])) if others else (plainest,)


def inherited(graph: Graph, starts: Callable[[Node], bool]) -> set[int]:
    """Return the identities of the nodes for which `starts` holds, and of all below them."""
    found: set[int] = set()
    for node in graph.nodes.values():
        if (node.parent is not None and id(node.parent) in found) or starts(node):
            found.add(id(node))
    return found
