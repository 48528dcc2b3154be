"""Files of other programs that keep weights, or tables of numbers, by their signatures.

Sources: ``tensorflow/core/lib/io/table_format.txt`` and ``format.cc`` (the footer of a table),
``record_writer.h`` and ``event.proto`` (events), ``saved_model.proto``, ``schema.fbs`` of
TensorFlow Lite; ``onnx.proto``; ``torch/serialization.py``; ``src/c_api/c_api.cc`` of MXNet; the
README of safetensors; MathWorks' *MAT-File Format*, chapter 1; *R Internals*, section 1.8.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from legacy_weights.containers._buffer import Buffer
from legacy_weights.containers._members import show
from legacy_weights.containers._tar import is_tar
from legacy_weights.containers._zip import is_zip
from legacy_weights.containers._zip_headers import names
from legacy_weights.errors import UnreadableError

_HEAD = 64 << 10
_MODERN = "It is younger than the files this program is for; open it with the library that wrote it"
_SCIPY = "`scipy.io.loadmat` reads it"
_NETCDF = "`scipy.io.netcdf_file` reads it"
_TORCH = "`torch.load(path, weights_only=True)` reads it"
_CHECKPOINT = "TensorFlow itself reads it: `tf.train.load_checkpoint(prefix)` gives the arrays"
_SAVED = (
    "TensorFlow itself reads it: `tf.saved_model.load(folder)`; the weights are in `variables/`"
)
_R = "R reads it (`load` or `readRDS`); the package `pyreadr` does, too"

_MAGIC = (
    (b"MATLAB 5.0 MAT-file", "a MATLAB file (version 5)", _SCIPY),
    (b"CDF\x01", "a netCDF file", _NETCDF),
    (b"CDF\x02", "a netCDF file", _NETCDF),
    (b"GGUF", "a GGUF model", _MODERN),
    (b"T7\0\0", "a Torch 7 file", "The package `torchfile` reads it"),
    (b"RDX2\n", "R data (a workspace)", _R),
    (b"RDX3\n", "R data (a workspace)", _R),
    (b"RDA2\n", "R data (a workspace)", _R),
    (b"RDA3\n", "R data (a workspace)", _R),
    (b"X\n\0\0\0\x02", "R data (an object)", _R),
    (b"X\n\0\0\0\x03", "R data (an object)", _R),
    (b"\x12\x01" + bytes(14), "a list of MXNet arrays", "`mxnet.nd.load(path)` reads it"),
    (b"model_checkpoint_path:", "the list of a TensorFlow checkpoint's files", _CHECKPOINT),
)
_SSTABLE = b"\x57\xfb\x80\x8b\x24\x75\x47\xdb"
_GRAPH_WORDS = (b"Placeholder", b"VariableV2", b"VarHandleOp", b"\x12\x05Const", b"InnerProduct")
_SAFETENSORS = re.compile(rb'\{\s*(?:\}|"[^"]{0,500}"\s*:\s*\{)')
_LONGEST_HEADER = 100_000_000
_ONNX = re.compile(rb"\x08[\x01-\x20](?:\x12(.)([\x20-\x7e]*)|:)", re.DOTALL)
_TORCH_MAGIC = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."
_TORCH_TAR = {"sys_info", "pickle", "storages", "tensors"}
_SHARD = re.compile(r"\.data-\d{5}-of-\d{5}$")


def describe_other_world(buffer: Buffer) -> UnreadableError | None:
    """Say what a file is, if it is one of a program that is not of Theano's world.

    Parameters
    ----------
    buffer : Buffer
        The file, or a part; an archive as it is.

    Returns
    -------
    UnreadableError or None
        An error to raise, which names the program and what reads the file.
    """
    head = bytes(buffer.view[:_HEAD])
    for magic, what, advice in _MAGIC:
        if head.startswith(magic):
            return UnreadableError(f"it is {what}", advice=advice)
    for check in _CHECKS:
        error = check(head, buffer)
        if error is not None:
            return error
    return None


def describe_lookalike(buffer: Buffer) -> UnreadableError | None:
    """Say what a file is, if it is of another program, but could be taken for one of ours.

    Parameters
    ----------
    buffer : Buffer
        As for :func:`describe_other_world`.
    """
    head = bytes(buffer.view[:_HEAD])
    return next((e for check in _LOOKALIKES if (e := check(head, buffer)) is not None), None)


def describe_by_name(name: str) -> UnreadableError | None:
    """Say what a file that nothing else tells may be, by its name."""
    if _SHARD.search(name):
        return UnreadableError(
            "its name is that of the values of a TensorFlow checkpoint, which are bare numbers",
            advice=_CHECKPOINT,
        )
    return None


def _torch_pickles(head: bytes, _: Buffer) -> UnreadableError | None:
    """Tell the files of PyTorch before 1.6: pickles, the first of them a number, then values."""
    if head.startswith(_TORCH_MAGIC):
        return UnreadableError("it is a PyTorch file (older than 1.6)", advice=_TORCH)
    return None


def _torch_zip(head: bytes, buffer: Buffer) -> UnreadableError | None:
    members = names(buffer.view) if is_zip(head) else []
    if not any(name.endswith("/data.pkl") for name in members):
        return None
    if not any(re.search(r"/(?:version|data/\d+)$", name) for name in members):
        return None
    shown = ", ".join(show(name) for name in members[:6]) + (", …" if len(members) > 6 else "")
    return UnreadableError(f"it is a PyTorch file (a zip archive of {shown})", advice=_TORCH)


def _torch_tar(head: bytes, buffer: Buffer) -> UnreadableError | None:
    """Tell the files of PyTorch before 0.1.10, whose members come in any order."""
    if not is_tar(head):
        return None
    first = head[:100].partition(b"\0")[0].decode("latin-1").removeprefix("./")
    found = {name for name in _TORCH_TAR if f"{name}\0".encode() in head}
    if first in _TORCH_TAR and len(found) > 1:
        return UnreadableError("it is a PyTorch file (a tar archive)", advice=_TORCH)
    return None


def _tensorflow(head: bytes, buffer: Buffer) -> UnreadableError | None:
    if bytes(buffer.view[-8:]) == _SSTABLE:
        return UnreadableError("it is a TensorFlow checkpoint (or its index)", advice=_CHECKPOINT)
    if b"\x1a\x0dbrain.Event:" in head[:64]:
        return UnreadableError(
            "it is a log of TensorFlow or TensorBoard (events)", advice="TensorBoard shows it"
        )
    if head[:2] == b"\x08\x01" and head[2:3] == b"\x12" and _is_meta_graph(head[3:]):
        return UnreadableError("it is a TensorFlow SavedModel (its graph)", advice=_SAVED)
    if head[4:8] == b"TFL3":
        return UnreadableError("it is a TensorFlow Lite model", advice=_MODERN)
    if head[:1] == b"\x0a" and any(word in head for word in _GRAPH_WORDS):
        return UnreadableError(
            "it looks like a protocol buffer: a TensorFlow graph, or a Caffe model",
            advice="The framework that wrote it reads it",
        )
    return None


def _is_meta_graph(rest: bytes) -> bool:
    """Whether a length is followed by a message whose first field is a message, too."""
    size = next((index for index, byte in enumerate(rest[:10]) if byte < 0x80), None)
    return size is not None and rest[size + 1 : size + 2] == b"\x0a"


def _onnx(head: bytes, _: Buffer) -> UnreadableError | None:
    """Tell a message of a version, the name of the producer, and a graph or opsets."""
    found = _ONNX.match(head)
    if found is None:
        return None
    if found[1] is not None:
        length = found[1][0]
        follows = head[found.start(2) + length : found.start(2) + length + 1]
        if len(found[2]) < length or follows not in (b"\x1a", b"\x22", b"\x28", b"2", b":", b"B"):
            return None
    return UnreadableError("it looks like an ONNX model", advice="`onnx.load(path)` reads it")


def _safetensors(head: bytes, buffer: Buffer) -> UnreadableError | None:
    length = int.from_bytes(head[:8], "little")
    if not 2 <= length <= min(_LONGEST_HEADER, len(buffer) - 8):
        return None
    if not _SAFETENSORS.match(head[8:]):
        return None
    return UnreadableError(
        "it is a safetensors file", advice="`safetensors.numpy.load_file(path)` reads it"
    )


def _matlab(head: bytes, _: Buffer) -> UnreadableError | None:
    """Tell the header whose text is free: after it stand a version and the order of bytes."""
    if head[124:128] not in (b"\x00\x01IM", b"\x01\x00MI") or b"\0" in head[:116].rstrip(b"\0 "):
        return None
    return UnreadableError("it is a MATLAB file (version 5)", advice=_SCIPY)


_Check = Callable[[bytes, Buffer], UnreadableError | None]
_LOOKALIKES: tuple[_Check, ...] = (_torch_pickles, _torch_zip, _torch_tar, _safetensors)
_CHECKS: tuple[_Check, ...] = (*_LOOKALIKES, _tensorflow, _matlab, _onnx)
