"""The architecture of a Keras model, as Keras 0.x and 1.x write it in JSON.

Keras 1 keeps ``{"class_name", "config"}`` for each layer (engine/topology.py,
``Container.get_config``; models.py, ``Sequential.get_config``), Keras 0 the class as ``name`` among
the settings (models.py, ``Model.to_json``; layers/containers.py).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from legacy_weights.tree import JSON

_DEEPEST = 64


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """A layer, or a model that serves as one.

    Parameters
    ----------
    name : str
        Its own name; empty where the architecture gives none, as for a Sequential in another.
    cls : str
        The name of its class: ``Convolution2D``.
    config : mapping of str to JSON
        Its settings.
    inner : tuple of Layer
        The layers of a model, in order; the only one of a wrapper.
    inbound : tuple of str
        The names of the layers that feed it, in a functional model.
    """

    name: str
    cls: str
    config: Mapping[str, JSON]
    inner: tuple[Layer, ...] = ()
    inbound: tuple[str, ...] = ()

    @property
    def frozen(self) -> bool:
        """Whether it says that it is not trained."""
        return self.config.get("trainable") is False

    def walk(self) -> Iterator[Layer]:
        """Yield the layer and all inside it, each before those inside it."""
        waiting = [self]
        while waiting:
            layer = waiting.pop()
            yield layer
            waiting += reversed(layer.inner)


def loads(text: str | bytes) -> JSON:
    """Return the value of a JSON text.

    Raises
    ------
    ValueError
        It is no JSON, or nested too deeply to be anything that Keras wrote.
    """
    try:
        value: JSON = json.loads(text)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    level = [value]
    # A layer of Keras takes four levels: list, entry, settings, and those of what is inside.
    for _ in range(4 * _DEEPEST):
        level = [item for part in level for item in _items(part)]
        if not level:
            return value
    raise ValueError("it is nested too deeply")


def _items(value: JSON) -> list[JSON]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def parse(config: JSON) -> Layer:
    """Return the model that an architecture describes.

    Parameters
    ----------
    config : JSON
        The ``model_config`` of a file, or what ``model.to_json()`` gives.

    Raises
    ------
    ValueError
        It is none; the text says why.
    """
    if not isinstance(config, dict):
        raise ValueError("an architecture is a JSON object")
    model = _later(config, 0) if "class_name" in config else _early(config, 0)
    if not model.inner:
        raise ValueError("it has no layers")
    return model


def _later(entry: JSON, depth: int) -> Layer:
    """Return a layer as Keras 1 describes it."""
    if not isinstance(entry, dict) or not isinstance(entry.get("class_name"), str):
        raise ValueError("a layer has no class_name")
    if depth > _DEEPEST:
        raise ValueError("its models are nested too deeply")
    cls, config = entry["class_name"], entry.get("config")
    if isinstance(config, list):
        settings, parts = dict[str, JSON](), config
    elif isinstance(config, dict):
        settings, parts = config, _parts(config)
    else:
        raise ValueError(f"the layer of class {str(cls)[:80]!r} has no config")
    name = settings.get("name", entry.get("name"))
    inner = tuple(_later(part, depth + 1) for part in parts)
    inbound = _inbound(entry.get("inbound_nodes"))
    return Layer(name if isinstance(name, str) else "", str(cls), settings, inner, inbound)


def _inbound(nodes: JSON) -> tuple[str, ...]:
    """Return the names in ``[[[NAME, node, tensor], …], …]``."""
    tensors = [tensor for node in _items(nodes) for tensor in _items(node)]
    names = [tensor[0] for tensor in tensors if isinstance(tensor, list) and tensor]
    return tuple(dict.fromkeys(name for name in names if isinstance(name, str)))


def _early(config: JSON, depth: int) -> Layer:
    """Return a layer as Keras 0 describes it."""
    if not isinstance(config, dict) or not isinstance(config.get("name"), str):
        raise ValueError("a layer has neither a class_name nor a name")
    if depth > _DEEPEST:
        raise ValueError("its models are nested too deeply")
    parts = _parts(config)
    name = config.get("custom_name")
    inner = tuple(_early(part, depth + 1) for part in parts)
    return Layer(name if isinstance(name, str) else "", str(config["name"]), config, inner)


def _parts(config: dict[str, JSON]) -> list[JSON]:
    """Return what a model or a wrapper has inside."""
    layers, layer, nodes = config.get("layers"), config.get("layer"), config.get("nodes")
    if isinstance(layers, list):
        return layers
    if isinstance(layer, dict):
        return [layer]
    # A Graph of Keras 0 orders its nodes by their list of settings (containers.py, Graph).
    listed = config.get("node_config")
    if isinstance(nodes, dict) and isinstance(listed, list):
        names = [part.get("name") for part in listed if isinstance(part, dict)]
        return [nodes[name] for name in names if isinstance(name, str) and name in nodes]
    return []
