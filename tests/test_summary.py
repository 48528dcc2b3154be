"""What a file holds: as lines of a terminal, and as one JSON document."""

import hashlib
import json

import numpy as np
import pytest
from support import FIXTURES, REAL, needs_shared

import legacy_weights
from legacy_weights.summary import clean, document, lines, plural, shape, shown, size, table, width
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


def leaf(name, values, role=Role.WEIGHT, trainable=Trainable.UNKNOWN, **more):
    path = f"/snapshots/model/{name}"
    return Leaf(path, name, Array.of(np.asarray(values)), role, trainable, **more)


def tree(*leaves, order=Order.STATED, note="list", other=(), **more):
    snapshot = Snapshot("model", leaves, order, note)
    known = {"snapshots": (snapshot,), "default_snapshot": "model", **more}
    source = Source("net.pkl", 2048, "pickle 2", lambda: "0" * 64, "Python 2")
    return Tree(source, "Theano", other=tuple(other), evidence="class m.Net", **known)


def text(found, **how):
    return list(lines(found, **how))


# Lines -----------------------------------------------------------------------------------------


@needs_shared
def test_the_tutorials_model_to_the_letter():
    model = REAL / "andrew-shackelford+DeepLearningTutorials/code/best_model.pkl"
    assert text(legacy_weights.read(model)) == [
        "best_model.pkl  204 KiB  pickle 0, Python 2 · Theano, class __main__.LogisticRegression",
        "weights   2 arrays  7,850 numbers  order: `params` list (stated)",
        "  0  W  784×10 float64   [0:7840]",
        "  1  b  10     float64   [7840:7850]",
        "other     2 constants in the graphs y_pred, L2_sqr    (--all lists them)",
    ]


def test_a_snapshot_with_state_and_all_kinds_of_others():
    found = tree(
        leaf("conv1/W", np.zeros((64, 3, 3), "f4")),
        leaf("n", np.zeros((), "i8"), trainable=Trainable.NO),
        leaf("conv1/b", np.zeros(64, "f4")),
        leaf("mean", np.zeros(3), Role.STATE),
        other=[
            leaf("0000", 2, Role.CONSTANT, note="cost"),
            leaf("0001", 3, Role.CONSTANT, note="y_pred"),
            leaf("rng/key", np.zeros(624, "u4"), Role.RANDOM),
            leaf("costs", np.zeros(7), Role.DATA),
            leaf("0000", 5, Role.OTHER, note="y"),
        ],
        warnings=("12 bytes after the last pickle are kept",),
    )
    assert text(found) == [
        "net.pkl  2.0 KiB  pickle 2, Python 2 · Theano, class m.Net",
        "weights   3 arrays  641 numbers  order: list (stated)",
        "  0  conv1/W  64×3×3 float32   [0:576]",
        "  1  n        scalar int64     not trained",
        "  2  conv1/b  64     float32   [576:640]",
        "state     1 array: mean    (--all lists them)",
        "other     2 constants in the graphs cost, y_pred    (--all lists them)",
        "          1 random state: rng/key    (--all lists them)",
        "          1 data array: costs    (--all lists them)",
        "          1 unclassified array in the graph y    (--all lists them)",
        "note      12 bytes after the last pickle are kept",
    ]


def test_all_are_listed_with_where_they_are():
    found = tree(
        leaf("W", [1.0], origins=("W.container.storage[0]",)),
        leaf("mean", [1.0, 2.0], Role.STATE, origins=("layers[0].mean.container.storage[0]",)),
        other=[
            leaf("0000", 2, Role.CONSTANT, origins=("y_pred.owner.inputs[1].data",), note="y_pred"),
            leaf("costs/0", [1.0], Role.DATA, origins=("costs[0]",)),
        ],
    )
    assert text(found, everything=True)[2:] == [
        "  0  W  1 float64   [0:1]",
        "state     1 array",
        "  mean  2 float64   layers[0].mean",
        "other     1 constant in the graph y_pred",
        "  0000  scalar int64   y_pred.owner.inputs[1].data",
        "          1 data array",
        "  costs/0  1 float64",
    ]


@pytest.mark.parametrize(
    ("order", "note", "found"),
    [
        (Order.STATED, "`params` list", "order: `params` list (stated)"),
        (Order.FORMAT, "", "order: format"),
        (Order.CREATED, "Theano's creation counter", "order: Theano's creation counter (created)"),
        (Order.UNKNOWN, "", "order: unknown (sorted by name)"),
    ],
)
def test_where_the_order_comes_from(order, note, found):
    assert text(tree(leaf("W", [1.0]), order=order, note=note))[1].endswith(found)


