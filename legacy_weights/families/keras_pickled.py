"""Keras 0 and 1 on Theano, pickled: models, and layers alone.

The weights of a model are those of its layers, in the order of ``get_weights``: of each layer what
is trained, then what is not (keras/engine/topology.py, ``Container.get_weights`` and
``Layer.weights``; before 1.0 keras/layers/containers.py and keras/layers/core.py).  A layer lists
them in ``trainable_weights`` and ``non_trainable_weights``, later with an underscore before these
names; Keras 0.2 in ``params``, with running averages beside (keras/layers/normalization.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from legacy_weights.families.arrangement import Arrangement
from legacy_weights.families.graph import Graph, Node
from legacy_weights.families.interpretation import Interpretation
from legacy_weights.families.labels import class_of, text_of
from legacy_weights.families.naming import Cell, Name, Paths
from legacy_weights.families.order import order_cells
from legacy_weights.families.others import add_others
from legacy_weights.families.snapshots import add_snapshot
from legacy_weights.families.updates import Updates, describe_memory
from legacy_weights.families.values import is_ordered_dict
from legacy_weights.families.variables import Variables
from legacy_weights.pickles.objects import Instance
from legacy_weights.tree import JSON, Order, Role, Trainable

_MODULE = re.compile(r"keras\.")
_OPTIMIZERS = "keras.optimizers."
_TRAINED = ("_trainable_weights", "trainable_weights", "params")
_NOT_TRAINED = ("_non_trainable_weights", "non_trainable_weights")
_AVERAGES = ("running_mean", "running_std")
_CHAIN = "layers of the Keras model"
_DEEPEST = 32
_MOST_LAYERS = 100_000
"""So many layers are looked at; a small file can have a list that all share."""


@dataclass(slots=True, eq=False)
class _Found:
    """The cells of a model in the order of its layers."""

    cells: dict[int, Cell] = field(default_factory=dict)
    state: set[int] = field(default_factory=set)
    frozen: set[int] = field(default_factory=set)
    layers: list[JSON] = field(default_factory=list)


def interpret(graph: Graph) -> Interpretation | None:
    """Return what Keras's conventions make of a graph, or None if it has no layer of Keras."""
    layers = _Layers(graph)
    if not layers.tops:
        return None
    variables = Variables(graph)
    found = _Found()
    tops, order, note = _order(graph, layers.tops)
    for top in tops:
        for layer in layers.below(top):
            _add(layers, variables, layer, found)
    result = Interpretation("Keras", layers.version())
    weights = [cell for cell in found.cells.values() if id(cell) not in found.state]
    state = [cell for cell in found.cells.values() if id(cell) in found.state]
    memory = Updates(graph, variables.cells).memory(list(found.cells.values()))
    if weights or state:
        trainable = {id(cell): Trainable.YES for cell in weights}
        trainable |= dict.fromkeys(found.frozen, Trainable.NO)
        add_snapshot(graph, Arrangement(weights, state, order, order, note, trainable), result)
    result.metadata["layers"] = found.layers
    if layers.cut:
        result.warnings.append("the model has too many layers; not all were followed")
    described = describe_memory(result, memory)
    beside = _beside(graph, variables, {*found.cells} | {id(entry.cell) for entry in memory})
    add_others(
        graph,
        result,
        variables.roles | beside | described.roles,
        names=_own_names(variables) | described.names,
        notes=described.notes,
    )
    return result


def _order(graph: Graph, tops: list[Instance]) -> tuple[list[Instance], Order, str]:
    """Return several models as the file orders them."""
    if len(tops) == 1:
        return tops, Order.STATED, _CHAIN
    cells = [Cell(graph.nodes[id(top)], []) for top in tops]
    ordered, order, note = order_cells(graph, cells, {})
    return [cell.node.raw for cell in ordered], order, f"{_CHAIN}, {note}" if note else ""


# Layers ----------------------------------------------------------------------------------------


