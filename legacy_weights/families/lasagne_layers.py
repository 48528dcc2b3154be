"""The layers of Lasagne: which records they are, and which feed which.

A layer keeps the one that feeds it as ``input_layer``, or several as ``input_layers``, and its
parameters in the ordered dictionary ``params``, each with the set of its tags
(``lasagne/layers/base.py``, ``Layer`` and ``MergeLayer``).  Before May 2015 there was no such
dictionary: ``get_params`` gave ``[self.W, self.b]``, whatever the class.  Classes of a user's own
are told by these attributes.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Container, Iterable, Sequence
from typing import Any, NamedTuple

from legacy_weights.families.graph import Graph
from legacy_weights.families.labels import class_of, label, text_of
from legacy_weights.families.naming import Name
from legacy_weights.families.values import class_name, is_ordered_dict
from legacy_weights.pickles.objects import Instance

_MODULE = re.compile(r"lasagne\.")
_INSIDE = ("input_to_hidden", "hidden_to_hidden")
"""Networks inside ``CustomRecurrentLayer``; its own parameters come before theirs
(``lasagne/layers/recurrent.py``, ``CustomRecurrentLayer.get_params``)."""
_BEFORE_PARAMS = ("W", "b")
_MOST_EDGES = 1_000_000
"""So many connections of layers are followed; a small file can have a list that all share."""
_NESTED = 16


class Place(NamedTuple):
    """A layer and its place in a network.

    Parameters
    ----------
    layer : Instance
    label : tuple of str
        What it is called; that of a layer inside another begins with the outer one's.
    """

    layer: Instance
    label: Name


class Parameter(NamedTuple):
    """An entry of a layer's ``params``.

    Parameters
    ----------
    variable : object
        A shared variable, or since Lasagne 0.2 an expression of some.
    tags : frozenset of str or None
        None if the file does not have them.
    """

    variable: Any
    tags: frozenset[str] | None


class Layers:
    """All layers of a file.

    Parameters
    ----------
    graph : Graph

    Attributes
    ----------
    found : dict of int to Instance
        By identity, in the order of the walk.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.found = {id(raw): raw for _, raw in graph.instances() if self._is_layer(raw)}
        self._left = _MOST_EDGES

    def _is_layer(self, raw: Instance) -> bool:
        attributes = self.graph.attributes(raw)
        if not attributes.keys() & {"input_layer", "input_layers", "input_var"}:
            return False
        if _MODULE.match(class_of(raw)):
            return True
        pairs = pairs_of(attributes.get("params"))
        return pairs is not None and all(type(key) is Instance for key, _ in pairs)

    @property
    def cut(self) -> bool:
        """Whether there are more connections than were followed."""
        return self._left < 0

    def inputs(self, layer: Instance) -> list[Instance]:
        """Return the layers that feed a layer."""
        attributes = self.graph.attributes(layer)
        held = attributes.get("input_layers", attributes.get("input_layer"))
        several: Sequence[Any] = held if isinstance(held, list | tuple) else [held]
        several = several[: max(self._left, 0)]
        self._left -= len(several) + 1
        return [self.found[id(value)] for value in several if id(value) in self.found]

    def inside(self, layer: Instance) -> list[tuple[str, Instance]]:
        """Return the layers that a recurrent layer holds as its own, by attribute."""
        attributes = self.graph.attributes(layer)
        held = [(name, id(attributes.get(name))) for name in _INSIDE]
        return [(name, self.found[key]) for name, key in held if key in self.found]

    def chain(self, heads: Iterable[Instance]) -> list[Instance]:
        """Return the layers below some, each after those that feed it.

        The order is that of ``lasagne.layers.get_all_layers`` (``lasagne/layers/helper.py``): a
        depth-first search that goes through the inputs from the first to the last.
        """
        queue = deque(heads)
        seen: set[int] = set()
        done: dict[int, Instance] = {}
        while queue:
            layer = queue[0]
            if id(layer) not in seen:
                seen.add(id(layer))
                queue.extendleft(reversed(self.inputs(layer)))
            else:
                queue.popleft()
                done.setdefault(id(layer), layer)
        return list(done.values())

    def heads(self) -> list[Instance]:
        """Return the layers that feed no other; of layers in a circle, the first."""
        feeding = {id(below) for layer in self.found.values() for below in self.inputs(layer)}
        feeding |= {id(held) for layer in self.found.values() for _, held in self.inside(layer)}
        found = [layer for key, layer in self.found.items() if key not in feeding]
        below = self._below(found)
        for layer in self.found.values():
            if id(layer) not in below:
                found.append(layer)
                below |= self._below([layer])
        return found

    def _below(self, heads: Sequence[Instance]) -> set[int]:
        return {id(place.layer) for place in self.places(self.chain(heads))}

    def places(self, chain: Sequence[Instance]) -> list[Place]:
        """Return the layers of a chain, and after each those inside it, with labels.

        A layer without a name gets the one that nolearn would give it: its class without
        ``Layer``, in lower case, and its position (``nolearn/lasagne/base.py``,
        ``NeuralNet._layer_name``).
        """
        found: list[Place] = []
        seen: set[int] = set()
        waiting = [Place(layer, (self.label(layer, i),)) for i, layer in enumerate(chain)]
        waiting.reverse()
        while waiting:
            place = waiting.pop()
            if id(place.layer) in seen:
                continue
            seen.add(id(place.layer))
            found.append(place)
            if len(place.label) < 2 * _NESTED:
                waiting.extend(reversed(self._places_inside(place)))
        return found

    def _places_inside(self, outer: Place) -> list[Place]:
        return [
            Place(layer, (*outer.label, name, self.label(layer, i)))
            for name, head in self.inside(outer.layer)
            for i, layer in enumerate(self.chain([head]))
        ]

    def label(self, layer: Instance, position: int) -> str:
        """Return a layer's own name, or one made of its class and position."""
        name = self.graph.attributes(layer).get("name")
        if isinstance(name, str | bytes) and name:
            return label(name)
        kind = class_of(layer).rpartition(".")[2]
        return f"{kind.lower().replace('layer', '')}{position}"

    def parameters(self, layer: Instance) -> list[Parameter]:
        """Return the parameters of a layer, in the order of their making."""
        attributes = self.graph.attributes(layer)
        if "params" not in attributes:
            held = [attributes.get(name) for name in _BEFORE_PARAMS]
            tags = frozenset({"trainable"})
            return [Parameter(value, tags) for value in held if type(value) is Instance]
        pairs = pairs_of(attributes["params"]) or []
        return [Parameter(key, tags_of(value)) for key, value in pairs if type(key) is Instance]

    def shared_in(self, expression: Any, known: Container[int]) -> list[Instance]:
        """Return the shared variables that an expression is made of.

        The order is that of ``lasagne.utils.collect_shared_vars``: a depth-first search that goes
        through the inputs of an operation from the first to the last.

        Parameters
        ----------
        expression : object
        known : container of int
            The identities of the shared variables.
        """
        found: list[Instance] = []
        seen: set[int] = set()
        stack = [expression]
        while stack:
            current = stack.pop()
            if type(current) is not Instance or id(current) in seen:
                continue
            seen.add(id(current))
            if id(current) in known:
                found.append(current)
                continue
            inputs = self._inputs_of_operation(current)
            self._left -= len(inputs) + 1
            stack.extend(reversed(inputs))
        return found

    def _inputs_of_operation(self, variable: Instance) -> Sequence[Any]:
        """Return what the operation that gives a variable takes."""
        operation = self.graph.attributes(variable).get("owner")
        if type(operation) is not Instance or self._left < 0:
            return ()
        inputs = self.graph.attributes(operation).get("inputs")
        return inputs if isinstance(inputs, list | tuple) else ()


def pairs_of(raw: Any) -> list[tuple[Any, Any]] | None:
    """Return the pairs of an ordered dictionary, or None for everything else."""
    if type(raw) is not Instance:
        return None
    if is_ordered_dict(raw):
        held = raw.args[0]
    elif class_name(raw) == "OrderedDict":
        held = raw.pairs or []
    else:
        return None
    return [(pair[0], pair[1]) for pair in held if type(pair) in (list, tuple) and len(pair) == 2]


def tags_of(raw: Any) -> frozenset[str] | None:
    """Return the elements of a set of texts, or None for everything else."""
    if type(raw) is not Instance or class_name(raw) not in ("set", "frozenset"):
        return None
    held = raw.items if raw.items is not None else raw.args[0] if raw.args else []
    if type(held) not in (list, tuple):
        return None
    return frozenset(text_of(tag) for tag in held if isinstance(tag, str | bytes))