def test_of_many_weights_the_first_are_listed():
    found = tree(*(leaf(f"W{number}", [1.0]) for number in range(1000)))
    assert len(text(found)) == 2 + 40 + 1
    assert text(found)[-1] == "  … 960 more    (--all lists them)"
    assert len(text(found, everything=True)) == 1002


def test_of_many_names_only_the_number_is_told():
    assert text(tree(other=[leaf(f"x{n}", 1, Role.DATA) for n in range(7)]))[-1] == (
        "other     7 data arrays    (--all lists them)"
    )
    noted = [leaf(str(n), 1, Role.CONSTANT, note=f"y{n}") for n in range(9)]
    graphs = "y0, y1, y2, y3, y4, y5 and 3 more"
    assert text(tree(other=noted))[-1] == (
        f"other     9 constants in the graphs {graphs}    (--all lists them)"
    )


def test_the_default_snapshot_is_listed():
    snapshots = tuple(
        Snapshot(name, (leaf("W", [1.0]),), Order.STATED, "list", complete=name != "best")
        for name in ("model", "best")
    )
    found = tree(snapshots=snapshots, default_snapshot="best")
    assert text(found)[1:] == [
        "model     1 array  1 number  order: list (stated)",
        "best      1 array  1 number  order: list (stated)  INCOMPLETE",
        "  0  W  1 float64   [0:1]",
    ]


def test_a_log_and_no_array():
    columns = {name: Array.of(np.zeros(101)) for name in ("iter", "r\n", "c", "d", "e", "f", "g")}
    found = tree(snapshots=(), default_snapshot=None, tables=(Table("/log", columns),))
    assert text(found)[1:] == [
        r"log       101 rows  /log: iter, r\n, c, d, e, f, … 1 more",
        "arrays    none",
    ]


# What names can do to a terminal ---------------------------------------------------------------

