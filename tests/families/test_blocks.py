"""Blocks: names by the bricks, the model's order, logs; genuine and hostile files."""

import io
import tarfile
import time

import numpy as np
import pytest
from stubs import _CLASSES, dumps, interpret, make, model, shared, weights
from support import FIXTURES

import legacy_weights
from legacy_weights.families.blocks import components

FILES = FIXTURES / "families/blocks"


@pytest.mark.parametrize(
    ("name", "delimiter", "expected"),
    [
        ("/mlp/linear_0.W", "/", ("mlp", "linear_0", "W")),
        ("|mlp|linear_0.W", "|", ("mlp", "linear_0", "W")),
        ("|a.b|c.d.W", "|", ("a.b", "c.d", "W")),
        ("/softmax.b", "/", ("softmax", "b")),
        ("W_2", "|", ("W_2",)),
        ("my/own", "|", ("my/own",)),
        ("|", "|", ("|",)),
        ("|a", "|", ("a",)),
        ("||.W", "|", ("W",)),
    ],
)
def test_hierarchical_names(name, delimiter, expected):
    assert components(name, delimiter) == expected


def test_names_and_order_of_a_checkpoint():
    """blocks/model.py shows this very order in the docstring of Model."""
    tree = legacy_weights.read(FILES / "checkpoint_t105.tar.gz")
    (snapshot,) = tree.snapshots
    assert [leaf.name for leaf in snapshot.leaves] == [
        "mlp/linear_1/b",
        "mlp/linear_0/b",
        "mlp/linear_0/W",
        "mlp/linear_1/W",
    ]
    assert (tree.family, snapshot.order) == ("Blocks", "stated")
    optimizer = {leaf.name for leaf in tree.other if leaf.role == "optimizer"}
    assert {f"mlp/linear_{n}/{p}/velocity" for n in (0, 1) for p in "Wb"} < optimizer
    assert tree.metadata["status"]["iterations_done"] == 4


def test_the_memory_of_adam():
    """Adam of blocks/algorithms/__init__.py: mean, variance and time for each parameter."""
    tree = legacy_weights.read(FILES / "adam_t105.tar.gz")
    found = {leaf.name: leaf.array.load() for leaf in tree.other if leaf.role == "optimizer"}
    assert {f"mlp/linear_0/{p}/{kind}" for p in "Wb" for kind in ("mean", "variance")} <= set(found)
    assert [found[f"mlp/linear_0/{p}/time"] for p in "Wb"] == [4, 4]


def test_the_log_of_a_checkpoint():
    """fixtures/scripts/blocks_files.py: 1/(1+n) each batch, 2/n at the end of each epoch."""
    tree = legacy_weights.read(FILES / "checkpoint_t105.tar.gz")
    (table,) = tree.tables  # the log stands in the main loop, and in a member of its own
    columns = {name: column.load() for name, column in table.columns.items()}
    kept = columns["iteration"] > 0
    np.testing.assert_array_equal(columns["iteration"][kept], [1, 2, 3, 4])
    np.testing.assert_array_equal(columns["cost"][kept], [1 / 2, 1 / 3, 1 / 4, 1 / 5])
    np.testing.assert_array_equal(columns["valid_cost"][kept], [np.nan, 1, np.nan, 0.5])


# Hand-made files -------------------------------------------------------------------------------


def brick(name, *variables, parents=()):
    made = make("blocks.bricks.simple.Linear", name=name, parents=list(parents))
    made._parameters = make("blocks.bricks.base.Parameters", brick=made, _items=list(variables))
    return made


def test_bricks_name_their_parameters():
    mlp = brick("mlp")
    first = brick("linear_0", shared(2, "W"), shared(1, "b"), parents=[mlp])
    again = brick("linear_1", shared(3, "W"), shared(4), parents=[mlp])
    found = interpret([first, again])
    assert found.family == "Blocks"
    assert set(weights(found)) == {
        *("mlp/linear_0/W", "mlp/linear_0/b", "mlp/linear_1/W", "mlp/linear_1/parameter")
    }


def test_bricks_in_a_circle():
    one, two = brick("one", shared(2, "W")), brick("two")
    one.parents, two.parents = [two], [one]
    (name,) = weights(interpret(one))
    assert name.endswith("two/one/W")


