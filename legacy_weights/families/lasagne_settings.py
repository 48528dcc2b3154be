"""What a network of Lasagne says of its layers: their settings, as JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from legacy_weights.families.graph import Graph
from legacy_weights.families.labels import class_of, label, short
from legacy_weights.families.lasagne_layers import Layers, Place
from legacy_weights.families.values import class_name
from legacy_weights.paths import natural
from legacy_weights.pickles.objects import Global, Instance
from legacy_weights.tree import JSON

_WIRING = frozenset({"name", "params", "input_layer", "input_layers", "input_var"})
_MOST_VALUES = 500
_MOST_ELEMENTS = 64
_DEPTH = 4
"""So many values of a layer's settings are shown, so many in one list, nested so deep."""
_BITS = 512
_NONLINEARITIES = "lasagne.nonlinearities."


class _NoSettingError(Exception):
    """Something that is no plain value."""


def describe_layers(
    graph: Graph, layers: Layers, places: Sequence[Place], names: Mapping[int, str]
) -> list[JSON]:
    """Return what is known of layers, in their order.

    Each is ``{"name", "class", "inputs", "settings", "params"}``: the names of the layers that
    feed it; the attributes that are plain values, with functions by their names; and for each
    parameter the attribute that has it, its name in the snapshot (or, for an expression, the
    ``names`` of the variables that it is made of), and its tags.

    Parameters
    ----------
    graph : Graph
    layers : Layers
    places : sequence of Place
    names : mapping of int to str
        What parameters are called in the snapshot, by the identities of their variables.
    """
    labels = {id(place.layer): "/".join(place.label) for place in places}
    found: list[JSON] = []
    for place in places:
        attributes = graph.attributes(place.layer)
        held = {id(value): name for name, value in attributes.items()}
        entry: dict[str, JSON] = {
            "name": labels[id(place.layer)],
            "class": class_of(place.layer),
            "inputs": [labels.get(id(below)) for below in layers.inputs(place.layer)],
            "settings": settings_of(graph, place.layer),
        }
        params: list[JSON] = []
        for variable, tags in layers.parameters(place.layer):
            param: dict[str, JSON] = {"attribute": held.get(id(variable))}
            if id(variable) in names:
                param["name"] = names[id(variable)]
            else:
                made_of = layers.shared_in(variable, names)
                param["names"] = [names[id(shared)] for shared in made_of]
            if tags is not None:
                param["tags"] = list[JSON](sorted(tags)[:_MOST_ELEMENTS])
            params.append(param)
        found.append({**entry, "params": params})
    return found


def settings_of(graph: Graph, raw: Instance, *, also: Sequence[str] = ()) -> dict[str, JSON]:
    """Return the attributes of an object that are plain values, as JSON.

    Parameters
    ----------
    graph : Graph
    raw : Instance
    also : sequence of str
        Attributes to show too, though those of a layer of Lasagne are shown otherwise.
    """
    return _Settings(graph, _WIRING - {*also}).of(graph.attributes(raw))


class _Settings:
    """Makes JSON of the plain values among attributes, not more than a person would read."""

    def __init__(self, graph: Graph, hidden: frozenset[str]) -> None:
        self.graph = graph
        self._hidden = hidden
        self._left = _MOST_VALUES

    def of(self, attributes: Mapping[str, Any], depth: int = 0) -> dict[str, JSON]:
        found: dict[str, JSON] = {}
        for name in sorted(attributes.keys() - self._hidden, key=natural):
            try:
                found[label(name)] = self._json(attributes[name], depth)
            except _NoSettingError:
                continue
        return found

    def _json(self, value: Any, depth: int) -> JSON:
        self._left -= 1
        if self._left < 0 or depth > _DEPTH:
            raise _NoSettingError
        if isinstance(value, np.generic) and value.dtype.kind in "biuf":
            value = value.item()
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, int) and value.bit_length() <= _BITS:
            return int(value)
        if isinstance(value, float):
            return value if math.isfinite(value) else repr(value)
        if isinstance(value, str | bytes):
            return short(label(value))
        if type(value) is Global:
            return short(value.dotted).removeprefix(_NONLINEARITIES)
        if type(value) in (list, tuple) and len(value) <= _MOST_ELEMENTS:
            return [self._json(item, depth + 1) for item in value]
        if type(value) is Instance and _is_function(value):
            return self._function(value, depth)
        raise _NoSettingError

    def _function(self, value: Instance, depth: int) -> JSON:
        """Return an object that acts as a function, such as LeakyRectify, or a slice."""
        shown: dict[str, JSON] = {"class": class_of(value).removeprefix(_NONLINEARITIES)}
        if value.args and class_name(value) in ("slice", "xrange"):
            return {**shown, "args": [self._json(item, depth + 1) for item in value.args]}
        return shown | self.of(self.graph.attributes(value), depth + 1)


def _is_function(value: Instance) -> bool:
    """Whether an object is a setting: one of a user's own or of Lasagne's nonlinearities."""
    dotted = class_of(value)
    return dotted.startswith((_NONLINEARITIES, "__main__.")) or class_name(value) == "slice"
