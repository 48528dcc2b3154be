"""Callables that genuine files call: the constructors of known data types.

What a pickle calls beyond these is reported as outside of known data types
(:mod:`legacy_weights.pickles.suspects`).  Nothing here is ever called, and nothing is safe because
it stands here: every call is a record, known or not.

Names are as :func:`canonical` writes them.
"""

from __future__ import annotations

import builtins
import sys

_ALIASES = {
    **{"__builtin__": "builtins", "exceptions": "builtins", "copy_reg": "copyreg"},
    **{"posix": "os", "nt": "os", "cPickle": "pickle", "_pickle": "pickle", "_io": "io"},
    **{"_operator": "operator", "_functools": "functools", "cStringIO": "io"},
    **{"_collections": "collections", "_socket": "socket", "_ctypes": "ctypes"},
}
STANDARD = sys.stdlib_module_names | {
    *("__builtin__", "exceptions", "copy_reg", "commands", "popen2", "cPickle", "cStringIO"),
    *("urllib2", "httplib", "imp", "asyncore", "asynchat", "smtpd", "nt", "dl", "distutils"),
    *("pipes", "telnetlib", "sets", "StringIO", "UserDict", "UserList", "new", "os", "posix"),
}
"""Modules of the standard library: this Python's, and some that only others had."""

_NUMPY = frozenset(
    {
        *("dtype", "scalar", "ndarray", "_reconstruct", "_frombuffer", "_ufunc_reconstruct"),
        *("_mareconstruct", "_mrreconstruct", "MaskedConstant", "__RandomState_ctor"),
        *("__randomstate_ctor", "__generator_ctor", "__bit_generator_ctor"),
    }
)
"""``__reduce__`` of NumPy's own types, in whatever module of it they stood."""
_DILL = frozenset(
    {
        *("_create_function", "_create_code", "_create_cell", "_create_type", "_create_array"),
        *("_create_namedtuple", "_import_module", "_load_type", "_unmarshal", "_setattr"),
        *("_get_attr", "_getattribute"),
    }
)
"""``dill/_dill.py`` (``dill/dill.py`` before 0.3); they rebuild code, which is not run here."""
_STANDARD = frozenset(
    {
        *(f"builtins.{name}" for name in ("bytearray", "bytes", "complex", "frozenset", "set")),
        *(f"builtins.{name}" for name in ("slice", "xrange", "range", "list", "tuple", "dict")),
        *(f"builtins.{name}" for name in ("int", "long", "float", "bool", "str", "unicode")),
        *("builtins.object", "builtins.NotImplementedType", "copyreg._reconstructor"),
        *("copyreg.__newobj__", "copyreg.__newobj_ex__", "_codecs.encode", "re._compile"),
        *("array.array", "array._array_reconstructor", "collections.Counter", "sets.Set"),
        *("collections.OrderedDict", "collections.deque", "collections.ChainMap"),
        *("datetime.date", "datetime.time", "datetime.datetime", "datetime.timedelta"),
        *("datetime.timezone", "decimal.Decimal", "fractions.Fraction", "uuid.UUID"),
        *("itertools.count", "itertools.repeat", "random.Random", "time.struct_time"),
        *("os.stat_result", "os.terminal_size", "io.StringIO", "io.BytesIO"),
        *("pathlib.PosixPath", "pathlib.PurePosixPath", "pathlib.WindowsPath"),
        "pathlib.PureWindowsPath",
    }
)
_FRAMEWORKS = frozenset(
    {
        *("theano.gpuarray.type.GpuArray_unpickler", "nolearn.lasagne.base.Layers"),
        *("theano.sandbox.cuda.type.CudaNdarray_unpickler", "sklearn.tree._tree.Tree"),
        *("pandas.core.indexes.base._new_Index", "pandas.core.index._new_Index"),
        *("pandas.indexes.base._new_Index", "pandas.core.indexes.datetimes._new_DatetimeIndex"),
        *("pandas.tseries.index._new_DatetimeIndex", "sklearn.neighbors.kd_tree.newObj"),
        *("sklearn.neighbors.dist_metrics.newObj", "sklearn.neighbors.ball_tree.newObj"),
    }
)
_THEANO = frozenset({"theano", "aesara", "pytensor"})
_PACKAGES = _THEANO | {
    *("__main__", "lasagne", "nolearn", "keras", "pylearn2", "blocks", "sknn", "rllab"),
}
_COMPILED = frozenset({"_constructor_Function", "_constructor_FunctionMaker"})
"""``theano/compile/function_module.py``; its heirs have it in ``compile/function/types.py``."""
_EXCEPTIONS = frozenset(
    name
    for name, found in vars(builtins).items()
    if isinstance(found, type) and issubclass(found, BaseException)
) | {"StandardError", "WindowsError", "VMSError"}
DILL_TYPES = frozenset({"ClassType", "CodeType", "CellType", "InstanceType", "TypeType"})
"""What ``dill._load_type`` gives and genuine files call, to make data of it."""


def canonical(dotted: str) -> str:
    """Return a dotted name with the module names of Python 3, whichever Python wrote it."""
    head, dot, rest = dotted.partition(".")
    return f"{_ALIASES.get(head, head)}{dot}{rest}"


def is_known(name: str) -> bool:
    """Whether a callable, by its canonical name, is the constructor of a known data type."""
    if name in _STANDARD or name in _FRAMEWORKS:
        return True
    head, _, rest = name.partition(".")
    last = name.rpartition(".")[2]
    if head == "numpy":
        return last in _NUMPY
    if head == "dill":
        return last in _DILL
    if head == "builtins":
        return rest in _EXCEPTIONS
    return head in _THEANO and ".compile." in name and last in _COMPILED


def is_class_name(name: str) -> bool:
    """Whether the last part of a name is written as those of classes are."""
    return name.rpartition(".")[2].lstrip("_")[:1].isupper()


def makes_instance(name: str, *, arguments: bool, old_style: bool) -> bool:
    """Whether a call of a name that is not known makes an instance of a user's own class.

    Old-style classes and those with a ``__reduce__`` come this way.  Without arguments any class
    outside of the standard library does; with arguments only one of the script that wrote the
    file, for ``__main__`` has nothing that its reader did not write.  Names of functions and of
    classes cannot be told apart where the latter are in small letters, as Theano's ``scratchpad``
    is; INST and OBJ of Python 2 are believed in the packages of known frameworks.
    """
    head, _, rest = name.partition(".")
    if head in STANDARD and head != "__main__":
        return False
    if not is_class_name(name):
        return old_style and not arguments and head in _PACKAGES
    return not arguments or (head == "__main__" and "." not in rest)
