"""Inert records: all that is no array, as JSON, each object once."""

import json
import random
from collections import Counter, OrderedDict, deque

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stubs import graph, graph_of_bytes, model, records, shared, stub

from legacy_weights import families
from legacy_weights.families.graph import Graph
from legacy_weights.families.values import BLOB, Bundle
from legacy_weights.pickles.numpy_values import beside
from legacy_weights.pickles.objects import (
    ABSENT,
    Global,
    Instance,
    MaskedArray,
    ObjectArray,
    PersistentId,
)
from legacy_weights.readers.records import Records

W, B = np.arange(2.0), np.arange(3.0)


def of(root):
    """Return the records of an inert value."""
    found = Graph(root)
    return list(Records(found, families.interpret(found).places)())


def value(root):
    """Return the JSON of an inert value that is one record."""
    (record,) = of(root)
    return record.content["value"]


# Values ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("held", "found"),
    [
        ("größe", "größe"),
        ("\ud800", "\ud800"),
        (b"text", "text"),
        (b"gr\xc3\xb6\xc3\x9fe", {"$bytes": "größe", "encoding": "utf-8"}),
        (b"q\xe9\xff", {"$bytes": "qéÿ", "encoding": "latin-1"}),
        (b"", ""),
        (None, None),
        (True, True),
        (3, 3),
        (-(2**511), -(2**511)),
        (2.5, 2.5),
        (-0.0, -0.0),
        (float("nan"), {"$float": "nan"}),
        (float("inf"), {"$float": "inf"}),
        (float("-inf"), {"$float": "-inf"}),
        (1 - 2j, {"$complex": [1.0, -2.0]}),
        (complex(float("nan"), 1), {"$complex": [{"$float": "nan"}, 1.0]}),
        (np.float32(2.5), {"$scalar": 2.5, "dtype": "<f4"}),
        (np.int8(-1), {"$scalar": -1, "dtype": "|i1"}),
        (np.bool_(True), {"$scalar": True, "dtype": "|b1"}),
        (np.str_("ä"), {"$scalar": "ä", "dtype": "<U1"}),
        (np.bytes_(b"a"), {"$scalar": "a", "dtype": "|S1"}),
        (
            np.float64("nan"),
            {"$scalar": np.float64("nan").tobytes().hex(), "dtype": "<f8", "encoding": "hex"},
        ),
        (np.complex64(1), {"$scalar": "0000803f00000000", "dtype": "<c8", "encoding": "hex"}),
        (np.datetime64(3, "D"), {"$scalar": "03" + "00" * 7, "dtype": "<M8[D]", "encoding": "hex"}),
        (np.dtype(">f4"), {"$dtype": ">f4"}),
        (Global("theano.tensor", "dot"), {"$global": "theano.tensor.dot"}),
        ([], []),
        ((), {"$tuple": []}),
        ((1, "a"), {"$tuple": [1, "a"]}),
        ({}, {}),
        ({"a": 1, b"b": 2}, {"a": 1, "b": 2}),
        ({1: "a"}, {"$dict": [[1, "a"]]}),
        ({"$ref": 1}, {"$dict": [["$ref", 1]]}),
        ({b"q\xe9": 1}, {"$dict": [[{"$bytes": "qé", "encoding": "latin-1"}, 1]]}),
        ({"a": 1, b"a": 2}, {"$dict": [["a", 1], ["a", 2]]}),
        ({(1, None): 2}, {"$dict": [[{"$tuple": [1, None]}, 2]]}),
        (PersistentId("ndarray.1", 0), {"$persistent_id": "ndarray.1"}),
    ],
)
def test_values_as_json(held, found):
    assert repr(value([held])) == repr([found])
    json.dumps(value([held]), allow_nan=False)


def test_the_root_alone_is_a_record():
    for root, cls, found in [
        (3, "int", 3),
        (None, "nonetype", None),
        ("x" * 1000, "str", "x" * 1000),
        (memoryview(b"x" * 1000), "bytes", "x" * 1000),
        (W, "numpy.ndarray", {"$array": "/snapshots/model/0"}),
        (np.float32(1), "numpy.float32", {"$scalar": 1.0, "dtype": "<f4"}),
    ]:
        (record,) = of(root)
        assert (record.id, record.path, record.cls) == (0, "", cls)
        assert record.content == {"value": found}


