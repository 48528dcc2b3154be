"""Reads the HDF5 files of Keras: weights alone, and whole models.

From 1.0 on a group has the attribute ``layer_names``, and the group of each layer
``weight_names``; a whole model keeps them below ``model_weights``, with ``optimizer_weights``
beside it and ``model_config`` and ``training_config`` as JSON (keras/engine/topology.py,
``save_weights_to_hdf5_group``; keras/models.py, ``save_model``).  Later Keras cuts attributes of
more than 64 KB into ``layer_names0``, ``layer_names1`` … (keras/engine/saving.py,
``save_attributes_to_hdf5_group``).

Before 1.0 there are groups ``layer_0`` … with ``nb_params`` arrays ``param_0`` …, and one group
``graph`` for a Graph (keras/models.py, ``Sequential.save_weights``, ``Graph.save_weights``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from legacy_weights import paths
from legacy_weights.description import Description
from legacy_weights.families import keras, keras_architecture, keras_memory
from legacy_weights.readers import hdf5_tree
from legacy_weights.tree import JSON, Leaf, Order, Role, Snapshot, Trainable, Tree

_MODEL = "/model_weights"
_OPTIMIZER = "/optimizer_weights"
_TEXTS = ("model_config", "training_config", "keras_version", "backend")
_NAMED = "`layer_names` and `weight_names`"
_NUMBERED = "`layer_N`, `param_M`"
_GRAPH = "`graph`, `param_M`"


def sniff(description: Description) -> bool:
    """Whether a file has the layout of Keras."""
    return _layout(description) is not None


def _layout(description: Description) -> tuple[str, str] | None:
    """Return the group that holds the layers, and what states the order of the arrays."""
    for group in ("/", _MODEL):
        found = description.attributes.get(group, {})
        if _names(found, "layer_names") is not None:
            return group, _NAMED
        if _count(found.get("nb_layers")) is not None:
            return group, _NUMBERED
    root, graph = description.attributes.get("/", {}), description.attributes.get("/graph", {})
    if not root and description.groups == ("/graph",) and _count(graph.get("nb_params")):
        return "/", _GRAPH
    return None


@dataclass(slots=True)
class _Stated:
    """The arrays that a file lists, in order, by their paths, and what is wrong with the list."""

    names: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def read(description: Description) -> Tree:
    """Return the tree of a file for which :func:`sniff` holds."""
    layout = _layout(description)
    group, note = layout if layout is not None else ("/", "")
    stated = _list(description, group, note)
    metadata, notes = _metadata(description)
    model = None
    if keras.CONFIG in metadata:
        try:
            model = keras_architecture.parse(metadata[keras.CONFIG])
        except ValueError as error:
            notes.append(f"model_config tells nothing of the layers: {error}")
    leaves = _leaves(description, stated)
    known = {} if model is None else keras.places([leaf.name for leaf in leaves], model)
    leaves = [keras.with_role(leaf, known) for leaf in leaves]
    if note != _NAMED and leaves:
        notes.append(keras.UNTOLD)
    order = Order.STATED if note == _NAMED else Order.FORMAT
    version = metadata.get("keras_version")
    return Tree(
        source=description.source,
        family=keras.FAMILY,
        evidence=f"Keras {version}" if isinstance(version, str) else note,
        snapshots=(Snapshot("model", tuple(leaves), order, note),) if leaves else (),
        default_snapshot="model" if leaves else None,
        other=tuple(_others(description, stated, metadata, leaves)),
        tables=hdf5_tree.tables(description),
        records=hdf5_tree.records(description),
        metadata=metadata,
        warnings=(*stated.notes, *notes, *hdf5_tree.unread(description)),
    )


# What the file lists ---------------------------------------------------------------------------


def _list(description: Description, group: str, note: str) -> _Stated:
    stated = _Stated()
    # Several spellings of one path are one layer.
    places = dict.fromkeys(_below(group, layer) for layer in _layers(description, group, note))
    for place in places:
        names = _listed(description, place, note)
        if names is None:
            what = "weight_names" if note == _NAMED else "nb_params"
            stated.notes.append(f"the layer {place} has no {what}: its arrays are not in order")
        for name in names or ():
            path = _below(place, name)
            target = description.links.get(path, path)
            if target not in description.arrays:
                stated.notes.append(f"{path} is listed, and there is no such array")
                if note != _NAMED:  # a number of arrays can be any
                    break
            elif target in stated.names:
                stated.notes.append(f"{path} is listed, and it is {target}, which is listed too")
            else:
                stated.names[target] = path[len(group.rstrip("/")) + 1 :]
    return stated


def _layers(description: Description, group: str, note: str) -> list[str]:
    found = description.attributes.get(group, {})
    if note == _GRAPH:
        return ["graph"]
    if note == _NAMED:
        return _names(found, "layer_names") or []
    count = _count(found.get("nb_layers")) or 0
    return [f"layer_{number}" for number in range(min(count, len(description.groups) + 1))]


def _listed(description: Description, place: str, note: str) -> list[str] | None:
    """Return the names of a layer's arrays in order."""
    found = description.attributes.get(place, {})
    if note == _NAMED:
        return _names(found, "weight_names")
    count = _count(found.get("nb_params"))
    if count is None:
        return None
    return [f"param_{number}" for number in range(min(count, len(description.arrays) + 1))]


