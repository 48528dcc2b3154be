"""From a file to its tree: genuine files against their truth, and files made to do harm."""

import hashlib
import io
import json
import pickle
import subprocess
import sys
import zipfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from stubs import dumps, model, shared
from support import FIXTURES, MANIFEST

import legacy_weights
from legacy_weights.errors import LegacyWeightsError, UnreadableError

READABLE = [entry for entry in MANIFEST if entry["status"] != 3]
PICKLES = [entry for entry in READABLE if entry["file"].startswith("pickles/")]


@pytest.fixture
def read(tmp_path):
    """Return a function that reads bytes as a file."""

    def read(data, name="model.pkl"):
        path = tmp_path / name
        path.write_bytes(data)
        return legacy_weights.read(path)

    return read


# Genuine files ---------------------------------------------------------------------------------


def little_endian(values):
    """Return the bytes that fixtures/README.md hashes: C order, little endian, gaps as zeros."""
    dtype = values.dtype.newbyteorder("<")
    if dtype == values.dtype:
        return values.tobytes()
    swapped = np.zeros(values.shape, dtype)
    swapped[...] = values
    return swapped.tobytes()


def facts(leaf):
    """Return of an array what the manifest states, as far as NumPy has not changed since."""
    values = leaf.array.load()
    assert (values.dtype, values.shape) == (leaf.array.dtype, leaf.array.shape)
    dtype = values.dtype.str if values.dtype.names is None else "structured"
    # A matrix of one column is in both orders; NumPy 1.11 called it Fortran's where it was cut.
    fortran = leaf.array.fortran and sum(n > 1 for n in values.shape) > 1
    return dtype, values.shape, fortran, hashlib.sha256(little_endian(values)).hexdigest()


def truth(array):
    dtype = array["dtype"] if isinstance(array["dtype"], str) else "structured"
    fortran = array["fortran"] and sum(n > 1 for n in array["shape"]) > 1
    return dtype, tuple(array["shape"]), fortran, array["sha256"]


@pytest.mark.parametrize("entry", PICKLES, ids=lambda entry: entry["file"])
def test_the_arrays_are_those_that_were_pickled(entry):
    tree = legacy_weights.read(FIXTURES / entry["file"])
    found = Counter(map(facts, tree.leaves()))
    stated = Counter(map(truth, entry["arrays"]))
    if "one_pickler" in entry["file"] or not entry["file"].startswith("pickles/theano/"):
        assert found == stated
    else:
        # In a row of pickles a variable's later copies are the variable.
        assert found <= stated
        assert found.keys() == stated.keys()


@pytest.mark.parametrize("entry", READABLE, ids=lambda entry: entry["file"])
def test_every_record_is_json(entry):
    tree = legacy_weights.read(FIXTURES / entry["file"])
    places = {leaf.path for leaf in tree.leaves()}
    made = list(tree.records())
    text = json.dumps([dict(record.content) for record in made], allow_nan=False)
    pointers = set()
    json.loads(text, object_hook=lambda part: pointers.add(part.get("$array")) or part)
    assert pointers - {None} <= places
    if entry in PICKLES:
        own = {record.cls for record in made} - set(tree.classes)
        assert all(name.isalpha() or name.startswith("numpy.") for name in own)


def test_the_protocol_is_part_of_the_kind():
    for entry in READABLE:
        # In a row of pickles, one may have no opcode that tells.
        if entry["file"].startswith("pickles/plain/") and "row" not in entry["file"]:
            tree = legacy_weights.read(FIXTURES / entry["file"])
            assert tree.source.kind.endswith(f"pickle {entry['protocol']}")
            assert tree.source.name == entry["file"].rpartition("/")[2]
            assert (tree.source.size, tree.source.sha256()) == (entry["size"], entry["sha256"])


# Streams and members ---------------------------------------------------------------------------


def archive(**members):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as file:
        for name, raw in members.items():
            file.writestr(name, raw)
    return data.getvalue()


