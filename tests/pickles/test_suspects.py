"""Which calls are told of; names and forms as CPython's and dill's picklers write them."""

import pytest
from hostile import attribute, call, group, module, named, text

from legacy_weights.limits import Limits
from legacy_weights.pickles import Machine
from legacy_weights.pickles.exploits import EXPLOITS, is_exploit


def calls(data):
    """Return (name, opcode, offset, exploit) of what is told of a pickle."""
    machine = Machine(data)
    machine.load()
    return [(c.name, c.opcode, c.offset, c.exploit) for c in machine.calls.values()]


def names(data):
    return [(name, exploit) for name, _, _, exploit in calls(data)]


SHELL = text("true")


@pytest.mark.parametrize(
    ("data", "opcode", "offset"),
    [
        (named("os:system") + group(SHELL) + b"R.", "REDUCE", 22),
        (b"(" + SHELL + b"ios\nsystem\n.", "INST", 10),
        (b"(" + named("os:system") + SHELL + b"o.", "OBJ", 21),
        (named("subprocess:Popen") + group(SHELL) + b"\x81.", "NEWOBJ", 29),
        (named("subprocess:Popen") + group(SHELL) + b"}\x92.", "NEWOBJ_EX", 30),
    ],
)
def test_each_opcode_that_calls_is_named_with_its_offset(data, opcode, offset):
    ((name, found, place, exploit),) = calls(data)
    assert name in ("os.system", "subprocess.Popen")
    assert (found, place, exploit) == (opcode, offset, True)
    assert data[offset : offset + 1] in (b"R", b"i", b"o", b"\x81", b"\x92")


@pytest.mark.parametrize(
    "data",
    [
        call(attribute(module("os"), "system"), SHELL),
        call(attribute(attribute(named("os:path"), "os"), "system"), SHELL),
        call(call("operator:attrgetter", text("system")), named("shutil:os")),
        call("functools:partial", named("os:system"), SHELL),
        call("builtins:map", named("posix:system"), b"]"),
        call("collections:defaultdict", named("builtins:eval")),
        call(named("pathlib:Path"), SHELL),
        named("x:Y") + b")\x81}" + text("__setstate__") + named("os:system") + b"sb",
        call(call("types:FunctionType", b"N", b"}")),
        call(call("dill._dill:_create_function", b"N", b"}")),
        named("frozenset:x") + b"0" + named("builtins:map") + group(named("os:system")) + b"\x81",
    ],
)
def test_ways_to_a_listed_name(data):
    if b"pathlib" in data:
        data = call(attribute(data, "write_text"), SHELL)
    assert any(exploit for _, exploit in names(data + b"."))


@pytest.mark.parametrize(
    "data",
    [
        named("__main__:MLP") + b")\x81",
        named("lib:MLP") + group(SHELL) + b"\x81",
        b"(ilib\nMLP\n",
        b"(itheano.gof.utils\nscratchpad\n",
        call("copy_reg:_reconstructor", named("lib:mlp"), named("__builtin__:object"), b"N"),
        call("copy_reg:__newobj__", named("lib:mlp")),
        call("__builtin__:getattr", named("lib:Brick"), text("apply")),
        call("collections:OrderedDict", b"]"),
        call("exceptions:IOError", SHELL),
        call("functools:partial", named("__builtin__:int")),
        call("dill.dill:_create_function", b"N", b"}"),
        call(
            "numpy.core.multiarray:_reconstruct", named("numpy:ndarray"), group(b"K\0"), text("b")
        ),
        call("theano.compile.function_module:_constructor_Function", b"N"),
        call("theano.sandbox.cuda.type:CudaNdarray_unpickler", b"N"),
        call("__main__:Point", b"K\1", b"K\2"),
    ],
)
def test_what_genuine_files_do_is_not_told(data):
    assert names(data + b".") == []


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (call("lib:build", b"K\1"), "lib.build"),
        (call("lib:Loader", SHELL), "lib.Loader"),
        (call("lib:build"), "lib.build"),
        (call("__main__:build", b"K\1"), "__main__.build"),
        (call("json:JSONDecoder"), "json.JSONDecoder"),
        (call(call("lib:Maker"), b"K\1"), "lib.Maker(…)"),
        (call("theano.compile:function", b"N"), "theano.compile.function"),
        (call("numpy:zeros", b"K\1"), "numpy.zeros"),
        (b"(ilib\nbuild\n", "lib.build"),
    ],
)
def test_other_functions_are_told_and_are_no_exploits(data, name):
    assert names(data + b".") == [(name, False)]


def test_each_name_is_told_once_with_its_first_place():
    data = b"(" + call("lib:build", b"K\1") * 3 + b"l."
    assert calls(data) == [("lib.build", "REDUCE", data.index(b"R"), False)]


def test_a_name_of_exception_or_of_a_users_package_is_not_on_the_list():
    assert is_exploit("subprocess.Popen")
    assert is_exploit("os.path.os.system")
    assert not is_exploit("subprocess.CalledProcessError")
    assert not is_exploit("socket.timeout")
    assert not is_exploit("mylib.os.system")
    assert not is_exploit("code.mlp.MLP")
    assert not is_exploit("os")


def test_a_long_chain_costs_little():
    machine = Machine(named("x:Y") + b")R" * 100_000 + b".")
    machine.load()
    assert len(machine.calls) <= 3
    chain = named("x:y") + b"q\x000" + text("n" * 250) + b"q\x010" + b"h\0"
    chain += b"".join(b"q\x020cbuiltins\ngetattr\nh\2h\1\x86R" for _ in range(2000))
    Machine(chain + b".").load()


def test_a_chain_that_is_asked_for_again_is_paid():
    chain = named("x:y") + b"q\x000" + text(".".join(["n" * 15] * 15)) + b"q\x010" + b"h\0"
    chain += b"".join(b"q\x020cbuiltins\ngetattr\nh\2h\1\x86R" for _ in range(7))
    calls = b"q\x020" + named("lib:build") + b"q\x030" + b"h\3h\2\x85R0" * 1000
    machine = Machine(chain + calls + b"N.", limits=Limits(growth=0))
    machine.load()
    assert (64 << 20) - machine.purse.left > 1000 * 7 * 240


def test_the_documented_list_is_the_list():
    from support import ROOT

    documented = (ROOT / "docs/safety.md").read_text()
    for kind, listed in EXPLOITS.items():
        assert f"**{kind}**: " + ", ".join(f"`{name}`" for name in listed) in documented
