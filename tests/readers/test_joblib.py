"""joblib's stand-ins for arrays: genuine files moved, cut and packed; stand-ins made to do harm."""

import gzip
import io
import os
import pickle
import random
import shutil
import struct
import tarfile
import time
import zipfile
import zlib

import numpy as np
import pytest
from stubs import dumps, make
from support import FIXTURES

import legacy_weights
from legacy_weights.errors import DamagedError, LegacyWeightsError

FOLDER = FIXTURES / "families" / "joblib"
RAW = "joblib.numpy_pickle.NumpyArrayWrapper"
NPY = "joblib.numpy_pickle.NDArrayWrapper"
ZF = "joblib.numpy_pickle.ZNDArrayWrapper"
W = np.arange(6.0).reshape(2, 3)


@pytest.fixture
def read(tmp_path):
    """Return a function that reads bytes as a file."""

    def read(data, name="model.pkl"):
        path = tmp_path / name
        path.write_bytes(data)
        return legacy_weights.read(path)

    return read


def values(tree):
    return {leaf.name: leaf.array.load().tolist() for leaf in tree.leaves()}


def in_stream(raw, protocol=2, **changes):
    """Return a dump of a single array as joblib 0.10 writes it, with changes."""
    given = {
        "subclass": np.ndarray,
        "shape": W.shape,
        "order": "C",
        "dtype": W.dtype,
        "allow_mmap": True,
        **changes,
    }
    return dumps(make(RAW, **given), protocol=protocol)[:-1] + raw + b"."


def beside(name, cls=NPY, **attributes):
    return dumps(make(cls, filename=name, subclass=np.ndarray, **attributes))


def npy(array):
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def zf(data):
    return b"ZF" + hex(len(data)).ljust(19).encode() + zlib.compress(data)


# Values in the stream --------------------------------------------------------------------------


@pytest.mark.parametrize("protocol", range(5))
def test_values_follow_in_the_stream(read, protocol):
    tree = read(in_stream(W.tobytes(), protocol))
    assert values(tree) == {"0": W.tolist()}
    assert "joblib > pickle" in tree.source.kind


def test_values_are_views_of_the_file(read):
    big = np.arange(1 << 16, dtype="<f8")
    (leaf,) = read(in_stream(big.tobytes(), shape=big.shape)).leaves()
    array = leaf.array.load()
    assert not array.flags.owndata
    assert not array.flags.writeable
    assert np.array_equal(array, big)


def test_fortran_order(read):
    # numpy_pickle.py: with order "F" the values are read into the reversed shape, and transposed.
    (leaf,) = read(in_stream(W.T.tobytes(), order="F")).leaves()
    assert np.array_equal(leaf.array.load(), W)
    assert leaf.array.fortran


@pytest.mark.parametrize("padding", [0, 1, 15, 16, 255])
def test_padding(read, padding):
    raw = bytes([padding]) + b"\xff" * padding + W.tobytes()
    assert values(read(in_stream(raw, numpy_array_alignment_bytes=16))) == {"0": W.tolist()}
    # `None` where the file cannot tell its position: then there is no padding.
    assert values(read(in_stream(W.tobytes(), numpy_array_alignment_bytes=None))) == {
        "0": W.tolist()
    }


def test_a_copy_of_joblib_elsewhere(read):
    data = in_stream(W.tobytes()).replace(b"cjoblib.", b"csklearn.externals.joblib.")
    assert values(read(data)) == {"0": W.tolist()}
    other = in_stream(b"").replace(b"cjoblib.", b"cmyjoblib.")
    assert values(read(other)) == {}


def test_values_that_look_like_opcodes(read):
    raw = b"cposix\nsystem\n(S'echo'\ntR.".ljust(48)
    (leaf,) = read(in_stream(raw)).leaves()
    assert leaf.array.load().tobytes() == raw


