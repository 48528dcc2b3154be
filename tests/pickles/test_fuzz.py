"""Anything is a value or one of our errors; and what CPython reads is read alike."""

import array
import contextlib
import io
import itertools
import pickle
import pickletools
import random

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from revive import load, revive, same
from support import FIXTURES, MANIFEST

from legacy_weights.errors import LegacyWeightsError
from legacy_weights.limits import Limits
from legacy_weights.pickles import Machine

SEEDS = [
    (FIXTURES / entry["file"]).read_bytes()
    for entry in MANIFEST
    if entry["size"] < 4096 and entry["protocol"] is not None and entry["file"].endswith(".pkl")
]
SEEDS += [pickle.dumps([{"a": (1, 2.5)}, b"x" * 600, {1, 2}, "u"], n) for n in range(6)]


def run(data):
    """Read anything; only our own errors may come out."""
    with contextlib.suppress(LegacyWeightsError):
        Machine(data, limits=Limits(free=1 << 20)).load()


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_arbitrary_bytes(data):
    run(data)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.sampled_from([bytes([ord(o.code)]) for o in pickletools.opcodes])
        | st.binary(max_size=6),
        max_size=60,
    ).map(b"".join)
)
def test_arbitrary_opcodes(data):
    run(data)


def test_mutated_pickles():
    chance = random.Random(2013)
    for data in SEEDS:
        for _ in range(8):
            run(mutated(data, chance))


def mutated(data, chance):
    """Return data with a few bytes altered, removed, repeated or exchanged."""
    changed = bytearray(data)
    for _ in range(chance.randint(1, 4)):
        at, length = chance.randrange(len(changed) + 1), chance.randrange(9)
        what = chance.randrange(4)
        if what == 0 and at < len(changed):
            changed[at] ^= 1 << chance.randrange(8)
        elif what == 1:
            changed[at : at + length] = chance.randbytes(chance.randrange(5))
        elif what == 2:
            changed[at:at] = changed[at - length : at]
        else:
            other = chance.choice(SEEDS)
            start = chance.randrange(len(other))
            changed[at : at + length] = other[start : start + chance.randrange(40)]
    return bytes(changed)


def opcodes(data):
    """Return a pickle cut into its opcodes."""
    starts = [start for *_, start in pickletools.genops(data)]
    return [data[one:other] for one, other in itertools.pairwise([*starts, len(data)])]


def test_opcodes_exchanged():
    """Objects of a wrong kind in each place, where altered bytes would mostly break the pickle."""
    chance = random.Random(2018)
    values = [np.arange(3.0), np.float32(2), np.zeros(2, [("a", "i4"), ("b", "O")]), {(1, "a"): 2}]
    values += [np.ma.array([1, 2], mask=[0, 1]), bytearray(b"x"), 1j, {1, 2}, array.array("d", [1])]
    pickles = [opcodes(pickle.dumps(values, protocol)) for protocol in range(2, 6)]
    pickles += [opcodes(pickle.dumps(value, 2)) for value in values]
    every = sorted({opcode for parts in pickles for opcode in parts})
    read = 0
    for _ in range(2000):
        parts = list(chance.choice(pickles))
        for _ in range(chance.randint(1, 2)):
            at, other = chance.randrange(len(parts) - 1), chance.randrange(len(parts) - 1)
            parts[at], parts[other] = chance.choice(
                [(chance.choice(every), parts[other]), (parts[other], parts[at])]
            )
        with contextlib.suppress(LegacyWeightsError):
            Machine(b"".join(parts), limits=Limits(free=1 << 20)).load()
            read += 1
    assert read > 200


class Plain(pickle._Unpickler):
    """CPython's own machine, for values that need no class."""

    def find_class(self, module, name):
        raise pickle.UnpicklingError(name)


def test_what_cpython_reads_is_read_alike():
    chance = random.Random(2016)
    value = [1, 300, -70_000, 2.5, "t", b"bytes", (1, (2,)), {"k": [None, True]}, 2**80, "t"]
    agreed = 0
    for data in [pickle.dumps(value, protocol) for protocol in range(3, 6)]:
        for _ in range(800):
            changed = bytearray(data)
            for _ in range(chance.randint(1, 2)):
                changed[chance.randrange(12, len(changed))] = chance.randrange(256)
            if 0x95 in changed[12:]:
                continue  # a FRAME that is longer than the file: only C Python minds, as we do
            try:
                expected = Plain(io.BytesIO(changed), encoding="bytes").load()
            except Exception:
                continue
            assert same(revive(load(bytes(changed))), expected), bytes(changed)
            agreed += 1
    assert agreed > 250
