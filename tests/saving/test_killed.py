"""A log whose writer is killed, or read while it is written."""

import hashlib
import os
import queue
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import h5py
import numpy as np
import pytest
from saving.nursery import ROWS, row, weights

import legacy_weights
from legacy_weights.hierarchy import check

KILLS = 50
FILES = 10

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs processes that fork")


class Nursery:
    """The program that forks writers."""

    def __init__(self):
        script = Path(__file__).with_name("nursery.py")
        root = str(Path(legacy_weights.__file__).parents[1])
        self._process = subprocess.Popen(
            [sys.executable, str(script)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
            env={**os.environ, "PYTHONPATH": root},
        )
        self._lines = queue.SimpleQueue()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self):
        for line in self._process.stdout:
            self._lines.put(line.split())

    def start(self, path):
        """Have a writer forked; return its number."""
        self._process.stdin.write(f"{path}\n")
        self.finished = []
        while (words := self._lines.get(timeout=60))[0] != "pid":
            self.finished.append(int(words[0]))
        return int(words[1])

    def wait_for(self, count):
        """Wait until a writer has finished so many snapshots."""
        while len(self.finished) < count:
            self.finished.append(int(self._lines.get(timeout=60)[0]))

    def kill(self, pid):
        """Kill a writer; return the iterations of the snapshots that it has finished."""
        os.kill(pid, signal.SIGKILL)
        while (words := self._lines.get(timeout=60))[0] != "ended":
            self.finished.append(int(words[0]))
        return self.finished

    def close(self):
        self._process.stdin.close()
        self._process.wait(timeout=60)
        self._process.stdout.close()


@pytest.fixture
def nursery():
    started = Nursery()
    yield started
    started.close()


def assert_whole(path):
    """Read everything by h5py alone; return how many snapshots there are."""
    with h5py.File(path, "r") as file:
        rows = {cells["path"].decode(): cells for cells in file["index"][:]}
        names = sorted(file.get("snapshots", ()))
        assert names == [f"iter{number:07d}" for number in range(len(names))]
        for number, name in enumerate(names):
            group = file["snapshots"][name]
            assert group.attrs["iteration"] == number
            for key, values in weights(number).items():
                found = group[key][()]
                assert (found.dtype, found.tobytes()) == (values.dtype, values.tobytes())
                digest = rows.pop(f"/snapshots/{name}/{key}")["sha256"].decode()
                assert digest == hashlib.sha256(values.tobytes()).hexdigest()
        assert not rows
        log = file["log"][:]
        assert len(log) == ROWS * len(names)
        assert log["iter"].tolist() == list(range(len(log)))
        assert log["ret"].tolist() == [row(number)["ret"] for number in range(len(log))]
    return len(names)


def test_every_finished_snapshot_survives_a_kill_at_any_moment(tmp_path, nursery):
    chance = random.Random(6)
    interrupted = 0
    for number in range(KILLS):
        path = tmp_path / f"run{number % FILES}.h5"
        before = assert_whole(path) if path.exists() else 0
        pid = nursery.start(path)
        if number % 2:  # else while it begins
            nursery.wait_for(1)
        time.sleep(chance.uniform(0, 0.15))
        finished = nursery.kill(pid)
        assert finished == list(range(before, before + len(finished)))
        if path.exists():
            # What was being written may have come in whole.
            assert assert_whole(path) - before - len(finished) in (0, 1)
            assert check(path) == []
        else:
            assert finished == []
        interrupted += any(name.startswith(f".{path.name}.") for name in os.listdir(tmp_path))
    assert interrupted > KILLS // 2  # with a hidden file, whole or not, beside it
    sizes = [assert_whole(path) for path in tmp_path.glob("run*.h5")]
    assert sum(sizes) >= KILLS // 2
    for path in (tmp_path / f"run{number}.h5" for number in range(FILES)):
        with legacy_weights.TrainingLog(path, ["iter", "ret", "note"], append=True):
            pass
        assert_whole(path)
    assert sorted(os.listdir(tmp_path)) == [f"run{number}.h5" for number in range(FILES)]


def test_it_is_read_while_it_is_written(tmp_path, nursery):
    path = tmp_path / "run.h5"
    pid = nursery.start(path)
    nursery.wait_for(1)
    seen = []
    end = time.monotonic() + 60
    while time.monotonic() < end and (not seen or seen[-1] < 6):
        seen.append(assert_whole(path))
        with legacy_weights.open(path) as file:
            name, snapshot = list(file.snapshots.items())[-1]
            found = file.weights()
        for key, values in weights(snapshot.iteration).items():
            assert np.array_equal(found[key], values), name
    nursery.kill(pid)
    assert seen == sorted(seen)
    assert seen[-1] >= 6


def test_a_reader_that_stays(tmp_path, nursery):
    path = tmp_path / "run.h5"
    pid = nursery.start(path)
    nursery.wait_for(2)
    with h5py.File(path, "r") as file:
        names = list(file["snapshots"])
        nursery.wait_for(len(names) + 4)
        assert list(file["snapshots"]) == names
        for number, name in enumerate(names):
            for key, values in weights(number).items():
                assert np.array_equal(file[f"snapshots/{name}/{key}"][()], values)
    nursery.kill(pid)
    assert assert_whole(path) >= len(names) + 4


def test_a_program_that_locks_the_file_for_a_moment(tmp_path):
    import fcntl

    path = tmp_path / "m.h5"
    legacy_weights.save(path, {"W": np.ones(3)})
    with open(path, "rb+") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(BlockingIOError):
            h5py.File(path, "r")
        timer = threading.Timer(0.3, fcntl.flock, (held, fcntl.LOCK_UN))
        timer.start()
        with legacy_weights.open(path) as file:
            assert file["W"].tolist() == [1, 1, 1]
        timer.join()