def test_objects_that_follow_cannot_nest(read):
    """A pickle of objects is plain: stand-ins in it are records."""
    inner = np.empty(1, object)
    inner[0] = make(RAW, subclass=np.ndarray, shape=(1,), order="C", dtype=W.dtype)
    tree = read(in_stream(dumps(inner), dtype=np.dtype(object), shape=(1,)))
    assert values(tree) == {}
    assert RAW in {record.cls for record in tree.records()}


def test_objects_that_follow_run_nothing(read, tmp_path):
    marker = tmp_path / "marker"
    call = f"cos\nmkdir\n(S'{marker}'\ntR.".encode()
    for raw in (call, b"\x80\x02" + call):
        with pytest.raises(DamagedError, match="followed by something else"):
            read(in_stream(raw, dtype=np.dtype(object), shape=(1,)))
    assert not marker.exists()


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"shape": (1 << 40, 1 << 20)}, "are announced"),
        ({"shape": (2, 4)}, "are announced"),
        ({"shape": (-1, 3)}, "no numbers"),
        ({"shape": [2, 3]}, "no tuple"),
        ({"shape": None}, "no tuple"),
        ({"shape": (True,) * 65}, "no tuple of at most"),
        ({"shape": (1 << 62,), "dtype": np.dtype("S0")}, "elements of no bytes"),
        ({"order": "K"}, "without a type and an order"),
        ({"order": None}, "without a type and an order"),
        ({"order": W}, "without a type and an order"),
        ({"dtype": "f8"}, "without a type and an order"),
        ({"dtype": None}, "without a type and an order"),
    ],
    ids=lambda value: "" if isinstance(value, str) else repr(value)[:40],
)
def test_malformed_stand_ins(read, changes, found):
    with pytest.raises(DamagedError, match=found):
        read(in_stream(W.tobytes(), **changes))


def test_a_stand_in_without_state_is_a_record(read):
    tree = read(b"\x80\x02c" + RAW.replace(".Num", "\nNum").encode() + b"\n)\x81.")
    assert [record.cls for record in tree.records()] == [RAW]


def test_a_stand_in_whose_state_is_no_dictionary(read):
    data = b"\x80\x02c" + RAW.replace(".Num", "\nNum").encode() + b"\n)\x81%b."
    for state in (b"N", b"K\x01", b"]", b"]q\x00h\x00a", b")", b"}q\x00U\x01ah\x00s"):
        with pytest.raises(DamagedError, match="without a type and an order"):
            read(data.replace(b"%", state))


SMALL = ["dict_plain_j011.pkl", "objects_plain_j160.pkl", "list_p0_j014.pkl", "dict_zlib_j160.pkl"]


@pytest.mark.parametrize("name", SMALL)
def test_cut_off_at_every_byte(read, name):
    data = (FOLDER / name).read_bytes()
    for end in range(1, len(data)):
        with pytest.raises(LegacyWeightsError):
            read(data[:end])


@pytest.mark.parametrize("name", SMALL)
def test_altered_bytes_are_read_or_refused(read, name):
    data = (FOLDER / name).read_bytes()
    chance = random.Random(name)
    for _ in range(150):
        altered = bytearray(data)
        for _ in range(chance.randint(1, 3)):
            altered[chance.randrange(len(data))] = chance.randrange(256)
        try:
            tree = read(bytes(altered))
        except LegacyWeightsError:
            continue
        list(tree.records())


def test_many_arrays_take_linear_time(read):
    def seconds(count):
        one = in_stream(W.tobytes())[2:-1]  # each names its classes anew
        began = time.process_time()
        assert len(values(read(b"\x80\x02]" + (b"(" + one + b"e") * count + b"."))) == count
        return time.process_time() - began

    seconds(100)
    assert seconds(4000) < 40 * seconds(200) + 0.5


# Files beside the stream -----------------------------------------------------------------------


