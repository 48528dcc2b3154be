"""Hostile files: each would leave a file behind, a marker, if any part of it were run.

`write` makes them.  Nothing here calls what they name; `test_inert.py` reads them by this package,
which must leave no marker, and by `pickle.load`, which leaves nearly all.
"""

import bz2
import gzip
import io
import marshal
import pickle
import struct
import types
import zipfile
import zlib
from typing import NamedTuple

import numpy as np


class Case(NamedTuple):
    """A hostile file: its name is that of its marker."""

    name: str
    data: bytes


def text(value):
    """Push a text."""
    raw = value.encode()
    return b"X" + struct.pack("<I", len(raw)) + raw


def raw(value):
    """Push bytes."""
    return b"B" + struct.pack("<I", len(value)) + value


def group(*parts):
    """Push a tuple."""
    return b"(" + b"".join(parts) + b"t"


def named(dotted):
    """Push what ``module:name`` names."""
    return b"c" + dotted.replace(":", "\n").encode() + b"\n"


def call(function, *arguments):
    """Push the result of a call, by REDUCE."""
    function = named(function) if isinstance(function, str) else function
    return function + group(*arguments) + b"R"


def attribute(value, name):
    """Push an attribute."""
    return call("builtins:getattr", value, text(name))


def module(name):
    """Push a module."""
    return call("builtins:__import__", text(name))


def simple(marker):
    """Return what one call can do: names, and the opcodes of their arguments."""
    shell, python = text(f": > '{marker}'"), text(f"open({str(marker)!r}, 'w').close()")
    path, touch = text(str(marker)), b"](" + text("touch") + text(str(marker)) + b"e"
    inner = call("os:system", shell) + b"."
    return {
        "os:system": [shell],
        "posix:system": [shell],
        "os:popen": [shell],
        "os:mkdir": [path],
        "os:posix_spawnp": [text("touch"), touch, b"}"],
        "os:spawnlp": [b"K\0", text("touch"), text("touch"), path],
        "subprocess:call": [touch],
        "subprocess:check_output": [touch],
        "subprocess:run": [touch],
        "subprocess:getoutput": [shell],
        "subprocess:Popen": [touch],
        "builtins:eval": [python],
        "builtins:exec": [python],
        "builtins:open": [path, text("w")],
        "__builtin__:eval": [python],
        "__builtin__:execfile": [python],
        "io:open": [path, text("w")],
        "codecs:open": [path, text("w")],
        "pickle:loads": [raw(inner)],
        "_pickle:loads": [raw(inner)],
        "cPickle:loads": [raw(inner)],
        "timeit:timeit": [python],
        "cProfile:run": [python],
        "profile:run": [python],
        "pdb:run": [text(f"open({str(marker)!r}, 'w').close()")],
        "bdb:Bdb": [],
        "runpy:_run_code": [python, b"}"],
        "pydoc:pipepager": [text(""), shell],
        "sqlite3:connect": [path],
        "logging:FileHandler": [path],
        "shelve:open": [path],
        "tarfile:open": [path, text("w")],
        "zipfile:ZipFile": [path, text("w")],
        "gzip:open": [path, text("w")],
        "shutil:copyfile": [text(__file__), path],
        "atexit:register": [named("os:system"), shell],
        "numpy:savetxt": [path, b"]"],
        "numpy:memmap": [path, text("u1"), text("w+"), b"K\0", group(b"K\5")],
        "numpy.testing._private.utils:runstring": [python, b"}"],
        "numpy.testing:runstring": [python, b"}"],
        "numpy.f2py.crackfortran:myeval": [python],
        "numpy.lib._format_impl:open_memmap": [path, text("w+"), text("u1"), group(b"K\5")],
        "dill._dill:_create_function": [python],
        "dill.dill:_unmarshal": [raw(marshal.dumps(compile("1", "x", "eval")))],
        "dill:loads": [raw(inner)],
        "torch:load": [path],
        "theano.compile:function": [path],
        "pandas:read_pickle": [path],
        "joblib:load": [path],
        "socket:create_connection": [group(text("127.0.0.1"), b"K\1")],
        "code:interact": [],
        "importlib:import_module": [text("antigravity")],
        "webbrowser:open": [text("file:///nowhere")],
        "ctypes:CDLL": [text("libnowhere.so")],
        "signal:raise_signal": [b"K\0"],
    }


