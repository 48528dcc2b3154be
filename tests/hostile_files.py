"""Hostile files other than a bare pickle: containers, HDF5, migrated files, and bombs.

`cases` yields them as `hostile.py` does its pickles; where their marker fires, `kind` tells by
what.  Each file has a hostile pickle in it, or asks for something no honest file asks for.
"""

import gzip
import io
import json
import pickle
import struct
import tarfile
import zipfile
import zlib

import h5py
import numpy as np
from bombs import BOMBS, REFUSED, dag, integer
from hostile import Case, call, named, npy, objects, text, zipped

import legacy_weights


def run(markers, name):
    """Return opcodes that leave the marker of a case."""
    return call("os:system", text(f": > '{markers / name}'"))


def archive(*members, mode="w"):
    """Return a tar of (name, bytes) or of TarInfo."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode=mode) as tar:
        for member in members:
            if isinstance(member, tarfile.TarInfo):
                tar.addfile(member)
                continue
            info = tarfile.TarInfo(member[0])
            info.size = len(member[1])
            tar.addfile(info, io.BytesIO(member[1]))
    return file.getvalue()


def link(name, target, kind):
    """Return a link as a member of a tar."""
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def zf(data):
    """Return joblib's old packed form."""
    return b"ZF" + hex(len(data)).encode().ljust(19) + zlib.compress(data)


def hdf5(fill):
    """Return an HDF5 file."""
    file = io.BytesIO()
    with h5py.File(file, "w") as h5:
        fill(h5)
    return file.getvalue()


def in_containers(markers):
    """Yield a hostile pickle in whatever holds pickles."""
    good = pickle.dumps({"W": [1.0]}, 2)
    for name, wrap, kind, outcome in (
        ("in a tar", lambda p: archive(("model.pkl", p)), "tarfile", "refused"),
        ("in a tar.gz", lambda p: archive(("model.pkl", p), mode="w:gz"), "tarfile", "refused"),
        ("beside a good member", lambda p: archive(("a", good), ("model.pkl", p)), "tarfile", ""),
        ("in joblib ZF", zf, "", "refused"),
        ("in joblib zlib", zlib.compress, "", "refused"),
        ("in a zip in a tar", lambda p: archive(("a.zip", zipped("model.pkl", p))), "", "refused"),
        ("as a member pkl", lambda p: zipped("pkl", p), "", "refused"),
        ("as Blocks _pkl", lambda p: archive(("_pkl", p)), "", "refused"),
        ("in gzip twice", lambda p: gzip.compress(gzip.compress(p)), "", "refused"),
        ("after an npy", lambda p: npy_of([1.0]) + p, "", "inert"),
        ("behind a pickle", lambda p: good + p, "pickle", "refused"),
        ("under a path that leads out", lambda p: zipped("../../x.pkl", p), "", "refused"),
        ("under an absolute path", lambda p: archive(("/tmp/x.pkl", p)), "", "refused"),
    ):
        yield Case(name, wrap(run(markers, name) + b"."), bool(kind), kind, outcome or "refused")
    for version in range(6):
        name = f"of protocol {version}"
        head = b"\x80" + bytes([version]) if version else b""
        yield Case(name, head + run(markers, name) + b".", True)
    name = "objects in joblib stream"
    yield Case(name, objects(run(markers, name)) + b".", True)
    name = "objects in an npy"
    yield Case(name, npy(objects(run(markers, name)) + b"."), True, "numpy")
    name = "objects in an npz"
    packed = zipped("arr_0.npy", npy(objects(run(markers, name)) + b"."))
    yield Case(name, packed, True, "numpy")


def npy_of(values):
    """Return an honest `.npy`."""
    file = io.BytesIO()
    np.save(file, np.array(values))
    return file.getvalue()


