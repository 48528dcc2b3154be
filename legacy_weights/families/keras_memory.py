"""Which parameter each array of ``optimizer_weights`` serves, in a whole model of Keras 1.

An optimizer keeps one array a trained parameter, or two, one set after the other, mostly behind
the count of its iterations (keras/optimizers.py, ``get_updates``).  The parameters are in the order
of their variables' names (keras/engine/training.py, ``collect_trainable_weights``).
"""

from __future__ import annotations

from collections.abc import Sequence

from legacy_weights.tree import JSON, Leaf, Role, Trainable

_SETS: dict[str, tuple[str, ...]] = {
    "SGD": ("velocity",),
    "RMSprop": ("mean square of the gradient",),
    "Adagrad": ("sum of squared gradients",),
    "Adadelta": ("mean square of the gradient", "mean square of the steps"),
    "Adam": ("first moment", "second moment"),
    "Adamax": ("first moment", "largest norm"),
    "Nadam": ("first moment", "second moment"),
}
_COUNTED = frozenset({"SGD", "Adam", "Adamax", "Nadam"})
"""Optimizers that keep the count of iterations before all else."""


def notes(training: JSON, memory: Sequence[tuple[int, ...]], weights: Sequence[Leaf]) -> list[str]:
    """Return in words what each array of an optimizer's memory is.

    Parameters
    ----------
    training : JSON
        The ``training_config`` of the file.
    memory : sequence of tuple of int
        The shapes of the arrays, in the order that the file states.
    weights : sequence of Leaf
        Of the model.

    Returns
    -------
    list of str
        Empty if the optimizer is not known, or the arrays are not those that it would keep.
    """
    optimizer = training.get("optimizer_config") if isinstance(training, dict) else None
    name = optimizer.get("class_name") if isinstance(optimizer, dict) else None
    if not isinstance(name, str) or name not in _SETS:
        return []
    trained = [leaf for leaf in weights if leaf.role is Role.WEIGHT]
    trained = [leaf for leaf in trained if leaf.trainable is not Trainable.NO]
    trained.sort(key=lambda leaf: leaf.name.rpartition("/")[2])
    head: list[tuple[int, ...]] = [()] if name in _COUNTED else []
    if list(memory) != head + [leaf.array.shape for leaf in trained] * len(_SETS[name]):
        return []
    return ["count of iterations"] * len(head) + [
        f"{what} of {leaf.name}" for what in _SETS[name] for leaf in trained
    ]
