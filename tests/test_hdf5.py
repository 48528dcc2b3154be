"""Files that h5py and PyTables made, read by the guarded reader."""

import os
import pickle
import warnings

import h5py
import numpy as np
import pytest
import tables
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support import SHARED, needs_shared

from legacy_weights import hashing, hdf5
from legacy_weights.errors import (
    DamagedError,
    LegacyWeightsError,
    LimitError,
    RefusedError,
    UnreadableError,
    UsageError,
)
from legacy_weights.limits import Limits


@pytest.fixture
def path(tmp_path):
    return tmp_path / "file.h5"


def nodes(path):
    with hdf5.File(path) as file:
        return {node.path: node for node in file.walk()}


def test_walk_describes_groups_and_datasets(path):
    with h5py.File(path, "w") as h5:
        h5["b/x"] = np.arange(6, dtype=">i4").reshape(2, 3)
        h5["a"] = 1.5
        h5["b"].attrs["n"] = 1
    found = nodes(path)
    assert list(found) == ["/a", "/b", "/b/x"]
    assert found["/b"] == hdf5.Group("/b", n_attributes=1)
    assert found["/b/x"].dtype == ">i4"
    assert found["/b/x"].shape == (2, 3)
    assert found["/b/x"].nbytes == found["/b/x"].stored == 24
    raw = path.read_bytes()[found["/b/x"].offset :][:24]
    assert raw == np.arange(6, dtype=">i4").tobytes()


def test_links_are_shown_and_not_followed(path, tmp_path):
    other = tmp_path / "other.h5"
    with h5py.File(other, "w") as h5:
        h5["secret"] = 1
    with h5py.File(path, "w") as h5:
        h5["g/x"] = 1
        h5["g/self"] = h5["g"]
        h5["again"] = h5["g/x"]
        h5["soft"] = h5py.SoftLink("/g/x")
        h5["way"] = h5py.SoftLink("/g")
        h5["nowhere"] = h5py.SoftLink("/gone")
        h5["out"] = h5py.ExternalLink("other.h5", "/secret")
    found = nodes(path)
    assert found["/g/self"] == hdf5.Link("/g/self", "hard", "/g")
    assert {found["/again"], found["/g/x"]} > {hdf5.Link("/g/x", "hard", "/again")}
    assert found["/soft"] == hdf5.Link("/soft", "soft", "/g/x")
    assert found["/nowhere"] == hdf5.Link("/nowhere", "soft", "/gone")
    assert found["/out"] == hdf5.Link("/out", "external", "other.h5:/secret")
    with hdf5.File(path) as file:
        assert file.find("/out") == found["/out"]
        assert file.find("/way/x") is None
        assert file.find("/gone") is None
        assert file.find("/g/x/y") is None
        for link in ("/soft", "/out", "/nowhere"):
            with pytest.raises(RefusedError, match="link"):
                file.read(link)
        with pytest.raises(DamagedError, match="nothing stands there"):
            file.read("/way/x")


def test_values_outside_the_file_are_refused(path, tmp_path):
    (tmp_path / "secret").write_bytes(bytes(8))
    with h5py.File(path, "w") as h5:
        h5["x"] = np.zeros(1)
        layout = h5py.VirtualLayout((1,), "f8")
        layout[:] = h5py.VirtualSource("other.h5", "x", (1,))
        h5.create_virtual_dataset("virtual", layout)
        h5.create_dataset("external", (1,), "f8", external=[(str(tmp_path / "secret"), 0, 8)])
    found = nodes(path)
    assert found["/virtual"] == hdf5.Other("/virtual", "virtual dataset")
    assert found["/external"] == hdf5.Other("/external", "dataset kept in another file")
    with hdf5.File(path) as file:
        for name in ("/virtual", "/external"):
            with pytest.raises(RefusedError, match="not read"):
                file.read(name)


def test_what_numpy_cannot_hold_is_named(path):
    with h5py.File(path, "w") as h5:
        h5["texts"] = ["a", "b"]
        h5.create_dataset("ragged", (2,), h5py.vlen_dtype("i4"))
        h5.create_dataset("references", (1,), h5py.ref_dtype)
        h5["null"] = h5py.Empty("f8")
        h5["type"] = np.dtype("f8")
    what = {path: node.what for path, node in nodes(path).items()}
    assert what == {
        "/texts": "dataset of strings of variable length",
        "/ragged": "dataset of values of variable length",
        "/references": "dataset of references",
        "/null": "dataset without values",
        "/type": "named datatype",
    }


class Bomb:
    def __reduce__(self):
        return os.mkdir, ("exploded",)


