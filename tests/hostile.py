"""Hostile files: each would leave a file behind, a marker, if what it names were run.

`cases` makes them; nothing here runs one.  `test_inert.py` reads them by this package, which must
leave no marker, and by `pickle.load` and its like, which leave those of all that `fires`.
"""

import bz2
import gzip
import io
import lzma
import marshal
import pickle
import struct
import zipfile
import zlib
from typing import NamedTuple

import numpy as np


class Case(NamedTuple):
    """A hostile file.

    Parameters
    ----------
    name : str
        That of its marker, too.
    data : bytes
    fires : bool
        Whether it leaves a marker where it is run, on this Python.
    kind : str
        What runs it: ``pickle``, ``numpy``, ``tables``, or the module that opens it first.
    outcome : str
        What this package says of it: ``refused``; ``inert``, if it is read as records; or ``any``
        of the two.
    """

    name: str
    data: bytes
    fires: bool
    kind: str = "pickle"
    outcome: str = "refused"


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
    """Return what leaves a marker by one call: names, and the opcodes of their arguments."""
    shell, python = text(f": > '{marker}'"), text(f"open({str(marker)!r}, 'w').close()")
    path, touch = text(str(marker)), b"](" + text("touch") + text(str(marker)) + b"e"
    inner = raw(call("os:system", shell) + b".")
    return {
        "os:system": [shell],
        "posix:system": [shell],
        "os:mkdir": [path],
        "os:spawnlp": [b"K\0", text("touch"), text("touch"), path],
        "subprocess:call": [touch],
        "subprocess:check_output": [touch],
        "subprocess:run": [touch],
        "subprocess:getoutput": [shell],
        "commands:getoutput": [shell],
        "builtins:eval": [python],
        "builtins:exec": [python],
        "builtins:open": [path, text("w")],
        "__builtin__:eval": [python],
        "io:open": [path, text("w")],
        "codecs:open": [path, text("w")],
        "pickle:loads": [inner],
        "_pickle:loads": [inner],
        "cPickle:loads": [inner],
        "dill:loads": [inner],
        "timeit:timeit": [text("0"), python],
        "cProfile:run": [python],
        "profile:run": [python],
        "runpy:_run_code": [python, b"}"],
        "pydoc:pipepager": [text(""), shell],
        "sqlite3:connect": [path],
        "logging:FileHandler": [path],
        "zipfile:ZipFile": [path, text("w")],
        "gzip:open": [path, text("w")],
        "shutil:copyfile": [text(__file__), path],
        "atexit:register": [named("os:system"), shell],
        "numpy:savetxt": [path, b"]"],
        "numpy:memmap": [path, text("u1"), text("w+"), b"K\0", group(b"K\5")],
        "numpy.testing._private.utils:runstring": [python, b"}"],
        "numpy.f2py.crackfortran:myeval": [python],
        "numpy.lib._format_impl:open_memmap": [path, text("w+"), text("u1"), group(b"K\5")],
    }


def silent(marker):
    """Return calls that leave no marker where they run: something is missing, or not to be seen."""
    code = raw(marshal.dumps(compile("1", "x", "eval")))
    path = text(str(marker))
    return {
        "socket:create_connection": [group(text("127.0.0.1"), b"K\1")],
        "importlib:import_module": [text("this")],
        "builtins:__import__": [text("this")],
        "ctypes:CDLL": [text("libnowhere.so")],
        "__builtin__:execfile": [path],
        "dill._dill:_create_function": [code],
        "dill.dill:_unmarshal": [code],
        "marshal:loads": [code],
        "torch:load": [path],
        "theano.compile:function": [path],
        "joblib:load": [path],
        "nt:system": [path],
        "types:CodeType": [code],
    }


