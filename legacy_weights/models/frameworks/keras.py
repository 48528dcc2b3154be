"""Dense chains of Keras 0.x and 1.x on Theano, by the architecture in the file.

A ``Sequential``, also within another, or a ``Model`` whose layers form one chain.  What layers do
stands in keras/layers/core.py, normalization.py, noise.py and advanced_activations.py, here as in
prediction: dropout and noise do nothing, and batch normalization of mode 0 takes the running
averages.

``running_std`` is a standard deviation up to Keras 1.0.6, and from 1.0.7 on a variance in spite of
its name; only since 1.0.8 epsilon is added inside of the root (keras/layers/normalization.py and
keras/backend/theano_backend.py, ``batch_normalization``, of each version).  The version stands in
architectures since 1.0.4 and in whole models since 1.0.7.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod

from legacy_weights.errors import UnreadableError
from legacy_weights.families.keras import CONFIG, places
from legacy_weights.families.keras_architecture import Layer as Stated
from legacy_weights.families.keras_architecture import parse
from legacy_weights.models.frameworks.json_values import Settings
from legacy_weights.models.specification import (
    LINEAR,
    BatchNorm,
    Dense,
    Function,
    Layer,
    Noise,
    Nonlinearity,
    Reshape,
    Shape,
    Specification,
    Spread,
)
from legacy_weights.tree import JSON, Snapshot, Tree

_FUNCTIONS = {
    **{name: Function(name) for name in ("elu", "hard_sigmoid", "relu", "sigmoid", "softmax")},
    **{name: Function(name) for name in ("softplus", "softsign", "tanh")},
    "linear": LINEAR,
}
"""keras/activations.py."""

_NOTHING = frozenset({"Dropout", "GaussianNoise", "GaussianDropout", "ActivityRegularization"})
_CLASSES = "Dense, Activation, BatchNormalization, Flatten, Reshape, LeakyReLU, ELU, Dropout"
_MOST_LAYERS = 10_000
_VERSION = "keras_version"
_NUMBERS = re.compile(r"([0-9]{1,4})\.([0-9]{1,4})\.([0-9]{1,4})")


@dataclass(frozen=True, slots=True)
class _Step:
    """A layer, its settings, and the names of its arrays by their slots: ``W``, ``b``."""

    stated: Stated
    settings: Settings
    names: Mapping[str, str]

    @property
    def where(self) -> str:
        return self.settings.where

    def name(self, slot: str) -> str:
        """Return the name of an array, which the model must have."""
        if slot not in self.names:
            raise UnreadableError(f"the file has no array {slot!r} of this layer", where=self.where)
        return self.names[slot]


def specification(tree: Tree, snapshot: Snapshot) -> Specification:
    """Return the layers of a Keras model.

    Raises
    ------
    UnreadableError
        If the file states no architecture, its layers form no chain, or one of them cannot be
        rebuilt; the error names the layer.
    """
    config = tree.metadata.get(CONFIG)
    if config is None:
        raise UnreadableError(
            "the file has weights without an architecture",
            where=CONFIG,
            expected="a whole model, as `model.save` writes it",
            advice="Give what model.to_json() gave: load_model(read(FILE, architecture=JSON))",
        )
    try:
        model = parse(config)
    except ValueError as error:
        raise UnreadableError(f"this is no architecture: {error}", where=CONFIG) from error
    shapes = {leaf.name: leaf.array.shape for leaf in snapshot.leaves}
    steps = list(_steps(model, shapes))
    version = tree.metadata.get(_VERSION)
    if version is None and isinstance(config, dict):
        version = config.get(_VERSION)
    shape = _input_shape(steps, shapes)
    layers: list[Layer] = []
    current = shape
    for step in steps:
        found = _layer(step, current, version)
        layers += found
        for layer in found:
            current = _shape_after(layer, current)
    return Specification("Keras", shape, {"output": layers})


# Which layers, in which order ------------------------------------------------------------------


def _steps(model: Stated, names: Mapping[str, Shape]) -> Iterator[_Step]:
    slots: dict[int, dict[str, str]] = {}
    for name, place in places(names, model).items():
        slots.setdefault(id(place.layer), {})[place.slot] = name
    for number, stated in enumerate(_chain(model, "the model")):
        where = f"layer {number}, {stated.name or 'without a name'} ({stated.cls})"
        yield _Step(stated, Settings(stated.config, where), slots.get(id(stated), {}))


def _chain(model: Stated, where: str) -> Iterator[Stated]:
    """Yield the layers of a model in the order in which they follow one another."""
    if model.cls == "Sequential":
        parts: Sequence[Stated] = model.inner
    elif model.cls == "Model":
        parts = _connected(model, where)
    else:
        raise UnreadableError(
            f"a {model.cls} is no chain of layers", where=where, expected="a Sequential or a Model"
        )
    for part in parts:
        if part.cls in ("Sequential", "Model"):
            yield from _chain(part, part.name or where)
        else:
            yield part


def _connected(model: Stated, where: str) -> list[Stated]:
    """Return the layers from the only input of a ``Model`` to its only output.

    Each has one inbound node with one tensor (keras/engine/topology.py, ``Container.get_config``).
    """
    entries = model.config.get("layers")
    by_name = {layer.name: layer for layer in model.inner}
    inbound: dict[str, JSON] = {}
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, dict) and isinstance(entry.get("name"), str):
            inbound[str(entry["name"])] = entry.get("inbound_nodes")
    name = _only_tensor([model.config.get("output_layers")])
    found: list[Stated] = []
    while name in by_name and len(found) < min(len(by_name), _MOST_LAYERS):
        found.append(by_name[name])
        nodes = inbound.get(name)
        if nodes == []:
            name = None
            break
        name = _only_tensor(nodes)
        if name is None:
            break
    starts = _only_tensor([model.config.get("input_layers")])
    whole = bool(found) and len(found) == len(by_name) and found[-1].name == starts
    if not whole or inbound.get(found[-1].name) != []:
        last = found[-1] if found else None
        raise UnreadableError(
            "the layers form no chain",
            where=where if last is None else f"{last.name} ({last.cls})",
            expected="one input, one output, and each layer applied once to the one before",
        )
    return found[::-1]


def _only_tensor(nodes: JSON) -> str | None:
    """Return the layer of the only tensor of the only node, or None if there are more."""
    if not isinstance(nodes, list) or len(nodes) != 1:
        return None
    (tensors,) = nodes
    if not isinstance(tensors, list) or len(tensors) != 1:
        return None
    (tensor,) = tensors
    if not isinstance(tensor, list) or len(tensor) < 3 or tensor[1:3] != [0, 0]:
        return None
    return tensor[0] if isinstance(tensor[0], str) else None


def _input_shape(steps: Sequence[_Step], shapes: Mapping[str, Shape]) -> Shape:
    """Return the shape of an input without the batch axis: as stated, else by the weights."""
    for step in steps[:1]:
        for key, skipped in (("batch_input_shape", 1), ("input_shape", 0)):
            stated = step.settings.values.get(key)
            if isinstance(stated, list):
                own = Settings({key: stated[skipped:]}, step.where)
                return tuple(own.integers(key))
        if "input_dim" in step.settings:
            return (step.settings.integer("input_dim"),)
    for step in steps:
        if step.stated.cls == "Dense":
            return shapes[step.name("W")][:1]
    raise UnreadableError(
        "the shape of the input is not stated",
        where=steps[0].where if steps else "the model",
        expected="`batch_input_shape` of the first layer",
    )


# Each layer ------------------------------------------------------------------------------------


def _layer(step: _Step, shape: Shape, version: JSON) -> list[Layer]:
    """Return what a layer does to an input of a shape; nothing for an ``InputLayer``."""
    cls, settings, where = step.stated.cls, step.settings, step.where
    if cls == "InputLayer":
        return []
    if cls == "Dense":
        bias = step.name("b") if settings.truth("bias", True) else None
        units, function = settings.integer("output_dim"), _function(settings)
        return [Dense(where, units, step.name("W"), bias, function)]
    if cls == "Activation":
        return [Nonlinearity(where, _function(settings))]
    if cls == "LeakyReLU":
        return [Nonlinearity(where, Function("relu", {"slope": settings.number("alpha")}))]
    if cls == "ELU":
        return [Nonlinearity(where, Function("elu", {"alpha": settings.number("alpha")}))]
    if cls in _NOTHING:
        return [Noise(where, cls)]
    if cls == "Flatten":
        return [Reshape(where)]
    if cls == "Reshape":
        key = "target_shape" if "target_shape" in settings else "dims"
        return [Reshape(where, tuple(settings.integers(key)))]
    if cls == "BatchNormalization":
        return [_batch_norm(step, shape, version)]
    raise UnreadableError(
        f"a layer of the class {cls} cannot be rebuilt",
        where=where,
        expected=_CLASSES,
        advice="The weights can be had by legacy_weights.open or read",
    )


def _function(settings: Settings) -> Function:
    name = settings.values.get("activation")
    if name is None:
        return LINEAR
    if not isinstance(name, str) or name not in _FUNCTIONS:
        raise UnreadableError(
            f"the activation {name!r:.100} is unknown",
            where=settings.where,
            expected=", ".join(_FUNCTIONS),
        )
    return _FUNCTIONS[name]


def _batch_norm(step: _Step, shape: Shape, version: JSON) -> BatchNorm:
    settings = step.settings
    if settings.values.get("mode", 0) != 0:
        raise UnreadableError(
            f"batch normalization of mode {settings.values['mode']!r:.20}, which takes no "
            "running averages",
            where=step.where,
            expected="mode 0",
        )
    axis = settings.values.get("axis", -1)
    ndim = len(shape) + 1
    if isinstance(axis, bool) or not isinstance(axis, int) or not -ndim < axis < ndim or not axis:
        raise settings.wrong("axis", f"an axis of {('batch', *shape)} other than the batch")
    return BatchNorm(
        step.where,
        mean=step.name("running_mean"),
        spread=step.name("running_std"),
        kind=_spread(version, step.where),
        epsilon=settings.number("epsilon"),
        gamma=step.name("gamma"),
        beta=step.name("beta"),
        axes=tuple(other for other in range(ndim) if other != axis % ndim),
    )


def _spread(version: JSON, where: str) -> Spread:
    """Return what ``running_std`` is in a version of Keras; None is one before 1.0.4."""
    if version is None:
        return Spread.DEVIATION
    found = _NUMBERS.match(version) if isinstance(version, str) else None
    if found is None:
        raise UnreadableError(
            f"the version of Keras is {version!r:.40}",
            where=where,
            expected="numbers: what the running averages are depends on it",
        )
    number = tuple(int(part) for part in found.groups())
    if number < (1, 0, 7):
        return Spread.DEVIATION
    return Spread.VARIANCE_OUTSIDE if number == (1, 0, 7) else Spread.VARIANCE


def _shape_after(layer: Layer, shape: Shape) -> Shape:
    match layer:
        case Dense():
            return (layer.units,)
        case Reshape():
            return (prod(shape),) if layer.shape is None else layer.shape
        case _:
            return shape
