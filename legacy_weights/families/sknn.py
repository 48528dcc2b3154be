"""scikit-neuralnetwork (0.1 to 0.7): multi-layer perceptrons in the manner of scikit-learn.

A net pickles itself without its backend, and keeps its values as ``weights``: for each of its
``layers`` a list of arrays (``sknn/mlp.py``, ``MultiLayerPerceptron.__getstate__``).  They are
called as ``get_parameters`` calls them (``sknn/nn.py``): ``hidden0/weights``, ``hidden0/biases``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from legacy_weights.families.arrangement import Arrangement
from legacy_weights.families.graph import Graph, Node
from legacy_weights.families.interpretation import Interpretation
from legacy_weights.families.labels import class_of, label
from legacy_weights.families.lasagne_settings import settings_of
from legacy_weights.families.naming import Cell, Name, Paths
from legacy_weights.families.order import order_cells
from legacy_weights.families.others import add_others
from legacy_weights.families.snapshots import add_snapshot
from legacy_weights.families.theano import roles_of
from legacy_weights.pickles.objects import Instance
from legacy_weights.tree import JSON, Order, Trainable

_FIELDS = ("weights", "biases")
_NORMALIZED = ("beta", "gamma", "mean", "inv_std", "weights")
"""What a layer with batch normalization has (``sknn/backend/lasagne/mlp.py``,
``_mlp_get_layer_params``: from the last of its Lasagne layers to the first)."""
_STATE = ("mean", "inv_std")
_MOST_LAYERS = 10_000


def interpret(graph: Graph) -> Interpretation | None:
    """Return what scikit-neuralnetwork's conventions make of a graph, or None without a net."""
    nets = [node for node, raw in graph.instances() if _is_net(graph, raw)]
    if not nets:
        return None
    result = Interpretation("scikit-neuralnetwork", f"class {class_of(nets[0].raw)}")
    order, note = Order.STATED, "`layers` of the net"
    if len(nets) > 1:
        ends = {id(node.raw): node for node in nets}
        cells, order, found = order_cells(graph, [Cell(node, []) for node in nets], {})
        nets = [ends[id(cell.node.raw)] for cell in cells]
        note = f"{note}, {found}" if found else ""
    entries = [entry for net in nets for entry in _Net(graph, net, alone=len(nets) == 1).cells()]
    weights = [cell for cell, known in entries if known is not None]
    state = [cell for cell, known in entries if known is None]
    if entries:
        trainable = {id(cell): known for cell, known in entries if known is not None}
        arrangement = Arrangement(weights, state, order, order, note, trainable)
        add_snapshot(graph, arrangement, result)
    described = [_described(graph, net) for net in nets]
    result.metadata["net"] = described[0] if len(nets) == 1 else list[JSON](described)
    add_others(graph, result, roles_of(graph))
    return result


def _is_net(graph: Graph, raw: Instance) -> bool:
    attributes = graph.attributes(raw)
    if not attributes.keys() >= {"layers", "weights"}:
        return False
    return class_of(raw).startswith("sknn.") or attributes.keys() >= {
        *("learning_rule", "learning_momentum", "n_stable"),
    }


def _described(graph: Graph, net: Node) -> dict[str, JSON]:
    """Return the settings of a net and of its layers."""
    settings = settings_of(graph, net.raw)
    layers = [
        {"class": class_of(layer), **settings_of(graph, layer, also=("name",))}
        for layer in _layers(graph, net)
    ]
    return {**settings, "layers": list[JSON](layers)}


def _layers(graph: Graph, net: Node) -> list[Instance]:
    held = graph.attributes(net.raw).get("layers")
    several: Sequence[Any] = held if isinstance(held, list | tuple) else []
    return [layer for layer in several[:_MOST_LAYERS] if type(layer) is Instance]


class _Net:
    """One net of a file.

    Parameters
    ----------
    graph : Graph
    net : Node
    alone : bool
        Whether it is the only one; else its path comes before the names of its layers.
    """

    def __init__(self, graph: Graph, net: Node, *, alone: bool) -> None:
        self.graph = graph
        self.net = net
        self.scope: Name = () if alone else Paths().name(net)
        self.attributes = graph.attributes(net.raw)

    def cells(self) -> Iterator[tuple[Cell, Trainable | None]]:
        """Yield the arrays of a net in order, and whether they are trained; None for state."""
        held = self.attributes.get("weights")
        layers = _layers(self.graph, self.net)
        seen: set[int] = set()
        for index, values in enumerate(held if isinstance(held, list | tuple) else ()):
            if id(values) in seen:
                continue
            seen.add(id(values))
            layer = self.graph.attributes(layers[index]) if index < len(layers) else {}
            nodes = self._arrays(values)
            known = Trainable.NO if layer.get("frozen") is True else Trainable.YES
            for node, field in zip(nodes, self._fields(layer, len(nodes)), strict=True):
                name = (*self.scope, self._label(layer, index), field)
                state = len(nodes) == len(_NORMALIZED) and field in _STATE
                yield Cell(node, [node], full_name=name), None if state else known

    def _arrays(self, values: Any) -> Sequence[Node]:
        """Return the arrays of a layer; names may stand among them (``set_parameters``)."""
        several = values if type(values) in (list, tuple) else ()
        nodes = [self.graph.node(value) for value in several]
        found = [node for node in nodes if node and isinstance(node.value, np.ndarray)]
        return list({id(node.raw): node for node in found}.values())

    def _fields(self, layer: dict[str, Any], count: int) -> Sequence[str]:
        if count == len(_FIELDS):
            return _FIELDS
        normalize = layer.get("normalize") or self.attributes.get("normalize")
        if count == len(_NORMALIZED) and normalize in ("batch", b"batch"):
            return _NORMALIZED
        return [str(index) for index in range(count)]

    def _label(self, layer: dict[str, Any], index: int) -> str:
        """Return a layer's name; ``hidden0``, ``hidden1`` … are given to those without one."""
        name = layer.get("name")
        return label(name) if isinstance(name, str | bytes) and name else f"layer{index}"
