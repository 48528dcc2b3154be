"""Chains of Lasagne's layers, by the settings in ``metadata["layers"]``.

:mod:`legacy_weights.families.lasagne_settings` has its form.  What layers do stands in
lasagne/layers/{input,dense,normalization,noise,special,shape}.py, here as in prediction
(``deterministic=True``): dropout and noise do nothing, and batch normalization takes the stored
averages.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from legacy_weights.errors import DamagedError, UnreadableError
from legacy_weights.models.frameworks.json_values import Settings
from legacy_weights.models.frameworks.lasagne_functions import function_of
from legacy_weights.models.specification import (
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

_MODULE = "lasagne.layers."
_NOTHING = frozenset({"DropoutLayer", "GaussianNoiseLayer"})
_CLASSES = (
    "DenseLayer, BatchNormLayer, NonlinearityLayer, DropoutLayer, GaussianNoiseLayer, "
    "FlattenLayer or ReshapeLayer of lasagne.layers"
)


class _Stated(NamedTuple):
    """A layer as the tree states it.

    Parameters
    ----------
    name : str
    cls : str
        Without its module if it is one of Lasagne's own.
    inputs : list
        Names of layers.
    settings : Settings
    arrays : dict of str to str
        The names of the parameters by the layer's attributes.
    """

    name: str
    cls: str
    inputs: list[JSON]
    settings: Settings
    arrays: dict[str, str]

    @property
    def where(self) -> str:
        return self.settings.where

    def array(self, attribute: str) -> str:
        """Return the name of a parameter, which the layer must have."""
        if attribute not in self.arrays:
            raise UnreadableError(
                f"the layer has no parameter {attribute!r}",
                where=self.where,
                expected=f"a {self.cls} of Lasagne 0.1 or 0.2",
            )
        return self.arrays[attribute]


def specification(tree: Tree, snapshot: Snapshot) -> Specification:
    """Return the layers of a network.

    Raises
    ------
    UnreadableError
        If the file has no layers, they form no chain, or one of them cannot be rebuilt; the error
        names the layer.
    """
    stated = tree.metadata.get("layers")
    if not isinstance(stated, list) or not stated:
        raise UnreadableError(
            "the file has no layers, only their weights",
            where=snapshot.name,
            expected="pickled layers of Lasagne",
            advice="The weights can be had by legacy_weights.open or read",
        )
    chain = [_stated(number, entry) for number, entry in enumerate(stated)]
    _check_chain(chain)
    shape = _input_shape(chain[0])
    layers = tuple(_layer(layer) for layer in chain[1:])
    return Specification(tree.family, shape, {"output": layers})


def _stated(number: int, entry: JSON) -> _Stated:
    where = f"layer {number}"
    if not isinstance(entry, dict):
        raise DamagedError(f"{entry!r:.80}", where=where, expected="a layer")
    own = Settings(entry, where)
    name, cls, settings = own.text("name"), own.text("class"), entry.get("settings")
    where = f"{where}, {name} ({cls})"
    inputs, arrays = entry.get("inputs"), dict[str, str]()
    if not isinstance(settings, dict) or not isinstance(inputs, list):
        raise DamagedError("the layer has no settings or inputs", where=where)
    params = entry.get("params")
    for param in params if isinstance(params, list) else ():
        attribute = param.get("attribute") if isinstance(param, dict) else None
        known = param.get("name") if isinstance(param, dict) else None
        if not isinstance(attribute, str) or not isinstance(known, str):
            raise UnreadableError(
                "a parameter of the layer is an expression, or no attribute has it", where=where
            )
        arrays[attribute] = known
    # A class of a user's own can have the same name as one of Lasagne's.
    short = cls.rpartition(".")[2] if cls.startswith(_MODULE) else cls
    return _Stated(name, short, inputs, Settings(settings, where), arrays)


def _check_chain(chain: Sequence[_Stated]) -> None:
    """Refuse layers of which one is not fed by just the one before."""
    names = [layer.name for layer in chain]
    for number, layer in enumerate(chain):
        before = names[number - 1 : number] if number else []
        first = (layer.cls == "InputLayer") == (number == 0)
        if layer.inputs != before or not first or layer.name in names[:number]:
            raise UnreadableError(
                f"the layer is fed by {', '.join(map(str, layer.inputs)) or 'none'}",
                where=layer.where,
                expected=f"a chain: {', '.join(before) or 'an InputLayer at its beginning'}",
                advice="The weights can be had by legacy_weights.open or read",
            )


def _input_shape(layer: _Stated) -> Shape:
    shape = layer.settings.values.get("shape")
    if not isinstance(shape, list) or len(shape) < 2:
        raise layer.settings.wrong("shape", "the batch and the lengths of an input")
    return tuple(Settings({"shape": shape[1:]}, layer.where).integers("shape"))


def _layer(layer: _Stated) -> Layer:
    cls, settings, where = layer.cls, layer.settings, layer.where
    if cls == "DenseLayer":
        if settings.values.get("num_leading_axes", 1) != 1:
            raise settings.wrong("num_leading_axes", "1")
        bias = layer.arrays.get("b")
        if bias is None and settings.values.get("b", ...) is not None:
            raise settings.wrong("b", "a parameter, or none")
        return Dense(
            where,
            settings.integer("num_units"),
            layer.array("W"),
            bias,
            _function(settings),
            flattens=True,
        )
    if cls == "BatchNormLayer":
        listed = settings.values.get("axes")
        axes = [axis for axis in listed if type(axis) is int] if isinstance(listed, list) else []
        if axes != listed:
            raise settings.wrong("axes", "a list of axes")
        return BatchNorm(
            where,
            mean=layer.array("mean"),
            spread=layer.array("inv_std"),
            kind=Spread.INVERSE,
            gamma=layer.arrays.get("gamma"),
            beta=layer.arrays.get("beta"),
            axes=tuple(axes),
        )
    if cls == "NonlinearityLayer":
        return Nonlinearity(where, _function(settings))
    if cls in _NOTHING:
        return Noise(where, cls)
    if cls == "FlattenLayer":
        if settings.integer("outdim") != 2:
            raise settings.wrong("outdim", "2")
        return Reshape(where)
    if cls == "ReshapeLayer":
        return Reshape(where, _new_shape(settings))
    raise UnreadableError(
        f"a {cls} cannot be rebuilt",
        where=where,
        expected=_CLASSES,
        advice="The weights can be had by legacy_weights.open or read",
    )


def _function(settings: Settings) -> Function:
    return function_of(settings.values.get("nonlinearity", "(none stated)"), settings.where)


def _new_shape(settings: Settings) -> Shape:
    """Return the shape after the batch axis, which must stay what it is."""
    shape = settings.values.get("shape")
    if not isinstance(shape, list) or len(shape) < 2 or shape[0] not in ([0], -1):
        raise settings.wrong("shape", "a list that begins with [0] or -1, the batch")
    return tuple(Settings({"shape": shape[1:]}, settings.where).integers("shape"))