def leading_out(_):
    """Yield archives with members that would be written elsewhere, if they were written."""
    good = npy_of([1.0])
    for name in ("../up.npy", "/tmp/abs.npy", "a/../../b.npy", "C:\\x.npy", "..\\x.npy", "a\0.npy"):
        label = name.replace("/", "_").replace("\0", "NUL")
        if "\0" not in name:
            yield Case(f"zip member {label}", zipped(name, good), False, "", "inert")
        yield Case(f"tar member {label}", archive((name, good)), False, "", "inert")
    for kind, word in ((tarfile.SYMTYPE, "symbolic link"), (tarfile.LNKTYPE, "hard link")):
        for target in ("/etc/passwd", "../../etc/passwd", "W.npy"):
            data = archive(("W.npy", good), link("L.npy", target, kind))
            yield Case(f"{word} to {target.replace('/', '_')}", data, False, "", "inert")
        only = archive(link("L.npy", "/etc/passwd", kind))
        yield Case(f"{word} alone", only, False, "", "refused")
    for kind, word in ((tarfile.CHRTYPE, "device"), (tarfile.FIFOTYPE, "fifo")):
        yield Case(f"{word} alone", archive(link("D", "", kind)), False, "", "refused")
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as packed:
        info = zipfile.ZipInfo("L.npy")
        info.external_attr = 0o120777 << 16
        packed.writestr(info, "/etc/passwd")
    yield Case("zip of a symbolic link", file.getvalue(), False, "", "refused")


def unpacking(_):
    """Yield small files that unpack to much, and one that claims to."""
    zeros = bytes(300 << 20)
    once = zlib.compress(zeros, 9)
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("x.npy", zeros)
    yield Case("zip bomb", file.getvalue(), False, "", "refused")
    yield Case("gzip bomb in gzip", gzip.compress(gzip.compress(zeros, 9), 9), False, "", "refused")
    yield Case("ZF that lies", b"ZF" + b"0xffffffffffff".ljust(19) + once, False, "", "refused")
    nested = npy_of([1.0])
    for _ in range(20):
        nested = gzip.compress(nested)
    yield Case("gzip twenty deep", nested, False, "", "refused")
    header = "{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,)}".ljust(117) + "\n"
    claim = b"\x93NUMPY\x01\0" + struct.pack("<H", len(header)) + header.encode()
    yield Case("npy of terabytes", claim, False, "", "refused")
    for word, descr in (
        ("call", "__import__('os').system('true')"),
        ("nest", "[" * 20 + "]" * 20),
        ("huge type", "'V99999999999'"),
        ("objects", "'O8' if print() else 'O'"),
    ):
        header = f"{{'descr': {descr}, 'fortran_order': False, 'shape': (1,)}}".ljust(255) + "\n"
        claim = b"\x93NUMPY\x01\0" + struct.pack("<H", len(header)) + header.encode() + bytes(8)
        yield Case(f"npy header with {word}", claim, False, "", "refused")


def of_opcodes(markers):
    """Yield pickles that mean to break a machine; the largest bombs have tests of their own."""
    for name, data in BOMBS.items():
        if len(data) > 100_000:
            continue
        yield Case(name, data, False, "", "refused" if name in REFUSED else "inert")
    for name, data, outcome in (
        ("memo 2^31", b"Nr\0\0\0\x80j\0\0\0\x80.", "inert"),
        ("BINBYTES8 of exabytes", b"\x8e" + b"\xff" * 7 + b"\x7f" + b"x.", "refused"),
        ("BINSTRING of minus one", b"T\xff\xff\xff\xffx.", "refused"),
        ("LONG4 of minus one", b"\x8b\xff\xff\xff\xffx.", "refused"),
        ("UNICODE past the end", b"X\xff\xff\xff\x7fx.", "refused"),
        ("paths that double", dag(b"q\x01h\x01\x86", 26) + b".", "inert"),
        ("huge integer", integer(1 << 4_000_000) + b".", "inert"),
        ("EXT1", b"\x82\1.", "refused"),
        ("EXT2", b"\x83\1\0.", "refused"),
        ("EXT4", b"\x84\1\0\0\0.", "refused"),
        ("out of band", b"\x97.", "refused"),
        ("persistent id", b"P../../../etc/passwd\n.", "inert"),
        ("persistent id of a call", run(markers, "persistent id of a call") + b"Q.", "refused"),
        ("BUILD on None", b"N}b.", "refused"),
        ("SETITEM on a tuple", b")NNs.", "refused"),
        ("APPEND to a name", named("sys:path") + b"Na.", "refused"),
        ("ADDITEMS to a list", b"](N\x90.", "inert"),
        ("GET before PUT", b"h\7.", "refused"),
        ("no STOP", b"]", "refused"),
        ("STOP alone", b"(.", "refused"),
    ):
        yield Case(f"opcodes, {name}", data, False, "", outcome)


