"""Forks processes that write a training log, as fast as they can, until someone ends them.

Each line on the standard input is a path; the answer is the process's number, then a line for each
snapshot when it is finished.  Run as a program, so that what is killed has few threads and costs
no import.
"""

import os
import sys
import tempfile

import numpy as np

import legacy_weights.saving

COLUMNS = ["iter", "ret", "note"]
ROWS = 3  # a snapshot


def weights(iteration):
    """Return the weights of an iteration."""
    rng = np.random.default_rng(iteration)
    return {
        "policy/hidden/W": rng.random((31, 17)),
        "policy/hidden/b": rng.random((1, 17)).astype("f4"),
        "policy/logstd": rng.random(3),
        "steps": np.arange(iteration + 1),
    }


def row(number):
    """Return a row of the log."""
    return {"iter": number, "ret": number / 8, "note": "x" * (number % 5)}


def grow(path, say):
    """Continue a log from where it is."""
    with legacy_weights.saving.TrainingLog(path, COLUMNS, append=True) as log:
        iteration = len(log.snapshots)
        while True:
            for number in range(log.length, ROWS * (iteration + 1)):
                log.write(row(number))
            log.write_snapshot(weights(iteration), iteration)
            say(iteration)
            iteration += 1


def main():
    """Fork a writer for each line."""
    with tempfile.TemporaryDirectory() as folder:  # what is imported late is imported here
        legacy_weights.saving.save(f"{folder}/m.h5", weights(0), log={"iter": [0]})
    for line in sys.stdin:
        child = os.fork()
        if not child:
            grow(line.rstrip("\n"), lambda iteration: os.write(1, f"{iteration}\n".encode()))
        os.write(1, f"pid {child}\n".encode())
        os.waitpid(child, 0)
        os.write(1, b"ended\n")


if __name__ == "__main__":
    main()
