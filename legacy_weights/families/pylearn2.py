"""pylearn2: models that keep their layers, and each its parameters in an order of its own.

The order is that of each class's ``get_params`` (``pylearn2/models/model.py``, ``mlp.py``,
``maxout.py``, ``autoencoder.py``, ``rbm.py``, ``dbm/``): a model walks its layers; a layer has a
list ``_params`` (``Softmax``: b, W), or its transformer's filters and then its bias.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from legacy_weights.families.arrangement import Arrangement
from legacy_weights.families.contents import elements
from legacy_weights.families.graph import Graph, Node
from legacy_weights.families.interpretation import Interpretation, inherited
from legacy_weights.families.labels import class_of, text_of
from legacy_weights.families.naming import Cell, Name
from legacy_weights.families.others import add_others
from legacy_weights.families.pylearn2_facts import describe, monitor_tables
from legacy_weights.families.snapshots import add_snapshot
from legacy_weights.families.theano import Kind, kind_of
from legacy_weights.families.updates import Updates, describe_memory
from legacy_weights.families.values import class_name
from legacy_weights.families.variables import Variables
from legacy_weights.pickles.objects import Instance
from legacy_weights.tree import Order, Role, Trainable

_PACKAGE = "pylearn2."
_DEEPEST = 32
_PARTS = (
    *("layers", "visible_layer", "hidden_layers", "autoencoders", "raw_layer", "layer_content"),
    *("generator", "discriminator", "mlp", "components", "transformer"),
)
"""Attributes by which a model or layer holds others, in the order of ``get_params``."""
_FILTERS = ("_W", "_filters")
"""Where the linear transformers of ``pylearn2/linear`` keep theirs."""
_VISIBLE = ("bias", "beta", "mu")
"""What ``BinaryVector`` and ``GaussianVisLayer`` of ``pylearn2/models/dbm/layer.py`` train."""
_TRAINING = ("pylearn2.training_algorithms.", "pylearn2.train_extensions.")


class _Parameter(NamedTuple):
    """A parameter of a model.

    Parameters
    ----------
    raw : object
        The shared variable.
    layers : tuple of str
        The names of the layers that hold it, the outermost first.
    attribute : str
        What its holder calls it.
    frozen : bool
        Whether its holder keeps it out of ``get_params``.
    """

    raw: Any
    layers: Name
    attribute: str
    frozen: bool


def interpret(graph: Graph) -> Interpretation | None:
    """Return what pylearn2's conventions make of a graph, or None if it has no model of its."""
    mine = any(class_of(raw).startswith(_PACKAGE) for _, raw in graph.instances())
    if not mine:
        return None
    variables = Variables(graph)
    cells, roles = variables.cells, variables.roles
    models = _Models(graph, variables.by_object)
    if not models.cells:
        return None
    result = Interpretation("pylearn2", f"class {class_of(models.found[0].raw)}")
    _name(models)
    memory = Updates(graph, cells).memory(models.cells)
    state = _state(graph, models, [*models.cells, *(entry.cell for entry in memory)], cells)
    add_snapshot(graph, _arranged(models, state), result)
    described = describe_memory(result, memory)
    roles = {**_training(graph), **roles, **described.roles}
    add_others(graph, result, roles, names=described.names, notes=described.notes)
    names = {leaf.path: leaf.name for leaf in result.snapshots[0].leaves}
    weights = {
        id(models.known[id(cell)].raw): names.get(result.places[id(cell.arrays[0].raw)], "")
        for cell in models.cells
    }
    result.metadata["pylearn2"] = [describe(graph, node, weights) for node in models.found]
    for node in models.found:
        result.tables += monitor_tables(graph, node, taken=len(result.tables))
    return result


