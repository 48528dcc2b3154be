"""Everything that values can come from is seen alike."""

import numpy as np
import pytest
from flat.trees import STATE, W, leaf, net_leaves, snapshot, tree

import legacy_weights
from legacy_weights.errors import UsageError
from legacy_weights.flat import OrderError
from legacy_weights.flat.sources import open_source
from legacy_weights.tree import Order


def test_a_snapshot_offers_its_arrays_in_order():
    source = open_source(snapshot(*net_leaves()))
    assert [(o.name, o.shape, o.in_theta) for o in source.offers] == [
        ("out/W", (2, 3), True),
        ("count", (2,), False),
        ("out/b", (1, 3), True),
        ("scale", (3,), True),
        ("gain", (), True),
    ]
    np.testing.assert_array_equal(source.offers[1].load(), STATE)


def test_a_path_is_read(monkeypatch, tmp_path):
    asked = []

    def read(path):
        asked.append(path)
        return tree(snapshot(*net_leaves()))

    monkeypatch.setattr(legacy_weights, "read", read, raising=False)
    for path in ("model.pkl", tmp_path / "model.pkl"):
        assert open_source(path).title == "snapshot model of model.pkl"
    assert asked == ["model.pkl", tmp_path / "model.pkl"]


class TestSnapshots:
    many = tree(*(snapshot(leaf("W", W + i), name=f"iter{i}") for i in range(7)), default="iter6")

    def test_the_default_one(self):
        assert open_source(self.many).offers[0].load()[0, 0] == 6

    def test_a_named_one(self):
        assert open_source(self.many, "iter2").offers[0].load()[0, 0] == 2

    def test_the_only_one_needs_no_name(self):
        assert open_source(tree(snapshot(leaf("W", W)))).offers[0].name == "W"

    def test_one_that_is_not_there(self):
        with pytest.raises(
            UsageError, match=r"no snapshot 'best'; expected one of iter0.*iter4, …"
        ):
            open_source(self.many, "best")

    def test_several_without_a_default(self):
        with pytest.raises(UsageError, match=r"no snapshot is named; expected one of a, b"):
            open_source(tree(*(snapshot(leaf("W", W), name=n) for n in "ab")))

    def test_none_at_all(self):
        with pytest.raises(UsageError, match=r"model.pkl: .*expected one of none"):
            open_source(tree())

    def test_a_snapshot_has_one_name(self):
        with pytest.raises(UsageError, match="the snapshot is called 'model'"):
            open_source(snapshot(*net_leaves()), "best")

    @pytest.mark.parametrize("source", [{"W": W}, [W]])
    def test_others_have_none(self, source):
        with pytest.raises(UsageError, match="has no snapshots"):
            open_source(source, "best")


def test_orders():
    assert open_source([W, W]).order is Order.STATED
    assert open_source({"W": W}).order is Order.UNKNOWN
    assert open_source(snapshot(*net_leaves(), order=Order.CREATED)).order is Order.CREATED
    with pytest.raises(OrderError, match=r'nothing states the order .*the mapping.*by="name"'):
        open_source({"W": W}).require_order()


def test_npz_files_of_numpy(tmp_path):
    np.savez(tmp_path / "w.npz", *[W, STATE])
    with np.load(tmp_path / "w.npz") as file:
        assert [o.name for o in open_source(file).offers] == ["arr_0", "arr_1"]
    ragged = np.empty(2, object)
    ragged[:] = [W, STATE]
    assert [o.shape for o in open_source(ragged).offers] == [(2, 3), (2,)]


@pytest.mark.parametrize("source", [None, 3, b"bytes", W])
def test_anything_else_is_refused(source):
    with pytest.raises(UsageError, match="expected a path, a Tree, a Snapshot, a mapping"):
        open_source(source)