SILENT = {
    *("socket:create_connection", "code:interact", "importlib:import_module", "webbrowser:open"),
    *("ctypes:CDLL", "signal:raise_signal", "bdb:Bdb", "__builtin__:execfile", "joblib:load"),
    *("dill._dill:_create_function", "dill.dill:_unmarshal", "dill:loads", "torch:load"),
    *("theano.compile:function", "pandas:read_pickle"),
}
"""Those that leave no marker even where they run: no module, or nothing to see."""


def forms(dotted, arguments):
    """Return a call by each opcode that makes one."""
    target, packed = named(dotted), group(*arguments)
    stacked = b"".join(text(part) for part in dotted.split(":")) + b"\x93"
    return {
        "REDUCE": target + packed + b"R.",
        "STACK_GLOBAL": stacked + packed + b"R.",
        "INST": b"(" + b"".join(arguments) + b"i" + target[1:] + b".",
        "OBJ": b"(" + target + b"".join(arguments) + b"o.",
        "NEWOBJ": target + packed + b"\x81.",
        "NEWOBJ_EX": target + packed + b"}\x92.",
        "__newobj__": call("copyreg:__newobj__", target, *arguments) + b".",
        "_reconstructor": call("copyreg:_reconstructor", target, target, arguments[0]) + b"."
        if arguments
        else target + b")R.",
    }


def chains(marker):
    """Return what takes more than one call."""
    shell, path = text(f": > '{marker}'"), text(str(marker))
    python = f"open({str(marker)!r}, 'w').close()"
    code = raw(marshal.dumps(compile(python, "x", "exec")))
    system = named("os:system")
    mapped = call("builtins:map", system, b"](" + shell + b"e")
    function = call("types:FunctionType", call("marshal:loads", code), b"}")
    instance = named("types:SimpleNamespace") + b")\x81"
    setstate = b"}" + text("__setstate__") + system + b"sb" + shell + b"b"
    reduced = io.BytesIO()
    np.lib.format.write_array(reduced, np.array([None]))
    npy = reduced.getvalue().partition(b"\n")[0] + b"\n" + call(system, shell) + b"."
    return {
        "getattr of a module": call(attribute(module("os"), "system"), shell),
        "getattr of a name": call(attribute(named("os:path"), "os.system"), shell)
        + b"0"
        + call(attribute(attribute(named("os:path"), "os"), "system"), shell),
        "attrgetter": call(call("operator:attrgetter", text("system")), module("os"))
        + group(shell)
        + b"R",
        "methodcaller": call(call("operator:methodcaller", text("system"), shell), module("os")),
        "partial": call(call("functools:partial", system, shell)),
        "resolve_name": call(call("pkgutil:resolve_name", text("os:system")), shell),
        "dotted name": b"".join(map(text, ("os", "path.os.system"))) + b"\x93" + group(shell) + b"R",
        "list of a map": call("builtins:list", mapped),
        "bytes of a map, NEWOBJ": named("builtins:bytes") + group(mapped) + b"\x81",
        "frozenset of a map, NEWOBJ_EX": named("builtins:frozenset") + group(mapped) + b"}\x92",
        "starmap": call(
            "builtins:list", call("itertools:starmap", system, b"](" + group(shell) + b"e")
        ),
        "reduce": call(
            "functools:reduce", named("builtins:getattr"), b"](" + module("os") + text("x") + b"e"
        )
        if False
        else call("builtins:sum", mapped),
        "code": call(function),
        "code by eval": call("builtins:eval", call("marshal:loads", code)),
        "compile": call("builtins:eval", call("builtins:compile", text(python), text("x"), text("eval"))),
        "setstate": instance + setstate,
        "setstate of an instance, OBJ": b"(" + named("types:SimpleNamespace") + b"o" + setstate,
        "setstate of an instance, INST": b"(i" + named("types:SimpleNamespace")[1:] + setstate,
        "write_text": call(attribute(call("pathlib:Path", path), "write_text"), text("x")),
        "touch": call(attribute(call("pathlib:Path", path), "touch")),
        "browser": call(attribute(call("webbrowser:GenericBrowser", text("touch")), "open"), path),
        "interpreter": call(
            attribute(call("code:InteractiveInterpreter"), "runsource"), text(python)
        ),
        "ctypes": call(
            attribute(call("ctypes:CDLL", b"N"), "system"), raw(f": > '{marker}'".encode())
        ),
        "numpy.load": call(
            "numpy:load", call("io:BytesIO", raw(npy)), b"N", b"\x88"
        ),
        "DirectoryStore": call("builtins:setattr", named("os:path"), text("hostile"), b"K\1")
        + b"0"
        + call("os:mkdir", path),
        "key": b"}" + call(system, shell) + b"Ns",
        "element of a set": b"\x8f(" + call(system, shell) + b"\x90",
        "element of a tuple": call(system, shell) + b"\x85",
        "memo": named("os:system") + b"\x940h\0" + group(shell) + b"R",
        "popped": call(system, shell) + b"0N",
        "before a frame": call(system, shell) + b"0\x95" + bytes(8) + b"N",
        "argument": call("builtins:len", call("builtins:str", call(system, shell))),
        "persistent id": call(system, shell) + b"0N",
        "inside an array": objects(call(system, shell)),
        "dtype": call("numpy:dtype", call(system, shell)),
        "fill value": call("numpy:full", b"K\1", call(system, shell)),
        "callback of a deque": call("collections:deque", mapped),
        "defaultdict": call(
            attribute(
                call("collections:defaultdict", call("functools:partial", system, shell)),
                "__missing__",
            ),
            b"K\1",
        ),
        "simple cookie": call("ast:literal_eval", text("1")) + b"0" + call(system, shell),
        "path": named("sys:path") + text("/nowhere") + b"a0" + call(system, shell),
        "environment": named("os:environ") + text("HOSTILE") + text("1") + b"s0" + call(system, shell),
    }


