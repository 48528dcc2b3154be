"""dill: what classes, functions and modules are called that a file keeps or finds by a call."""

import json

import pytest
from support import FIXTURES, MANIFEST

import legacy_weights
from legacy_weights.families.dill import class_made, described
from legacy_weights.families.labels import class_of
from legacy_weights.pickles import Machine
from legacy_weights.pickles.objects import Global, Instance

GENUINE = [e["file"] for e in MANIFEST if e["file"].startswith("families/dill/")]


def call(cls, *args):
    """Return the record of a call; a text names the callable."""
    if isinstance(cls, str):
        module, _, name = cls.rpartition(".")
        cls = Global(module, name)
    return Instance(cls, args, 0)


def created(name="Net", module="__main__", spelling="dill._dill"):
    metaclass = call(f"{spelling}._load_type", "TypeType")
    return call(f"{spelling}._create_type", metaclass, name, (), {"__module__": module})


# Genuine files ---------------------------------------------------------------------------------


@pytest.mark.parametrize("file", [f for f in GENUINE if "/class" in f or "/old_class" in f])
def test_a_class_in_the_file_has_its_name(file):
    tree = legacy_weights.read(FIXTURES / file)
    cls = "__main__.OldNet" if "old" in file else "__main__.Net"
    records = {record.path: record for record in tree.records()}
    assert records[""].cls == cls
    if tree.family == "Theano":
        assert tree.evidence == f"class {cls}"
    if "old_class_p0" in file:  # INST names the class
        return
    (made,) = [r for r in records.values() if r.content.get("value") == f"class {cls}"]
    assert records[""].content["callable"] == {"$ref": made.id}


@pytest.mark.parametrize("file", [f for f in GENUINE if "/lambda" in f])
def test_a_lambda_is_a_record_and_its_code_stays_bytes(file):
    """Python 2.7 compiles ``x + 1`` to LOAD_FAST, LOAD_CONST, BINARY_ADD, RETURN_VALUE."""
    tree = legacy_weights.read(FIXTURES / file)
    records = list(tree.records())
    assert records[0].content["value"] == "function <lambda>"
    if "_d04" not in file:
        assert "|\\u0000\\u0000d\\u0001\\u0000\\u0017S" in json.dumps(records[1].content)
    assert not list(tree.leaves())


@pytest.mark.parametrize("file", [f for f in GENUINE if "/closure" in f])
def test_an_array_of_a_closure_is_named(file):
    tree = legacy_weights.read(FIXTURES / file)
    (leaf,) = tree.other
    assert leaf.name in ("f/closure/1/contents", "f/closure/1/cell_contents")


@pytest.mark.parametrize("file", [f for f in GENUINE if "/subclasses" in f])
def test_subclasses_of_ndarray_are_arrays(file):
    tree = legacy_weights.read(FIXTURES / file)
    found = {leaf.name: leaf.array.dtype.kind for leaf in tree.leaves()}
    assert found == {"matrix": "f", "masked/data": "f", "masked/mask": "b"}
    assert any("matrix" in record.cls for record in tree.records())


@pytest.mark.parametrize("file", [f for f in GENUINE if "/session" in f])
def test_a_session_is_a_module_with_its_variables(file):
    tree = legacy_weights.read(FIXTURES / file)
    assert tree.evidence == "class __main__.Net"
    assert [leaf.name for leaf in tree.other] == ["scale"]
    assert next(iter(tree.records())).content["value"] == "module __main__"


# Names -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("spelling", ["dill.dill", "dill._dill"])
@pytest.mark.parametrize(
    ("name", "args", "words"),
    [
        ("_load_type", ("CodeType",), "type types.CodeType"),
        ("_load_type", (b"CodeType",), "type types.CodeType"),
        ("_import_module", ("numpy.core",), "module numpy.core"),
        ("_get_attr", (Global("numpy", "core"), "ufunc"), "object numpy.core.ufunc"),
        ("_create_function", (None, None, "f"), "function f"),
        ("_create_namedtuple", ("P", ("x", "y"), "m"), "class m.P"),
        ("_create_type", (None, "N", (), {b"__module__": b"m"}), "class m.N"),
        ("_create_type", (None, "N", (), {}), "class N"),
    ],
)
def test_both_spellings(spelling, name, args, words):
    assert described(call(f"{spelling}.{name}", *args)) == words


