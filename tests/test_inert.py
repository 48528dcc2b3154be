"""Reading a hostile file runs nothing: an audit hook sees it.

A control child runs the same files, made by `hostile.py`, and shows what the hook would see.
"""

import json
import subprocess
import sys

import pytest
from hostile import cases, objects, wrapped

INERT = """
import pathlib, sys
import legacy_weights
from legacy_weights.errors import LegacyWeightsError

folder = pathlib.Path(sys.argv[1])
reading, events = None, []


def hook(event, arguments):
    if reading is None or event in ALLOWED:
        return
    if event == "open" and (str(arguments[0]) == str(reading) or type(arguments[0]) is int):
        return
    events.append(f"{reading.name}: {event} {arguments!r:.300}")


ALLOWED = {"mmap.__new__", "builtins.id"}


def read(path):
    try:
        tree = legacy_weights.read(path)
        records = [record.content for record in tree.records()]
        return f"{len(records)} records"
    except LegacyWeightsError as error:
        return str(error)


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
import bz2, gzip, io, json, lzma, pathlib, pickle, sys, warnings, zipfile
import numpy

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
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, str(folder)],
        input=given,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
        cwd=folder,
    ).stdout


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Return a folder of hostile files, one for their markers, and the cases."""
    folder = tmp_path_factory.mktemp("inert")
    for name in ("hostile", "benign", "markers"):
        (folder / name).mkdir()
    found = [case._replace(name=case.name.replace("/", " ")) for case in cases(folder / "markers")]
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
    for name, data in benign.items():
        (folder / "benign" / name).write_bytes(data)
    return json.loads(child(INERT, folder))


def test_there_are_enough_of_them(files):
    _, found = files
    assert len(found) >= 150
    assert len({case.name for case in found}) == len(found)


def test_reading_runs_nothing(files, inert):
    folder, found = files
    assert inert["events"] == []
    assert markers(folder) == set()
    assert set(inert["outcomes"]) == {case.name for case in found}


def test_most_are_read_as_records(inert):
    read = [name for name, outcome in inert["outcomes"].items() if outcome.endswith(" records")]
    assert len(read) > 0.9 * len(inert["outcomes"])


def test_the_same_files_fire_under_pickle(files, inert):
    folder, found = files
    assert markers(folder) == set()  # `inert` has come first
    child(CONTROL, folder, json.dumps({case.name: case.kind for case in found if case.kind}))
    fired = markers(folder)
    assert fired == {case.name for case in found if case.fires}
    assert len(fired) > 0.8 * len(found)
    assert len(json.loads((folder / "events").read_text())) == 8