def test_rates_belong_to_the_optimizer():
    rule = make("blocks.algorithms.Scale", learning_rate=shared(np.array(0.1)))
    loop = make("blocks.main_loop.MainLoop", algorithm=rule, brick=brick("lin", shared(2, "W")))
    found = interpret(loop)
    assert list(weights(found)) == ["lin/W"]
    assert [(leaf.name, str(leaf.role)) for leaf in found.other] == [
        ("algorithm/learning_rate", "optimizer")
    ]


def test_without_a_brick_it_is_plain_theano():
    rule = make("blocks.algorithms.Scale", learning_rate=shared(np.array(0.1)))
    assert interpret([rule, shared(2, "W")]).family == "Theano"


@pytest.mark.parametrize("wrong", [None, 3, b"x", [], {}, (1,), np.ones(2), [None]])
def test_wrong_kinds_of_attributes(wrong):
    right = brick("lin", shared(2, "W"))
    for attribute in ("name", "parents", "_items", "brick", "_parameter_dict", "status"):
        odd = brick("odd", shared(3, "V"))
        setattr(odd, attribute, wrong)
        setattr(odd._parameters, attribute, wrong)
        also = make("blocks.model.Model", **{attribute: wrong})
        log = make("blocks.log.log.TrainingLog", **{attribute: wrong})
        assert "lin/W" in weights(interpret([right, odd, also, log]))


def logged(rows, **attributes):
    """Return a brick and a log, as ``TrainingLog.__reduce__`` pickles it."""
    cls = type("TrainingLog", (dict,), {"__module__": "blocks.log.log"})
    _CLASSES["blocks.log.log.TrainingLog"] = cls
    log = cls(rows)
    log.__dict__.update(attributes)
    try:
        return interpret([brick("lin", shared(2, "W")), log])
    finally:
        del _CLASSES["blocks.log.log.TrainingLog"]


def test_rows_come_in_the_order_of_the_iterations():
    found = logged({3: {"cost": 0.5}, 1: {"cost": 2.0, "note": "text"}}, status={"epochs_done": 2})
    (table,) = found.tables
    assert {k: v.load().tolist() for k, v in table.columns.items()} == {
        "iteration": [1, 3],
        "cost": [2.0, 0.5],
    }
    assert found.metadata["status"] == {"epochs_done": 2}


def test_a_channel_called_iteration():
    (table,) = logged({1: {"iteration": 7}}).tables
    assert list(table.columns) == ["iteration", "iteration (channel)"]


@pytest.mark.parametrize(
    "rows", [{}, {1: {}}, {1: 3}, {"a": {"cost": 1.0}}, {-1: {"cost": 1.0}}, {1: {"cost": [1]}}]
)
def test_logs_that_are_no_table(rows):
    found = logged(rows)
    assert found.tables == []
    assert len(found.warnings) == bool(rows)


def test_a_log_of_many_channels_is_kept_as_records():
    began = time.process_time()
    found = logged({n: {f"c{n}": 1.0} for n in range(5000)})
    assert found.tables == []
    row = {f"c{n}": 1.0 for n in range(300)}
    found = logged(dict.fromkeys(range(100000), row))
    assert found.tables == []
    assert "records only" in found.warnings[0]
    assert time.process_time() - began < 30


def archive(path, *members):
    with tarfile.open(path, "w") as tar:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))


def savez(**arrays):
    held = io.BytesIO()
    np.savez(held, **arrays)
    return held.getvalue()


def test_parameters_alone(tmp_path):
    values = {"|mlp|linear_0.W": np.ones(2), "|mlp|linear_0.b": np.zeros(3)}
    archive(tmp_path / "a.tar", ("_parameters", savez(**values)))
    tree = legacy_weights.read(tmp_path / "a.tar")
    assert tree.family == "Blocks"
    (snapshot,) = tree.snapshots
    assert {leaf.name: leaf.array.shape for leaf in snapshot.leaves} == {
        "mlp/linear_0/W": (2,),
        "mlp/linear_0/b": (3,),
    }
    assert snapshot.order == "unknown"


def test_parameters_beside_another_pickle(tmp_path):
    values = {"|lin.W": np.ones(2)}
    data = dumps(model(note="no variables"))
    archive(tmp_path / "a.tar", ("_parameters", savez(**values)), ("_pkl", data))
    tree = legacy_weights.read(tmp_path / "a.tar")
    assert [leaf.name for leaf in tree.snapshots[0].leaves] == ["lin/W"]
