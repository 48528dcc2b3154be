"""Values from files reach their variables; or none is written, and a report says why."""

import numpy as np
import pytensor
import pytest
from flat.nets import Net, cell, needs_jax
from flat.trees import GAIN, SCALE, STATE, B, W, leaf, net_leaves, snapshot, tree
from numpy.testing import assert_array_equal

import legacy_weights
from legacy_weights.errors import LayoutError, UsageError
from legacy_weights.flat import AssignError, CastError, FlatVector, OrderError, assign
from legacy_weights.tree import Order

NAMED = {"out/W": W, "out/b": B, "scale": SCALE, "gain": GAIN}
EXPECTED = np.arange(13.0)


@pytest.fixture(params=["variables", "binding", pytest.param("jax", marks=needs_jax)])
def target(request, net, theta):
    """Variables to assign to; everything must work the same for a binding of them."""
    if request.param == "variables":
        return net.variables
    flat = FlatVector(net.variables, "jax" if request.param == "jax" else "host")
    flat.set(np.zeros(13))
    return flat


def test_it_stands_at_the_top():
    assert legacy_weights.assign is assign


class TestByName:
    @pytest.mark.parametrize("strict", [True, False])
    def test_a_mapping(self, net, target, strict):
        shuffled = {name: NAMED[name] for name in ("gain", "out/b", "scale", "out/W")}
        report = assign(target, shuffled, strict=strict)
        assert_array_equal(net.theta(), EXPECTED)
        assert report.complete
        assert [(m.variable, m.source, m.shape) for m in report.matched] == [
            ("out/W", "out/W", (2, 3)),
            ("out/b", "out/b", (1, 3)),
            ("scale", "scale", (3,)),
            ("gain", "gain", ()),
        ]
        assert str(report) == "4 matched"

    def test_the_source_is_copied(self, net, target):
        mine = {name: values.copy() for name, values in NAMED.items()}
        assign(target, mine)
        for values in mine.values():
            values[...] = -1
        assert_array_equal(net.theta(), EXPECTED)

    def test_a_snapshot_of_unknown_order(self, net, target):
        source = snapshot(*net_leaves()[::-1], order=Order.UNKNOWN)
        report = assign(target, source, strict=False)
        assert_array_equal(net.theta(), EXPECTED)
        assert report.unexpected == (("count", (2,)),)

    @pytest.mark.parametrize("prefix", ["", "/snapshots/model/"])
    def test_paths_are_names_too(self, net, prefix):
        variables = dict(zip([f"{prefix}{n}" for n in NAMED], net.variables, strict=True))
        leaves = [leaf(name, values) for name, values in NAMED.items()]
        assign(variables, snapshot(*leaves))
        assert_array_equal(net.theta(), EXPECTED)

    def test_links_are_names_too_unless_they_are_ambiguous(self):
        one, two = (pytensor.shared(np.zeros(1), name) for name in ("tied", "doubtful"))
        links = [("/snapshots/model/x/tied", "tied"), ("/snapshots/model/x/d", "doubtful")]
        source = snapshot(leaf("a", [1.0], links=links), leaf("b", [2.0], links=links[1:]))
        report = assign([one, two], source, strict=False)
        assert one.get_value() == [1]
        assert report.missing == (("doubtful", (1,)),)

    def test_integers_and_states(self):
        count = pytensor.shared(np.zeros(2, int), "count")
        mean = pytensor.shared(np.zeros(2), "mean")
        assign([count, mean], {"count": STATE, "mean": [0.5, 1.5]})
        assert_array_equal(count.get_value(), STATE)
        assert_array_equal(mean.get_value(), [0.5, 1.5])