def forms(dotted, arguments):
    """Return a call by each opcode that makes one of a function."""
    target, packed = named(dotted), group(*arguments)
    stacked = b"".join(map(text, dotted.split(":"))) + b"\x93"
    return {
        "REDUCE": target + packed + b"R.",
        "STACK_GLOBAL": stacked + packed + b"R.",
        "INST": b"(" + b"".join(arguments) + b"i" + target[1:] + b".",
        "OBJ": b"(" + target + b"".join(arguments) + b"o.",
    }


def forms_of_classes(dotted, arguments):
    """Return calls that CPython makes of classes alone."""
    target, packed = named(dotted), group(*arguments)
    return {
        "NEWOBJ": target + packed + b"\x81.",
        "NEWOBJ_EX": target + packed + b"}\x92.",
        "__newobj__": call("copyreg:__newobj__", target, *arguments) + b".",
        "_reconstructor": call("copyreg:_reconstructor", target, target, arguments[0]) + b".",
        "BUILD": target + b"}" + text("__setstate__") + target + b"sb" + arguments[0] + b"b.",
    }


def chains(marker):
    """Return what takes more than one call."""
    shell, path = text(f": > '{marker}'"), text(str(marker))
    python = f"open({str(marker)!r}, 'w').close()"
    system = named("os:system")
    run = call(system, shell)
    code = call("marshal:loads", raw(marshal.dumps(compile(python, "x", "exec"))))
    mapped = call("builtins:map", system, b"](" + shell + b"e")
    setstate = b"}" + text("__setstate__") + system + b"sb" + shell + b"b"
    stacked = b"".join(map(text, ("os", "path.os.system"))) + b"\x93"
    return {
        "getattr of a module": call(attribute(module("os"), "system"), shell),
        "getattr of getattr": call(attribute(attribute(named("os:path"), "os"), "system"), shell),
        "attrgetter": call(call("operator:attrgetter", text("system")), module("os"))
        + group(shell)
        + b"R",
        "methodcaller": call(call("operator:methodcaller", text("system"), shell), module("os")),
        "partial": call(call("functools:partial", system, shell)),
        "resolve_name": call(call("pkgutil:resolve_name", text("os:system")), shell),
        "dotted name": b"\x80\x04" + stacked + group(shell) + b"R",
        "list of a map": call("builtins:list", mapped),
        "sum of a map": call("builtins:sum", mapped),
        "deque of a map": call("collections:deque", mapped),
        "NEWOBJ of a map": named("builtins:frozenset") + group(mapped) + b"\x81",
        "NEWOBJ_EX of a map": named("builtins:bytes") + group(mapped) + b"}\x92",
        "starmap": call(
            "builtins:list", call("itertools:starmap", system, b"](" + group(shell) + b"e")
        ),
        "function of code": call(call("types:FunctionType", code, b"}")),
        "eval of code": call("builtins:eval", code),
        "eval of compile": call(
            "builtins:eval", call("builtins:compile", text(python), text("x"), text("eval"))
        ),
        "dill's function of code": call(call("dill._dill:_create_function", code, b"}")),
        "setstate by NEWOBJ": named("types:SimpleNamespace") + b")\x81" + setstate,
        "setstate by OBJ": b"(" + named("types:SimpleNamespace") + b"o" + setstate,
        "setstate by INST": b"(i" + named("types:SimpleNamespace")[1:] + setstate,
        "write_text": call(attribute(call("pathlib:Path", path), "write_text"), text("x")),
        "browser": call(attribute(call("webbrowser:GenericBrowser", text("touch")), "open"), path),
        "interpreter": call(
            attribute(call("code:InteractiveInterpreter"), "runsource"), text(python)
        ),
        "ctypes": call(
            attribute(call("ctypes:CDLL", b"N"), "system"), raw(f": > '{marker}'".encode())
        ),
        "numpy.load": call("numpy:load", call("io:BytesIO", raw(npy(run + b"."))), b"N", b"\x88"),
        "defaultdict": call(
            attribute(
                call("collections:defaultdict", call("functools:partial", system, shell)),
                "__missing__",
            ),
            b"K\1",
        ),
        "as a key": b"}" + run + b"Ns",
        "in a set": b"\x8f(" + run + b"\x90",
        "in a tuple": run + b"\x85",
        "through the memo": system + b"\x940h\0" + group(shell) + b"R",
        "and dropped": run + b"0N",
        "in a later frame": run + b"0\x95" + struct.pack("<Q", 2) + b"N",
        "as an argument": call("builtins:str", run),
        "as a state": named("types:SimpleNamespace") + b")\x81}" + text("x") + run + b"sb",
        "in an array": objects(run),
        "as a dtype": call("numpy:dtype", run),
        "as a fill value": call("numpy:full", b"K\1", run),
        "after an append to sys.path": named("sys:path") + text("/nowhere") + b"a0" + run,
        "after an item of os.environ": named("os:environ") + text("A") + text("1") + b"s0" + run,
    }


