"""nolearn (0.4 to 0.6): nets of Lasagne's layers that train themselves.

A ``NeuralNet`` keeps its layers by name in ``layers_``, and its parameters are theirs in that
order (``nolearn/lasagne/base.py``, ``NeuralNet.get_all_params``).  ``train_history_`` is a list of
dictionaries, one an epoch.  Handlers keep the best weights of a run as what
``get_all_params_values`` gives: for each layer the list of its values, in the order of the
layer's ``get_params`` (``nolearn/lasagne/handlers.py``, ``RememberBestWeights``; the recipe for
early stopping in nolearn's documentation does the same).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from legacy_weights import paths
from legacy_weights.families import lasagne
from legacy_weights.families.arrangement import Arrangement
from legacy_weights.families.graph import Graph, Node
from legacy_weights.families.histories import table_of
from legacy_weights.families.interpretation import Interpretation
from legacy_weights.families.labels import class_of, label
from legacy_weights.families.lasagne_layers import Layers, Place, pairs_of
from legacy_weights.families.lasagne_network import CHAIN, Network, join, network_of
from legacy_weights.families.lasagne_settings import settings_of
from legacy_weights.families.naming import Cell, Name, Paths
from legacy_weights.families.snapshots import add_snapshot
from legacy_weights.families.values import class_name
from legacy_weights.families.variables import Variables
from legacy_weights.pickles.objects import Instance
from legacy_weights.tree import JSON, Leaf, Order, Role

_BEST = ("best_weights", "best_weights_")
_EPOCHS = ("best_weights_epoch", "best_valid_epoch", "best_epoch")
_NOT_SETTINGS = frozenset({"train_history_", "layers_", "_kwarg_keys", "_initialized"})


def interpret(graph: Graph) -> Interpretation | None:
    """Return what nolearn's conventions make of a graph, or None if it has no net."""
    nets = [node for node, raw in graph.instances() if not node.hidden and _is_net(graph, raw)]
    if not nets:
        return None
    layers, variables = Layers(graph), Variables(graph)
    evidence = f"class {class_of(nets[0].raw)}"
    result = Interpretation("nolearn", evidence)
    network = _network(graph, layers, variables, nets)
    memory = lasagne.add_network(graph, layers, variables, network, result)
    _add_best(graph, lasagne.names_by_layer(layers, variables, network, result), result)
    _add_histories(graph, nets, result)
    settings = [_settings(graph, node) for node in nets]
    result.metadata["net"] = settings[0] if len(nets) == 1 else list[JSON](settings)
    result.default_snapshot = result.snapshots[0].name if result.snapshots else None
    lasagne.add_rest(graph, variables, memory, result)
    return result


def _is_net(graph: Graph, raw: Instance) -> bool:
    if class_of(raw).startswith("nolearn.lasagne.") and class_name(raw) == "NeuralNet":
        return True
    attributes = graph.attributes(raw)
    return "train_history_" in attributes and bool(attributes.keys() & {"layers_", "layers"})


def _settings(graph: Graph, node: Node) -> dict[str, JSON]:
    found = settings_of(graph, node.raw)
    return {name: value for name, value in found.items() if name not in _NOT_SETTINGS}


# The net -----------------------------------------------------------------------------------------


def _layers_of(graph: Graph, layers: Layers, net: Node) -> list[tuple[str, Instance]]:
    """Return the layers of a net by name, in its order."""
    pairs = pairs_of(graph.attributes(net.raw).get("layers_")) or []
    held = [(label(name), id(layer)) for name, layer in pairs]
    return [(name, layers.found[key]) for name, key in held if key in layers.found]


def _network(graph: Graph, layers: Layers, variables: Variables, nets: Sequence[Node]) -> Network:
    """Return the layers of all nets; of nets that do not name theirs, in Lasagne's order."""
    named = [_layers_of(graph, layers, net) for net in nets]
    if not all(named):
        return network_of(graph, layers, variables)
    chains = [_places(layers, pairs) for pairs in named]
    network = join(graph, layers, variables, [net.raw for net in nets], chains)
    return network._replace(note=network.note.replace(CHAIN, "`layers_` of nolearn's net"))


