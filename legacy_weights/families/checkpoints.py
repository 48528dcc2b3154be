"""What ``numpy.savez`` keeps beside the parameters in the checkpoints of a well-known lineage.

``train_lstm`` of the Deep Learning Tutorials (``code/lstm.py``) writes its parameters by their
names, and the errors of the training beside them.  ``train`` of the tutorial on neural machine
translation (``dl4mt-material``, ``nmt.py``, ``lm.py``) and of ``arctic-captions`` (``capgen.py``)
add the number of updates and, at the end, the best parameters as one dictionary.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from legacy_weights.families.graph import Graph, Node
from legacy_weights.families.interpretation import inherited
from legacy_weights.families.labels import label
from legacy_weights.families.steps import StepKind

_MARK = "history_errs"
"""Every one of these programs writes it, if only as an empty list."""
_RECORDS: Mapping[str, str] = {
    _MARK: "the errors on the validation set in the course of the training",
    "train_err": "the error on the training set",
    "valid_err": "the error on the validation set",
    "test_err": "the error on the test set",
    "uidx": "the number of updates",
}
_BEST = "zipped_params"


class Checkpoint(NamedTuple):
    """What stands beside the parameters.

    Parameters
    ----------
    records : dict of int to str
        What an array is that is no parameter, by the identity of its node.
    best : set of int
        The identities of the nodes below the dictionary of the best parameters, and of itself.
    """

    records: dict[int, str]
    best: set[int]


def find(graph: Graph) -> Checkpoint:
    """Return what stands beside the parameters of a checkpoint; nothing in any other file."""
    top = {label(node.step.key): node for node in graph.nodes.values() if _is_entry(graph, node)}
    if _MARK not in top:
        return Checkpoint({}, set())
    records = {id(top[name]): note for name, note in _RECORDS.items() if name in top}
    best = top.get(_BEST)
    below = inherited(graph, lambda node: node is best) if best is not None else set()
    return Checkpoint(records, below)


def _is_entry(graph: Graph, node: Node) -> bool:
    """Whether a node is a member of the archive, or an entry of the dictionary in a pickle."""
    return node.parent is graph.root and node.step.kind is StepKind.KEY