def test_attributes_are_native_and_never_unpickled(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    bomb = pickle.dumps(Bomb(), 0)
    with h5py.File(path, "w") as h5:
        h5.attrs["bomb"] = np.bytes_(bomb)
        h5.attrs["text"] = "é"
        h5.attrs["texts"] = ["a", "é"]
        h5.attrs["fixed"] = np.array([b"ab", b"c"])
        h5.attrs["number"] = np.float32(1.5)
        h5.attrs["flag"] = True
        h5.attrs["array"] = np.arange(3, dtype=">i2")
        h5.attrs["empty"] = h5py.Empty("S1")
        h5.attrs["none"] = h5py.Empty("f8")
        h5.attrs["reference"] = h5.ref
        h5.attrs["large"] = np.zeros(1000)
    with hdf5.File(path, limits=Limits(attribute=4000)) as file:
        found = file.attributes("/")
    assert found["bomb"] == bomb
    assert not (tmp_path / "exploded").exists()
    assert (found["text"], found["texts"]) == ("é", ["a", "é"])
    assert found["fixed"].tolist() == [b"ab", b"c"]
    assert found["number"] == np.float32(1.5)
    assert found["flag"] == np.True_
    assert found["array"].dtype == ">i2"
    assert found["array"].tolist() == [0, 1, 2]
    assert found["empty"] == b""
    assert found["none"] == hdf5.Unread("it has no value")
    assert found["reference"] == hdf5.Unread("references")
    assert found["large"] == hdf5.Unread("it has 8,000 bytes")


def test_attributes_by_pytables(path):
    with tables.open_file(path, "w") as h5:
        h5.root._v_attrs.listed = [1, 2]  # PyTables pickles it
        h5.root._v_attrs.text = "text"
        h5.root._v_attrs.number = 7
    with hdf5.File(path) as file:
        found = file.attributes("/")
    assert pickle.loads(found["listed"]) == [1, 2]
    assert (found["text"], found["number"]) == ("text", 7)


def test_a_dataset_that_declares_more_than_it_stores(path):
    with h5py.File(path, "w") as h5:
        h5.create_dataset("huge", (1 << 40,), "f8", chunks=(1 << 16,))
        h5.create_dataset("late", (1 << 27,), "f8")
        h5.create_dataset("zeros", (1 << 20,), "f8", compression="gzip")
        h5["zeros"][:] = 0
    with hdf5.File(path) as file:
        for name in ("/huge", "/late"):
            with pytest.raises(LimitError, match="declares"):
                file.read(name)
        assert not file.read("/zeros").any()
    with hdf5.File(path, limits=Limits(unbacked=0)) as file:
        assert file.read("/zeros").shape == (1 << 20,)
    with hdf5.File(path, limits=Limits(unbacked=1 << 31)) as file:
        assert file.array("/late").shape == (1 << 27,)


def test_values_beyond_the_end_of_the_file(path):
    with h5py.File(path, "w") as h5:
        h5["x"] = np.arange(10.0)
    with hdf5.File(path) as file:
        end = os.path.getsize(path)
        with pytest.raises(DamagedError, match=r"file\.h5: /x: its values end beyond"):
            file.read_into(memoryview(bytearray(9)), end - 8, "/x")


@pytest.mark.parametrize("options", [{}, {"chunks": (3, 2)}, {"compression": "gzip"}])
@pytest.mark.parametrize("shape", [(7, 5), (0, 5), (7, 0)])
def test_blocks_are_the_bytes_in_order(path, monkeypatch, options, shape):
    values = np.random.default_rng(0).random(shape)
    with h5py.File(path, "w") as h5:
        if options and 0 in shape:
            options = {**options, "chunks": (3, 2), "maxshape": (None, None)}
        h5.create_dataset("x", data=values, **options)
        h5["scalar"] = 1.5
    monkeypatch.setattr("legacy_weights.hdf5._file.BLOCK", 90)
    with hdf5.File(path) as file:
        assert b"".join(map(bytes, file.blocks("/x"))) == values.tobytes()
        assert b"".join(map(bytes, file.blocks("/scalar"))) == np.float64(1.5).tobytes()
        assert np.array_equal(file.read("/x"), values)


def test_strings_keep_what_follows_a_nul(path):
    values = np.array([b"a\0b", b"abc", b""])
    with tables.open_file(path, "w") as h5:
        h5.create_array("/", "x", values)
    with hdf5.File(path) as file:
        assert file.read("/x").tobytes() == values.tobytes()


def test_tables_are_read_by_column(path):
    dtype = [("i", "<i4"), ("x", "<f8", (2,)), ("text", "S4"), ("flag", "?"), ("ü", "<u2")]
    rows = np.zeros(5, dtype)
    rows["i"] = range(5)
    rows["x"] = np.arange(10).reshape(5, 2)
    rows["text"] = [b"a", b"bc\0d", b"", b"defg", b"h"]
    rows["flag"] = [1, 0, 1, 0, 1]
    with warnings.catch_warnings(), tables.open_file(path, "w") as h5:
        warnings.simplefilter("ignore", tables.NaturalNameWarning)
        h5.create_table("/", "log", rows)
    with hdf5.File(path) as file:
        columns = file.columns("/log")
        assert list(columns) == [field[0] for field in dtype]
        for name, column in columns.items():
            assert column.shape == rows[name].shape
            assert column.load().tobytes() == rows[name].tobytes()
        with pytest.raises(DamagedError):
            file.read_column("/log", "gone")


def test_a_dataset_without_columns(path):
    with h5py.File(path, "w") as h5:
        h5["x"] = 1
    with hdf5.File(path) as file, pytest.raises(RefusedError, match="without columns"):
        file.columns("/x")


def test_a_filter_that_is_missing(path):
    with tables.open_file(path, "w") as h5:
        filters = tables.Filters(complevel=1, complib="blosc")
        h5.create_carray("/", "x", obj=np.arange(1000), filters=filters)
    with hdf5.File(path) as file, pytest.raises(UnreadableError, match="filter 32001"):
        file.read("/x")


def test_after_closing(path):
    with h5py.File(path, "w") as h5:
        h5["x"] = np.arange(3)
    file = hdf5.File(path)
    array = file.array("/x")
    assert array.load().tolist() == [0, 1, 2]
    file.close()
    file.close()
    for call in (array.load, lambda: list(file.walk()), lambda: file.attributes("/")):
        with pytest.raises(UsageError, match=r"file\.h5.*closed"):
            call()


def test_what_is_no_hdf5_file(path, tmp_path):
    for found, content in (("no HDF5 file", b"not"), ("no HDF5 file", b"")):
        path.write_bytes(content)
        with pytest.raises(UnreadableError, match=found):
            hdf5.File(path)
    with pytest.raises(UnreadableError, match="No such file"):
        hdf5.File(tmp_path / "gone.h5")
    with pytest.raises(UnreadableError, match="no regular file"):
        hdf5.File(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UnreadableError, match="no regular file"):
        hdf5.File(tmp_path / "pipe")


def test_a_truncated_file(path):
    with h5py.File(path, "w") as h5:
        h5["x"] = np.arange(1000)
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(DamagedError, match="truncated"):
        hdf5.File(path)


def test_a_file_that_is_being_written(path):
    with tables.open_file(path, "w"), pytest.raises(UnreadableError, match="locked"):
        hdf5.File(path)


@pytest.fixture(scope="module")
def small_log(tmp_path_factory):
    path = tmp_path_factory.mktemp("log") / "log.h5"
    with tables.open_file(path, "w") as h5:
        h5.create_table("/", "log", np.zeros(5, "i4,f8"))
        h5.create_array("/snapshots/iter0", "W", np.arange(6.0).reshape(2, 3), createparents=True)
        h5.root.snapshots._v_attrs.hash = "abc"
    return path.read_bytes()


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_altered_bytes_give_values_or_our_errors(small_log, tmp_path, data):
    raw = bytearray(small_log)
    for _ in range(data.draw(st.integers(1, 3))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path / "altered.h5"
    path.write_bytes(raw)
    try:
        with hdf5.File(path, limits=Limits(unbacked=1 << 20)) as file:
            for node in file.walk():
                if not isinstance(node, hdf5.Link):
                    file.attributes(node.path)
                if isinstance(node, hdf5.Dataset):
                    file.read(node.path)
    except LegacyWeightsError as error:
        assert error.file == str(path)  # noqa: PT017 - some alterations do no harm


@needs_shared
@pytest.mark.parametrize("name", ["CartPole-v0", "log_Hopper-v1_4", "log_HalfCheetah-v0_2"])
def test_real_logs(name):
    path = SHARED / "gail" / f"{name}.h5"
    with hdf5.File(path) as file, h5py.File(path, "r") as h5:
        found = {node.path: node for node in file.walk()}
        names = ["/log"]
        h5["snapshots"].visit(lambda name: names.append(f"/snapshots/{name}"))
        assert sorted(found) == sorted([*names, "/snapshots"])
        log = h5["log"][()]
        for name, column in file.columns("/log").items():
            assert np.array_equal(column.load(), log[name], equal_nan=True)
        for place, node in found.items():
            if isinstance(node, hdf5.Dataset) and place != "/log":
                values = file.read(place)
                assert np.array_equal(values, h5[place][()])
                assert hashing.sha256(values) == hashing.sha256(h5[place][()])


def test_a_name_that_goes_to_another_file_between_two_opens(path, monkeypatch):
    """What is read by offset and what the library reads are of one file."""
    other = path.with_name("other.h5")
    for target, value in ((path, 1.0), (other, 2.0)):
        with h5py.File(target, "w") as file:
            file["x"] = np.full(3, value)
    opened = h5py.File

    def open_late(*args):
        if other.exists():
            other.replace(path)
        return opened(*args)

    monkeypatch.setattr(h5py, "File", open_late)
    with hdf5.File(path) as file:
        assert file.read("/x").tolist() == [2, 2, 2]
        assert b"".join(map(bytes, file.blocks("/x"))) == np.full(3, 2.0).tobytes()