def _places(layers: Layers, named: Sequence[tuple[str, Instance]]) -> list[Place]:
    names = {id(layer): name for name, layer in named}
    return [
        Place(layer, (names.get(id(layer), own[0]), *own[1:]))
        for layer, own in layers.places([layer for _, layer in named])
    ]


def _add_histories(graph: Graph, nets: Sequence[Node], result: Interpretation) -> None:
    """Add the training history of each net as a log."""
    namer = Paths()
    for net in nets:
        place = "/log" if len(nets) == 1 else paths.join(("logs", "/".join(namer.name(net))))
        table, notes = table_of(place, graph.attributes(net.raw).get("train_history_"))
        result.warnings.extend(notes)
        if table is not None and all(table.path != known.path for known in result.tables):
            result.tables.append(table)


# The best weights --------------------------------------------------------------------------------


def _add_best(graph: Graph, names: dict[str, list[Name]], result: Interpretation) -> None:
    """Add the weights that handlers keep as snapshots, named as those of the net."""
    leaves = {leaf.name: leaf for snapshot in result.snapshots for leaf in snapshot.leaves}
    seen: set[int] = set()
    for node, raw in list(graph.instances()):
        attributes = graph.attributes(raw)
        held = next((attributes[name] for name in _BEST if name in attributes), None)
        if held is None or node.hidden or id(held) in seen:
            continue
        seen.add(id(held))
        cells, ordered = _cells(graph, held, names, leaves)
        cells = [cell for cell in cells if id(cell.node.raw) not in result.places]
        if not cells:
            continue
        known = {id(cell): leaves.get("/".join(cell.full_name)) for cell in cells}
        order, note = Order.UNKNOWN, ""
        if ordered:
            order, note = Order.STATED, "the net's own order"
        state = {key for key, leaf in known.items() if leaf and leaf.role is Role.STATE}
        arrangement = Arrangement(
            [cell for cell in cells if id(cell) not in state],
            [cell for cell in cells if id(cell) in state],
            order,
            order,
            note,
            {key: leaf.trainable for key, leaf in known.items() if leaf},
        )
        epoch = next((attributes[n] for n in _EPOCHS if type(attributes.get(n)) is int), None)
        count = sum(snapshot.name.startswith("best_weights") for snapshot in result.snapshots)
        name = f"best_weights_{count + 1}" if count else "best_weights"
        add_snapshot(graph, arrangement, result, name=name, iteration=epoch)


def _cells(
    graph: Graph, held: Any, names: dict[str, list[Name]], leaves: Mapping[str, Leaf]
) -> tuple[list[Cell], bool]:
    """Return the arrays of what ``get_all_params_values`` gave, and whether they are in order.

    Before nolearn 0.5 handlers kept a plain list, in the order of ``get_all_params``.
    """
    pairs = list(held.items()) if type(held) is dict else pairs_of(held)
    if pairs is None:
        every = dict.fromkeys(name for own in names.values() for name in own)
        return _named(graph, (), held, list(every), leaves), True
    found: list[Cell] = []
    seen: set[int] = set()
    for key, values in pairs:
        if id(values) not in seen:
            seen.add(id(values))
            scope = label(key)
            found.extend(_named(graph, (scope,), values, names.get(scope, []), leaves))
    return found, type(held) is not dict


def _named(
    graph: Graph, scope: Name, values: Any, names: Sequence[Name], leaves: Mapping[str, Leaf]
) -> list[Cell]:
    """Return the arrays of a list, by the net's names where these fit, else by position."""
    nodes = [graph.node(value) for value in values] if type(values) in (list, tuple) else []
    arrays = [node for node in nodes if node is not None and isinstance(node.value, np.ndarray)]
    if len(arrays) < len(nodes):
        return []
    known = [leaves.get("/".join(name)) for name in names]
    shapes = [leaf.array.shape for leaf in known if leaf is not None]
    fit = shapes == [node.value.shape for node in arrays]
    own = names if fit else [(*scope, str(index)) for index in range(len(arrays))]
    cells = zip(arrays, own, strict=True)
    return [Cell(node, [node], full_name=name) for node, name in cells]
