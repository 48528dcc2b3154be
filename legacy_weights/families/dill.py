"""dill: classes, functions and modules that were pickled by value, or named by a call.

``dill/_dill.py`` (until 0.2.7 ``dill/dill.py``) writes a class of the main program as the call
``_create_type(metaclass, name, bases, namespace)``, a function as ``_create_function(code,
globals, name, …)``, types as ``_load_type(name)``, and so on.  All are inert here: they have
names, and their code stays bytes.
"""

from __future__ import annotations

from typing import Any

from legacy_weights.families.signatures import key_of
from legacy_weights.pickles.objects import Global, Instance

_CHAIN = 8
_LONGEST = 240


def class_made(call: Any) -> str:
    """Return the dotted name of a class that a call of dill makes or finds, or nothing."""
    return _named(call, _CLASSES)


def described(call: Instance) -> str | None:
    """Return in words what a call of dill makes, or None: ``class __main__.Net``."""
    kind = "class" if _makes_class(call.cls) else _KINDS.get(key_of(call.cls))
    if kind is None:
        return None
    name = _named(call, _KINDS)
    return f"{kind} {name}" if name else None


_CLASSES = frozenset(
    ["dill:_create_type", "dill:_create_namedtuple", "dill:_load_type", "dill:_get_attr"]
)
_KINDS = {
    "dill:_create_type": "class",
    "dill:_create_namedtuple": "class",
    "dill:_load_type": "type",
    "dill:_get_attr": "object",
    "dill:_import_module": "module",
    "dill:_create_function": "function",
}


def _named(call: Any, kinds: Any) -> str:
    """Return what is named by calls, each of which finds something in what the next one names."""
    ends: list[str] = []
    for _ in range(_CHAIN):
        if type(call) is Global:
            return ".".join([call.dotted, *reversed(ends)])[:_LONGEST]
        if type(call) is not Instance:
            return ""
        key, args = key_of(call.cls), call.args
        if _makes_class(call.cls):
            key, args = "dill:_create_type", (call.cls, *args)
        if key not in kinds and not (ends and key == "dill:_import_module"):
            return ""
        if key != "dill:_get_attr":
            own = _own_name(key, args)
            return ".".join([own, *reversed(ends)])[:_LONGEST] if own else ""
        if len(args) != 2 or not _text(args[1]):
            return ""
        ends.append(_text(args[1]))
        call = args[0]
    return ""


def _makes_class(cls: Any) -> bool:
    """Whether a callable is ``types.ClassType``, which old-style classes are made by."""
    if type(cls) is not Instance or key_of(cls.cls) != "dill:_load_type":
        return False
    return bool(cls.args) and _text(cls.args[0]) == "ClassType"


def _own_name(key: str, args: tuple[Any, ...]) -> str:
    if key == "dill:_create_type" and len(args) >= 4:
        space = args[3] if type(args[3]) is dict else {}
        module = _text(space.get("__module__", space.get(b"__module__")))
        name = _text(args[1])
        return f"{module}.{name}" if module and name else name
    if key == "dill:_create_namedtuple" and len(args) >= 3:
        return f"{_text(args[2])}.{_text(args[0])}"
    if key == "dill:_create_function" and len(args) >= 3:
        return _text(args[2])
    if key == "dill:_load_type" and args:
        return f"types.{_text(args[0])}"
    return _text(args[0]) if key == "dill:_import_module" and args else ""


def _text(value: Any) -> str:
    """Return a name of the file; anything else, and what is too long, is none."""
    if isinstance(value, bytes) and len(value) <= _LONGEST:
        return value.decode(errors="replace")
    return value if isinstance(value, str) and len(value) <= _LONGEST else ""
