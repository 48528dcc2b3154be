"""What a file of the hierarchy costs: writing, checking and opening it.

Run it from the repository's root, with the package installed::

    python benchmarks/hierarchy.py [--arrays 10000] [--rounds 3]

The exit status is 1 if a limit that the project promises does not hold.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

import legacy_weights
from legacy_weights.hierarchy import check, write
from legacy_weights.tree import Array, Leaf, Order, Role, Snapshot, Source, Trainable, Tree


def tree(snapshots: int, arrays: int, length: int) -> Tree:
    """Return a tree of so many snapshots of so many arrays of so many floats."""
    generator = np.random.default_rng(0)

    def leaf(snapshot: str, number: int) -> Leaf:
        name = f"layer_{number // 2}/{'Wb'[number % 2]}"
        values = Array.of(generator.standard_normal(length))
        path = f"/snapshots/{snapshot}/{name}"
        return Leaf(path, name, values, Role.WEIGHT, Trainable.YES, (name,))

    names = [f"iter{100 * n:07d}" for n in range(snapshots)]
    return Tree(
        Source("made", 0, "made", lambda: "0" * 64),
        "made",
        tuple(
            Snapshot(name, tuple(leaf(name, n) for n in range(arrays)), Order.STATED)
            for name in names
        ),
        names[-1],
    )


def fastest(action: Callable[[], object], rounds: int) -> float:
    """Return the seconds of the fastest of several rounds."""
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        action()
        times.append(time.perf_counter() - start)
    return min(times)


def opened(path: Path) -> None:
    """Open a file and close it."""
    with legacy_weights.open(path) as file:
        assert file.snapshots


def main() -> int:
    """Run every benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--arrays", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    held = True
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "many.h5"
        many = tree(1, options.arrays, 100)
        actions: dict[str, Callable[[], object]] = {
            "writing, read back": lambda: write(many, path, overwrite=True),
            "checking": lambda: check(path),
            "opening": lambda: opened(path),
        }
        for what, action in actions.items():
            cost = fastest(action, options.rounds) / options.arrays * 1e3
            held &= cost <= 1
            verdict = "held" if cost <= 1 else "NOT HELD"
            print(
                f"{options.arrays:,} arrays of 100 floats: {what:<20} {cost:7.3f} ms an array"
                f"   limit 1 ms  {verdict}"
            )
        print("opening 231 snapshots of 10 arrays, as the arrays grow:")
        base = 0.0
        for length in (10, 1_000, 10_000):
            path = Path(folder) / f"log{length}.h5"
            write(tree(231, 10, length), path)
            cost = fastest(lambda path=path: opened(path), options.rounds)
            base = base or cost
            print(
                f"  {path.stat().st_size / 1e6:7.1f} MB  {cost * 1e3:7.1f} ms  {cost / base:.2f} ×"
            )
            held &= cost <= 1.5 * base
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