def test_arrays_are_pointed_to():
    assert value({"W": W, "deep": [(B, 3)]}) == {
        "W": {"$array": "/snapshots/model/W"},
        "deep": [{"$tuple": [{"$array": "/snapshots/model/deep/0/0"}, 3]}],
    }


def test_a_long_path_is_written_once():
    key = "k" * 100
    root, array = of({key: W, "a": [[[W, W]]]})
    reference = {"$ref": array.id}
    assert root.content["value"] == {key: reference, "a": [[[reference, reference]]]}
    assert array.content == {"value": {"$array": f"/snapshots/model/{key}"}}


def test_several_pickles_and_members():
    assert value(Bundle([("0", 1), ("1", [2])], members=False)) == {"$pickles": [1, [2]]}
    assert value(Bundle([("a", 1), ("b", [2])], members=True)) == {"$members": {"a": 1, "b": [2]}}


# Instances -------------------------------------------------------------------------------------


def test_an_instance_is_a_record_with_its_state():
    root, layer = records({"net": model("Net", n=3, W=W, name="x")})
    assert root.content["value"] == {"net": {"$ref": layer.id}}
    assert (layer.path, layer.cls) == ("['net']", "lost_models.Net")
    assert layer.content["state"] == {
        "n": 3,
        "W": {"$array": "/other/data/net/W"},
        "name": "x",
    }


def test_everything_of_an_instance_is_kept():
    made = Instance(Instance(Global("m", "make"), (1,), 0), ("a", 2), 0)
    made.kwargs, made.base, made.state = {"k": 1}, [3], (4, 5)
    made.items, made.pairs, made.earlier = [6], [("k", 7)], [{"n": 8}]
    first, second = of(made)
    assert first.content == {
        "callable": {"$ref": second.id},
        "args": ["a", 2],
        "kwargs": {"k": 1},
        "base": [3],
        "state": {"$tuple": [4, 5]},
        "items": [6],
        "pairs": [{"$tuple": ["k", 7]}],
        "earlier": [{"n": 8}],
    }
    assert second.content == {"args": [1]}
    assert (first.cls, second.cls) == ("m.make", "m.make")


def test_no_state_and_the_state_none():
    made = Instance(Global("m", "C"), (), 0)
    assert of(made)[0].content == {}
    made.state = None
    assert of(made)[0].content == {"state": None}


def test_standard_values_are_readable():
    ordered = OrderedDict([("b", 1), ("a", deque([2]))])
    first, *others = records(ordered)
    assert first.cls == "collections.OrderedDict"
    assert len(others) == 1
    stamp = Instance(Global("datetime", "date"), (b"\x07\xdc\x09\x04",), 0)
    assert of(stamp)[0].content["value"] == "2012-09-04"
    long = Instance(Global("decimal", "Decimal"), ("1" * 1000,), 0)
    assert "value" not in of(long)[0].content


def test_a_plain_array_is_no_record_but_a_subclass_is():
    assert len(records([W, np.float32(1), np.dtype("f4")])) == 1
    root, other = records([np.rec.array([(1.0,)], [("a", "f8")])])
    assert root.content["value"] == [{"$ref": other.id}]
    assert other.cls == "numpy.rec.recarray" or other.cls == "numpy.recarray"
    assert other.content == {"value": {"$array": "/other/data/0"}}


def test_what_a_subclass_of_ndarray_keeps():
    cls = stub("lost_models.Labelled", np.ndarray)
    make, _, state = W.__reduce__()
    cls.__reduce__ = lambda self: (make, (cls, (0,), b"b"), (state, {"unit": "kg", "b": B}))
    _, labelled = records([W.view(cls)])
    assert labelled.cls == "lost_models.Labelled"
    assert labelled.content == {
        "value": {"$array": "/snapshots/model/0"},
        "attributes": [{"unit": "kg", "b": {"$array": "/other/data/0/b"}}],
    }


