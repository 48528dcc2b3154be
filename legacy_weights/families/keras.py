"""What the arrays of a Keras model are: weights, or running averages that are never trained.

Keras 1 says it by the name of an array, ``LAYER_running_mean`` and ``LAYER_running_std``
(layers/normalization.py, ``BatchNormalization.build``); whether a layer is frozen stands in the
architecture only.  Keras 0 numbers the arrays of a layer, so there the architecture says all.
Nothing is told from shapes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from legacy_weights.errors import UsageError
from legacy_weights.families.keras_architecture import Layer, parse
from legacy_weights.tree import JSON, Leaf, Role, Snapshot, Trainable, Tree

FAMILY = "Keras"
CONFIG = "model_config"
"""The key of the architecture in a tree's metadata."""

_CELL = ("W_{0}", "U_{0}", "b_{0}")
_AFFINE = ("W", "b")

_SLOTS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(
        (
            *("Convolution1D", "Convolution2D", "Convolution3D", "Dense", "Deconvolution2D"),
            *("AtrousConvolution1D", "AtrousConvolution2D", "MaxoutDense", "TimeDistributedDense"),
            *("LocallyConnected1D", "LocallyConnected2D"),
        ),
        _AFFINE,
    ),
    **dict.fromkeys(
        (
            *("Activation", "ActivityRegularization", "AveragePooling1D", "AveragePooling2D"),
            *("AveragePooling3D", "Dropout", "ELU", "Flatten", "GaussianDropout", "GaussianNoise"),
            *("LeakyReLU", "Masking", "MaxPooling1D", "MaxPooling2D", "MaxPooling3D", "Permute"),
            *("RepeatVector", "Reshape", "ThresholdedLinear", "ThresholdedReLU", "UpSample1D"),
            *("UpSample2D", "UpSampling1D", "UpSampling2D", "UpSampling3D", "ZeroPadding1D"),
            *("ZeroPadding2D", "ZeroPadding3D", "TimeDistributedMerge"),
        ),
        (),
    ),
    "BatchNormalization": ("gamma", "beta", "running_mean", "running_std"),
    "Embedding": ("W",),
    "GRU": tuple(slot.format(gate) for gate in "zrh" for slot in _CELL),
    "Highway": ("W", "b", "W_carry", "b_carry"),
    "LSTM": tuple(slot.format(gate) for gate in "icfo" for slot in _CELL),
    "PReLU": ("alphas",),
    "ParametricSoftplus": ("alphas", "betas"),
    "SReLU": ("t_left", "a_left", "t_right", "a_right"),
    "SimpleRNN": ("W", "U", "b"),
}
"""The arrays of each class of Keras 0.2 and 0.3 in the order in which ``get_weights`` gives them
(``trainable_weights`` and ``non_trainable_weights``, earlier ``params``, in layers/*.py)."""

_LATER_SLOTS: dict[str, tuple[str, ...]] = {
    **_SLOTS,
    "ConvLSTM2D": _SLOTS["LSTM"],
    # With consume_less="gpu" the matrices of the gates are one (layers/recurrent.py).
    **{cls: (*_SLOTS[cls], "W", "U", "b") for cls in ("GRU", "LSTM")},
    "SeparableConvolution2D": ("depthwise_kernel", "pointwise_kernel", "b"),
}
"""The arrays of each class of Keras 1 by the ends of their names; all but running averages are
trained."""

_CONTAINERS = frozenset({"Sequential", "Merge", "TimeDistributed"})
"""Classes of Keras 0 that give the arrays of what is inside, one after the other."""

_AVERAGE = re.compile(r"(?:^|[_/])(?:running_(?:mean|std)|moving_(?:mean|variance))(?::[0-9]+)?")
_NUMBERED = re.compile(r"layer_([0-9]{1,9})/param_([0-9]{1,9})")
_GRAPH = re.compile(r"graph/param_[0-9]+")
_MOST_MARKS = 16


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """What an array is in its layer.

    Parameters
    ----------
    layer : Layer
    slot : str
        ``W``, ``running_mean`` …
    """

    layer: Layer
    slot: str


def role(name: str, place: Place | None) -> tuple[Role, Trainable, str]:
    """Return what an array is for, whether it is trained, and why in words.

    Parameters
    ----------
    name : str
        Its own name, such as ``norm/norm_running_mean``.
    place : Place, optional
        Where the architecture has it, if that is known.
    """
    slot = name if place is None else place.slot
    found = _AVERAGE.search(slot)
    if found and found.end() == len(slot):
        return Role.STATE, Trainable.NO, "running average"
    if place is None:
        return Role.WEIGHT, Trainable.UNKNOWN, ""
    if place.layer.frozen:
        return Role.WEIGHT, Trainable.NO, "its layer is not trainable"
    return Role.WEIGHT, Trainable.YES if is_known(place) else Trainable.UNKNOWN, ""


def is_known(place: Place) -> bool:
    """Whether an array is one that a layer of Keras itself has."""
    return place.slot in _LATER_SLOTS.get(place.layer.cls, ())


def places(names: Iterable[str], model: Layer) -> dict[str, Place]:
    """Return where the architecture has arrays, by their names.

    Parameters
    ----------
    names : iterable of str
        All arrays of a model, as the reader names them: ``LAYER/LAYER_W`` or ``layer_N/param_M``.
    model : Layer

    Returns
    -------
    dict
        Without those of which the architecture does not tell.
    """
    names = list(names)
    numbered = {name: found for name in names if (found := _NUMBERED.fullmatch(name))}
    if numbered:
        return _by_number(numbered, model)
    index = _index(model)
    named = {name: _by_name(name, index) for name in names}
    return {name: place for name, place in named.items() if place is not None}