def _leaves(description: Description, stated: _Stated) -> list[Leaf]:
    leaves = []
    for path, name in stated.names.items():
        array = description.arrays[path]
        leaf = hdf5_tree.leaf(path, array, (), Role.WEIGHT)
        place = paths.join(("snapshots", "model", *name.split("/")))
        leaves.append(replace(leaf, path=place, name=name))
    return leaves


def _others(
    description: Description, stated: _Stated, metadata: Mapping[str, JSON], weights: list[Leaf]
) -> Iterator[Leaf]:
    """Yield the arrays that no layer lists: the optimizer's memory first, in its order."""
    memory = _names(description.attributes.get(_OPTIMIZER, {}), "weight_names") or []
    first = [_below(_OPTIMIZER, name) for name in memory]
    first = [path for path in dict.fromkeys(first) if path in description.arrays]
    shapes = [description.arrays[path].shape for path in first]
    training = metadata.get("training_config")
    words = dict(zip(first, keras_memory.notes(training, shapes, weights), strict=False))
    ordered = dict.fromkeys([*first, *description.arrays])
    for path in ordered:
        if path not in description.arrays or path in stated.names:
            continue
        array = description.arrays[path]
        if path.startswith(f"{_OPTIMIZER}/"):
            scope, role = ("other", Role.OPTIMIZER.section), Role.OPTIMIZER
            note = words.get(path, "")
            leaf = hdf5_tree.leaf(path[len(_OPTIMIZER) :], array, scope, role)
        else:
            role = Role.OTHER if hdf5_tree.is_numeric(array) else Role.DATA
            leaf = hdf5_tree.leaf(path, array, ("other", role.section), role)
            note = "no layer lists it"
        yield replace(leaf, origins=(path,), note=note, trainable=Trainable.NO)


def _metadata(description: Description) -> tuple[dict[str, JSON], list[str]]:
    """Return what the file says of the model, and what cannot be read of it."""
    metadata: dict[str, JSON] = {}
    notes = []
    for group in (_MODEL, "/"):
        found = description.attributes.get(group, {})
        for key in _TEXTS:
            text = _text(found.get(key))
            if text is None:
                continue
            if not key.endswith("config"):
                metadata[key] = text
                continue
            try:
                metadata[key] = keras_architecture.loads(text)
            except ValueError as error:
                notes.append(f"{key} is no JSON ({error}); its text is kept as a record")
    return metadata, notes


# Attributes as they are described --------------------------------------------------------------


def _below(group: str, name: str) -> str:
    """Return the path of a name in a group, as HDF5 finds it."""
    parts = [part for part in name.split("/") if part not in ("", ".")]
    return "/".join([group.rstrip("/"), *parts])


def _names(attributes: Mapping[str, JSON], key: str) -> list[str] | None:
    """Return a list of names, whole or cut into several attributes; None if there is none."""
    if key in attributes:
        return _texts(attributes[key])
    names: list[str] = []
    for number in range(len(attributes)):
        part = _texts(attributes.get(f"{key}{number}"))
        if part is None:
            return names if number else None
        names += part
    return names or None


def _texts(value: JSON) -> list[str] | None:
    if isinstance(value, dict) and isinstance(value.get("$ndarray"), list):
        if value.get("shape") == [0]:  # h5py writes an empty list as one of numbers
            return []
        value = value["$ndarray"]
    if not isinstance(value, list):
        return None
    texts = [_text(item) for item in value]
    return None if None in texts else [text for text in texts if text is not None]


def _text(value: JSON) -> str | None:
    """Return a string as HDF5's names are decoded: what is no UTF-8 can be had back."""
    if isinstance(value, dict) and "$scalar" in value:
        value = value["$scalar"]
    if isinstance(value, dict) and isinstance(value.get("$bytes"), str):
        raw = str(value["$bytes"]).encode(str(value.get("encoding", "utf-8")))
        return raw.decode("utf-8", "surrogateescape")
    return value if isinstance(value, str) else None


def _count(value: JSON) -> int | None:
    """Return a number of layers or arrays."""
    if isinstance(value, dict):
        value = value.get("$scalar")
    return value if type(value) is int and value >= 0 else None