def test_masked_arrays_and_arrays_of_objects():
    cell = np.empty((1, 2), object)
    cell[0] = [W, "x"]
    root, *others = records({"m": np.ma.masked_array(B, [0, 1, 0]), "c": cell})
    found = {other.path: other.content["value"] for other in others}
    assert found["['c']"] == {
        "$ndarray": [{"$array": "/snapshots/model/c/0/0"}, "x"],
        "shape": [1, 2],
        "dtype": "|O",
        "fortran": False,
    }
    masked = found["['m']"]["$masked"]
    assert masked["data"] == {"$array": "/snapshots/model/m/data"}
    assert masked["mask"] == {"$array": "/other/data/m/mask"}
    assert {"fill_value"} <= masked.keys()
    assert root.content["value"].keys() == {"m", "c"}


# Sharing ---------------------------------------------------------------------------------------


def test_what_is_shared_is_a_record_of_its_own():
    sizes = [784, 10]
    root, shared_list = records({"a": sizes, "b": [sizes, [1], ()], "c": ()})
    reference = {"$ref": shared_list.id}
    assert root.content["value"] == {
        "a": reference,
        "b": [reference, [1], {"$tuple": []}],
        "c": {"$tuple": []},
    }
    assert shared_list.content == {"value": sizes}
    assert shared_list.path in ("['a']", "['b'][0]")


@pytest.mark.parametrize("protocol", [0, 2])
def test_cycles_end(protocol):
    loop = [1]
    loop.append({"me": loop})
    owner = model(loop=loop)
    owner.me = owner
    owner_record, loop_record = records(owner, protocol)
    assert owner_record.content["state"]["me"] == {"$ref": 0}
    assert loop_record.content["value"] == [1, {"me": {"$ref": loop_record.id}}]


def test_deep_values_are_cut_into_records():
    deep = 1
    for _ in range(50_000):
        deep = [deep]
    found = of(deep)
    assert len(found) < 5000
    for record in found:
        json.dumps(record.content)


@pytest.mark.parametrize(
    "hold",
    [
        lambda x: [x, x],
        lambda x: (x, x),
        lambda x: {"a": x, "b": x},
        lambda x: model(left=x, right=x),
        lambda x: OrderedDict([("a", x), ("b", [x])]),
    ],
    ids=["list", "tuple", "dict", "instance", "ordered"],
)
def test_forty_levels_of_two_are_written_once(hold):
    nested = W
    for _ in range(40):
        nested = hold(nested)
    found = records(nested, protocol=2)
    assert len(found) <= 160
    assert sum(len(json.dumps(record.content)) for record in found) < 40_000