def objects(item):
    """Push an array of objects, one of which is made by opcodes."""
    start = call(
        "numpy._core.multiarray:_reconstruct", named("numpy:ndarray"), group(b"K\0"), raw(b"b")
    )
    dtype = call("numpy:dtype", text("O8"), b"\x89", b"\x88")
    return start + group(b"K\1", group(b"K\1"), dtype, b"\x89", b"](" + item + b"e") + b"b"


def npy(data):
    """Return an `.npy` of objects with any pickle inside."""
    file = io.BytesIO()
    header = {"descr": "|O", "fortran_order": False, "shape": (1,)}
    np.lib.format.write_array_header_1_0(file, header)
    return file.getvalue() + data


def zipped(name, data):
    """Return a zip archive of one member."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(name, data)
    return file.getvalue()


def wrapped(data):
    """Return one hostile pickle in what files come in, and what opens that."""
    return {
        "npy": (npy(data), "numpy"),
        "npz": (zipped("arr_0.npy", npy(data)), "numpy"),
        "zip": (zipped("model.pkl", data), "zipfile"),
        "gzip": (gzip.compress(data), "gzip"),
        "bz2": (bz2.compress(data), "bz2"),
        "xz": (lzma.compress(data), "lzma"),
        "second pickle": (pickle.dumps([1], 2) + b"\x80\x02" + data, "pickle"),
        "text mode": (data.replace(b"\n", b"\r\n"), ""),
        "zlib": (zlib.compress(data), ""),
        "gzip of a zip": (gzip.compress(zipped("model.pkl", data)), ""),
    }


def cases(markers):
    """Yield every hostile file; its marker would lie in a folder, under its name.

    Parameters
    ----------
    markers : pathlib.Path
    """
    for dotted in simple(markers):
        for form in forms(dotted, []):
            name = f"{dotted} by {form}"
            data = forms(dotted, simple(markers / name)[dotted])[form]
            yield Case(name, data, True)
    for dotted, arguments in silent(markers).items():
        # What dill makes, and a function of a library, are records like others.
        inert = dotted.startswith(("dill.", "theano."))
        outcome = "inert" if inert else "refused"
        yield Case(dotted, forms(dotted, arguments)["REDUCE"], False, outcome=outcome)
    for dotted in ("os:system", "subprocess:Popen", "builtins:eval", "builtins:exec"):
        for form in forms_of_classes(dotted, [b""]):
            name = f"{dotted} by {form}"
            arguments = simple(markers / name).get(dotted, [text("true")])
            yield Case(name, forms_of_classes(dotted, arguments)[form], False)
    for chain in chains(markers):
        yield Case(chain, chains(markers / chain)[chain] + b".", True)
    for wrapper in wrapped(b""):
        name = f"in {wrapper}"
        run = call("os:system", text(f": > '{markers / name}'")) + b"."
        data, kind = wrapped(run)[wrapper]
        yield Case(name, data, bool(kind), kind)