def npy(values):
    data = io.BytesIO()
    np.save(data, values)
    return data.getvalue()


def names(tree):
    return [leaf.name for snapshot in tree.snapshots for leaf in snapshot.leaves]


def test_the_members_of_an_archive_are_named(read):
    model = pickle.dumps({"b": np.arange(3.0), "n": 3}, 2)
    tree = read(archive(**{"W.npy": npy(np.arange(2.0)), "model.pkl": model}))
    assert names(tree) == ["W", "model.pkl/b"]
    assert tree.source.kind == "zip > npy 1.0, zip > pickle 2"
    assert tree.snapshots[0].order == "unknown"


def test_what_is_no_legacy_data_in_an_archive_is_kept(read):
    readme, big = b"Read me.", b"\x89PNG\r\n\x1a\n" + b"\0" * 100_000
    tree = read(archive(**{"README": readme, "W.npy": npy(np.ones(2)), "a.png": big, "empty": b""}))
    assert names(tree) == ["W"]
    assert tree.source.kind == "zip > npy 1.0"
    (kept,) = tree.other
    assert kept.array.load().tobytes() == big
    (record,) = (record for record in tree.records() if record.id == 0)
    assert record.content["value"]["$members"]["README"] == "Read me."
    assert record.content["value"]["$members"]["empty"] == ""
    assert sum("no legacy data" in note for note in tree.warnings) == 3


def test_an_archive_of_nothing_else_is_refused(read):
    with pytest.raises(LegacyWeightsError):
        read(archive(README=b"Read me."))


@pytest.mark.parametrize("protocol", [2, 4])
def test_a_pickle_that_breaks_off_is_no_readme(read, protocol):
    cut = pickle.dumps(np.ones(100), protocol)[:-50]
    with pytest.raises(LegacyWeightsError, match=r"member 'model\.pkl'") as caught:
        read(archive(**{"W.npy": npy(np.ones(2)), "model.pkl": cut}))
    assert caught.value.exit_status == 3


def test_the_numbers_of_savez_state_the_order(read):
    data = io.BytesIO()
    np.savez(data, *[np.full(n + 1, n) for n in range(12)])
    tree = read(data.getvalue(), "params.npz")
    assert names(tree) == [f"arr_{n}" for n in range(12)]
    assert tree.snapshots[0].order == "format"


def test_the_names_of_savez_do_not(read):
    data = io.BytesIO()
    np.savez(data, W=np.ones(2), b=np.ones(3))
    tree = read(data.getvalue(), "params.npz")
    assert (names(tree), tree.snapshots[0].order) == (["W", "b"], "unknown")


def test_pickles_one_after_another(read):
    tree = read(dumps(np.ones(2), {"n": 1}, np.ones(3)))
    assert tree.source.kind == "3 × pickle 2"
    assert names(tree) == ["0", "2"]
    assert tree.snapshots[0].order == "stated"


def test_what_follows_the_last_pickle_is_kept_and_told(read):
    tree = read(dumps(np.ones(2)) + b"# trained on 2012-09-04\n")
    assert names(tree) == ["0"]
    assert any("24 bytes after the last pickle" in note for note in tree.warnings)
    assert tree.snapshots[0].leaves[0].origins == ("[0]",)


def test_every_class_that_a_file_names(read):
    tree = read(dumps(model(W=shared(2, "W"))))
    assert tree.classes == tuple(sorted(tree.classes))
    assert {
        "lost_models.Model",
        "theano.tensor.sharedvar.TensorSharedVariable",
        "theano.gof.link.Container",
    } <= set(tree.classes)


@pytest.mark.parametrize(
    "data", [b"", b"\0" * 100, b"hello world, this is text", b"\x89PNG\r\n\x1a\n"]
)
def test_what_is_no_legacy_file_is_named(read, data):
    with pytest.raises(LegacyWeightsError) as caught:
        read(data)
    assert caught.value.exit_status == 3


