"""Reading a hostile file runs nothing: an audit hook sees it.

A control child runs the same files, made by `hostile.py` and `hostile_files.py`, and shows what
the hook would see.
"""

import json
import os
import subprocess
import sys

import hostile_files
import pytest
from hostile import cases, objects, wrapped
from support import ROOT

import legacy_weights

INERT = """
import os, pathlib, sys
import legacy_weights
from legacy_weights.errors import LegacyWeightsError

folder = pathlib.Path(sys.argv[1])
reading, events = None, []


def hook(event, arguments):
    if reading is None or event in ALLOWED:
        return
    if event == "open" and (str(arguments[0]) == str(reading) or type(arguments[0]) is int):
        return
    if event in TEMPORARY and str(arguments[0]).startswith(os.environ["TMPDIR"]):
        return  # what is unpacked goes there
    events.append(f"{reading.name}: {event} {arguments!r:.300}")


ALLOWED = {"mmap.__new__", "builtins.id"}
TEMPORARY = {"open", "os.remove", "os.listdir", "os.mkdir", "shutil.rmtree"}


def read(path):
    try:
        # What is refused for its calls alone is looked through, too.
        tree = legacy_weights.read(path, hostile=True)
        [record.content for record in tree.records()]
        if any(call.exploit for call in tree.calls):
            return "exploit"
        return "inert"
    except LegacyWeightsError as error:
        return "refused"


outcomes = {}
for path in sorted(folder.glob("benign/*")):  # what is imported late, is imported now
    read(path)
sys.addaudithook(hook)
for path in sorted(folder.glob("hostile/*")):
    reading = path
    outcomes[path.name] = read(path)
    reading = None
import json
print(json.dumps({"events": events, "outcomes": outcomes}))
"""
CONTROL = """
import bz2, gzip, io, json, lzma, pathlib, pickle, sys, tarfile, warnings, zipfile
import numpy, tables

OPEN = {"gzip": gzip.open, "bz2": bz2.open, "lzma": lzma.open, "pickle": open}
events = set()
watched = ("import", "exec", "compile", "subprocess.Popen", "os.system", "pickle.find_class",
           "marshal.loads", "ctypes.dlopen")
sys.addaudithook(lambda event, arguments: events.add(event) if event in watched else None)
warnings.simplefilter("ignore")


def run(path, kind):
    if kind == "numpy":
        found = numpy.load(path, allow_pickle=True)
        return list(found.values()) if hasattr(found, "values") else found
    if kind == "tables":
        with tables.open_file(path) as file:
            for node in file.walk_nodes():
                [node._v_attrs[name] for name in node._v_attrs._v_attrnames]
                node.read() if hasattr(node, "read") else None
        return None
    if kind == "tarfile":
        with tarfile.open(path) as archive:
            return pickle.load(archive.extractfile("model.pkl"))
    if kind == "zipfile":
        with zipfile.ZipFile(path) as archive:
            return pickle.loads(archive.read("model.pkl"))
    with OPEN[kind](path, "rb") as file:
        while True:
            pickle.load(file)


for name, kind in json.load(sys.stdin).items():
    try:
        run(pathlib.Path(sys.argv[1], "hostile", name), kind)
    except BaseException:
        pass
pathlib.Path(sys.argv[1], "events").write_text(json.dumps(sorted(events)))
"""


def child(code, folder, given=""):
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, str(folder)],
        input=given,
        capture_output=True,
        text=True,
        timeout=300,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(folder / "tmp")},
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Return a folder of hostile files, one for their markers, and the cases."""
    folder = tmp_path_factory.mktemp("inert")
    for name in ("hostile", "benign", "markers", "tmp"):
        (folder / name).mkdir()
    found = [case._replace(name=case.name.replace("/", " ")) for case in cases(folder / "markers")]
    found += hostile_files.cases(folder / "markers", tmp_path_factory.mktemp("made"))
    for case in found:
        (folder / "hostile" / case.name).write_bytes(case.data)
    return folder, found


def markers(folder):
    return {path.name for path in (folder / "markers").iterdir()}


@pytest.fixture(scope="module")
def inert(files):
    """Return what the child saw that reads hostile files by this package."""
    folder, _ = files
    benign = {name: data for name, (data, _) in wrapped(b"cx\nY\n(N}tR.").items()}
    benign["plain"] = b"cx\nY\n)RNb."
    benign["array"] = objects(b"N") + b"."
    benign["cut off"] = b"(l"
    benign["hdf5"] = hostile_files.hdf5(lambda h5: h5.create_dataset("x", data=[1.0]))
    benign["tar"] = hostile_files.archive(("x.npy", hostile_files.npy_of([1.0])))
    for name, data in benign.items():
        (folder / "benign" / name).write_bytes(data)
    source = folder / "benign" / "array"
    legacy_weights.migrate(source, folder / "benign" / "migrated", overwrite=True)
    return json.loads(child(INERT, folder))


def test_there_are_enough_of_them(files):
    _, found = files
    assert sum(case.fires for case in found) >= 150
    assert len({case.name for case in found}) == len(found)


def test_reading_runs_nothing(files, inert):
    folder, found = files
    assert inert["events"] == []
    assert not any((folder / "tmp").iterdir())
    assert markers(folder) == set()
    assert set(inert["outcomes"]) == {case.name for case in found}


def test_each_is_refused_or_inert_as_its_manifest_says(files, inert):
    _, found = files
    expected = {case.name: case.outcome for case in found if case.outcome != "any"}
    got = {
        name: "refused" if outcome == "exploit" else outcome
        for name, outcome in inert["outcomes"].items()
        if name in expected
    }
    assert got == expected


def test_nearly_all_that_run_a_command_are_known_as_exploits(files, inert):
    _, found = files
    calls = [case.name for case in found if case.fires and case.kind != "tables"]
    exploits = [name for name in calls if inert["outcomes"][name] == "exploit"]
    assert len(exploits) > 0.95 * len(calls)


def test_the_same_files_fire_under_pickle(files, inert):
    folder, found = files
    assert markers(folder) == set()  # `inert` has come first
    child(CONTROL, folder, json.dumps({case.name: case.kind for case in found if case.kind}))
    fired = markers(folder)
    assert fired == {case.name for case in found if case.fires}
    assert len(fired) >= 150
    assert len(json.loads((folder / "events").read_text())) == 8
