"""Persistent ids: of theano.misc.pkl_utils' zips, of Blocks' tars, and of neither."""

import io
import pickle
import tarfile
import zipfile

import numpy as np
import pytest
import stubs
from stubs import make, shared
from support import FIXTURES

import legacy_weights
from legacy_weights.errors import DamagedError

FOLDER = FIXTURES / "families" / "pkl_utils"
W, B = np.arange(6.0).reshape(2, 3), np.arange(3.0)


@pytest.fixture
def read(tmp_path):
    """Return a function that reads bytes as a file."""

    def read(data, name="model.zip"):
        path = tmp_path / name
        path.write_bytes(data)
        return legacy_weights.read(path)

    return read


def npy(array):
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def npz(**arrays):
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def dumps(value, ids, protocol=2):
    """Pickle a value; the arrays in `ids` are written as persistent ids."""
    known = {id(array): pid for array, pid in ids}

    class Pickler(pickle.Pickler):
        def persistent_id(self, obj):
            return known.get(id(obj)) if isinstance(obj, np.ndarray) else None

    return stubs.dumps(value, protocol=protocol, pickler=Pickler)


def zipped(members):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
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


def values(tree):
    return {leaf.name: leaf.array.load().tolist() for leaf in tree.leaves()}


# Genuine files ---------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", ["t082", "t105"])
def test_one_array_at_several_paths(suffix):
    """The script holds the first layer's weights as a variable, again, and bare."""
    tree = legacy_weights.read(FOLDER / f"shared_{suffix}.zip")
    (leaf,) = [leaf for leaf in tree.leaves() if leaf.array.shape == (4, 3)]
    assert {"W", "again.container.storage[0]", "<member 'W'>"} <= set(leaf.origins)
    assert tree.warnings == ()


@pytest.mark.parametrize("suffix", ["t082", "t105"])
def test_members_of_equal_variables(suffix):
    """`PersistentSharedVariableID` numbers equal names: the second ``foo`` is ``foo_2``."""
    tree = legacy_weights.read(FOLDER / f"documented_{suffix}.zip")
    origins = [leaf.origins for leaf in tree.leaves()]
    assert [found[-1] for found in origins] == [
        "<member 'foo'>",
        "<member 'foo_2'>",
        "<member 'array_0'>",
    ]
    assert [leaf.array.load().tolist() for leaf in tree.leaves()] == [0.0, 1.0, 2]


# Made by hand ----------------------------------------------------------------------------------


@pytest.mark.parametrize("protocol", [0, 2, 4])
@pytest.mark.parametrize("member", ["W", "W.npy", "net>fc0>W", "layer.0.W", "../W", "pkl_2"])
def test_forms_of_theano(read, protocol, member):
    pkl = dumps({"a": W, "b": [W]}, [(W, f"ndarray.{member.removesuffix('.npy')}")], protocol)
    for members in ({"pkl": pkl, member: npy(W)}, {member: npy(W), "pkl": pkl}):
        tree = read(zipped(members))
        (leaf,) = tree.leaves()
        assert leaf.array.load().tolist() == W.tolist()
        assert {"['a']", "['b'][0]"} <= set(leaf.origins)
        assert tree.warnings == ()


@pytest.mark.parametrize("kind", ["cuda_ndarray", "gpuarray"])
@pytest.mark.parametrize("context", [None, "dev0"])
def test_arrays_of_a_gpu(read, kind, context):
    """`PersistentGpuArrayID` writes the pickled name of a context before the array."""
    body = npy(W) if kind == "cuda_ndarray" else pickle.dumps(context, 2) + npy(W)
    pkl = dumps([shared(W, "W")], [(W, f"{kind}.W")])
    tree = read(zipped({"W": body, "pkl": pkl}))
    (leaf,) = tree.leaves()
    assert (leaf.name, leaf.array.load().tolist()) == ("W", W.tolist())


def test_ids_that_are_tuples(read):
    tree = read(zipped({"pkl": dumps([W], [(W, ("ndarray", "W"))]), "W": npy(W)}))
    assert values(tree) == {"0": W.tolist()}


def test_a_member_that_nothing_names_is_kept_beside(read):
    tree = read(zipped({"pkl": dumps({"w": W}, [(W, "ndarray.W")]), "W": npy(W), "b": npy(B)}))
    assert values(tree) == {"pkl/w": W.tolist(), "b": B.tolist()}
    assert {"['pkl']['w']", "['b']"} <= {o for leaf in tree.leaves() for o in leaf.origins}