def objects(item):
    """Push an array of objects, one of which is made by opcodes."""
    head = call("numpy._core.multiarray:_reconstruct", named("numpy:ndarray"), group(b"K\0"), raw(b"b"))
    dtype = call("numpy:dtype", text("O8"), b"\x89", b"\x88")
    return head + group(b"K\1", group(b"K\1"), dtype, b"\x89", b"](" + item + b"e") + b"b"


def wrapped(data):
    """Return one hostile pickle in what files come in."""
    member, header = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(member, "w") as archive:
        archive.writestr("model.pkl", data)
    np.lib.format.write_array_header_1_0(
        header, {"descr": "|O", "fortran_order": False, "shape": (1,)}
    )
    npz = io.BytesIO()
    with zipfile.ZipFile(npz, "w") as archive:
        archive.writestr("arr_0.npy", header.getvalue() + data)
    return {
        "npy": header.getvalue() + data,
        "npz": npz.getvalue(),
        "zip": member.getvalue(),
        "gzip": gzip.compress(data),
        "bz2": bz2.compress(data),
        "zlib": zlib.compress(data),
        "gzip of zip": gzip.compress(member.getvalue()),
        "behind a pickle": pickle.dumps({"W": np.arange(3.0)}, 2) + b"\x80\x02" + data,
        "text mode": b"(lp0\n0." if False else data.replace(b"\n", b"\r\n"),
    }


def cases(markers):
    """Yield every hostile file; a marker lies in a folder, under the file's name.

    Parameters
    ----------
    markers : pathlib.Path
    """
    for dotted in simple(markers):
        shown = dotted.replace(":", ".")
        for form in forms(dotted, simple(markers)[dotted]):
            name = f"{shown} by {form}"
            yield Case(name, forms(dotted, simple(markers / name)[dotted])[form])
    for chain in chains(markers):
        yield Case(chain, chains(markers / chain)[chain] + b".")
    for wrapper in wrapped(b""):
        name = f"in {wrapper}"
        shell = text(f": > '{markers / name}'")
        yield Case(name, wrapped(call("os:system", shell) + b".")[wrapper])