_Index = dict[tuple[str | None, str], Layer | None]


def _index(model: Layer) -> _Index:
    """Return the layers by their names, in the model that stands at the top and in any.

    Several of one name count as far as they are alike; else none of them does.
    """
    index: _Index = {}
    for top in model.inner:
        for layer in top.walk():
            names = [(layer.name, layer)]
            if layer.cls == "Bidirectional":  # layers/wrappers.py
                ways = ("forward_", "backward_")
                names += [(way + inner.name, inner) for inner in layer.inner for way in ways]
            for name, part in names:
                for scope in {top.name or None, None}:
                    first = index.setdefault((scope, name), part)
                    if first is not None and (first.cls, first.config) != (part.cls, part.config):
                        index[scope, name] = None
    return index


def _by_name(name: str, index: _Index) -> Place | None:
    """Return the place of ``GROUP/LAYER_SLOT``; names of layers can have slashes themselves."""
    for group, weight in _splits(name, "/"):
        for owner, slot in _splits(weight, "_"):
            layer = index.get((group, owner)) or index.get((None, owner))
            if layer is not None and slot in _LATER_SLOTS.get(layer.cls, (slot,)):
                return Place(layer, slot)
    # A layer of a user's own need not name its arrays after itself.
    for group, weight in _splits(name, "/"):
        layer = index.get((group, group))
        if layer is not None and not layer.inner:
            return Place(layer, weight)
    return None


def _splits(text: str, mark: str) -> Iterable[tuple[str, str]]:
    """Yield the two sides of each mark, the longest head first, but not of endlessly many."""
    at = text.rfind(mark)
    for _ in range(_MOST_MARKS):
        if at <= 0:
            return
        yield text[:at], text[at + 1 :]
        at = text.rfind(mark, 0, at)


def _by_number(numbered: Mapping[str, re.Match[str]], model: Layer) -> dict[str, Place]:
    counts: dict[int, int] = {}
    for found in numbered.values():
        counts[int(found[1])] = counts.get(int(found[1]), 0) + 1
    layers = dict(enumerate(model.inner))
    known = {number: _slots(layers[number]) for number in counts if number in layers}
    result = {}
    for name, found in numbered.items():
        slots = known.get(int(found[1]))
        if slots is not None and len(slots) == counts[int(found[1])] > int(found[2]):
            result[name] = slots[int(found[2])]
    return result


def _tells(name: str, model: Layer) -> bool:
    """Whether an architecture would tell what an array is, were it one of the model."""
    if model.cls == "Graph" and _GRAPH.fullmatch(name):
        return False  # before 0.3 its nodes stood in a dict, in no order
    found = _NUMBERED.fullmatch(name)
    if found is None or int(found[1]) >= len(model.inner):
        return True
    return _slots(model.inner[int(found[1])]) is not None


def _slots(layer: Layer) -> list[Place] | None:
    """Return the arrays of a layer of Keras 0 in order; None if a class is not known."""
    places: list[Place] = []
    for part in layer.walk():
        if part.cls in _SLOTS:
            places += [Place(part, slot) for slot in _SLOTS[part.cls]]
        elif part.cls not in _CONTAINERS:
            return None
    return places


def describe(tree: Tree, config: JSON, *, source: str) -> Tree:
    """Return a tree whose arrays have the roles that an architecture from outside gives them.

    Parameters
    ----------
    tree : Tree
        Of a Keras file of weights alone.
    config : JSON
        What ``model.to_json()`` gave.
    source : str
        Where it comes from, for the history.

    Raises
    ------
    UsageError
        If the file is none of Keras, states an architecture of its own, or another one than this.
    """
    if tree.family != FAMILY:
        raise UsageError(f"an architecture is for files of Keras, and this is {tree.family}")
    if CONFIG in tree.metadata and tree.metadata[CONFIG] != config:
        raise UsageError(
            "the file states an architecture of its own", advice="Leave the other one out"
        )
    try:
        model = parse(config)
    except ValueError as error:
        raise UsageError(f"this is no architecture: {error}", file=source) from error
    names = [leaf.name for snapshot in tree.snapshots for leaf in snapshot.leaves]
    known = places(names, model)
    missing = [name for name in names if name not in known]
    notes = [note for note in tree.warnings if note != UNTOLD]
    foreign = next((name for name in missing if _tells(name, model)), None)
    if foreign is not None:
        raise UsageError(
            f"the architecture has no place for {foreign!r}",
            file=source,
            expected="the architecture of this model, as `model.to_json()` gives it",
        )
    if missing:
        notes.append(f"{source} does not tell what {missing[0]} is ({len(missing)} such arrays)")
    step: dict[str, JSON] = {"action": "architecture", "source": source}
    return replace(
        tree,
        snapshots=tuple(_with_roles(snapshot, known) for snapshot in tree.snapshots),
        metadata={**tree.metadata, CONFIG: config},
        history=(*tree.history, step),
        warnings=tuple(notes),
    )


UNTOLD = (
    "the file numbers its arrays, and does not tell which are running averages; "
    "--architecture FILE, what model.to_json() gave, does"
)
"""The warning of a file of Keras 0 without its architecture."""


def _with_roles(snapshot: Snapshot, known: Mapping[str, Place]) -> Snapshot:
    return replace(snapshot, leaves=tuple(with_role(leaf, known) for leaf in snapshot.leaves))


def with_role(leaf: Leaf, known: Mapping[str, Place]) -> Leaf:
    """Return an array of a model with its role, by the places that are known."""
    kind, trainable, note = role(leaf.name, known.get(leaf.name))
    return replace(leaf, role=kind, trainable=trainable, note=note or leaf.note)