def test_hdf5_inside_an_archive_is_named(read):
    with pytest.raises(UnreadableError, match="HDF5"):
        read(archive(**{"log.h5": b"\x89HDF\r\n\x1a\n" + b"\0" * 100}))


# Files made to do harm -------------------------------------------------------------------------

_CHILD = """
import json, resource, sys, time
resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
sys.path.insert(0, sys.argv[1])
import legacy_weights
from legacy_weights import summary
from legacy_weights.errors import LegacyWeightsError

for path in sys.argv[2:]:
    began = time.process_time()
    written = arrays = 0
    try:
        tree = legacy_weights.read(path)
        arrays = sum(1 for leaf in tree.leaves())
        for record in tree.records():
            written += len(json.dumps(record.content)) + len(record.path) + len(record.cls)
        written += sum(len(line) for line in summary.lines(tree, everything=True))
        written += sum(len(leaf.name) + len(leaf.path) + len(str(leaf.origins) + str(leaf.links))
                       for leaf in tree.leaves())
    except LegacyWeightsError as error:
        arrays = str(error)
    print(json.dumps([path, arrays, written, time.process_time() - began]), flush=True)
"""


def _text(value):
    raw = value.encode()
    return b"X" + len(raw).to_bytes(4, "little") + raw


def _bytes(raw):
    return b"T" + len(raw).to_bytes(4, "little") + raw


_ARRAYS = (
    b"\x80\x02cnumpy.core.multiarray\n_reconstruct\nq\x010cnumpy\nndarray\nq\x020"
    b"cnumpy\ndtype\nU\x02f8K\x00K\x01\x87R(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
    b"q\x030K\x00\x85q\x040U\x01bq\x050K\x01\x85q\x060U\x08abcdefghq\x070"
)
_ARRAY = b"h\x01h\x02h\x04h\x05\x87R(K\x01h\x06h\x03\x89h\x07tb"
_CLASS = b"cm\nC\nq\x080"
_OBJECT = b"h\x08)\x81"
_VARIABLES = (
    b"ctheano.tensor.sharedvar\nTensorSharedVariable\nq\x0c0ctheano.gof.link\nContainer\nq\x0d0"
    b"U\x09containerq\x200U\x07storageq\x210U\x04nameq\x220U\x01Wq\x230"
)
_VARIABLE = b"h\x0c)\x81}(h\x20h\x0d)\x81}h\x21(" + _ARRAY + b"lsbh\x22h\x23ub"
_DEEP_KEYS = b"}" + b"}".join(_text(f"{n}" + "é" * 240) for n in range(30))


def _list(part, count):
    return b"(" + part * count + b"l."