class TestStrict:
    """Strict refuses before the first write, and says all there is to say."""

    @pytest.mark.parametrize(
        ("source", "message"),
        [
            ({k: v for k, v in NAMED.items() if k != "scale"}, r"3 matched; missing: scale \(3,\)"),
            (NAMED | {"extra": W}, r"4 matched; unexpected: extra \(2, 3\)"),
            (
                {"out/W": W, "V": W},
                r"1 matched; missing: out/b \(1, 3\), scale \(3,\), gain \(\); unexpected: V",
            ),
        ],
    )
    def test_names(self, net, target, source, message):
        before = net.theta()
        with pytest.raises(AssignError, match=message) as caught:
            assign(target, source)
        assert_array_equal(net.theta(), before)
        report = caught.value.report
        again = assign(target, source, strict=False)
        assert again == report
        assert_array_equal(net.theta()[:6], W.ravel())

    @pytest.mark.parametrize("strict", [True, False])
    @pytest.mark.parametrize("bad", [B.ravel(), B.T, np.zeros((2, 3)), np.float64(1)])
    def test_shapes_are_exact_even_if_not_strict(self, net, target, bad, strict):
        before = net.theta()
        with pytest.raises(AssignError, match=r"do not fit: out/b \(1, 3\) float64 <- out/b"):
            assign(target, NAMED | {"out/b": bad}, strict=strict)
        assert_array_equal(net.theta(), before)

    def test_dtypes_need_a_cast(self, net, target):
        integers = {name: values.astype(int) for name, values in NAMED.items()}
        with pytest.raises(AssignError, match="cast=True"):
            assign(target, integers)
        assert not net.theta().any()
        assign(target, integers, cast=True)
        assert_array_equal(net.theta(), EXPECTED)

    def test_double_into_single(self):
        net = Net("float32")
        thirds = {name: values / 3 for name, values in NAMED.items()}
        with pytest.raises(AssignError):
            assign(net.variables, thirds)
        assign(net.variables, thirds, cast=True)
        assert_array_equal(net.theta(), (EXPECTED / 3).astype("f4"))

    def test_exact_conversions_need_none(self, net, target):
        assign(target, {name: values.astype(">f4") for name, values in NAMED.items()})
        assert_array_equal(net.theta(), EXPECTED)
        assert net.arrays()[0].dtype == np.float64

    def test_a_failure_while_loading_changes_nothing(self, net, target):
        class BrokenError(Exception):
            pass

        def fail():
            raise BrokenError

        leaves = list(net_leaves())
        object.__setattr__(leaves[-1].array, "load", fail)
        with pytest.raises(BrokenError):
            assign(target, snapshot(*leaves), strict=False)
        assert not net.theta().any()


class TestByOrder:
    def test_a_sequence(self, net, target):
        assign(target, [W, B, SCALE, GAIN], by="order")
        assert_array_equal(net.theta(), EXPECTED)

    def test_all_arrays_of_a_snapshot_count(self, net):
        count = pytensor.shared(np.zeros(2, int), "n")
        variables = [net.W, count, net.b, net.scale, net.gain]
        report = assign(variables, tree(snapshot(*net_leaves())), by="order")
        assert_array_equal(net.theta(), EXPECTED)
        assert_array_equal(count.get_value(), STATE)
        assert report.matched[1].source == "count"

    @pytest.mark.parametrize("source", [NAMED, snapshot(*net_leaves(), order=Order.UNKNOWN)])
    def test_an_unknown_order_is_refused(self, net, target, source):
        for strict in (True, False):
            with pytest.raises(OrderError, match='by="name"'):
                assign(target, source, by="order", strict=strict)
        assert not net.theta().any()

    def test_too_few_and_too_many(self, net, target):
        with pytest.raises(AssignError, match=r"missing: gain \(\).*flat.load"):
            assign(target, [W, B, SCALE], by="order")
        with pytest.raises(AssignError, match=r"unexpected: 4 \(1,\)"):
            assign(target, [W, B, SCALE, GAIN, [1.0]], by="order")
        assert not net.theta().any()


class TestByMapping:
    def test_names_of_variables_to_names_of_arrays(self, net, target):
        source = {"w0": W, "b0": B, "s": SCALE, "g": GAIN}
        assign(target, source, {"out/W": "w0", "out/b": "b0", "scale": "s", "gain": "g"})
        assert_array_equal(net.theta(), EXPECTED)

    def test_what_it_does_not_name_is_missing(self, net, target):
        with pytest.raises(AssignError, match=r"missing: scale .*unexpected: scale"):
            assign(target, NAMED, {"out/W": "out/W", "out/b": "out/b", "gain": "gain"})

    def test_an_array_that_is_not_there_is_missing(self, target):
        with pytest.raises(AssignError, match="missing: gain"):
            assign(target, NAMED, {n: n for n in NAMED} | {"gain": "nothing"})

    def test_a_variable_that_is_not_there_is_an_error(self, target):
        with pytest.raises(UsageError, match="no variable called 'V'; expected one of out/W"):
            assign(target, NAMED, {"V": "out/W"})

    def test_anything_else_is_refused(self, target):
        with pytest.raises(UsageError, match="by is 'shape'"):
            assign(target, NAMED, "shape")