class _Layers:
    """The models and layers of a file.

    Attributes
    ----------
    tops : list of Instance
        The models that are in no other; without one, the layers that stand alone.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self._left = _MOST_LAYERS
        found = [raw for _, raw in graph.instances() if self._is_layer(raw)]
        models = [raw for raw in found if self._is_model(raw)]
        inside = {id(part) for raw in models for part in self._parts(raw)}
        # A Sequential of Keras 1 keeps the functional model that it builds of its layers.
        inside |= {id(self.graph.attributes(raw).get("model")) for raw in models}
        tops = [raw for raw in models if id(raw) not in inside]
        self.tops = tops or ([] if models else [raw for raw in found if self._weights(raw)])
        self._known = found

    @property
    def cut(self) -> bool:
        """Whether there are more layers than were followed."""
        return self._left <= 0

    def version(self) -> str:
        """Return what the attributes of layers tell of the version."""
        names = {name for raw in self._known for name in self.graph.attributes(raw)}
        if "inbound_nodes" in names:
            return "layers of Keras 1"
        return "layers of Keras 0.3" if names & {*_NOT_TRAINED} else "layers of Keras 0.1 or 0.2"

    def _is_layer(self, raw: Instance) -> bool:
        if not _MODULE.match(class_of(raw)) or class_of(raw).startswith(_OPTIMIZERS):
            return False
        attributes = self.graph.attributes(raw)
        return self._is_model(raw) or not attributes.keys().isdisjoint(_TRAINED)

    def _is_model(self, raw: Instance) -> bool:
        attributes = self.graph.attributes(raw)
        return type(attributes.get("layers")) is list or "node_config" in attributes

    def _parts(self, raw: Any) -> Iterator[Instance]:
        """Yield what stands inside a model or a wrapper, in its order."""
        attributes = self.graph.attributes(raw)
        layers = attributes.get("layers")
        held: Iterable[Any] = layers if type(layers) is list else ()
        if "node_config" in attributes:
            held = self._nodes(attributes)
        elif not held and type(attributes.get("layer")) is Instance:
            held = [attributes["layer"]]
        for part in held:
            self._left -= 1
            if self._left <= 0:
                return
            if type(part) is Instance:
                yield part

    def _nodes(self, attributes: dict[str, Any]) -> Iterator[Any]:
        """Yield the nodes of a Graph in the order in which they were added."""
        nodes, config = attributes.get("nodes"), attributes.get("node_config")
        pairs = nodes.args[0] if type(nodes) is Instance and is_ordered_dict(nodes) else ()
        if type(nodes) is dict:
            pairs = nodes.items()
        pairs = [pair for pair in pairs if type(pair) in (tuple, list) and len(pair) == 2]
        by_name = {text_of(key): part for key, part in pairs if isinstance(key, str | bytes)}
        for entry in config if type(config) is list else ():
            settings = entry if type(entry) is dict else {}
            name = settings.get("name", settings.get(b"name"))
            if isinstance(name, str | bytes) and text_of(name) in by_name:
                yield by_name[text_of(name)]

    def below(self, top: Instance) -> list[Instance]:
        """Return the layers at the top of a model; those of a Merge at its beginning count too."""
        attributes = self.graph.attributes(top)
        flat = attributes.get("_flattened_layers")
        if type(flat) is list and flat:
            return [part for part in flat if type(part) is Instance]
        return list(self._parts(top)) if self._is_model(top) else [top]

    def leaves(self, layer: Instance) -> Iterator[tuple[Instance, bool]]:
        """Yield the layers that hold the arrays of one, and whether something freezes them."""
        waiting = [(layer, False, 0)]
        seen: set[int] = set()
        while waiting:
            part, frozen, depth = waiting.pop()
            if id(part) in seen or depth > _DEEPEST:
                continue
            seen.add(id(part))
            attributes = self.graph.attributes(part)
            frozen |= attributes.get("trainable", attributes.get("_trainable")) is False
            inner = list(self._parts(part))
            if not inner:
                yield part, frozen
            waiting += [(below, frozen, depth + 1) for below in reversed(inner)]

    def _weights(self, layer: Instance) -> list[Any]:
        return [*self.trained(layer), *self.averages(layer)]

    def trained(self, layer: Instance) -> list[Any]:
        """Return what a layer lists as trained."""
        return self._first(layer, _TRAINED)

    def averages(self, layer: Instance) -> list[Any]:
        """Return what a layer keeps and never trains."""
        attributes = self.graph.attributes(layer)
        beside = [attributes[name] for name in _AVERAGES if name in attributes]
        return self._first(layer, _NOT_TRAINED) or beside

    def _first(self, layer: Instance, names: Iterable[str]) -> list[Any]:
        attributes = self.graph.attributes(layer)
        lists = (attributes.get(name) for name in names)
        return next((held for held in lists if type(held) is list and held), [])


def _add(layers: _Layers, variables: Variables, layer: Instance, found: _Found) -> None:
    """Add the arrays of a layer: what is trained in it before what is not."""
    trained: list[Cell] = []
    rest: list[Cell] = []
    for part, frozen in layers.leaves(layer):
        own = _cells(variables, layers.trained(part))
        averages = _cells(variables, layers.averages(part))
        (rest if frozen else trained).extend(own)
        rest.extend(averages)
        found.state |= {id(cell) for cell in averages}
        if frozen:
            found.frozen |= {id(cell) for cell in own}
        found.layers.append(_describe(layers.graph, part))
    for cell in (*trained, *rest):
        found.cells.setdefault(id(cell), cell)


def _cells(variables: Variables, held: Iterable[Any]) -> list[Cell]:
    return [variables.by_object[id(item)] for item in held if id(item) in variables.by_object]


_SETTINGS = (
    *("name", "_name", "output_dim", "input_dim", "nb_filter", "nb_row", "nb_col"),
    *("filter_length", "dim_ordering", "border_mode", "activation", "mode", "axis", "epsilon", "p"),
)


def _describe(graph: Graph, layer: Instance) -> JSON:
    """Return the class of a layer, and those settings that are plain."""
    attributes = graph.attributes(layer)
    settings: dict[str, JSON] = {}
    for name in _SETTINGS:
        value = attributes.get(name)
        dotted = getattr(value, "dotted", None)
        if isinstance(value, str | bytes):
            settings[name.lstrip("_")] = text_of(value)[:400]
        elif isinstance(dotted, str):
            settings[name] = dotted[:400]
        elif isinstance(value, int | float) and abs(value) < 1e300:
            settings[name] = value
    return {"class": class_of(layer), **settings}


# What is beside the weights --------------------------------------------------------------------


def _beside(graph: Graph, variables: Variables, known: set[int]) -> dict[int, Role]:
    """Return the role of shared variables that an optimizer of Keras has: rates, counters."""
    roles: dict[int, Role] = {}
    for cell in variables.cells:
        if id(cell) not in known and any(_of_optimizer(graph, node) for node in cell.known_as):
            roles |= {id(array): Role.OPTIMIZER for array in cell.arrays}
    return roles


def _of_optimizer(graph: Graph, node: Node) -> bool:
    """Whether an attribute of an optimizer, or a list of it, has a variable."""
    for holder, _ in graph.references.get(id(node.raw), ()):
        current: Node | None = holder
        for _ in range(4):  # the state of the instance, a list, a pair in it
            if current is None or current.hidden:
                break
            if type(current.raw) is Instance:
                if class_of(current.raw).startswith(_OPTIMIZERS):
                    return True
                break
            current = current.parent
    return False


def _own_names(variables: Variables) -> dict[int, Name]:
    names: dict[int, Name] = {}
    namer = Paths()
    for cell in variables.cells:
        name = (cell.name,) if cell.name else namer.name(cell.node)
        if len(cell.arrays) == 1 and not cell.node.hidden and name:
            names[id(cell.arrays[0])] = name
    return names