class _Models:
    """The models of a file, and their parameters in the order of ``get_params``.

    Attributes
    ----------
    found : list of Node
        The models that are no part of another.
    cells : list of Cell
        Their parameters, each once.
    """

    def __init__(self, graph: Graph, by_object: Mapping[int, Cell]) -> None:
        self.graph = graph
        self.found: list[Node] = []
        self.cells: list[Cell] = []
        self.known: dict[int, _Parameter] = {}
        self._walked: set[int] = set()
        self._frozen: dict[int, set[int]] = {}
        for node, raw in graph.instances():
            if node.hidden or id(raw) in self._walked or kind_of(raw) is not Kind.OTHER:
                continue
            if class_of(raw).startswith(_TRAINING):
                continue
            new = [p for p in self._parameters(raw, (), 0, False) if id(p.raw) in by_object]
            for parameter in new:
                cell = by_object[id(parameter.raw)]
                if id(cell) not in self.known:
                    self.known[id(cell)] = parameter
                    self.cells.append(cell)
            if new:
                self.found.append(node)

    def _parameters(self, raw: Any, above: Name, depth: int, frozen: bool) -> Iterator[_Parameter]:
        """Yield the parameters of a model or layer; each object is asked once."""
        if type(raw) is not Instance or id(raw) in self._walked or depth > _DEEPEST:
            return
        attributes = self.graph.attributes(raw)
        if not any(name in attributes for name in (*_PARTS, *_FILTERS, "_params")):
            return
        self._walked.add(id(raw))
        name = attributes.get("layer_name")
        layers = (*above, text_of(name)) if isinstance(name, str | bytes) and name else above
        kept_out = self._kept_out(attributes.get("freeze_set"))
        frozen = frozen or attributes.get("freeze_params") is True
        for parameter in self._own(raw, attributes, layers, depth, frozen):
            if id(parameter.raw) in kept_out:
                parameter = parameter._replace(frozen=True)
            yield parameter

    def _own(
        self, raw: Instance, attributes: dict[str, Any], layers: Name, depth: int, frozen: bool
    ) -> Iterator[_Parameter]:
        listed = self._new(attributes.get("_params"))
        called = {id(value): name for name, value in attributes.items()} if listed else {}
        for number, held in enumerate(listed):
            yield _Parameter(held, layers, called.get(id(held), f"params_{number}"), frozen)
        for attribute in _PARTS:
            held = attributes.get(attribute)
            parts = self._new(held) or ((held,) if type(held) is Instance else ())
            if attribute == "visible_layer":
                yield from self._visible(held, layers, frozen)
            if attribute == "layers" and class_name(raw) == "CompositeLayer":
                parts = parts[::-1]  # safe_union(layer.get_params(), rval)
            for part in parts:
                yield from self._parameters(part, layers, depth + 1, frozen)
        if "_params" not in attributes:
            names = (*_FILTERS, *(("b", "beta") if "transformer" in attributes else ()))
            for attribute in names:
                if attribute in attributes:
                    yield _Parameter(attributes[attribute], layers, attribute.strip("_"), frozen)

    def _visible(self, raw: Any, layers: Name, frozen: bool) -> Iterator[_Parameter]:
        """Yield the parameters of a visible layer, which has neither a list of them nor filters."""
        attributes = self.graph.attributes(raw) if type(raw) is Instance else {}
        if not any(name in attributes for name in (*_PARTS, *_FILTERS, "_params")):
            for name in _VISIBLE:
                if name in attributes:
                    yield _Parameter(attributes[name], layers, name, frozen)

    def _new(self, held: Any) -> list[Any] | tuple[Any, ...]:
        """Return the elements of a list; of each list once, for many objects may have it."""
        found = elements(held)
        if not found or id(found) in self._walked:
            return ()
        self._walked.add(id(found))
        return found

    def _kept_out(self, held: Any) -> set[int]:
        """Return the identities of the variables that a model's ``freeze_set`` holds."""
        if id(held) not in self._frozen:
            self._frozen[id(held)] = {id(item) for item in elements(held)}
        return self._frozen[id(held)]


def _name(models: _Models) -> None:
    """Name cells as pylearn2 does: by the variable, with the layer where that is not unique."""
    names = Counter(cell.name for cell in models.cells)
    for cell in models.cells:
        parameter = models.known[id(cell)]
        if parameter.layers and (not cell.name or names[cell.name] > 1):
            cell.full_name = (*parameter.layers, cell.name or parameter.attribute)


def _state(
    graph: Graph, models: _Models, known: Sequence[Cell], cells: Sequence[Cell]
) -> list[Cell]:
    """Return the further variables of the models; not those of their training."""
    starts = {id(node) for node in models.found}
    training = _training(graph)
    below = inherited(graph, lambda node: id(node) in starts)
    others = {id(cell) for cell in known}
    return [
        cell
        for cell in cells
        if id(cell) not in others and id(cell.node) in below and id(cell.node) not in training
    ]


def _training(graph: Graph) -> dict[int, Role]:
    """Return what the training algorithms hold, by node: their rates are no state of a model."""
    found = inherited(
        graph,
        lambda node: type(node.raw) is Instance and class_of(node.raw).startswith(_TRAINING),
    )
    return dict.fromkeys(found, Role.OPTIMIZER)


def _arranged(models: _Models, state: Sequence[Cell]) -> Arrangement:
    """Arrange the parameters of one model; several models have no order among them."""
    several = len(models.found) > 1
    listed = {p.layers for p in models.known.values()} == {()}
    note = "`_params` list" if listed else "the layers' get_params"
    trainable = {
        id(cell): Trainable.NO if models.known[id(cell)].frozen else Trainable.YES
        for cell in models.cells
    }
    order = Order.UNKNOWN if several else Order.STATED
    return Arrangement(
        models.cells, state, order, note="" if several else note, trainable=trainable
    )
