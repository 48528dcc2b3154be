"""The walk: every object once, by its plainest path, whatever number of paths reach it."""

import ast
import re
import time

import numpy as np
import pytest
from stubs import constant, dumps, graph, graph_of_bytes, model, result, shared
from support import FIXTURES, MANIFEST

from legacy_weights.containers import Siblings, open_buffer, unwrap
from legacy_weights.families.graph import Graph, as_array, owner
from legacy_weights.families.interpretation import origins
from legacy_weights.families.steps import StepKind
from legacy_weights.families.values import Bundle
from legacy_weights.pickles.objects import Global, Instance
from legacy_weights.readers.assemble import _root, contents
from legacy_weights.readers.members import Members

W, B = np.arange(2.0), np.arange(3.0)


def paths(value, protocol=2):
    """Return the path of each array of a value's pickle."""
    found = graph(value, protocol)
    return [found.path(node) for node in found.arrays]


# Paths -----------------------------------------------------------------------------------------


def python3(path):
    """Return a path of the manifest as Python 3 would write its keys: bytes where not ASCII."""

    def key(match):
        literal = match.group(1)
        if literal.startswith(("'", '"')):
            raw = ast.literal_eval("b" + literal)
            literal = repr(raw.decode()) if raw.isascii() else repr(raw)
        elif literal.startswith("u"):
            literal = repr(ast.literal_eval(literal))
        return f"[{literal.removesuffix('L')}]"

    path = re.sub(r"^pickle(?=\[)|^member(?=\[)", "", path)
    return re.sub(r"\[(u?'(?:\\.|[^'\\])*'|u?\"(?:\\.|[^\"\\])*\"|[^\]]*)\]", key, path)


_OTHERWISE = {
    "pickles/damaged/trailing_text_p2.pkl": "the text behind the pickle is a second entry",
    "pickles/containers/npy_and_pickle.zip": "members lose their .npy",
    "numpy/objects": "the fields of a structured element are numbered",
    "nested40": "of more than 24 steps the first are counted",
    "lasagne/own_class": "a `params` list is a path only where there is no other",
    "tutorial/deep": "a `params` list is a path only where there is no other",
    "user/named_tuple": "a `params` list is a path only where there is no other",
    "mlp_layers": "a `params` list is a path only where there is no other",
    "stdlib/builtin_subclasses": "a subclass of tuple is a call",
    "stdlib/containers_p2": "a named tuple is a call",
    "hostile_keys": "a key of 300 characters is cut",
    "families/keras": "the old program's shortest path leads through graphs, ours does not",
}
STATED = [
    entry
    for entry in MANIFEST
    if entry["status"] == 0
    and not entry["file"].endswith(".h5")  # no graph of objects
    and not any(part in entry["file"] for part in _OTHERWISE)
]


@pytest.mark.parametrize("entry", STATED, ids=lambda entry: entry["file"])
def test_paths_are_those_that_the_old_program_saw(entry):
    path = FIXTURES / entry["file"]
    root = _root(contents(Members(unwrap(open_buffer(path)), Siblings(path.parent))))
    found = Graph(root)
    known = {path for node in found.arrays for path in origins(found, node)}
    assert known >= {python3(a["path"]) for a in entry["arrays"] if a["path"] is not None}


def test_the_shortest_path_counts():
    inner = model(W=W)
    assert paths({"a": {"b": [inner]}, "z": inner}) == ["['z'].W"]


def test_attributes_come_before_positions():
    assert paths(model(layers=[W], W=[W], b={"c": W})) == ["b['c']"]


def test_a_list_of_parameters_names_nothing_that_has_another_path():
    assert paths(model(params=[W], deep=[[[[W]]]])) == ["deep[0][0][0][0]"]
    assert paths({"params": [W], "deep": [[W]]}) == ["['deep'][0][0]"]
    assert paths(model(params=[W])) == ["params[0]"]


def test_the_wiring_of_a_graph_names_nothing_that_has_another_path():
    w = shared(2, "W")
    assert paths(model(y=result(w), a=model(b=model(c=model(d=model(e=w)))))) == [
        "a.b.c.d.e.container.storage[0]"
    ]
    assert paths(model(y=result(w))) == ["y.owner.inputs[0].container.storage[0]"]


def test_a_hidden_node_knows_where_its_graph_begins():
    found = graph(model(cost=result(result(constant(3)))))
    (node,) = found.arrays
    assert node.hidden
    assert found.path(node.wiring) == "cost"
    found = graph(model(W=shared(2)))
    assert not found.arrays[0].hidden


