"""What pylearn2's models say of themselves, and the channels of their monitors.

``pylearn2/monitor.py``: a monitor has channels by name, and each channel a list of values and of
the epochs, batches, examples and seconds at which they were taken.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from legacy_weights.families.contents import column, elements, is_plain, mapping, plain_json
from legacy_weights.families.graph import Graph, Node
from legacy_weights.families.labels import class_of, label, text_of
from legacy_weights.families.marks import is_library
from legacy_weights.families.values import class_name
from legacy_weights.pickles.objects import Global, Instance
from legacy_weights.tree import JSON, AnyArray, Array, Table

_RECORDS = ("epoch", "example", "batch", "time")
_DEEPEST = 8
_MOST = 20_000
"""Attributes that are told of all models; all are in the records."""
_LONGEST = 400
_TEXT = 100_000
_COLUMNS = 400
_CELLS = 20_000_000
"""Columns of a table, and values of all tables; what is more stays in the records only."""
_PARTS = (
    *("layers", "hidden_layers", "visible_layer", "autoencoders", "raw_layer", "layer_content"),
    *("transformer", "mlp", "generator", "discriminator"),
)


# The monitor -----------------------------------------------------------------------------------


def monitor_tables(graph: Graph, model: Node, taken: int = 0) -> list[Table]:
    """Return the channels of a model's monitor as tables.

    Channels that were taken at the same times stand in one table; one that was added later has
    fewer values, and stands in another.

    Parameters
    ----------
    graph : Graph
    model : Node
    taken : int
        Tables that the file has already.
    """
    attributes = graph.attributes(model.raw)
    monitor = attributes.get("monitor")
    held = graph.attributes(monitor).get("channels") if type(monitor) is Instance else None
    columns = _Columns()
    groups: dict[tuple[Any, ...], dict[str, Array]] = {}
    for name, channel in mapping(held):
        found = graph.attributes(channel) if type(channel) is Instance else {}
        values = columns.of(found.get("val_record"))
        if values is None or not isinstance(name, str | bytes):
            continue
        times = {key: columns.of(found.get(f"{key}_record")) for key in _RECORDS}
        steps = {k: v for k, v in times.items() if v is not None and len(v) == len(values)}
        # Seconds differ a little from channel to channel.
        key = (len(values), *((k, v.tobytes()) for k, v in steps.items() if k != "time"))
        while len(groups.get(key, ())) >= _COLUMNS:
            key = (*key, "further channels")
        group = groups.setdefault(key, {k: Array.of(v) for k, v in steps.items()})
        title = label(name)
        group[f"{title} (channel)" if title in group else title] = Array.of(values)
    ordered = sorted(groups.values(), key=lambda group: -len(group))
    return [
        Table(f"/logs/monitor{f'_{number}' if number else ''}", group)
        for number, group in enumerate(ordered, taken)
    ]


class _Columns:
    """Makes columns of lists, of each once: a small file can hold one list a million times."""

    def __init__(self) -> None:
        self._known: dict[int, AnyArray | None] = {}
        self._left = _CELLS

    def of(self, values: Any) -> AnyArray | None:
        if type(values) is not list or len(values) > self._left:
            return None
        self._left -= len(values)
        if id(values) not in self._known:
            self._known[id(values)] = column(values)
        return self._known[id(values)]


# Hyper-parameters ------------------------------------------------------------------------------


def describe(graph: Graph, model: Node, weights: Mapping[int, str]) -> JSON:
    """Return the class, the plain attributes, the spaces and the layers of a model.

    Parameters
    ----------
    graph : Graph
    model : Node
    weights : mapping of int to str
        The names of parameters, by the identity of their variables.
    """
    return _Description(graph, weights).of(model.raw, 0)


class _Description:
    """Describes each object once, and no more than a bounded number of attributes."""

    def __init__(self, graph: Graph, weights: Mapping[int, str]) -> None:
        self.graph = graph
        self.weights = weights
        self.left = _MOST
        self._begun: set[int] = set()

    def of(self, raw: Any, depth: int) -> dict[str, JSON]:
        found: dict[str, JSON] = {"class": class_of(raw)}
        if id(raw) in self._begun or depth > _DEEPEST:
            return found
        self._begun.add(id(raw))
        for name, value in sorted(self.graph.attributes(raw).items()):
            if self.left <= 0:
                break
            self.left -= 1
            found.update(self._attribute(name, value, depth))
        return found

    def _attribute(self, name: str, value: Any, depth: int) -> Iterator[tuple[str, JSON]]:
        if id(value) in self.weights:
            yield name, {"weight": self.weights[id(value)]}
        elif name in _PARTS:
            parts = elements(value)
            if parts:
                yield name, [self.of(p, depth + 1) for p in parts if type(p) is Instance]
            elif type(value) is Instance:
                yield name, self.of(value, depth + 1)
        elif name == "yaml_src" and isinstance(value, str | bytes) and len(value) <= _TEXT:
            yield name, text_of(value)
        elif is_plain(value) and value != []:
            yield name, plain_json(value)
        elif type(value) is Global:
            yield name, value.dotted[:_LONGEST]
        elif type(value) is Instance and class_name(value).endswith("Space"):
            yield name, self._space(value, depth)
        elif type(value) is Instance and _is_operation(value):
            own = self.graph.attributes(value).get("name")
            yield name, label(own) if isinstance(own, str | bytes) else class_of(value)

    def _space(self, raw: Instance, depth: int) -> dict[str, JSON]:
        """Return a space: its class, its numbers, and the spaces that it is made of."""
        attributes = self.graph.attributes(raw)
        found: dict[str, JSON] = {"class": class_name(raw)}
        for name, value in sorted(attributes.items()):
            if is_plain(value) and value != []:
                found[name.lstrip("_")] = plain_json(value)
        parts = [p for p in elements(attributes.get("components")) if type(p) is Instance]
        if parts and depth < _DEEPEST and self.left > 0:
            self.left -= len(parts)
            found["components"] = [self._space(part, depth + 1) for part in parts[:100]]
        return found


def _is_operation(raw: Instance) -> bool:
    dotted = class_of(raw)
    return is_library(dotted) and ".elemwise." in dotted
