"""What a training log costs: a snapshot when the file is short, and when it is long.

Run it from the repository's root, with the package installed::

    python benchmarks/logs.py [--snapshots 231] [--arrays 10] [--floats 1000]
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from statistics import median

import numpy as np

import legacy_weights
from legacy_weights.hierarchy import check, write

_COLUMNS = ["iter", *(f"c{number:02d}" for number in range(19))]


def main() -> None:
    """Write a log and say what each part of it took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--snapshots", type=int, default=231)
    parser.add_argument("--arrays", type=int, default=10)
    parser.add_argument("--floats", type=int, default=1000)
    options = parser.parse_args()
    generator = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        path, whole = f"{folder}/run.h5", f"{folder}/whole.h5"
        times = []
        with legacy_weights.TrainingLog(path, _COLUMNS) as log:
            for iteration in range(options.snapshots):
                names = [f"policy/layer_{n // 2}/{'Wb'[n % 2]}" for n in range(options.arrays)]
                arrays = {name: generator.standard_normal(options.floats) for name in names}
                log.write([iteration, *generator.standard_normal(19)])
                start = time.perf_counter()
                log.write_snapshot(arrays, iteration)
                times.append(time.perf_counter() - start)
        with legacy_weights.open(path) as file:
            start = time.perf_counter()
            write(file.tree(), whole)
            once = time.perf_counter() - start
        assert check(path) == []
        size, lean = os.path.getsize(path), os.path.getsize(whole)
        what = f"{options.snapshots} snapshots of {options.arrays} arrays of {options.floats:,}"
        print(f"{what} floats: {size / 1e6:.1f} MB, {size / lean:.3f} × one written at once")
        for part, where in (("3 to 12", times[2:12]), ("the last ten", times[-10:])):
            print(f"  a snapshot, {part:<14} {median(where) * 1e3:8.1f} ms")
        print(f"  all of them               {sum(times):8.1f} s")
        print(f"  the whole file once       {once * 1e3:8.1f} ms")


if __name__ == "__main__":
    main()