def test_an_array_of_objects_has_indices_of_its_shape():
    grid = np.empty((2, 2), object)
    grid[:] = [[W, B], [B.copy(), W.copy()]]
    assert paths({"g": grid}) == ["['g'][0, 0]", "['g'][0, 1]", "['g'][1, 0]", "['g'][1, 1]"]
    fortran = np.asfortranarray(np.array([[W, W.copy(), 0], [B, 0, 0]], object))
    found = graph(fortran)
    shapes = {found.path(node): node.value.shape for node in found.arrays}
    assert shapes == {"[0, 0]": (2,), "[0, 1]": (2,), "[1, 0]": (3,)}
    single = np.empty((), object)
    single[()] = W
    assert paths(single) == ["[()]"]


def test_of_a_long_path_the_end_is_shown():
    nested = W
    for _ in range(100):
        nested = [nested]
    (path,) = paths(nested)
    assert path == "…(76 steps)…" + "[0]" * 24


def test_a_path_is_of_bounded_length():
    nested = W
    for number in range(24):
        nested = {f"{number}" + "k" * 300: nested}
    (path,) = paths(nested)
    assert len(path) < 1000


# Sharing and cycles ----------------------------------------------------------------------------


def test_every_reference_to_an_array_is_kept():
    found = graph({"a": [W, W], "b": W})
    (node,) = found.arrays
    assert sorted(str(step) for _, step in found.references[id(node.raw)]) == [
        "['b']",
        "[0]",
        "[1]",
    ]


def test_what_is_reached_twice_is_shared():
    sizes, nothing = [1, 2], ()
    twice = model(W=W)
    found = graph({"a": sizes, "b": [sizes, nothing, nothing], "c": twice, "d": twice, "e": [3]})
    assert {type(node.raw) for key, node in found.nodes.items() if key in found.shared} == {
        list,
        Instance,
    }
    assert len(found.shared) == 2


@pytest.mark.parametrize("protocol", [0, 1, 2])
def test_cycles_end(protocol):
    loop = [W]
    loop.append(loop)
    owner = model(W=B, loop=loop)
    owner.me = {"owner": owner}
    found = graph(owner, protocol)
    assert {found.path(node) for node in found.arrays} == {"W", "loop[0]"}
    assert id(found.root.raw) in found.shared


@pytest.mark.parametrize(
    "hold",
    [
        lambda x: [x, x],
        lambda x: (x, x),
        lambda x: {"a": x, "b": x},
        lambda x: model(left=x, right=x),
    ],
    ids=["list", "tuple", "dict", "instance"],
)
def test_forty_levels_of_two_are_eighty_steps(hold):
    nested = W
    for _ in range(40):
        nested = hold(nested)
    began = time.process_time()
    found = graph(nested)
    assert len(found.arrays) == 1
    assert len(found.nodes) <= 121
    assert time.process_time() - began < 1


def test_a_state_that_a_thousand_objects_share_is_looked_at_once():
    state = {f"a{number}": [number] for number in range(1000)}
    call = Global("lost_models", "Model")
    objects = [Instance(call, (), 0) for _ in range(1000)]
    for each in objects:
        each.state = state
    found = Graph(objects)
    assert found.attributes(objects[0]) is found.attributes(objects[1])
    assert len(found.nodes) < 4000


def test_a_reference_repeated_without_end_is_kept_a_hundred_times():
    found = Graph([W] * 100_000)
    assert len(found.references[id(W)]) == 100
    assert len(found.nodes) == 2


# The parts -------------------------------------------------------------------------------------


def test_the_lists_of_parameters_that_are_met():
    found = graph({"params": [W], "net": model(_params=[B], weights=[B]), "deep": [{"params": {}}]})
    assert [found.path(node) + str(step) for node, step, _ in found.lists] == [
        "['params']",
        "['net']._params",
        "['deep'][0]['params']",
    ]


def test_the_owner_of_a_part():
    found = graph(model(W=W))
    (node,) = found.arrays
    assert node.parent.step.kind is StepKind.STATE
    assert owner(node.parent) is found.root
    assert owner(node) is node


def test_several_pickles_are_bundled():
    assert Graph(Bundle([("0", W), ("1", B)], members=False)).bundled
    assert not graph_of_bytes(dumps([W])).bundled


def test_a_long_byte_string_as_an_array():
    raw = b"\x00\xff" * 40_000
    (node,) = Graph([raw]).arrays
    assert as_array(node.value).dtype == np.uint8
    assert as_array(node.value).tobytes() == raw
    assert as_array(W) is W


def test_a_hundred_thousand_arrays():
    arrays = [np.zeros(1) for _ in range(100_000)]
    began = time.process_time()
    found = Graph(arrays)
    assert len(found.arrays) == 100_000
    assert found.path(found.arrays[-1]) == "[99999]"
    assert time.process_time() - began < 20
