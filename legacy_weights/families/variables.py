"""The shared variables of a file as cells, for the families that know which object holds which."""

from __future__ import annotations

from legacy_weights.families.graph import Graph
from legacy_weights.families.theano import Kind, cells_of, kind_of, merge_copies, roles_of
from legacy_weights.tree import Role


class Variables:
    """The shared variables of a file, as cells.

    Parameters
    ----------
    graph : Graph

    Attributes
    ----------
    cells : list of Cell
    roles : dict of int to Role
        What classes of Theano and NumPy say, by the identity of a node.
    by_object : dict of int to Cell
        By the identity of each object that stands for a cell.
    """

    def __init__(self, graph: Graph) -> None:
        shared = [node for node in graph.nodes.values() if kind_of(node.raw) is Kind.SHARED]
        self.roles = roles_of(graph)
        shared = [node for node in shared if self.roles.get(id(node)) is not Role.RANDOM]
        self.cells = merge_copies(graph, cells_of(graph, shared, self.roles))
        self.by_object = {
            id(node.raw): cell
            for cell in self.cells
            for known in (cell, *cell.copies)
            for node in known.known_as
        }
