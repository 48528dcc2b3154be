"""What the records of a legacy file mean, one module a framework."""

from __future__ import annotations

from legacy_weights.families import plain, theano
from legacy_weights.families.graph import Graph
from legacy_weights.families.interpretation import Interpretation

FAMILIES = (theano.interpret,)
"""Each returns None for a graph that is not of its kind; the first that answers counts."""


def interpret(graph: Graph) -> Interpretation:
    """Return what the first family that knows a graph makes of it."""
    for family in FAMILIES:
        found = family(graph)
        if found is not None:
            return found
    return plain.interpret(graph)
