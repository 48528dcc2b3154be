"""What a file holds, as lines of a terminal."""

import numpy as np
import pytest
from support import FIXTURES, REAL, needs_shared
from trees import leaf, tree

import legacy_weights
from legacy_weights.summary import lines
from legacy_weights.terminal import clean, width
from legacy_weights.tree import (
    Array,
    Order,
    Role,
    Snapshot,
    Table,
    Trainable,
)


def text(found, **how):
    return list(lines(found, **how))


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


def test_all_tells_which_theano_wrote_a_file():
    """The file is by Theano 1.0.5; the table of its scratchpads is older (Theano's tags)."""
    tree = legacy_weights.read(FIXTURES / "pickles/theano/mlp_p2_t105.pkl")
    assert tree.metadata["framework"].startswith("Theano")
    shown = list(lines(tree, everything=True))
    assert f"version   {tree.metadata['framework']}" in shown
    assert not any(line.startswith("version") for line in lines(tree))