def test_ids_that_name_nothing_are_records_and_named(read):
    pids = ["ndarray.gone", "ndarray", "tensor.W", ("storage", "x", 1), {"a": 1}, 7, "ndarray.pkl"]
    arrays = [np.arange(3.0) for _ in pids]
    tree = read(zipped({"pkl": dumps(arrays, list(zip(arrays, pids, strict=True)))}))
    assert values(tree) == {}
    notes = " ".join(tree.warnings)
    assert len(tree.warnings) == len(pids)
    for text in ("'ndarray.gone'", "'ndarray.pkl'", "('storage', 'x', 1)"):
        assert text in notes
    found = [record.content for record in tree.records()]
    assert "ndarray.gone" in str(found)


def test_a_plain_pickle_with_ids(read):
    tree = read(dumps([W], [(W, "ndarray.W")]), "model.pkl")
    assert "persistent id 'ndarray.W'" in tree.warnings[0]


def test_many_ids_are_counted(read):
    arrays = [np.arange(2.0) for _ in range(500)]
    ids = [(array, f"ndarray.{n}") for n, array in enumerate(arrays)]
    tree = read(dumps(arrays, ids), "model.pkl")
    assert len(tree.warnings) == 21
    assert "480 more" in tree.warnings[-1]


def test_members_refer_to_arrays_only(read):
    """A pickle that names itself, or another pickle, gets a record."""
    pkl = dumps([W, B], [(W, "gpuarray.pkl"), (B, "ndarray.other")])
    tree = read(zipped({"pkl": pkl, "other": pickle.dumps([1.5], 2)}))
    assert values(tree) == {}
    assert len(tree.warnings) == 2


def test_an_array_that_the_pickle_drops_is_kept(read):
    """The id is read and popped: the member alone still has the array."""
    tree = read(zipped({"pkl": b"\x80\x02]U\x09ndarray.WQ0.", "W": npy(W)}))
    assert list(values(tree).values()) == [W.tolist()]
    list(tree.records())


def test_a_damaged_member(read):
    pkl = dumps([W], [(W, "ndarray.W")])
    for members in ({"pkl": pkl, "W": npy(W)[:-1]}, {"W": npy(W)[:-1], "pkl": pkl}):
        with pytest.raises(DamagedError, match="'W'"):
            read(zipped(members))


def test_members_of_one_name(read):
    """`ZipFile.open` gives the last of them."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("W", npy(B))
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("W", npy(W))
        archive.writestr("pkl", dumps({"w": W}, [(W, "ndarray.W")]))
    tree = read(file.getvalue())
    (leaf,) = [leaf for leaf in tree.leaves() if "['pkl']['w']" in leaf.origins]
    assert leaf.array.load().tolist() == W.tolist()
    assert len(list(tree.leaves())) == 2


@pytest.mark.parametrize(
    "form", ["#1numpy_ndarray.None.{}", "#1gpuarray.dev0.{}", "#numpy_ndarray.{}"]
)
@pytest.mark.parametrize("protocol", [0, 2])
def test_blocks(read, form, protocol):
    """blocks/serialization.py, `_mangle_parameter_name`: names have dots and bars."""
    names = {"|mlp|linear_0.W": W, "|mlp|linear_0.b": B}
    ids = [(array, form.format(name)) for name, array in names.items()]
    loop = make("blocks.main_loop.MainLoop", model=[shared(W, "W"), shared(B, "b")])
    pkl = dumps(loop, ids, protocol)
    members = {"_parameters": npz(**names), "_pkl": pkl}
    tree = read(tarred(members), "main_loop.tar")
    origins = {origin for leaf in tree.leaves() for origin in leaf.origins}
    assert {"model[0].container.storage[0]", "model[1].container.storage[0]"} <= origins
    assert "<member '_parameters!/|mlp|linear_0.W'>" in origins
    assert len(list(tree.leaves())) == 2
    tree = read(tarred({**members, "_log": dumps({0: {"cost": 1.5}}, [])}), "main_loop.tar")
    assert len(list(tree.leaves())) == 2


def test_an_array_after_a_pickle(read):
    """What ``pickle.dump(names, f); numpy.save(f, W)`` writes."""
    tree = read(pickle.dumps(["W"], 2) + npy(W) + pickle.dumps({"b": B}, 2), "model.pkl")
    assert {str(found) for found in values(tree).values()} == {str(W.tolist()), str(B.tolist())}
    assert tree.warnings == ()