@pytest.mark.parametrize(
    "repeated",
    [
        "x" * 1000,
        b"\xff" * 1000,
        memoryview(b"y" * 1000),
        2**5000,
        np.void(b"v" * 1000),
        np.zeros(1, [(f"f{n}", "f8") for n in range(30)])[0],
        np.dtype([(f"f{n}", "f8") for n in range(100)]),
        (None,) * 1000,
        PersistentId((None,) * 1000, 0),
        Global("m" * 1000, "C" * 1000),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_two_bytes_can_repeat_is_not_written_a_thousand_times(repeated):
    holder = repeated
    if isinstance(repeated, np.dtype):
        holder = Instance(Global("numpy", "dtype"), ("V8",), 0)
        holder.value = repeated
    found = of([holder] * 1000)
    assert sum(len(json.dumps(record.content)) for record in found) < 700_000
    assert len(found) <= 3


@pytest.mark.parametrize("part", ["args", "state", "kwargs"])
def test_what_a_thousand_objects_share_is_written_once(part):
    common = {f"k{n}": n for n in range(1000)}
    objects = [Instance(Global("m", "C"), (), 0) for _ in range(1000)]
    for each in objects:
        setattr(each, part, tuple(common.items()) if part == "args" else common)
    if part == "args":
        for each in objects:
            each.args = objects[0].args
    found = of(objects)
    assert sum(len(json.dumps(record.content)) for record in found) < 200_000


def test_a_long_key_of_many_dictionaries_is_written_once():
    key = b"\xffk" * 50_000
    found = of([{key: n} for n in range(1000)])
    assert sum(len(json.dumps(record.content)) for record in found) < 600_000
    assert len(found) == 2
    ordered = Instance(Global("collections", "OrderedDict"), ([[memoryview(key), 1]],), 0)
    first, second = of(ordered)
    assert first.content["args"] == [[[{"$ref": second.id}, 1]]]


def test_long_byte_strings_are_arrays():
    found = of([b"\xff" * BLOB, memoryview(b"x" * BLOB)])
    assert found[0].content["value"] == [
        {"$array": "/other/data/0"},
        {"$array": "/other/data/1"},
    ]


def test_records_can_be_made_twice():
    found = graph({"a": [W], "b": model(n=1)})
    made = Records(found, families.interpret(found).places)
    assert [(r.id, r.content) for r in made()] == [(r.id, r.content) for r in made()]


def test_an_old_style_instance():
    old = graph_of_bytes(b"(ilost_models\nOld\nq\x01(dS'W'\nI3\nsb.")
    (record,) = Records(old, {})()
    assert (record.cls, record.content) == ("lost_models.Old", {"state": {"W": 3}})


def test_a_theano_variable_can_be_read_in_its_records():
    found = records(model("Net", W=shared(2, "W", created=3)))
    assert [record.cls for record in found] == [
        "lost_models.Net",
        "theano.tensor.sharedvar.TensorSharedVariable",
        "theano.gof.link.Container",
    ]
    assert found[1].content["state"]["name"] == "W"
    assert found[2].content["state"]["storage"] == [{"$array": "/snapshots/model/W"}]


# Nothing is lost, whatever is held by whatever -------------------------------------------------

_CLASSES = [
    *("m.C", "collections.OrderedDict", "collections.deque", "__builtin__.set", "uuid.UUID"),
    *("theano.tensor.sharedvar.TensorSharedVariable", "theano.gof.link.Container"),
    *("theano.tensor.var.TensorConstant", "numpy.random.RandomState", "decimal.Decimal"),
    "theano.compile.function_module._constructor_Function",
]
_KEYS = [
    *("params", "W", "b", "owner", "inputs", "container", "storage", "name", "auto_name"),
    *("x/y", "", "$ref", b"W", b"q\xe9", 0, 1, None, (1, "a"), 2.5, "k" * 500, b"\xff" * 600),
]
_PLAIN = [
    *(None, 1, 2.5, "text", b"bytes", "auto_3", 2**5000, "l" * 300, b"\xff" * 300, 1 - 2j),
    *(float("nan"), np.float32(2), np.dtype("f8"), Global("m", "C"), b"z" * BLOB),
]


class _Maker:
    """Makes inert values that hold one another in every way, cycles included."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.pool = [*_PLAIN, memoryview(b"m" * 600), memoryview(b"m" * BLOB)]

    def pick(self):
        late = self.random.random() < 0.7
        return self.random.choice(self.pool[-12:] if late else self.pool)

    def some(self, most=3):
        return [self.pick() for _ in range(self.random.randrange(most + 1))]

    def mapping(self):
        return {self.random.choice(_KEYS): value for value in self.some()}

    def value(self):
        kind = self.random.randrange(11)
        if kind == 0:
            dtype = self.random.choice(["f8", "i4", "?", "M8[s]", "S3"])
            return np.zeros(self.random.randrange(3), dtype)
        if kind < 4:
            return [self.some(), tuple(self.some()), self.mapping()][kind - 1]
        if kind == 4:
            return PersistentId(self.pick(), 0)
        made = self.instance()
        if kind == 5:
            items = self.some()
            made.value = ObjectArray((len(items),), items, False)
        elif kind == 6:
            made.value = MaskedArray(np.zeros(2), np.zeros(2, bool), self.pick())
        elif kind == 7:
            made.value = self.random.choice([np.ones(2), np.dtype("f4"), b"abc"])
        return made

    def instance(self):
        module, _, name = self.random.choice(_CLASSES).rpartition(".")
        made = Instance(Global(module, name), tuple(self.some(2)), 0)
        parts = {
            "state": self.random.choice([self.pick, self.mapping, self.mapping]),
            "items": self.some,
            "pairs": lambda: [(self.pick(), value) for value in self.some()],
            "base": self.pick,
            "kwargs": lambda: {"k": self.pick()},
            "earlier": self.some,
        }
        for part, make in parts.items():
            if self.random.random() < (0.8 if part == "state" else 0.1):
                setattr(made, part, make())
        calls = [value for value in self.pool if type(value) is Instance]
        if calls and self.random.random() < 0.1:
            made.cls = self.random.choice(calls)
        return made

    def root(self, count):
        for _ in range(count):
            made = self.value()
            for earlier in (*self.pool[-6:], made):
                if type(earlier) is list and self.random.random() < 0.1:
                    earlier.append(made)
                if type(earlier) is dict and self.random.random() < 0.1:
                    earlier[self.random.choice(_KEYS)] = made
            self.pool.append(made)
        if self.random.random() < 0.7:
            return self.pool[-1]
        entries = [(str(number), value) for number, value in enumerate(self.pool[-3:])]
        return Bundle(entries, members=self.random.random() < 0.5)


def reachable(root):
    """Return every array below a value, found by following everything that it holds."""
    arrays, seen, todo = {}, {}, [root]
    while todo:
        held = todo.pop()
        if id(held) in seen:
            continue
        seen[id(held)] = held
        if isinstance(held, np.ndarray):
            arrays[id(held)] = held
        elif isinstance(held, list | tuple):
            todo += held
        elif isinstance(held, dict):
            todo += [*held, *held.values()]
        elif isinstance(held, Bundle):
            todo += [value for _, value in held.entries]
        elif isinstance(held, PersistentId):
            todo.append(held.pid)
        elif isinstance(held, ObjectArray):
            todo += held.items
        elif isinstance(held, MaskedArray):
            todo += [held.data, held.mask, held.fill_value]
        elif isinstance(held, Instance):
            own = [held.state, *held.args] if held.value is ABSENT else [held.value, *beside(held)]
            todo += [*own, held.cls, held.base, held.items, held.kwargs, held.earlier]
            todo += [part for pair in held.pairs or () for part in pair]
    return arrays


@settings(deadline=None)
@given(st.integers(0, 2**32), st.sampled_from([3, 10, 30, 60]))
def test_each_array_has_a_place_and_each_record_can_be_read(seed, count):
    root = _Maker(seed).root(count)
    found = Graph(root)
    meaning = families.interpret(found)
    leaves = [*(leaf for s in meaning.snapshots for leaf in s.leaves), *meaning.other]
    written = Counter(id(leaf.array.load()) for leaf in leaves)
    for key in reachable(root):
        assert written[key] >= 1
    paths = [path for leaf in leaves for path in (leaf.path, *(link for link, _ in leaf.links))]
    scopes = {path[:end] for path in paths for end, char in enumerate(path) if end and char == "/"}
    assert len(set(paths)) == len(paths)
    assert scopes.isdisjoint(paths)
    for snapshot in meaning.snapshots:
        assert len({leaf.name for leaf in snapshot.leaves}) == len(snapshot.leaves)
    made = list(Records(found, meaning.places)())
    places = {leaf.path for leaf in leaves}
    pointers = [pair for record in made for pair in _pointers(dict(record.content))]
    assert {to for kind, to in pointers if kind == "$array"} <= places
    assert {to for kind, to in pointers if kind == "$ref"} <= {record.id for record in made}
    assert [record.id for record in made] == list(range(len(made)))


def _pointers(content):
    json.dumps(content, allow_nan=False)
    todo = [content]
    while todo:
        part = todo.pop()
        if isinstance(part, dict):
            if part.keys() in ({"$array"}, {"$ref"}):
                yield from part.items()
            todo += part.values()
        elif isinstance(part, list):
            todo += part
