"""Which calls of a pickle are outside of known data types, and which only an attack makes.

Every call is inert, whatever is found here: this is what the report says of a file.  An instance
that a class makes of itself (NEWOBJ, ``copy_reg``) is what a record is, and is no suspect.  A
function that is called with arguments is one, unless it is the constructor of a known data type
(:mod:`~legacy_weights.pickles.constructors`).  A call of a name on the list of
:mod:`~legacy_weights.pickles.exploits`, straight or by ``getattr`` and its kin, is an exploit.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Any

from legacy_weights.pickles.constructors import (
    DILL_TYPES,
    STANDARD,
    canonical,
    is_known,
    makes_instance,
)
from legacy_weights.pickles.exploits import is_exploit
from legacy_weights.pickles.objects import Global, Instance
from legacy_weights.tree import Call

if TYPE_CHECKING:
    from legacy_weights.pickles.machine import Machine

_CHAIN = 8
_NAME = 256
_ARGUMENTS = 8
"""So many calls of calls are followed, of names of so many characters, and so many arguments."""


class Trust(enum.IntEnum):
    """What is known of a name that is called."""

    EXPLOIT = 0
    ROUTE = 1
    """Calls or looks up what it is given: what that is decides."""
    OUTSIDE = 2
    KNOWN = 3


_LOOKUPS = ("builtins.getattr", "dill._dill._get_attr", "dill.dill._get_attr")
_IMPORTS = (
    *("builtins.__import__", "importlib.import_module", "importlib.__import__"),
    *("dill._dill._import_module", "dill.dill._import_module", "pkgutil.resolve_name"),
)
_ROUTES = frozenset(
    {
        *("builtins.getattr", "builtins.setattr", "builtins.map", "builtins.filter"),
        *("builtins.reduce", "builtins.apply", "builtins.iter", "builtins.sorted"),
        *("functools.partial", "functools.reduce", "itertools.starmap", "itertools.imap"),
        *("itertools.ifilter", "collections.defaultdict", "operator.call"),
        *("operator.attrgetter", "operator.methodcaller", "operator.itemgetter"),
    }
)
_QUIET = frozenset({"builtins.getattr", "functools.partial", "collections.defaultdict"})
"""Routes that genuine files take: Blocks looks up ``apply``, dictionaries have a default."""
_FUNCTIONS = ("types.FunctionType", "types.LambdaType", "new.function")


def trust(named: Global) -> Trust:
    """Return what is known of a name, and remember it there."""
    if named.trust is None:
        name = canonical(named.dotted)
        if is_known(name):
            named.trust = Trust.KNOWN
        elif is_exploit(name):
            named.trust = Trust.EXPLOIT
        else:
            named.trust = Trust.ROUTE if name in _ROUTES else Trust.OUTSIDE
    return Trust(named.trust)


def look(machine: Machine, call: Instance, *, by_new: bool) -> None:
    """Note a call, unless it makes a known kind of data.

    Parameters
    ----------
    machine : Machine
    call : Instance
        Its state is not known yet.
    by_new : bool
        Whether ``__new__`` of a class would be called, and not what is named.
    """
    cls = call.cls
    if isinstance(cls, Global):
        name, level = cls.dotted, trust(cls)
    else:
        name, level = _of_call(machine, cls)
    if level is Trust.KNOWN or (by_new and level is Trust.OUTSIDE):
        return
    if level is Trust.OUTSIDE:
        old_style, given = machine.data[machine.position] in b"io", bool(call.args)
        if not isinstance(cls, Global):
            if old_style and not given:  # of a class that dill makes
                return
        elif makes_instance(name, arguments=given, old_style=old_style):
            return
    exploit = "" if level is not Trust.EXPLOIT else name
    if not exploit:
        exploit = _paid(machine, call) if level is Trust.ROUTE else ""
        exploit = exploit if is_exploit(exploit) else _given(machine, call.args)
    if not exploit and level is Trust.ROUTE and (by_new or _is_quiet(call)):
        return
    note(machine, exploit or name, exploit=bool(exploit))


def look_at_state(machine: Machine, state: Any) -> None:
    """Note a state that gives an instance a ``__setstate__``, which a second BUILD would call."""
    for part in state if type(state) is tuple and len(state) == 2 else (state,):
        if type(part) is dict and ("__setstate__" in part or b"__setstate__" in part):
            value = part.get("__setstate__", part.get(b"__setstate__"))
            target = _reached(value, 0) or "a value"
            note(machine, f"{target} as __setstate__", exploit=True)


def note(machine: Machine, name: str, *, exploit: bool) -> None:
    """Remember a call by its name, and the first place of each."""
    key = (name, exploit)
    if key not in machine.calls:
        opcode = machine.opcode_name().partition(" ")[0]
        machine.calls[key] = Call(name, machine.position, opcode, exploit)


def _paid(machine: Machine, call: Instance) -> str:
    """Return what a call reaches; a few bytes can ask that of one chain again and again."""
    name = _reached(call, 0)
    machine.spend(len(name))
    return name


def _of_call(machine: Machine, cls: Instance) -> tuple[str, Trust]:
    """Return what is known of a callable that is itself the result of a call."""
    name, made = _paid(machine, cls), f"{cls.cls_name}(…)"
    if _makes_function(cls):
        return made, Trust.EXPLOIT
    if not name or name == canonical(cls.cls_name):
        return made, Trust.OUTSIDE
    if is_known(name) or name.removeprefix("dill:") in DILL_TYPES:
        return name, Trust.KNOWN
    return name, Trust.EXPLOIT if is_exploit(name) else Trust.OUTSIDE


def _makes_function(call: Instance) -> bool:
    """Whether a call makes a function of code that the file brings."""
    name = _reached(call.cls, 0)
    if name.startswith("dill."):
        return name.endswith("._create_function")
    return name in _FUNCTIONS or name in ("dill:FunctionType", "dill:LambdaType")


def _name_of(value: Any) -> str:
    named = isinstance(value, Global) and len(value.module) + len(value.name) <= _NAME
    return canonical(value.dotted) if named else ""


def _reached(value: Any, depth: int) -> str:
    """Return the canonical name of what a chain of look-ups comes to.

    That of an instance is the name of its class, so that a method is ``Class.method``; nothing if
    no name shows.
    """
    if not isinstance(value, Instance) or depth > _CHAIN:
        return _name_of(value)
    name = _name_of(value.cls)
    args = value.args
    if not name:
        return _by_operator(value, depth)
    if name in _LOOKUPS and len(args) in (2, 3):
        return _attribute(_reached(args[0], depth + 1), _text(args[1]))
    if name in _IMPORTS and args:
        return canonical(_text(args[0]).replace(":", "."))
    if name.startswith("dill.") and name.endswith("._load_type") and len(args) == 1:
        return f"dill:{_text(args[0])}"
    if name in ("functools.partial", "builtins.apply") and args:
        return _reached(args[0], depth + 1)
    return name


def _by_operator(call: Instance, depth: int) -> str:
    """Return what ``attrgetter(name)(base)`` and ``methodcaller(name)(base)`` come to."""
    maker = call.cls
    if isinstance(maker, Instance) and maker.args and call.args:
        kind = _name_of(maker.cls)
        if kind in ("operator.attrgetter", "operator.methodcaller"):
            return _attribute(_reached(call.args[0], depth + 1), _text(maker.args[0]))
    return _reached(maker, depth + 1)


def _attribute(base: str, name: str) -> str:
    return canonical(f"{base}.{name}") if base and name and len(base) <= _NAME * _CHAIN else ""


def _text(value: Any) -> str:
    if not isinstance(value, str | bytes) or len(value) > _NAME:
        return ""
    return value if isinstance(value, str) else value.decode("latin-1")


def _given(machine: Machine, args: tuple[Any, ...]) -> str:
    """Return the name of an argument that is on the list of exploits."""
    for value in args[:_ARGUMENTS]:
        if isinstance(value, Global):
            if trust(value) is Trust.EXPLOIT:
                return value.dotted
        elif isinstance(value, Instance) and is_exploit(name := _paid(machine, value)):
            return name
    return ""


def _is_quiet(call: Instance) -> bool:
    """Whether a route is one that genuine files take, and leads nowhere else."""
    name = _name_of(call.cls)
    if name == "builtins.setattr":  # dill's, on a record of its own
        return len(call.args) == 3 and isinstance(call.args[0], Instance)
    if name == "builtins.getattr" and call.args:
        return _reached(call.args[0], 0).partition(".")[0] not in STANDARD - {"__main__"}
    return name in _QUIET
