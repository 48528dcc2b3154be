import pickle

import pytest
from revive import load

from legacy_weights.errors import DamagedError
from legacy_weights.pickles.objects import Instance


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b").", ()),
        (b"(t.", ()),
        (b"N\x85.", (None,)),
        (b"K\x01K\x02\x86.", (1, 2)),
        (b"K\x01K\x02K\x03\x87.", (1, 2, 3)),
        (b"(K\x01K\x02K\x03K\x04t.", (1, 2, 3, 4)),
        (b"].", []),
        (b"(K\x01l.", [1]),
        (b"]K\x01a.", [1]),
        (b"](K\x01K\x02e(K\x03e.", [1, 2, 3]),
        (b"](e.", []),
        (b"}.", {}),
        (b"(d.", {}),
        (b"(K\x01Nd.", {1: None}),
        (b"}K\x01Ns.", {1: None}),
        (b"}(K\x01NK\x02\x88u(K\x01\x89u.", {1: False, 2: True}),
        (b"}U\x01aX\x01\0\0\0as.", {b"a": "a"}),
        (b"}(U\x01aNX\x01\0\0\0aNu.", {b"a": None, "a": None}),
    ],
)
def test_containers_by_hand(data, value):
    found = load(data)
    assert (type(found), found) == (type(value), value)


def test_the_order_of_a_dictionary_is_that_of_the_file():
    assert list(load(b"}(K\x03NK\x01NK\x02Nu.")) == [3, 1, 2]


def test_long_byte_strings_are_keys():
    found = load(b"}T\x00\x04\x00\x00" + b"x" * 1024 + b"Ns.")
    assert found == {b"x" * 1024: None}
    assert type(next(iter(found))) is bytes


@pytest.mark.parametrize("key", [b"]", b"}", b"(](tt", b"]\x85"])
def test_keys_that_python_cannot_hash(key):
    with pytest.raises(DamagedError):
        load(b"}" + key + b"Ns.")


def test_records_are_keys():
    named, made = load(b"}cx\nY\nK\x01scx\nY\n)RK\x02s.").items()
    assert named[1] == 1
    assert made[1] == 2


def test_sets_keep_what_could_not_be_hashed():
    found = load(b"\x8f(]}K\x01\x90.")
    assert found.cls_name == "builtins.set"
    assert found.items == [[], {}, 1]
    frozen = load(b"(]K\x01\x91.")
    assert frozen.cls_name == "builtins.frozenset"
    assert frozen.args == ([[], 1],)


@pytest.mark.parametrize("fill", [b"K\x05a", b"(K\x05e", b"(K\x05\x90"])
def test_instances_take_items(fill):
    found = load(b"cx\nList\n)\x81" + fill + fill + b".")
    assert type(found) is Instance
    assert found.items == [5, 5]


@pytest.mark.parametrize("fill", [b"U\x01kNs", b"(U\x01kNu"])
def test_instances_take_pairs(fill):
    found = load(b"cx\nDict\n)\x81" + fill + fill + b".")
    assert found.pairs == [(b"k", None), (b"k", None)]


def test_subclasses_of_containers_by_cpython():
    class Names(list):
        pass

    class Table(dict):
        pass

    names, table = Names(["a", "b"]), Table(a=1)
    names.unit = "mm"
    Names.__qualname__, Table.__qualname__ = "Names", "Table"
    globals().update(Names=Names, Table=Table)
    for protocol in (2, 3, 4, 5):
        found, mapped = load(pickle.dumps((names, table), protocol))
        assert (found.items, found.state) == (["a", "b"], {"unit": "mm"})
        assert mapped.pairs == [("a", 1)]
    for protocol in (0, 1):
        found, mapped = load(pickle.dumps((names, table), protocol))
        assert (found.base, found.state) == (["a", "b"], {"unit": "mm"})
        assert mapped.base == {"a": 1}


@pytest.mark.parametrize("target", [b"N", b"K\x01", b"U\x01x", b")", b"cx\nY\n", b"F1.5\n"])
@pytest.mark.parametrize("fill", [b"Na", b"(Ne", b"(N\x90", b"NNs", b"(NNu"])
def test_only_containers_are_filled(target, fill):
    with pytest.raises(DamagedError, match="instead of on a"):
        load(target + fill + b".")


def test_lists_are_no_dictionaries():
    for data in (b"]NNs.", b"](NNu.", b"}Na.", b"}(Ne."):
        with pytest.raises(DamagedError, match="instead of on a"):
            load(data)


@pytest.mark.parametrize(
    "data", [b"\x85.", b"N\x86.", b"NN\x87.", b"(\x85.", b"N(\x85.", b"a.", b"Na.", b"s.", b"NNs."]
)
def test_too_few_objects(data):
    with pytest.raises(DamagedError):
        load(data)


@pytest.mark.parametrize("data", [b"t.", b"l.", b"d.", b"e.", b"u.", b"\x90.", b"\x91.", b"1."])
def test_no_mark(data):
    with pytest.raises(DamagedError, match="finds no MARK"):
        load(b"]N" + data)