_BOMBS = {
    "a_dictionary_as_the_state_of_many": (
        b"\x80\x02"
        + _CLASS
        + b"}("
        + b"".join(_text(str(n)) + b"N" for n in range(5_000))
        + b"uq\x090"
        + _list(_OBJECT + b"h\x09b", 5_000)
    ),
    "arguments_of_many_calls": (
        b"\x80\x02" + _CLASS + b"(" + b"N" * 50_000 + b"tq\x090" + _list(b"h\x08h\x09\x81", 5_000)
    ),
    "parameters_of_many": (
        _ARRAYS
        + _CLASS
        + b"("
        + _ARRAY * 2000
        + b"lq\x090"
        + _list(_OBJECT + b"}U\x06paramsh\x09sb", 2000)
    ),
    "elements_of_many_deques": (
        _ARRAYS
        + b"("
        + _ARRAY * 2000
        + b"lq\x090"
        + _list(b"ccollections\ndeque\nh\x09\x85R", 2000)
    ),
    "many_arrays_below_a_long_key": (
        _ARRAYS + _text("k" * 500_000) + b"q\x090}h\x09(" + _ARRAY * 4_000 + b"ls."
    ),
    "many_dictionaries_with_a_long_key": (
        _ARRAYS + _text("k" * 100_000) + b"q\x090" + _list(b"}h\x09" + _ARRAY + b"s", 2000)
    ),
    "many_dictionaries_with_a_long_key_of_digits": (
        _ARRAYS + _bytes(b"1a" * 30_000) + b"q\x090" + _list(b"}h\x09" + _ARRAY + b"s", 1000)
    ),
    "many_states_with_a_long_name": (
        _ARRAYS
        + _CLASS
        + _text("k" * 100_000)
        + b"q\x090"
        + _list(_OBJECT + b"}h\x09" + _ARRAY + b"sb", 2000)
    ),
    "many_references_to_a_long_text": b"\x80\x02"
    + _text("k" * 50_000)
    + b"q\x090"
    + _list(b"h\x09", 20_000),
    "many_references_to_a_long_integer": (
        b"\x80\x02\x8b"
        + (50_000).to_bytes(4, "little")
        + b"\x01" * 50_000
        + b"q\x090"
        + _list(b"h\x09", 20_000)
    ),
    "many_references_to_a_persistent_id": (
        b"\x80\x02(" + b"N" * 50_000 + b"tQq\x090" + _list(b"h\x09", 20_000)
    ),
    "many_references_to_an_array_with_a_long_path": (
        _ARRAYS
        + _DEEP_KEYS
        + b"("
        + (b"(" + _ARRAY + b"2" * 90 + b"l") * 500
        + b"l"
        + b"s" * 30
        + b"."
    ),
    "many_objects_with_a_long_path": (
        b"\x80\x02" + _CLASS + _DEEP_KEYS + b"(" + _OBJECT * 5_000 + b"l" + b"s" * 30 + b"."
    ),
    "many_objects_of_a_long_class": (
        b"\x80\x02c" + b"m" * 30_000 + b"\n" + b"n" * 30_000 + b"\nq\x080" + _list(_OBJECT, 5_000)
    ),
    "many_arrays_of_no_name": _ARRAYS + b"c__builtin__\nset\n(" + _ARRAY * 5_000 + b"l\x85R.",
    "nested_lists": b"\x80\x02" + b"]" * 50_000 + b"a" * 49_999 + b".",
    "nested_lists_of_arrays": _ARRAYS + b"]" + (_ARRAY + b"\x86") * 4_000 + b".",
    "nested_variables_of_one_name": _ARRAYS
    + _VARIABLES
    + b"]"
    + (_VARIABLE + b"\x86") * 2000
    + b".",
    "chained_calls": b"\x80\x02cm\nC\n" + b")R" * 15_000 + b".",
    "an_empty_list_many_times": b"\x80\x02(]" + b"2" * 50_000 + b"l.",
    "many_empty_lists": b"\x80\x02(" + b"]" * 50_000 + b"l.",
    "a_key_that_holds_itself": (
        _ARRAYS
        + b"ccollections\nOrderedDict\n((N"
        + b"q\x090h\x09h\x09\x86" * 40
        + _ARRAY
        + b"tl\x85R."
    ),
    "a_persistent_id_that_holds_itself": b"\x80\x02]" + b"q\x090h\x09h\x09\x86Q" * 40 + b".",
}


def test_small_files_ask_for_little(tmp_path):
    """Each below a gigabyte of address space and a minute, and nothing is written many times."""
    files = []
    for name, data in _BOMBS.items():
        files.append(tmp_path / f"{name}.pkl")
        files[-1].write_bytes(data)
    root = Path(legacy_weights.__file__).parent.parent
    done = subprocess.run(
        [sys.executable, "-c", _CHILD, str(root), *map(str, files)],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    results = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(results) == len(_BOMBS)
    for path, arrays, written, seconds in results:
        size = Path(path).stat().st_size
        assert not isinstance(arrays, str) or "repeats parts of itself" in arrays, path
        assert written < 100 * size + 30_000_000, path
        assert seconds < 60, path
