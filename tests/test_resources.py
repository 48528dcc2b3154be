"""One gigabyte of address space and sixty seconds are enough for every small file.

Each file is read, and its records listed, in a child that has no more: hostile ones, bombs, and
the genuine files below a megabyte.
"""

import json
import os
import subprocess
import sys

import hostile_files
import pytest
from bombs import BOMBS
from hostile import cases
from support import FIXTURES, ROOT

resource = pytest.importorskip("resource")

CHILD = """
import os, pathlib, resource, sys, time
os.environ["OPENBLAS_NUM_THREADS"] = "1"  # each would reserve memory for itself
resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
import legacy_weights
from legacy_weights.errors import LegacyWeightsError

try:
    bytearray(1 << 30)
    sys.exit("the limit of memory does not hold")
except MemoryError:
    pass
slow, wrong = [], []
for name in sys.stdin.read().splitlines():
    start = time.process_time()
    try:
        tree = legacy_weights.read(name, hostile=True)
        for record in tree.records():
            pass
        for leaf in tree.leaves():
            leaf.array.load()
    except LegacyWeightsError:
        pass
    except BaseException as error:
        wrong.append((name, repr(error)[:200]))
    if time.process_time() - start > 60:
        slow.append(name)
import json
print(json.dumps([slow, wrong]))
"""


def batch(paths, folder):
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", CHILD],
        input="\n".join(map(str, paths)),
        capture_output=True,
        text=True,
        timeout=1800,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(folder)},
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


def test_hostile_files(tmp_path):
    (tmp_path / "files").mkdir()
    found = [*cases(tmp_path / "markers"), *hostile_files.cases(tmp_path / "markers", tmp_path)]
    paths = []
    for number, case in enumerate(found):
        if len(case.data) < 1 << 20:
            paths.append(tmp_path / "files" / str(number))
            paths[-1].write_bytes(case.data)
    assert len(paths) > 300
    assert batch(paths, tmp_path) == [[], []]


def test_bombs(tmp_path):
    paths = []
    for number, data in enumerate(BOMBS.values()):
        if len(data) < 1 << 20:
            paths.append(tmp_path / str(number))
            paths[-1].write_bytes(data)
    assert len(paths) > 40
    assert batch(paths, tmp_path) == [[], []]


def test_genuine_files(tmp_path):
    paths = [
        path
        for path in sorted(FIXTURES.rglob("*"))
        if path.is_file() and path.stat().st_size < 1 << 20 and path.suffix != ".py"
    ]
    assert len(paths) > 300
    assert batch(paths, tmp_path) == [[], []]
