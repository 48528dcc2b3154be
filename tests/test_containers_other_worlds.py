"""Files of other programs: headers made by hand from their documents, named as what they are."""

import gzip
import io
import json
import pickle
import struct
import tarfile
import zipfile

import numpy as np
import pytest

import legacy_weights
from legacy_weights.errors import UnreadableError


def safetensors():
    """The example of the format's README: eight bytes of length, JSON, values."""
    header = {"test": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + bytes(8)


def long_safetensors(length=0x280):
    """A header whose length begins like a pickle of protocol 2."""
    text = json.dumps({"W": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}).encode()
    return struct.pack("<Q", length) + text.ljust(length) + bytes(8)


def event():
    """A record of `record_writer.h`: length, its checksum, an `Event`, its checksum."""
    message = b"\x09" + struct.pack("<d", 1.5e9) + b"\x1a\x0dbrain.Event:2"
    return struct.pack("<Q", len(message)) + bytes(4) + message + bytes(4)


def matlab(text=b"MATLAB 5.0 MAT-file, Platform: GLNXA64", order=b"\x00\x01IM"):
    """Chapter 1: 116 bytes of text, 8 of an offset, the version, and MI in the writer's order."""
    return text.ljust(116) + bytes(8) + order + bytes(64)


def field(number, data):
    return bytes([number << 3 | 2, len(data)]) + data


SAVED = b"\x08\x01" + field(2, field(1, field(4, b"serve")) + field(2, b"\x0a\x00"))
ONNX = b"\x08\x03" + field(2, b"pytorch") + field(3, b"0.4.0") + field(7, b"\x0a\x00")
SMALL_ONNX = b"\x08\x07" + field(7, field(2, b"graph")) + field(8, b"\x10\x0d")
META = field(1, field(1, field(1, b"Const"))) + field(2, field(1, b"x") + field(2, b"Placeholder"))


def old_torch():
    """`_legacy_save` of torch/serialization.py: a magic number, a version, facts, the object."""
    parts = (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}, [1.5])
    return b"".join(pickle.dumps(part, 2) for part in parts) + bytes(32)


def torch_zip():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("model/data.pkl", pickle.dumps({"w": 1}, 2))
        archive.writestr("model/data/0", bytes(64))
        archive.writestr("model/version", b"3\n")
    return file.getvalue()


def torch_tar():
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        for name in ("sys_info", "pickle", "tensors", "storages"):
            archive.addfile(tarfile.TarInfo(name))
    return file.getvalue()


KINDS = {
    "safetensors": (safetensors(), "safetensors"),
    "safetensors like a pickle": (long_safetensors(), "safetensors"),
    "events": (event(), "events"),
    "SavedModel": (SAVED, "SavedModel"),
    "MetaGraph": (META, "TensorFlow graph"),
    "checkpoint index": (bytes(40) + b"\x57\xfb\x80\x8b\x24\x75\x47\xdb", "TensorFlow checkpoint"),
    "TensorFlow Lite": (b"\x1c\0\0\0TFL3" + bytes(40), "TensorFlow Lite"),
    "ONNX": (ONNX, "ONNX"),
    "ONNX without a producer": (SMALL_ONNX, "ONNX"),
    "MATLAB": (matlab(), "MATLAB"),
    "MATLAB by another program": (matlab(b"Written by my own program"), "MATLAB"),
    "MATLAB big endian": (matlab(b"MAT-file", b"\x01\x00MI"), "MATLAB"),
    "R workspace": (gzip.compress(b"RDX3\nX\n\0\0\0\x03" + bytes(20)), "R data"),
    "R object": (gzip.compress(b"X\n\0\0\0\x02\0\x03\x04\x01" + bytes(20)), "R data"),
    "MXNet": (struct.pack("<QQ", 0x112, 0) + bytes(40), "MXNet"),
    "PyTorch, old": (old_torch(), "PyTorch"),
    "PyTorch, older": (torch_tar(), "PyTorch"),
    "PyTorch": (torch_zip(), "PyTorch"),
    "PyTorch in gzip": (gzip.compress(torch_zip()), "PyTorch"),
    "old PyTorch in gzip": (gzip.compress(old_torch()), "PyTorch"),
}


@pytest.mark.parametrize(("data", "what"), KINDS.values(), ids=KINDS)
def test_they_are_named(tmp_path, data, what):
    path = tmp_path / "model.pkl"
    path.write_bytes(data)
    with pytest.raises(UnreadableError) as caught:
        legacy_weights.read(path)
    assert what in caught.value.found
    assert caught.value.advice
    assert caught.value.exit_status == 3
    assert str(caught.value).isprintable()


def test_values_of_a_checkpoint_by_their_name(tmp_path):
    """Nothing in the bare numbers tells; the name only names what cannot be read."""
    for content in (bytes(range(256)), b"K\x01\x85" * 20):
        path = tmp_path / "model.ckpt-7.data-00000-of-00001"
        path.write_bytes(content)
        with pytest.raises(UnreadableError, match="TensorFlow checkpoint"):
            legacy_weights.read(path)
    path.write_bytes(pickle.dumps([np.arange(3.0)], 2))
    assert len(list(legacy_weights.read(path).leaves())) == 1


LEGACY = [
    *(
        b"T7\0\0\0" + b"x" * 55 + b".",
        b"X\n\0\0\0" + b"0123456789.",
        b"\x80\x02X\n\0\0\0abcdefghij.",
    ),
    *(pickle.dumps("MATLAB 5.0 MAT-file", 2), pickle.dumps({"Placeholder": [1.5]}, 2)),
]


@pytest.mark.parametrize("data", LEGACY, ids=ascii)
def test_pickles_with_such_words_are_pickles(tmp_path, data):
    path = tmp_path / "model.pkl"
    path.write_bytes(data)
    assert "pickle" in legacy_weights.read(path).source.kind


def test_a_member_of_another_world_is_kept_as_bytes(tmp_path):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("weights.pkl", pickle.dumps([np.arange(3.0)], 2))
        archive.writestr("torch.pt", old_torch())
    path = tmp_path / "both.zip"
    path.write_bytes(file.getvalue())
    tree = legacy_weights.read(path)
    assert len(list(tree.leaves())) == 1
    assert any("'torch.pt'" in note and "PyTorch" in note for note in tree.warnings)
