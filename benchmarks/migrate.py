"""What a migration costs, beside what the bytes cost anyway.

Run it from the repository's root on Linux, with the package installed::

    python benchmarks/migrate.py [--megabytes 500] [--rounds 5]

Every ratio is between commands that take turns within one run, so that a machine whose speed
drifts does not decide it; the median of the pairs counts.  The exit status is 1 if a limit that
the project promises does not hold.  The commands run from compiled modules, as pip leaves them.
"""

from __future__ import annotations

import argparse
import os
import pickle
import shutil
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

import legacy_weights

ENVIRONMENT = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
MIGRATE = [sys.executable, "-m", "legacy_weights"]
LOAD_AND_SAVE = (
    "import pickle, sys, numpy;"
    "arrays = pickle.load(open(sys.argv[1], 'rb'), encoding='latin1');"
    "numpy.savez(sys.argv[2], *arrays)"
)


def python2_pickle(arrays: list[np.ndarray]) -> bytes:
    """Return a list of arrays as cPickle of Python 2.7 writes it by protocol 2.

    Payloads are BINSTRING, which Python 3 cannot write.
    """

    def string(raw: bytes) -> bytes:
        if len(raw) < 256:
            return b"U" + bytes([len(raw)]) + raw
        return b"T" + struct.pack("<i", len(raw)) + raw

    def integer(value: int) -> bytes:
        return b"J" + struct.pack("<i", value)

    parts = [b"\x80\x02](" if arrays else b"\x80\x02]"]
    names = b"cnumpy.core.multiarray\n_reconstruct\nq\x01cnumpy\nndarray\nq\x02"
    dtypes: dict[str, bytes] = {}
    for array in arrays:
        code = array.dtype.str[1:]
        recalled = dtypes.get(code)
        if recalled is None:
            made = b"cnumpy\ndtype\n" + string(code.encode()) + b"K\x00K\x01\x87Rq"
            made += bytes([3 + len(dtypes)])
            state = b"(" + integer(3) + string(b"<") + b"NNN" + integer(-1) * 2 + b"K\x00tb"
            dtypes[code] = b"h" + bytes([3 + len(dtypes)])
            recalled = made + state
        shape = b"".join(map(integer, array.shape))
        parts += [
            names + b"K\x00\x85" + string(b"b") + b"\x87R(",
            integer(1) + b"(" + shape + b"t" + recalled + b"\x89",
            string(array.tobytes()),
            b"tb",
        ]
        names = b"h\x01h\x02"
    parts.append(b"e." if arrays else b".")
    return b"".join(parts)


def seconds(command: list[str]) -> float:
    """Return the wall time of a command."""
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=ENVIRONMENT)
    return time.perf_counter() - start


