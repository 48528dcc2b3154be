"""``keras-kernels``: convolution kernels of Keras on Theano for any library of today.

Keras 0 and 1 on Theano convolve as mathematics does: the kernel is turned round
(keras/backend/theano_backend.py, ``conv2d``, ``conv3d`` and ``deconv2d``, by Theano's
``filter_flip=True``).  PyTorch, TensorFlow, JAX (and PyTensor with ``filter_flip=False``) call
cross-correlation a convolution and do not turn it.  This transformation reverses each kernel along
its spatial axes, as Keras's own ``convert_all_kernels_in_model`` did (keras/utils/layer_utils.py,
np_utils.py), so that a cross-correlation with the result gives what the model gave.

By default each kernel keeps its axes: (out, in, rows, cols) where ``dim_ordering`` is ``th``,
(rows, cols, in, out) where it is ``tf``; images keep theirs, so a Flatten gives the same vector,
and the Dense layer behind it stays as it is.  ``keras-kernels=th`` and ``keras-kernels=tf`` change
to one ordering: then the kernels of the other are transposed, and the rows of a Dense layer behind
a Flatten are reordered from (channels, places) to (places, channels) or back.

Kernels of one dimension are (length, 1, in, out), and (out, in, length, 1) before 1.1
(engine/topology.py, ``load_weights_from_hdf5_group``, which tells them apart as it is done here);
their data is (batch, length, channels) always, so no ordering touches them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from legacy_weights.errors import UsageError
from legacy_weights.families.keras import CONFIG, FAMILY, Place, is_known, places
from legacy_weights.families.keras_architecture import Layer, parse
from legacy_weights.transforms import keras_ordering
from legacy_weights.transforms.changes import Change, flip, transpose, with_changes
from legacy_weights.transforms.keras_ordering import ORDERINGS, ordering_of
from legacy_weights.tree import JSON, Leaf, Role, Tree

NAME = "keras-kernels"

_GATES = ("W_i", "U_i", "W_c", "U_c", "W_f", "U_f", "W_o", "U_o")
_PLANE = ("nb_row", "nb_col")
_KERNELS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "Convolution1D": (("W",), ("filter_length",)),
    "AtrousConvolution1D": (("W",), ("filter_length",)),
    "Convolution2D": (("W",), _PLANE),
    "AtrousConvolution2D": (("W",), _PLANE),
    "Deconvolution2D": (("W",), _PLANE),
    "Convolution3D": (("W",), ("kernel_dim1", "kernel_dim2", "kernel_dim3")),
    "ConvLSTM2D": (_GATES, _PLANE),
}
"""The arrays of each class that are kernels, and the settings that give their spatial lengths.

