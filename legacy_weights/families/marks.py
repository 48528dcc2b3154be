"""Attributes that mean something wherever they stand: lists of parameters, wiring of graphs."""

from __future__ import annotations

import re

from legacy_weights.families.steps import Step, StepKind

_HIDDEN = frozenset(
    [
        *("owner", "_owner", "inputs", "outputs", "clients", "tag", "fgraph", "maker", "update"),
        *("default_update", "_default_update", "apply_node"),
    ]
)
"""Attributes by which Theano wires its graphs; a path through one of them names nothing."""

_HIDDEN_IN_LIBRARY = frozenset(
    [
        *("apply_nodes", "variable", "variables", "features", "fn", "storage_map"),
        *("input_storage", "output_storage", "unpack_single"),
    ]
)
"""The same, where the holder is an object of Theano; people call their own things so too."""

_LIBRARY = re.compile(r"(theano|aesara|pytensor)\.")

_KNOWN = re.compile(
    r"(theano|aesara|pytensor|numpy|scipy|pandas|sklearn|collections|dill|__builtin__|builtins|"
    r"copy_reg|copyreg)\."
)

LISTS = (
    *("params", "_params", "parameters", "all_params", "_weights"),
    *("param values", "param_values"),
)
"""Attributes and keys by which a program states its parameters, in order.

The last two are keys of dictionaries that keep the list of Lasagne's ``get_all_param_values``
beside other things: ``vgg16.pkl`` of Lasagne/Recipes' model zoo has ``param values``,
``mean value`` and ``synset words``.
"""

_LIST_KEYS = frozenset([*LISTS, *(name.encode() for name in LISTS)])

NAMES = "param_names"
"""The attribute or key by which a program states its parameters by their names, in order.

kusanagi (``kusanagi/ghost/regression/BaseRegressor.py``, ``set_params``) keeps each as an
attribute of that name, and writes all attributes as one dictionary.
"""


def is_library(dotted: str) -> bool:
    """Whether a class is one of Theano or its heirs."""
    return _LIBRARY.match(dotted) is not None


def is_users_own(dotted: str) -> bool:
    """Whether a class is neither Python's nor of a library that everyone uses."""
    return _KNOWN.match(dotted) is None


def is_list_step(step: Step) -> bool:
    """Whether a step leads to what a program states as its parameters."""
    if step.kind not in (StepKind.ATTRIBUTE, StepKind.KEY):
        return False
    return isinstance(step.key, str | bytes) and step.key in _LIST_KEYS


def is_names_step(step: Step) -> bool:
    """Whether a step leads to the names of what a program states as its parameters."""
    if step.kind not in (StepKind.ATTRIBUTE, StepKind.KEY):
        return False
    return isinstance(step.key, str | bytes) and step.key in (NAMES, NAMES.encode())


def is_wiring(step: Step, library: str) -> bool:
    """Whether a step leads into the wiring of a graph."""
    if step.kind is StepKind.ATTRIBUTE:
        return step.key in _HIDDEN or (bool(library) and step.key in _HIDDEN_IN_LIBRARY)
    return step.kind is StepKind.PART and library.startswith("_constructor_")