@needs_jax
def test_values_stay_on_their_device(net, two_devices):
    FlatVector(net.variables, "jax", device=two_devices[1])
    for target in (net.variables, FlatVector(net.variables, "jax")):
        assign(target, NAMED)
        assert all(cell(v).devices() == {two_devices[1]} for v in net.variables)
        assert_array_equal(net.theta(), EXPECTED)


class TestLoad:
    """The flat vector of a file, by the layout that it carries."""

    @pytest.fixture
    def flat(self, net):
        return FlatVector(net.variables)

    def test_theta_is_what_the_layout_of_the_file_says(self, flat, net, monkeypatch):
        file = tree(snapshot(*net_leaves()))
        monkeypatch.setattr(legacy_weights, "read", lambda path: file, raising=False)
        for source in (file, file.snapshots[0], "model.pkl"):
            flat.set(np.zeros(13))
            flat.load(source)
            assert_array_equal(net.theta(), EXPECTED)
        starts = [start for _, start in file.snapshots[0].layout() if start >= 0]
        assert starts == [entry.start for entry in flat.layout]

    def test_names_need_not_agree(self, net):
        flat = FlatVector({f"theirs {i}": v for i, v in enumerate(net.variables)})
        flat.load(snapshot(*net_leaves()))
        assert_array_equal(net.theta(), EXPECTED)

    def test_names_must_not_contradict(self):
        one, two = (pytensor.shared(np.zeros(2), name) for name in ("a", "b"))
        source = snapshot(leaf("b", [1.0, 2.0]), leaf("a", [3.0, 4.0]))
        with pytest.raises(LayoutError, match=r'has b .2,. where the variables have a.*by="name"'):
            FlatVector([one, two]).load(source)
        assert not one.get_value().any()

    def test_another_snapshot(self, flat, net):
        other = snapshot(*(leaf(n, v * 2, snapshot="best") for n, v in NAMED.items()), name="best")
        flat.load(tree(snapshot(*net_leaves()), other), snapshot="best")
        assert_array_equal(net.theta(), EXPECTED * 2)

    def test_an_unknown_order_is_refused(self, flat, net):
        with pytest.raises(OrderError, match=r'nothing states the order .*model.*by="name"'):
            flat.load(snapshot(*net_leaves(), order=Order.UNKNOWN))
        assert not net.theta().any()

    def test_a_snapshot_that_was_cut_off_is_refused(self, flat, net):
        with pytest.raises(OrderError, match="was cut off"):
            flat.load(snapshot(*net_leaves(), complete=False))
        assert not net.theta().any()

    @pytest.mark.parametrize("drop", [[0], [4], [3, 4]])
    def test_missing_arrays_are_refused(self, flat, net, drop):
        leaves = [x for i, x in enumerate(net_leaves()) if i not in drop]
        with pytest.raises(LayoutError):
            flat.load(snapshot(*leaves))
        assert not net.theta().any()

    def test_further_arrays_are_refused(self, flat, net):
        with pytest.raises(
            LayoutError, match="5 arrays in its flat vector, of 6 in all; expected 4"
        ):
            flat.load(snapshot(*net_leaves(), leaf("more", [1.0])))
        assert not net.theta().any()

    def test_a_row_is_no_vector(self, flat):
        leaves = list(net_leaves())
        leaves[2] = leaf("out/b", B.ravel())
        with pytest.raises(
            LayoutError, match=r"out/b \(3,\) where the variables have out/b \(1, 3\)"
        ):
            flat.load(snapshot(*leaves))

    def test_a_cast_is_asked_for(self):
        net = Net("float32")
        flat = FlatVector(net.variables)
        with pytest.raises(CastError, match="out/W has the dtype <f8; expected <f4"):
            flat.load(snapshot(*net_leaves()))
        flat.load(snapshot(*net_leaves()), cast=True)
        assert_array_equal(net.theta(), EXPECTED)

    def test_single_into_double_and_big_endian(self, flat, net):
        leaves = [leaf(n, v.astype(">f4")) for n, v in NAMED.items()]
        flat.load(snapshot(*leaves))
        assert_array_equal(net.theta(), EXPECTED)

    @pytest.mark.parametrize("source", [NAMED, [W, B, SCALE, GAIN], W])
    def test_what_carries_no_layout_is_refused(self, flat, source):
        with pytest.raises(UsageError, match="expected a file, a Tree or a Snapshot"):
            flat.load(source)