def test_an_attribute_of_a_module():
    module = call("dill._dill._import_module", "numpy.core")
    assert described(call("dill._dill._get_attr", module, "ufunc")) == "object numpy.core.ufunc"


def test_an_instance_has_the_name_of_its_class():
    assert class_of(call(created())) == "__main__.Net"
    assert class_of(call(created("N", "m", "dill.dill"))) == "m.N"


@pytest.mark.parametrize(
    "args",
    [
        (),
        (None,),
        (None, None),
        (None, None, None, None),
        (None, 7, (), {}),
        (None, "x" * 1000, (), {}),
        (None, "N", (), [1]),
        (None, "N", (), {"__module__": 7}),
        (None, ["N"], (), {"__module__": ["m"]}),
    ],
    ids=repr,
)
@pytest.mark.parametrize(
    "name",
    [
        *("_create_type", "_load_type", "_get_attr", "_import_module", "_create_function"),
        *("_create_namedtuple", "_create_array", "_create_cell", "_create_code"),
    ],
)
def test_arguments_of_a_wrong_kind(name, args):
    made = call(f"dill._dill.{name}", *args)
    for value in (made, call(made), call(made, *args)):
        assert isinstance(class_of(value), str)
        assert described(value) is None or len(described(value)) < 300


def test_calls_of_calls_end():
    made = Global("numpy", "core")
    for _ in range(1000):
        made = call("dill._dill._get_attr", made, "x")
    assert class_made(made) == ""
    loop = call("dill._dill._get_attr")
    loop.args = (loop, "x")
    assert class_made(loop) == ""
    assert class_of(call(loop)) == "dill._dill._get_attr"
    chain = created()
    for _ in range(10_000):
        chain = call(chain)
    assert isinstance(class_of(chain), str)


# What a pickle drops ---------------------------------------------------------------------------

_CELL = b"cdill._dill\n_create_cell\n(NtR"
_SET = b"c__builtin__\nsetattr\n"


def load(stream):
    return Machine(stream).load()


def test_a_cell_is_filled_behind_its_function():
    cell = load(_CELL + b"p0\n" + _SET + b"(g0\nS'cell_contents'\nI7\ntR0.")
    assert cell.state == {b"cell_contents": 7}


def test_a_second_value_is_kept_too():
    cell = load(_CELL + b"p0\n" + 2 * (_SET + b"(g0\nS'a'\nI7\ntR0") + b".")
    assert (cell.state, cell.earlier) == ({b"a": 7}, [{b"a": 7}])


@pytest.mark.parametrize(
    "arguments", [b"(t", b"(g0\nt", b"(I1\nS'a'\nI2\nt", b"(g0\nI1\nI2\nt", b"(g0\nS'a'\ng0\nt"]
)
def test_what_is_set_wrongly(arguments):
    cell = load(_CELL + b"p0\n" + _SET + arguments + b"R0.")
    assert cell.cls.name == "_create_cell"


def test_another_call_that_is_dropped_has_no_effect():
    cell = load(_CELL + b"p0\n" + b"cos\nsystem\n(g0\nS'a'\nI7\ntR0.")
    assert cell.earlier is None


def test_arrays_by_dill_of_a_wrong_kind():
    for args in (b"(t", b"(NNNt", b"(cos\nsystem\n(tNt", b"(cnumpy\n_reconstruct\nN(tt"):
        made = load(b"cdill._dill\n_create_array\n" + args + b"R.")
        assert made.cls.name == "_create_array"