def test_a_missing_file_is_named(tmp_path):
    for name in ("list_plain_j084.pkl", *(f"list_plain_j084.pkl_0{n}.npy" for n in (1, 3, 4))):
        shutil.copy(FOLDER / name, tmp_path)
    report = legacy_weights.migrate(tmp_path / "list_plain_j084.pkl")
    assert report.arrays == 3
    assert len(report.tree.warnings) == 4
    for number in (2, 5, 6, 7):
        assert f"'list_plain_j084.pkl_0{number}.npy' cannot be used (no such file)" in " ".join(
            report.tree.warnings
        )
    assert report.tree.partial
    with legacy_weights.open(report.path) as file:
        assert file.tree().partial


def test_the_main_file_may_be_renamed(tmp_path):
    for path in FOLDER.glob("dict_beside_j094*"):
        shutil.copy(path, tmp_path)
    (tmp_path / "dict_beside_j094.pkl").rename(tmp_path / "other.bin")
    tree = legacy_weights.read(tmp_path / "other.bin")
    assert values(tree) == values(legacy_weights.read(FOLDER / "dict_beside_j094.pkl"))
    assert len(values(tree)) == 2


def test_damage_names_the_file(tmp_path):
    for path in FOLDER.glob("dict_*_j094*"):
        shutil.copy(path, tmp_path)
    for main, side in (("plain", "_01.npy"), ("beside", "_02.npy.z")):
        path = tmp_path / f"dict_{main}_j094.pkl{side}"
        path.write_bytes(path.read_bytes()[:-3])
        with pytest.raises(DamagedError) as caught:
            legacy_weights.read(tmp_path / f"dict_{main}_j094.pkl")
        assert caught.value.file == str(path)


OUTSIDE = [
    *("../secret.npy", "/etc/passwd", "sub/secret.npy", "..\\secret.npy", "C:secret.npy", ".."),
    *("", ".", "a\0b", "x\n.npy", "./secret.npy", "sub/../secret.npy", "n" * 256),
]


@pytest.mark.parametrize("name", OUTSIDE, ids=ascii)
@pytest.mark.parametrize("cls", [NPY, ZF])
def test_only_plain_names(tmp_path, name, cls):
    (tmp_path / "in" / "sub").mkdir(parents=True)
    for folder in (tmp_path, tmp_path / "in", tmp_path / "in" / "sub"):
        (folder / "secret.npy").write_bytes(npy(W))
    path = tmp_path / "in" / "model.pkl"
    path.write_bytes(beside(name, cls, init_args=(np.ndarray, (0,), "b"), state=(1, (2, 3))))
    tree = legacy_weights.read(path)
    assert values(tree) == {}
    assert "no plain name of a file" in tree.warnings[0]
    assert tree.warnings[0].isprintable()


def test_links_are_not_followed(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "secret.npy").write_bytes(npy(W))
    (tmp_path / "in" / "w.npy").symlink_to(tmp_path / "secret.npy")
    (tmp_path / "in" / "folder.npy").mkdir()
    os.mkfifo(tmp_path / "in" / "fifo.npy")
    for name, found in (("w", "a symbolic link"), ("folder", "a directory"), ("fifo", "a fifo")):
        (tmp_path / "in" / "model.pkl").write_bytes(beside(f"{name}.npy"))
        tree = legacy_weights.read(tmp_path / "in" / "model.pkl")
        assert (values(tree), tree.partial) == ({}, True)
        assert found in tree.warnings[0]


@pytest.mark.parametrize("name", [b"caf\xc3\xa9_01.npy", b"caf\xe9_01.npy", "café_01.npy"])
def test_names_of_any_encoding(tmp_path, name):
    (tmp_path / os.fsdecode(name)).write_bytes(npy(W))
    text = name.encode() if isinstance(name, str) else name
    quoted = b"U" + bytes([len(text)]) + text
    if isinstance(name, str):
        quoted = b"X" + struct.pack("<I", len(text)) + text
    data = b"\x80\x02cjoblib.numpy_pickle\nNDArrayWrapper\n)\x81}U\x08filename" + quoted + b"sb."
    (tmp_path / "model.pkl").write_bytes(data)
    assert values(legacy_weights.read(tmp_path / "model.pkl")) == {"0": W.tolist()}