def hdf5_files(markers):
    """Yield HDF5 files with pickles where PyTables looks for them, and links that lead out."""

    def attribute(path, name):
        def fill(h5):
            pickled = run(markers, name) + b"."
            item = h5 if path == "/" else h5.create_dataset(path, data=[1.0])
            item.attrs["x"] = np.bytes_(pickled)

        return fill

    for path, word in (("/", "the root"), ("/W", "a dataset")):
        name = f"attribute of {word}"
        yield Case(name, hdf5(attribute(path, name)), True, "tables", "inert")

    def object_rows(h5):
        rows = h5.create_dataset("rows", (1,), h5py.vlen_dtype(np.uint8))
        rows[0] = np.frombuffer(run(markers, "array of objects of PyTables") + b".", np.uint8)
        rows.attrs.update(CLASS=b"VLARRAY", PSEUDOATOM=b"object", VERSION=b"1.4", TITLE=b"")
        h5.attrs["PYTABLES_FORMAT_VERSION"] = np.bytes_(b"2.1")

    name = "array of objects of PyTables"
    yield Case(name, hdf5(object_rows), True, "tables", "inert")
    for name in ("model_config", "training_config", "layer_names", "optimizer_weights"):

        def keras(h5, name=name):
            label = f"Keras {name}"
            h5.attrs["layer_names"] = [b"dense_1"]
            h5.attrs["keras_version"] = b"1.2.2"
            h5.attrs[name] = np.bytes_(run(markers, label) + b".")
            group = h5.create_group("dense_1")
            group.attrs["weight_names"] = [b"dense_1_W"]
            group["dense_1_W"] = np.ones((2, 2), "f4")

        yield Case(f"Keras {name}", hdf5(keras), True, "tables", "inert")
    for name, make in (
        ("external link", lambda h5: h5.__setitem__("x", h5py.ExternalLink("/etc/passwd", "/"))),
        ("link in a circle", lambda h5: h5.create_group("a").__setitem__("b", h5["/"])),
        ("soft link to itself", lambda h5: h5.__setitem__("x", h5py.SoftLink("/x"))),
        ("shape of petabytes", lambda h5: h5.create_dataset("x", (1 << 50,), "f8")),
        ("external storage", lambda h5: h5.create_dataset("x", (8,), "u1", external=_OUTSIDE)),
        ("virtual dataset", _virtual),
    ):
        outcome = "refused" if name.startswith("shape") else "inert"
        yield Case(f"HDF5, {name}", hdf5(make), False, "", outcome)


_OUTSIDE = [("/etc/passwd", 0, h5py.h5f.UNLIMITED)]


def _virtual(h5):
    layout = h5py.VirtualLayout((8,), "u1")
    layout[:] = h5py.VirtualSource("/etc/passwd", "x", (8,))
    h5.create_virtual_dataset("x", layout)


def migrated(markers, folder):
    """Yield files that claim to be migrated ones."""
    source = folder / "source.pkl"
    source.write_bytes(pickle.dumps({"W": [1.0, 2.0]}, 2))
    good = folder / "good.h5"
    legacy_weights.migrate(source, good, overwrite=True)

    def changed(change):
        file = io.BytesIO(good.read_bytes())
        with h5py.File(file, "r+") as h5:
            change(h5)
        return file.getvalue()

    def manifest(key, value):
        def change(h5):
            found = json.loads(h5["/meta/manifest"][()])
            found[key] = value
            del h5["/meta/manifest"]
            h5["/meta/manifest"] = np.bytes_(json.dumps(found).encode())

        return change

    name = "migrated, attribute of the root"
    pickled = np.bytes_(run(markers, name) + b".")
    yield Case(name, changed(lambda h5: h5.attrs.__setitem__("x", pickled)), True, "tables", "any")
    for path in ("/meta", "/index"):
        name = f"migrated, attribute of {path[1:]}"
        pickled = np.bytes_(run(markers, name) + b".")

        def spoil(h5, path=path, pickled=pickled):
            h5[path].attrs["x"] = pickled

        yield Case(name, changed(spoil), True, "tables", "any")
    for key in ("classes", "warnings", "family", "source", "version"):
        for word, value in (
            ("a call", {"$global": "os.system"}),
            ("deep", json.loads("[" * 90 + "]" * 90)),
        ):
            data = changed(manifest(key, value))
            yield Case(f"migrated, {key} is {word}", data, False, "", "any")


def cases(markers, folder):
    """Yield every file; `folder` is for what is made on the way.

    Their names are unique and can be those of files.
    """
    for make in (in_containers, leading_out, unpacking, of_opcodes, hdf5_files):
        for case in make(markers):
            yield case._replace(name=case.name.replace("/", " "))
    yield from migrated(markers, folder)
