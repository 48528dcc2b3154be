"""What the arguments and states of some well-known callables are called.

A pickle has them without names.  With their names a path reads like Python:
``f.closure[0].contents``, ``tree_.n_classes``.
"""

from __future__ import annotations

from typing import Any

from legacy_weights.pickles.objects import Global, Instance

_CODE = (
    *("argcount", "nlocals", "stacksize", "flags", "code", "constants", "names", "varnames"),
    *("filename", "name", "firstlineno", "lnotab", "freevars", "cellvars"),
)
_ARGUMENTS = {
    "dill:_create_function": ("code", "globals", "name", "defaults", "closure", "namespace"),
    "dill:_create_code": _CODE,
    "dill:_create_cell": ("contents",),
    "dill:_create_type": ("metaclass", "name", "bases", "namespace"),
    "dill:_create_namedtuple": ("name", "fieldnames", "modulename"),
    "dill:_unmarshal": ("marshalled",),
    "sklearn.tree._tree:Tree": ("n_features", "n_classes", "n_outputs"),
    "pandas:_new_Index": ("class", "values"),
    "pandas:_new_DatetimeIndex": ("class", "values"),
    "pandas:Categorical": ("values",),
}
"""Parameters by their names in ``dill/_dill.py``, ``sklearn/tree/_tree.pyx`` (``Tree.__cinit__``)
and ``pandas/core/indexes/base.py``; those of ``_create_code`` are Python 2's ``types.CodeType``."""

_STATES = {
    "pandas:BlockManager": ("axes", "values", "items", "more"),
    "pandas:SingleBlockManager": ("axes", "values", "items", "more"),
}
"""``BlockManager.__getstate__`` in ``pandas/core/internals``."""


def argument_names(raw: Instance) -> tuple[str, ...]:
    """Return the names of a call's positional arguments, or nothing if they are not known."""
    names = _ARGUMENTS.get(key_of(raw.cls), ())
    # Python 3 has put further arguments between those of a code object.
    return names if names is not _CODE or len(raw.args) == len(_CODE) else ()


def state_names(raw: Instance) -> tuple[str, ...]:
    """Return the names of the elements of a state that is a tuple, or nothing."""
    if type(raw.state) is not tuple:
        return ()
    return _STATES.get(key_of(raw.cls), ())


def key_of(cls: Any) -> str:
    """Return a callable as package and name; dill and pandas moved theirs between modules."""
    if type(cls) is not Global:
        return ""
    package = cls.module.partition(".")[0]
    return f"{package if package in ('dill', 'pandas') else cls.module}:{cls.name}"
