"""Multi-layer perceptrons of pylearn2, by the settings in ``metadata["pylearn2"]``.

:mod:`legacy_weights.families.pylearn2_facts` has its form.  What layers do stands in
pylearn2/models/mlp.py, in the ``fprop`` of each.
"""

from __future__ import annotations

from collections.abc import Mapping

from legacy_weights.errors import DamagedError, UnreadableError
from legacy_weights.models.frameworks.json_values import Settings
from legacy_weights.models.specification import (
    LINEAR,
    Dense,
    Function,
    Shape,
    Specification,
)
from legacy_weights.tree import JSON, Snapshot, Tree

_MODELS = frozenset(
    {"pylearn2.models.mlp.MLP", "pylearn2.models.softmax_regression.SoftmaxRegression"}
)
_MODULE = "pylearn2.models.mlp."
_FUNCTIONS = {
    "Linear": LINEAR,
    "Sigmoid": Function("sigmoid"),
    "Softplus": Function("softplus"),
    "Tanh": Function("tanh"),
}
_CHANGED = ("copy_input", "softmax_columns", "non_redundant", "no_affine")
"""Options, some of them of early versions only, by which a layer does something else."""
_MATRIX = "pylearn2.linear.matrixmul.MatrixMul"


def specification(tree: Tree, snapshot: Snapshot) -> Specification:
    """Return the layers of a multi-layer perceptron.

    Raises
    ------
    UnreadableError
        If the file has no such model, more than one, or one of its layers cannot be rebuilt; the
        error names the layer.
    """
    models = tree.metadata.get("pylearn2")
    known = [m for m in models if isinstance(m, dict)] if isinstance(models, list) else []
    classes = [str(model.get("class")) for model in known]
    if len(known) != 1 or classes[0] not in _MODELS:
        raise UnreadableError(
            f"the models of the file are {', '.join(classes[:8]) or 'none'}",
            where=snapshot.name,
            expected="one pylearn2.models.mlp.MLP",
            advice="The weights can be had by legacy_weights.open or read",
        )
    (model,) = known
    listed = model.get("layers")
    if not isinstance(listed, list) or not listed:
        raise DamagedError("the model has no layers", where=classes[0])
    _check_space(model, classes[0])
    layers = [_layer(number, entry) for number, entry in enumerate(listed)]
    shapes = {leaf.name: leaf.array.shape for leaf in snapshot.leaves}
    width: Shape = shapes.get(layers[0].weights, ())[:1]
    return Specification("pylearn2", width, {"output": layers})


def _layer(number: int, entry: JSON) -> Dense:
    where = f"layer {number}"
    if not isinstance(entry, dict):
        raise DamagedError(f"{entry!r:.80}", where=where, expected="a layer")
    cls = Settings(entry, where).text("class")
    where = f"{where}, {entry.get('layer_name')} ({cls})"
    settings = Settings(entry, where)
    short = cls.removeprefix(_MODULE)
    softmax = short == "Softmax"
    if not cls.startswith(_MODULE) or not (softmax or short in {*_FUNCTIONS, "RectifiedLinear"}):
        raise UnreadableError(
            f"a {cls} cannot be rebuilt",
            where=where,
            expected=f"Softmax, RectifiedLinear, {', '.join(_FUNCTIONS)} of pylearn2.models.mlp",
            advice="The weights can be had by legacy_weights.open or read",
        )
    _check_space(entry, where)
    for option in _CHANGED:
        if entry.get(option):
            raise UnreadableError(f"the layer has `{option}`", where=where, expected="it to be off")
    if softmax:
        weights = _weight(entry, "W", where)
        bias: str | None = _weight(entry, "b", where)
        return Dense(where, settings.integer("n_classes"), weights, bias, Function("softmax"))
    transformer = entry.get("transformer")
    if not isinstance(transformer, dict) or transformer.get("class") != _MATRIX:
        raise settings.wrong("transformer", f"a {_MATRIX}")
    weights = _weight(transformer, "_W", where)
    bias = _weight(entry, "b", where) if settings.truth("use_bias", True) else None
    return Dense(where, settings.integer("dim"), weights, bias, _function(short, settings))


def _function(cls: str, settings: Settings) -> Function:
    if cls != "RectifiedLinear":
        return _FUNCTIONS[cls]
    slope = settings.number("left_slope")
    return Function("relu", {"slope": slope} if slope else {})


def _weight(entry: Mapping[str, JSON], key: str, where: str) -> str:
    """Return the name of a weight."""
    held = entry.get(key)
    name = held.get("weight") if isinstance(held, dict) else None
    if not isinstance(name, str):
        raise UnreadableError(f"the layer has no weight `{key}`", where=where)
    return name


def _check_space(entry: Mapping[str, JSON], where: str) -> None:
    """Refuse inputs that are no vectors: another space would bring them into another order."""
    space = entry.get("input_space")
    cls = space.get("class") if isinstance(space, dict) else None
    if cls not in (None, "VectorSpace"):
        raise UnreadableError(f"the inputs are of a {cls}", where=where, expected="a VectorSpace")