def test_other_files_are_no_arrays(tmp_path):
    """A pickle beside cannot be drawn in, the file itself neither."""
    (tmp_path / "other.pkl").write_bytes(pickle.dumps([W], 2))
    (tmp_path / "two.zip").write_bytes(zipped({"a.npy": npy(W), "b.npy": npy(W)}))
    for name in ("other.pkl", "model.pkl", "two.zip"):
        (tmp_path / "model.pkl").write_bytes(beside(name))
        tree = legacy_weights.read(tmp_path / "model.pkl")
        assert values(tree) == {}
        assert f"'{name}' cannot be used" in tree.warnings[0]


def test_one_file_for_many_stand_ins_is_one_array(tmp_path):
    (tmp_path / "w.npy").write_bytes(npy(W))
    many = [make(NPY, filename="w.npy", subclass=np.ndarray) for _ in range(50)]
    (tmp_path / "model.pkl").write_bytes(dumps(many))
    tree = legacy_weights.read(tmp_path / "model.pkl")
    assert len(list(tree.leaves())) == 1


def test_many_missing_files_are_counted(read):
    many = [make(NPY, filename=f"{n}.npy", subclass=np.ndarray) for n in range(1000)]
    tree = read(dumps(many))
    assert len(tree.warnings) == 21
    assert "980 more" in tree.warnings[-1]


@pytest.mark.parametrize(
    ("init_args", "state", "found"),
    [
        ((np.ndarray, (0,), "b"), (1, (1 << 40,), W.dtype, False), "needs"),
        ((np.ndarray, (0,), "b"), (1, (2, 2), W.dtype, False), "bytes"),
        ((np.ndarray, (0,), "b"), (1, (2, 3), np.dtype(object), False), "values are a"),
        ((np.ndarray, (0,), "b"), (1,), "state of no array"),
        ((np.ndarray, (0,), "b"), "text", "without the state"),
        (None, (1, (2, 3), W.dtype, False), "without the state"),
        ((np.ndarray, (0,), "b"), (1,) * 100, "without the state"),
    ],
    ids=lambda value: "" if isinstance(value, str) else repr(value)[:40],
)
def test_malformed_states(tmp_path, init_args, state, found):
    (tmp_path / "w.npy.z").write_bytes(zf(W.tobytes()))
    path = tmp_path / "model.pkl"
    path.write_bytes(beside("w.npy.z", ZF, init_args=init_args, state=state))
    with pytest.raises(DamagedError, match=found):
        legacy_weights.read(path)


def test_bytes_without_a_type_name_their_main_file(read):
    with pytest.raises(LegacyWeightsError, match="main file"):
        read(zf(W.tobytes()), "model.pkl_01.npy.z")


# Archives of main file and side files ----------------------------------------------------------


def zipped(members):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return file.getvalue()


def tarred(members):
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return file.getvalue()


@pytest.mark.parametrize("pack", [zipped, tarred, lambda m: gzip.compress(tarred(m))])
@pytest.mark.parametrize("stem", ["list_plain", "list_beside", "objects_plain"])
def test_side_files_in_an_archive(read, pack, stem):
    plain = legacy_weights.read(FOLDER / f"{stem}_j094.pkl")
    files = {f"x/{path.name}": path.read_bytes() for path in FOLDER.glob(f"{stem}_j094.pkl*")}
    for order in (sorted(files), sorted(files, reverse=True)):
        tree = read(pack({name: files[name] for name in order}))
        assert values(tree) == values(plain)
        assert tree.warnings == ()
        list(tree.records())


def test_a_file_missing_from_an_archive(read):
    tree = read(zipped({"m.pkl": beside("w.npy"), "other/w.npy": npy(W)}))
    assert any("'w.npy' cannot be used (there is no such" in note for note in tree.warnings)
    assert values(tree) == {"other/w": W.tolist()}