def anonymous_peak(command: list[str]) -> int:
    """Return the largest amount of anonymous memory, in bytes, that a command was seen to hold."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    peak = 0
    status = Path(f"/proc/{process.pid}/status")
    while process.poll() is None:
        for line in status.read_text().splitlines():
            if line.startswith("RssAnon:"):
                peak = max(peak, int(line.split()[1]) * 1024)
        time.sleep(0.002)
    if process.returncode:
        raise SystemExit(f"{command} failed")
    return peak


def turns(rounds: int, *actions: Callable[[], float]) -> list[list[float]]:
    """Run the actions in turn, once to warm up and then `rounds` times; return their figures."""
    figures: list[list[float]] = [[] for _ in actions]
    for turn in range(rounds + 1):
        for kept, action in zip(figures, actions, strict=True):
            figure = action()
            if turn:
                kept.append(figure)
    return figures


def ratio(ours: list[float], theirs: list[float]) -> float:
    """Return the median of the ratios, pair by pair."""
    return statistics.median(a / b for a, b in zip(ours, theirs, strict=True))


class Table:
    """Prints a line a figure and remembers whether each limit held."""

    def __init__(self) -> None:
        self.held = True

    def line(self, what: str, figure: float, unit: str, limit: float | None = None) -> None:
        """Print a figure, beside its limit if it has one."""
        verdict = ""
        if limit is not None:
            held = figure <= limit
            self.held &= held
            verdict = f"   limit {limit:g} {unit}  {'held' if held else 'NOT HELD'}"
        print(f"{what:<58} {figure:10.3f} {unit}{verdict}", flush=True)


def additions() -> float:
    """Return the seconds that ten million additions take in a Python loop.

    Two limits are absolute times, and a machine may be slower today than yesterday.
    """
    start, total = time.perf_counter(), 0
    for number in range(10_000_000):
        total += number
    return time.perf_counter() - start


def large(folder: Path, megabytes: int, rounds: int, table: Table) -> None:
    """Migrate fifty arrays in one pickle."""
    legacy, out = folder / "large.pkl", folder / "large.h5"
    generator = np.random.default_rng(0)
    each = megabytes * 1_000_000 // 50 // 8
    arrays = [generator.standard_normal(each).reshape(-1, 50) for _ in range(50)]
    legacy.write_bytes(python2_pickle(arrays))
    del arrays
    command = [*MIGRATE, str(legacy), "-o", str(out), "--overwrite"]

    def copy() -> float:
        copied = folder / "copy"
        copied.unlink(missing_ok=True)
        return seconds(["cp", str(legacy), str(copied)]) + seconds(["sha256sum", str(legacy)])

    def load_and_save() -> float:
        return seconds([sys.executable, "-c", LOAD_AND_SAVE, str(legacy), str(folder / "all.npz")])

    ours, copied, loaded = turns(rounds, lambda: seconds(command), copy, load_and_save)
    title = f"{legacy.stat().st_size / 1e6:.0f} MB, 50 arrays"
    table.line(f"{title}: migrate", statistics.median(ours), "s")
    table.line(f"{title}: cp + sha256sum", statistics.median(copied), "s")
    table.line(f"{title}: pickle.load + numpy.savez", statistics.median(loaded), "s")
    table.line("migrate / (cp + sha256sum)", ratio(ours, copied), "×", 1.5)
    table.line("migrate / (pickle.load + numpy.savez)", ratio(ours, loaded), "×")
    table.line("anonymous memory of migrate", anonymous_peak(command) / 1e6, "MB", 150)
    peer = [sys.executable, "-c", LOAD_AND_SAVE, str(legacy), str(folder / "all.npz")]
    table.line("anonymous memory of pickle.load + numpy.savez", anonymous_peak(peer) / 1e6, "MB")


def floats(folder: Path, rounds: int, table: Table) -> None:
    """Read a list of a million small floats, protocol 2."""
    legacy = folder / "floats.pkl"
    legacy.write_bytes(pickle.dumps(np.random.default_rng(1).random(1_000_000).tolist(), 2))

    def read() -> float:
        start = time.perf_counter()
        legacy_weights.read(legacy)
        return time.perf_counter() - start

    def load() -> float:
        start = time.perf_counter()
        with legacy.open("rb") as file:
            pickle.load(file)
        return time.perf_counter() - start

    ours, theirs = turns(rounds, read, load)
    table.line("a million floats: read / C pickle.load", ratio(ours, theirs), "×", 6)


def many(folder: Path, rounds: int, table: Table) -> None:
    """Migrate two thousand arrays of a hundred floats."""
    legacy, out = folder / "many.pkl", folder / "many.h5"
    generator = np.random.default_rng(2)
    legacy.write_bytes(python2_pickle([generator.random(100) for _ in range(2000)]))
    command = [*MIGRATE, str(legacy), "-o", str(out), "--overwrite", "--quiet"]
    (ours,) = turns(rounds, lambda: seconds(command))
    table.line("2,000 arrays: whole command, an array", statistics.median(ours) / 2, "ms", 1)
    table.line("2,000 arrays: fastest of the commands, an array", min(ours) / 2, "ms")


def start_up(rounds: int, table: Table) -> None:
    """Show the help, beside the import of PyTables."""
    tables = [sys.executable, "-c", "import tables"]
    ours, theirs = turns(rounds, lambda: seconds([*MIGRATE, "--help"]), lambda: seconds(tables))
    difference = statistics.median(a - b for a, b in zip(ours, theirs, strict=True))
    table.line("migrate --help minus import tables", difference, "s", 0.5)


def main() -> int:
    """Run every benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    table = Table()
    print(f"{os.cpu_count()} processors, Python {sys.version.split()[0]}, NumPy {np.__version__}")
    table.line("ten million additions in a Python loop", additions(), "s")
    folder = Path(tempfile.mkdtemp(prefix="legacy_weights_benchmark_"))
    try:
        large(folder, options.megabytes, options.rounds, table)
        floats(folder, options.rounds, table)
        many(folder, options.rounds, table)
        start_up(options.rounds, table)
    finally:
        shutil.rmtree(folder)
    return 0 if table.held else 1


if __name__ == "__main__":
    sys.exit(main())