HOSTILE = [
    "\x1b[31mred\x1b[0m",
    "\x1b]0;title\x07",
    "line\nfeed",
    "\r overwritten",
    "\x08\x08\x08",
    "\u202ereversed",
    "\u2066isolated\u2069",
    "\ud800",
    "\x9b31m",
    "\u200bzero width",
    "\ufeffbom",
    "nul\0",
    "\u2028",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_nothing_of_a_file_acts_on_the_terminal(name):
    found = tree(
        leaf(name, [1.0], origins=(name,)),
        leaf("s" + name, [1.0], Role.STATE, origins=(name,)),
        note=name,
        other=[
            leaf(name, np.zeros(1, [("a" + name, "f8")]) if name != "\ud800" else 1, Role.DATA),
            leaf("0000", 1, Role.CONSTANT, note=name, origins=(name,)),
        ],
        tables=(Table("/logs/" + name, {name: Array.of(np.zeros(1))}),),
        warnings=(name,),
    )
    for everything in (False, True):
        for line in text(found, everything=everything):
            assert line.isprintable()
            line.encode()  # no lone surrogates
    assert clean(name) == name.encode("unicode_escape").decode()


@pytest.mark.parametrize(
    ("name", "cell"),
    [
        ("W", "W"),
        ("", "''"),
        (" ", "' '"),
        (" W", "' W'"),
        ("größe", "größe"),
        ("重み", "重み"),
        ("\t", r"\t"),
        ("x" * 120, "x" * 120),
        ("x" * 100 + "y" * 100, "x" * 60 + "…" + "y" * 59),
    ],
)
def test_a_name_is_seen_as_it_is(name, cell):
    assert shown(name) == cell


def test_a_line_is_of_bounded_length():
    huge = "k" * 100_000
    found = tree(
        leaf(huge, [1.0], origins=(huge,)),
        other=[leaf(huge, 1, Role.CONSTANT, note=huge + str(n), origins=(huge,)) for n in range(9)],
        tables=(Table("/logs/" + huge, {huge: Array.of(np.zeros(1))}),),
    )
    for everything in (False, True):
        assert max(map(len, text(found, everything=everything))) < 1000


def test_genuine_models_fit_a_terminal_of_80_columns():
    for file in (
        "theano/mlp_p0_t082.pkl",
        "theano/trainer_p0_t082.pkl",
        "plain/dict_p0.pkl",
        "plain/list25_p0.pkl",
    ):
        for line in text(legacy_weights.read(FIXTURES / "pickles" / file)):
            assert width(line) <= 80


# Tables ----------------------------------------------------------------------------------------


def test_columns_are_aligned_by_what_a_terminal_shows():
    rows = [["重み", "1"], ["W", "2"], ["e\u0301x", "3"]]
    assert list(table(rows, ("  ", "  "))) == ["  重み  1", "  W     2", "  e\u0301x    3"]
    assert width("重み") == 4
    assert width("e\u0301") == 1


def test_an_overlong_cell_does_not_widen_the_others():
    long = "x" * 100
    assert list(table([["W", "1"], [long, "2"]], ("", " "))) == ["W 1", f"{long} 2"]


def test_a_table_without_rows():
    assert list(table([], ("", ""))) == []


@pytest.mark.parametrize(
    ("count", "found"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (1023, "1,023 bytes"),
        (1024, "1.0 KiB"),
        (1536, "1.5 KiB"),
        (10_188, "9.9 KiB"),
        (10_240, "10 KiB"),
        (208_478, "204 KiB"),
        (2_892_386, "2.8 MiB"),
        (1_048_575, "1.0 MiB"),
        (1 << 40, "1.0 TiB"),
        (1 << 70, "1048576 PiB"),
    ],
)
def test_sizes(count, found):
    assert size(count) == found


def test_words():
    assert plural(1, "array") == "1 array"
    assert plural(7850, "number") == "7,850 numbers"
    assert shape(()) == "scalar"
    assert shape((784, 10)) == "784×10"


# The document ----------------------------------------------------------------------------------


def test_the_document():
    big = np.arange(6, dtype=">f4").reshape(2, 3)
    found = document(
        tree(
            leaf("W", big, trainable=Trainable.YES, origins=("a", "b"), links=(("/x", "x"),)),
            leaf("n", [1], trainable=Trainable.NO),
            other=[leaf("key", [1], Role.RANDOM)],
            records=lambda: [Record(0, "", "m.Net", {"state": {"n": 3}})],
            classes=("m.Net",),
            metadata={"seed": 3},
            history=({"action": "unflatten"},),
            warnings=("repaired",),
        ),
        file="dir/net.pkl",
    )
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    weight, count, state = found["arrays"]
    assert weight == {
        "path": "/snapshots/model/W",
        "name": "W",
        "dtype": ">f4",
        "shape": [2, 3],
        "fortran": False,
        "role": "weight",
        "trainable": True,
        "snapshot": "model",
        "position": 0,
        "start": 0,
        "origins": ["a", "b"],
        "links": ["/x"],
        "sha256": hashlib.sha256(big.astype("<f4").tobytes()).hexdigest(),
    }
    assert (count["position"], count["start"], count["trainable"]) == (1, None, False)
    assert (state["position"], state["snapshot"], state["role"]) == (None, None, "random")
    assert found["file"] == "dir/net.pkl"
    assert found["kind"] == "pickle 2"
    assert found["order_source"] == "stated"
    assert found["records"] == [{"id": 0, "path": "", "class": "m.Net", "state": {"n": 3}}]
    assert found["classes"] == ["m.Net"]
    assert found["warnings"] == ["repaired"]


def test_a_document_without_hashes():
    (array,) = document(tree(leaf("W", [1.0])), file="x", hashes=False)["arrays"]
    assert "sha256" not in array


def test_a_document_of_nothing():
    found = document(tree(snapshots=(), default_snapshot=None), file="x")
    assert (found["arrays"], found["order_source"]) == ([], None)


@pytest.mark.parametrize(
    "dtype",
    [
        [("a", "<f8"), ("b", "<i4", (2,))],
        {"names": ["a", "b"], "formats": ["<f8", "<i4"], "offsets": [0, 4], "itemsize": 12},
        {"names": ["a", "b"], "formats": ["<f8", "<i4"], "offsets": [8, 0]},
    ],
)
def test_structured_arrays_have_a_dtype_in_the_document(dtype):
    found = tree(leaf("x", np.zeros(2, dtype)))
    (array,) = document(found, file="x")["arrays"]
    assert "'a'" in array["dtype"]
    assert "'b'" in array["dtype"]
    assert text(found)[2] == "  0  x  2 (a, b)   not trained"
