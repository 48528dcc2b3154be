"""Small trees, and what makes two of them equal."""

import hashlib

import numpy as np

from legacy_weights import paths
from legacy_weights.tree import (
    Array,
    Leaf,
    Order,
    Record,
    Role,
    Snapshot,
    Source,
    Table,
    Trainable,
    Tree,
)

LEGACY = b"the legacy file"


def leaf(path, values, **options):
    options.setdefault("name", ".".join(paths.split(path)[2:]))
    options.setdefault("role", Role.OTHER if path.startswith("/other") else Role.WEIGHT)
    return Leaf(path=path, array=Array.of(np.asarray(values)), **options)


def tree(*leaves, other=(), name="model", **options):
    """Return a tree with one snapshot."""
    options.setdefault("snapshots", (Snapshot(name, leaves, Order.STATED),))
    options.setdefault("default_snapshot", name)
    source = Source("m.pkl", len(LEGACY), "pickle 2", lambda: hashlib.sha256(LEGACY).hexdigest())
    return Tree(source, "plain arrays", other=tuple(other), **options)


def rich_tree():
    """Return a tree with something of everything."""
    rng = np.random.default_rng(0)
    shared = leaf(
        "/snapshots/model/conv1/W",
        rng.random((4, 3)),
        name="conv1.W",
        trainable=Trainable.YES,
        origins=("layers[0].W", "params[0]"),
        links=(("/snapshots/model/tied/W", "tied.W"), ("/snapshots/best/tied/W", "tied.W")),
        note="a list of params has it",
    )
    model = (
        shared,
        leaf("/snapshots/model/conv1/b", np.zeros(3, ">f8"), name="conv1.b"),
        leaf(
            "/snapshots/model/mean",
            np.asfortranarray(rng.random((2, 3))),
            role=Role.STATE,
            trainable=Trainable.NO,
        ),
        leaf("/snapshots/model/half", np.arange(3, dtype="f2")),
    )
    best = (
        leaf("/snapshots/best/other", np.ones(2)),
        Leaf("/snapshots/best/conv1/W", "conv1.W", shared.array, Role.WEIGHT, Trainable.YES),
    )
    snapshots = (
        Snapshot("model", model, Order.STATED, "`params` list.", 10**30, True, "-123"),
        Snapshot("best", best, Order.UNKNOWN, complete=False),
    )
    columns = {
        "iter": Array.of(np.arange(5)),
        "ret.": Array.of(rng.random(5).astype(">f4")),
        "words": Array.of(np.array(["a", "ü", "", "b", "c"], ">U2")),
        "raw": Array.of(np.array([b"a\0b"] * 5)),
        "pair": Array.of(rng.random((5, 2))),
        "nothing": Array.of(np.zeros((5, 0))),
    }
    records = (
        Record(1, "/", "__main__.Model", {"state": {"W": {"$array": "/snapshots/model/conv1/W"}}}),
        Record(2, "['x']", "é", {"args": [float("nan"), float("-inf"), 10**5000, {"$ref": 1}]}),
    )
    return tree(
        snapshots=snapshots,
        default_snapshot="model",
        other=(leaf("/other/constants/0", np.array(["text", "é"]), role=Role.CONSTANT),),
        tables=(Table("/log", columns), Table("/logs/other", {"x": Array.of(np.zeros(0))})),
        records=lambda: records,
        classes=("__main__.Model",),
        evidence="class __main__.Model.",
        metadata={"args": {"n": 3}, "nan": float("nan")},
        history=({"action": "rename", "from": "a"},),
        warnings=("50% of \ud800 %41 was\nrepaired",),
        partial=True,
    )


def raw(values):
    """Return the bytes of an array in C order, gaps of structured elements included."""
    if values.dtype.kind == "V":
        values = values.view(np.dtype((np.void, values.dtype.itemsize)))
    return values.tobytes()


def plain(value):
    """Return a value with NaN, which does not equal itself, by name."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return "NaN" if value != value else value


def same_arrays(first, second):
    left, right = first.load(), second.load()
    assert (first.dtype, first.shape, first.fortran) == (second.dtype, second.shape, second.fortran)
    assert (left.dtype, left.shape) == (right.dtype, right.shape)
    assert left.dtype.str == right.dtype.str
    assert raw(left) == raw(right)


def same_leaves(first, second):
    assert len(first) == len(second)
    for left, right in zip(first, second, strict=True):
        for name in ("path", "name", "role", "trainable", "origins", "note"):
            assert getattr(left, name) == getattr(right, name)
        assert sorted(left.links) == sorted(right.links)
        same_arrays(left.array, right.array)


def same_trees(first, second):
    """Assert that two trees say the same."""
    for name in ("name", "size", "kind", "writer"):
        assert getattr(first.source, name) == getattr(second.source, name)
    assert first.source.sha256() == second.source.sha256()
    for name in ("family", "evidence", "default_snapshot", "classes", "warnings", "partial"):
        assert getattr(first, name) == getattr(second, name)
    for name in ("metadata", "history"):
        assert plain(getattr(first, name)) == plain(getattr(second, name))
    for left, right in zip(first.records(), second.records(), strict=True):
        assert (left.id, left.path, left.cls) == (right.id, right.path, right.cls)
        assert plain(left.content) == plain(right.content)
    assert len(first.snapshots) == len(second.snapshots)
    for left, right in zip(first.snapshots, second.snapshots, strict=True):
        for name in ("name", "order", "order_note", "iteration", "complete", "legacy_hash"):
            assert getattr(left, name) == getattr(right, name)
        same_leaves(left.leaves, right.leaves)
    same_leaves(first.other, second.other)
    assert [table.path for table in first.tables] == [table.path for table in second.tables]
    for left, right in zip(first.tables, second.tables, strict=True):
        assert list(left.columns) == list(right.columns)
        for name, column in left.columns.items():
            same_arrays(column, right.columns[name])
