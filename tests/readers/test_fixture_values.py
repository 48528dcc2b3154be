"""The values of the fixtures are those that Python 2 saw: `values` of the manifest."""

import json
import re

import numpy as np
import pytest
from support import FIXTURES, MANIFEST

from legacy_weights.pickles.objects import ABSENT, Global, Instance, ObjectArray
from legacy_weights.readers import pickle as reader
from legacy_weights.readers.readable import readable

STEP = re.compile(r"\.(\w+)|\[(u?'(?:[^'\\]|\\.)*'|-?\d+(?:, -?\d+)*|\(\))\]")


def follow(raw, path):
    """Return what stands at a path of the manifest."""
    position = 0
    while position < len(path):
        step = STEP.match(path, position)
        position = step.end()
        raw = attribute(raw, step[1]) if step[1] else item(raw, step[2])
    return raw


def attribute(raw, name):
    states = raw.state if isinstance(raw.state, tuple) else (raw.state,)
    (found,) = [state[name.encode()] for state in states if state and name.encode() in state]
    return found


def item(raw, key):
    value = getattr(raw, "value", ABSENT)
    if isinstance(value, ObjectArray):
        index = tuple(map(int, key.split(", "))) if key != "()" else ()
        return value.items[int(np.ravel_multi_index(index, value.shape)) if index else 0]
    if isinstance(raw, Instance):
        raw = held(raw)
    if key[0] in "u'":
        return raw[key[2:-1] if key[0] == "u" else key[1:-1].encode()]
    return raw[int(key)]


def held(raw):
    """Return the container that an instance stands for."""
    if raw.base is not ABSENT:
        return raw.base
    if raw.pairs is not None:
        return dict(raw.pairs)
    if raw.items is not None:
        return raw.items
    if raw.cls.name == "OrderedDict":
        return dict(map(tuple, raw.args[0]))
    return raw.args[0] if len(raw.args) == 1 else raw.args


def plain(raw):
    """Return a value in the manifest's terms."""
    if isinstance(raw, Instance):
        return plain_instance(raw)
    if isinstance(raw, Global):
        return raw.dotted
    if isinstance(raw, np.generic):
        return plain_scalar(raw)
    if isinstance(raw, bytes | memoryview):
        raw = bytes(raw)
        return raw.decode() if raw.isascii() else {"bytes": raw.hex()}
    if isinstance(raw, float) and not np.isfinite(raw):
        return {"float": repr(raw)}
    if isinstance(raw, complex):
        return {"complex": [plain(raw.real), plain(raw.imag)]}
    if isinstance(raw, list | tuple):
        return list(map(plain, raw))
    if isinstance(raw, dict):
        return {plain(key): plain(value) for key, value in raw.items()}
    return raw


def plain_scalar(raw):
    if raw.dtype.kind in "Mm":
        return str(raw)
    if raw.dtype.kind == "V":
        return {"bytes": raw.tobytes().hex()}
    # Python has no number for a long double
    return plain(
        complex(raw)
        if raw.dtype.kind == "c"
        else float(raw)
        if raw.dtype.kind == "f"
        else raw.item()
    )


def plain_instance(raw):
    name = raw.cls_name.rpartition(".")[2]
    if isinstance(raw.value, bytes | memoryview):
        return plain(bytes(raw.value))
    text = readable(raw)
    if name == "timedelta":
        days, seconds, microseconds = raw.args
        return {"days": days, "seconds": seconds, "microseconds": microseconds}
    if text is not None:
        return text
    if name in ("set", "frozenset"):
        return sorted(plain(raw.args[0]))
    if name == "xrange":
        return list(range(*raw.args))
    if name == "slice":
        return list(raw.args)
    if name == "defaultdict":
        return plain(dict(raw.pairs))
    if name == "deque":
        return plain(raw.args[0] if raw.args else raw.items)
    return plain(held(raw))


WITH_VALUES = [entry for entry in MANIFEST if entry.get("values") and "member" not in entry["file"]]


@pytest.mark.parametrize("entry", WITH_VALUES, ids=lambda entry: entry["file"])
def test_values_are_those_that_python_2_pickled(entry):
    raw = reader.read((FIXTURES / entry["file"]).read_bytes()).value()
    found = {path: plain(follow(raw, path)) for path in entry["values"]}
    assert json.loads(json.dumps(found)) == entry["values"]