LocallyConnected layers multiply without a convolution (layers/local.py): they stay as they are."""


def convert(tree: Tree, ordering: str = "") -> Tree:
    """Return a tree whose convolution kernels are for cross-correlation.

    Parameters
    ----------
    tree : Tree
        Of a Keras file that states the model's architecture, or was given it
        (:func:`legacy_weights.architectures.with_architecture`).
    ordering : str
        ``th`` or ``tf`` to change kernels and Dense rows to this ordering too; by default each
        layer keeps its own.

    Raises
    ------
    UsageError
        If the file is none of Keras, tells no architecture, was written on TensorFlow, or was
        converted before; if the architecture does not fit the arrays; or if a change of the
        ordering cannot be followed through the model.
    """
    if ordering and ordering not in ORDERINGS:
        raise UsageError(f"there is no ordering {ordering!r}", expected="th or tf")
    model = _model(tree)
    leaves = [leaf for snapshot in tree.snapshots for leaf in snapshot.leaves]
    known = places([leaf.name for leaf in leaves], model)
    _check_all_are_known(leaves, known)
    wanted = {
        leaf.path: _kernel(leaf, known[leaf.name], ordering)
        for leaf in leaves
        if known[leaf.name].slot in _KERNELS.get(known[leaf.name].layer.cls, ((), ()))[0]
    }
    if ordering:
        for path, change in keras_ordering.rows(leaves, known, model, ordering).items():
            wanted.setdefault(path, []).append(change)
    step: dict[str, JSON] = {
        "action": NAME,
        "ordering": ordering or "as it was",
        "for": "cross-correlation",
    }
    notes = tuple(_notes(tree, known.values()))
    return with_changes(replace(tree, warnings=(*tree.warnings, *notes)), wanted, step)


def _notes(tree: Tree, known: Iterable[Place]) -> Iterator[str]:
    """Yield what stays as it is and might be expected not to."""
    own = sorted({place.layer.cls for place in known if not is_known(place)})
    if own:
        yield f"{NAME} leaves the arrays of classes that are not of Keras: {', '.join(own)}"
    if any(leaf.role is Role.OPTIMIZER for leaf in tree.other):
        yield f"{NAME} leaves the memory of the optimizer, which serves the kernels as they were"


def _model(tree: Tree) -> Layer:
    """Return the architecture of a tree of which Theano's kernels can be converted."""
    if tree.family != FAMILY:
        raise UsageError(f"{NAME} is for files of Keras, and this is {tree.family}")
    if any(step.get("action") == NAME for step in tree.history):
        raise UsageError("its kernels are converted already", advice=f"Leave {NAME} out")
    names = [leaf.name for snapshot in tree.snapshots for leaf in snapshot.leaves]
    version, backend = tree.metadata.get("keras_version"), tree.metadata.get("backend")
    # TensorFlow ends the name of each variable with the number of an output; Theano never does.
    if backend == "tensorflow" or any(name.endswith(":0") for name in names):
        raise UsageError(
            "Keras wrote it on TensorFlow, whose kernels are for cross-correlation already",
            advice=f"Leave {NAME} out",
        )
    if isinstance(version, str) and not version.startswith(("0.", "1.")):
        raise UsageError(f"Keras {version} wrote it", expected="Keras 0 or 1 on Theano")
    if CONFIG not in tree.metadata:
        raise UsageError(
            "the file does not tell which arrays are kernels, nor their ordering",
            advice="Give the architecture, what model.to_json() gave: --architecture FILE",
        )
    try:
        return parse(tree.metadata[CONFIG])
    except ValueError as error:
        raise UsageError(f"the model's architecture cannot be read: {error}") from error


def _check_all_are_known(leaves: list[Leaf], known: Mapping[str, Place]) -> None:
    for leaf in leaves:
        place = known.get(leaf.name)
        if place is None:
            raise UsageError("the architecture does not tell which layer it is of", where=leaf.path)
        if place.layer.cls == "SeparableConvolution2D":
            raise UsageError(
                "a SeparableConvolution2D runs on TensorFlow only, so its kernels are for "
                "cross-correlation already",
                where=leaf.path,
            )


def _kernel(leaf: Leaf, place: Place, ordering: str) -> list[Change]:
    """Return what is to be done to a kernel."""
    layer, shape = place.layer, leaf.array.shape
    sizes = tuple(layer.config.get(key) for key in _KERNELS[layer.cls][1])
    filters = layer.config.get("nb_filter")
    if len(sizes) == 1:
        if shape[:2] == (*sizes, 1) and shape[3:] == (filters,):
            return [flip((0,))]
        if shape[:1] == (filters,) and shape[2:] == (*sizes, 1):
            return [flip((2,))]
        raise _misfit(leaf, layer)
    own, count = ordering_of(layer), len(sizes)
    if len(shape) != count + 2:
        raise _misfit(leaf, layer)
    fits = {
        "th": shape[0] == filters and shape[2:] == sizes,
        "tf": shape[-1] == filters and shape[:-2] == sizes,
    }
    if not fits[own]:
        raise _misfit(leaf, layer)
    spatial = range(2, count + 2) if own == "th" else range(count)
    changes = [flip(tuple(spatial))]
    if ordering and ordering != own:
        # (out, in, …) ↔ (…, in, out): keras/backend/theano_backend.py, _preprocess_conv2d_kernel.
        back = (*range(2, count + 2), 1, 0)
        changes.append(transpose(back if own == "th" else (count + 1, count, *range(count))))
    return changes


def _misfit(leaf: Leaf, layer: Layer) -> UsageError:
    lengths = ", ".join(f"{key} {layer.config.get(key)}" for key in _KERNELS[layer.cls][1])
    return UsageError(
        f"the kernel is {'×'.join(map(str, leaf.array.shape))}, and the architecture has a "
        f"{layer.cls} with nb_filter {layer.config.get('nb_filter')}, {lengths}, "
        f"dim_ordering {layer.config.get('dim_ordering')}",
        where=leaf.path,
        advice="Give the architecture of this very model",
    )
