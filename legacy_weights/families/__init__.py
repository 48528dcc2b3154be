"""What the records of a legacy file mean, one module a framework.

A family is a module with a function ``interpret``: it looks for its own classes in the graph of a
file's objects, finds the cells that hold weights, arranges them (by its own rules, or by
:func:`~legacy_weights.families.interpretation.arrange`), and gives every other array its role.
"""

from __future__ import annotations

from collections.abc import Callable

from legacy_weights.families import (
    blocks,
    keras_pickled,
    lasagne,
    nolearn,
    plain,
    pylearn2,
    rllab,
    sklearn,
    sknn,
    theano,
)
from legacy_weights.families.graph import Graph
from legacy_weights.families.interpretation import Interpretation
from legacy_weights.families.versions import framework

Family = Callable[[Graph], Interpretation | None]

FAMILIES: tuple[Family, ...] = (
    rllab.interpret,
    sknn.interpret,
    nolearn.interpret,
    lasagne.interpret,
    keras_pickled.interpret,
    pylearn2.interpret,
    blocks.interpret,
    theano.interpret,
    sklearn.interpret,
)
"""Each returns None for a graph that is not of its kind; the first that answers counts.

A framework comes before the one that it stands on.
"""

NO_WEIGHTS = "no array is known to be a weight; each is kept by its path"


def interpret(graph: Graph) -> Interpretation:
    """Return what the first family that knows a graph makes of it."""
    found = next(filter(None, (family(graph) for family in FAMILIES)), None)
    meaning = plain.interpret(graph) if found is None else found
    if graph.arrays and not meaning.snapshots:
        meaning.warnings.append(NO_WEIGHTS)
    shown = framework(graph)
    if shown:
        meaning.metadata["framework"] = shown
    return meaning
