"""Follows a change of Keras's ``dim_ordering`` through a model, down to the rows of Dense layers.

Images are (channels, rows, cols) in ``th`` and (rows, cols, channels) in ``tf``.  A Flatten makes
another vector of the one than of the other, so what stands behind it, up to the next Dense layer,
has its features in another order.  Only the number of channels before the Flatten is needed: the
order of the places is the same in both.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from legacy_weights.errors import UsageError
from legacy_weights.families.keras import Place
from legacy_weights.families.keras_architecture import Layer
from legacy_weights.transforms.changes import Change, regroup
from legacy_weights.tree import JSON, Leaf

ORDERINGS = ("th", "tf")

_CONVOLUTIONS = frozenset(
    {"AtrousConvolution2D", "Convolution2D", "Convolution3D", "Deconvolution2D"}
)
_OTHERS = frozenset({"ConvLSTM2D", "LocallyConnected2D"})
_GLOBAL = frozenset(
    f"Global{kind}Pooling{count}D" for kind in ("Average", "Max") for count in (2, 3)
)
_BY_CHANNEL = frozenset(
    f"{kind}{count}D"
    for kind in ("AveragePooling", "Cropping", "MaxPooling", "SpatialDropout", "UpSampling")
    for count in (2, 3)
) | {"UpSample2D", "ZeroPadding2D", "ZeroPadding3D"}
_ELEMENTWISE = frozenset(
    {"Activation", "ActivityRegularization", "Dropout", "ELU", "GaussianDropout"}
    | {"GaussianNoise", "LeakyReLU", "ThresholdedLinear", "ThresholdedReLU"}
)


@dataclass(frozen=True, slots=True)
class _Data:
    """What passes between two layers: images of so many channels, or such images made flat."""

    channels: int
    flat: bool = False


_Free = None
"""Data that no ordering touches."""


def ordering_of(layer: Layer) -> str:
    """Return the ordering of a layer of two or three dimensions.

    Raises
    ------
    UsageError
        If its settings do not state it.
    """
    # Keras 0.2 knew no other ordering than Theano's, and keeps the class as the name.
    early = "th" if layer.config.get("name") == layer.cls else None
    ordering = layer.config.get("dim_ordering", early)
    if ordering not in ORDERINGS:
        raise UsageError(
            f"the {layer.cls} {layer.name!r} has the dim_ordering {ordering!r}",
            expected="th or tf",
        )
    return str(ordering)


def rows(
    leaves: Iterable[Leaf], known: Mapping[str, Place], model: Layer, ordering: str
) -> dict[str, Change]:
    """Return how arrays behind a Flatten are reordered, by their paths.

    Parameters
    ----------
    leaves : iterable of Leaf
    known : mapping of str to Place
        The places of the arrays, by their names.
    model : Layer
    ordering : str
        The one to change to.

    Raises
    ------
    UsageError
        If the change cannot be followed through a layer.
    """
    behind = _behind(model, ordering)
    changes = {}
    for leaf in leaves:
        place = known[leaf.name]
        channels = behind.get(id(place.layer))
        if channels is None or (place.layer.cls == "Dense" and place.slot != "W"):
            continue
        count = leaf.array.shape[0] if leaf.array.shape else 0
        if count % channels:
            raise UsageError(
                f"it has {count} rows, and the images before it {channels} channels",
                where=leaf.path,
                advice="Give the architecture of this very model",
            )
        parts = (channels, count // channels)
        changes[leaf.path] = regroup(*(parts if ordering == "tf" else parts[::-1]))
    return changes


def _behind(model: Layer, ordering: str) -> dict[int, int]:
    """Return the layers whose features change their order, with the channels before the Flatten.

    Layers whose own ordering is the one to change to change nothing.
    """
    data: dict[str, _Data | None] = {}
    behind: dict[int, int] = {}
    for key, layer, before in _steps(model):
        shape = _input_shape(layer)
        met = {data.get(name, _Free) for name in before}
        if not before and shape is not None and len(shape) in (4, 5):
            met = {_images(layer, shape, model, ordering)}
        if len(met) > 1:
            raise _unknown(layer)
        found = met.pop() if met else _Free
        if found is not _Free and found.flat and layer.cls in ("Dense", "BatchNormalization"):
            behind[id(layer)] = found.channels
        data[key] = _through(layer, found, ordering)
    return behind


def _through(layer: Layer, found: _Data | None, ordering: str) -> _Data | None:
    """Return what a layer makes of its input."""
    if layer.cls in _CONVOLUTIONS:
        filters = layer.config.get("nb_filter")
        changes = ordering_of(layer) != ordering
        # Images that do not come from the model's input were made of something else by a Reshape.
        fed = found is not _Free and not found.flat
        if type(filters) is not int or filters < 1 or changes != fed:
            raise _unknown(layer)
        return _Data(filters) if changes else _Free
    if layer.cls in _OTHERS and ordering_of(layer) != ordering:
        raise _unknown(layer)
    if found is _Free or layer.cls == "InputLayer" or layer.cls in _ELEMENTWISE:
        return found
    if found.flat:
        if layer.cls == "Dense":
            return _Free
        if layer.cls in ("BatchNormalization", "Flatten"):
            return found
        raise _unknown(layer)
    if layer.cls == "Flatten":
        return _Data(found.channels, flat=True)
    if layer.cls in _GLOBAL:
        return _Free
    axes = (1,) if ordering == "tf" else (-1, 3, 4)
    norm = layer.cls == "BatchNormalization" and layer.config.get("axis") in axes
    if layer.cls in _BY_CHANNEL or (norm and layer.config.get("mode") != 1):
        return found
    raise _unknown(layer)


def _steps(model: Layer) -> Iterator[tuple[str, Layer, tuple[str, ...]]]:
    """Yield the layers in the order of the data, each with a key and those that feed it."""
    if model.cls != "Sequential":
        for layer in model.inner:
            if layer.inner or not layer.name:
                raise _unknown(layer)
            yield layer.name, layer, layer.inbound
        return
    before: tuple[str, ...] = ()
    for number, layer in enumerate(model.walk()):
        if layer.cls == "Sequential":
            continue
        if layer.inner:
            raise _unknown(layer)
        yield str(number), layer, before
        before = (str(number),)


def _input_shape(layer: Layer) -> list[JSON] | None:
    """Return the shape of what enters a model, the batch included."""
    whole, single = layer.config.get("batch_input_shape"), layer.config.get("input_shape")
    if isinstance(whole, list):
        return whole
    return [None, *single] if isinstance(single, list) else None


def _images(layer: Layer, shape: list[JSON], model: Layer, ordering: str) -> _Data | None:
    """Return the images that enter a model: their ordering is that of its convolutions."""
    orderings = {ordering_of(part) for part in model.walk() if part.cls in _CONVOLUTIONS}
    if not orderings or orderings == {ordering}:
        return _Free
    channels = shape[1] if ordering == "tf" else shape[-1]
    if len(orderings) > 1 or type(channels) is not int or channels < 1:
        raise _unknown(layer)
    return _Data(channels)


def _unknown(layer: Layer) -> UsageError:
    return UsageError(
        f"the ordering cannot be followed through the {layer.cls} {layer.name!r}",
        advice="Without =th or =tf each layer keeps its ordering",
    )
