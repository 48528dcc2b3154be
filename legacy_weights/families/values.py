"""How to look into the inert values of a file: what they hold, and by which steps.

A value is plain data (numbers, strings, lists, tuples, dictionaries, NumPy arrays and scalars) or
one of the records of :mod:`legacy_weights.pickles.objects`.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from legacy_weights.families.labels import key_repr, label, short
from legacy_weights.families.signatures import argument_names, state_names
from legacy_weights.paths import natural
from legacy_weights.pickles.numpy_values import beside
from legacy_weights.pickles.objects import (
    ABSENT,
    Global,
    Instance,
    MaskedArray,
    ObjectArray,
    PersistentId,
)

BLOB = 65_536
"""Byte strings of at least this length are kept as arrays of uint8, not inside JSON."""


class StepKind(enum.IntEnum):
    """How one object holds another."""

    ATTRIBUTE = 0
    KEY = 1
    INDEX = 2
    PART = 3
    """What only the pickle language shows: arguments, state, list items of an instance."""
    STATE = 4
    """From an instance to the dictionary of its attributes; a path does not show it."""


class Step(NamedTuple):
    """One step of a path: how, by which name, key or index, and its place if that is stated."""

    kind: StepKind
    key: Any
    position: int = -1

    def __str__(self) -> str:
        if self.kind is StepKind.ATTRIBUTE:
            return f".{short(label(self.key))}"
        if self.kind is StepKind.INDEX:
            return f"[{self.key}]"
        if self.kind is StepKind.KEY:
            return f"[{short(key_repr(self.key))}]"
        return f".<{self.key}>" if self.kind is StepKind.PART else ""


class Bundle:
    """Several values of one file: pickles one after another, or the members of an archive.

    Parameters
    ----------
    entries : list of (str, object)
        Labels and values, in order.
    members : bool
        Whether the labels are names (of an archive) rather than positions.
    referenced : sequence of (str, object)
        Further members, which the entries refer to: they stand there.

    Attributes
    ----------
    alone : bool
        Whether there is one entry, and all other members are parts of it.
    numbered : bool
        Whether the names are those that ``numpy.savez`` gives to arrays without one: ``arr_0`` …
        (``numpy/lib/npyio.py``); the entries are then in the order of its arguments.
    """

    __slots__ = ("alone", "entries", "members", "numbered", "referenced")

    def __init__(
        self,
        entries: list[tuple[str, Any]],
        members: bool,
        referenced: Sequence[tuple[str, Any]] = (),
    ) -> None:
        by_name = dict(entries) if members else {}
        numbers = [f"arr_{index}" for index in range(len(entries))]
        self.numbered = bool(entries) and by_name.keys() == set(numbers)
        self.entries = [(n, by_name[n]) for n in numbers] if self.numbered else entries
        self.members = members
        self.referenced = referenced
        self.alone = bool(referenced) and len(entries) == 1


_PLAIN = frozenset({type(None), bool, int, float, complex, str, Global})


def resolve(raw: Any) -> Any:
    """Return what a record stands for: the array of an array's record, else itself."""
    if type(raw) is Instance and raw.value is not ABSENT:
        return raw.value
    return raw


def is_leaf(value: Any) -> bool:
    """Whether a value is written as an array."""
    if isinstance(value, np.ndarray):
        return True
    return type(value) in (bytes, memoryview) and len(value) >= BLOB


def _plain(value: Any) -> bool:
    """Whether a value holds nothing and is no array."""
    kind = type(value)
    if kind in _PLAIN:
        return True
    if kind is bytes or kind is memoryview:
        return len(value) < BLOB
    return isinstance(value, np.generic | np.dtype)


def is_hollow(value: Any) -> bool:
    """Whether a value is a container that holds nothing but plain values."""
    kind = type(value)
    if kind is list or kind is tuple:
        return set(map(type, value)) <= _PLAIN
    return kind is dict and not value


def children(raw: Any, value: Any, step: Step) -> Iterator[tuple[Step, Any]]:
    """Yield what an object holds, except plain values, in a fixed order.

    Parts that several objects may share (a dictionary of attributes, a list of elements) are
    objects of their own, reached by a step of kind STATE: a small file must not make us go
    through one of them a million times.

    Parameters
    ----------
    raw, value : object
        The object, and what it stands for.
    step : Step
        By which it was reached: the entries of an instance's state are attributes.
    """
    kind = type(value)
    if kind is list or kind is tuple:
        if set(map(type, value)) <= _PLAIN:  # a million floats cost next to nothing
            return
        if step.kind is StepKind.STATE and type(step.key) is tuple:
            yield from _named(value, step.key)
            return
        if step in (_PAIRS, _STATE_PAIRS):
            yield from _entries(filter(_is_pair, value), step, ordered=True)
        for index, item in enumerate(value):
            if not (_plain(item) or (step in (_PAIRS, _STATE_PAIRS) and _is_pair(item))):
                yield Step(StepKind.INDEX, index, -1 if step == SET else index), item
    elif kind is dict:
        yield from _entries(value.items(), step)
    elif type(raw) is Instance:
        yield from _instance(raw, value, step)
    elif kind is Bundle:
        for position, (label, item) in enumerate(value.entries):
            if not _plain(item):
                if value.alone:
                    yield _ALONE, item
                elif value.members:
                    yield Step(StepKind.KEY, label, position if value.numbered else -1), item
                else:
                    yield Step(StepKind.INDEX, position, position), item
        for label, item in value.referenced:
            if not _plain(item):
                yield Step(StepKind.PART, f"member {short(label)!r}"), item
    elif kind is PersistentId and not _plain(value.pid):
        yield Step(StepKind.PART, "pid"), value.pid


_ITEMS = Step(StepKind.STATE, "items")
SET = Step(StepKind.STATE, "elements of a set")
_VALUE = Step(StepKind.STATE, "value on a GPU")
_PAIRS = Step(StepKind.STATE, "pairs")
_STATE = Step(StepKind.STATE, "attributes")
_ALONE = Step(StepKind.STATE, "the only entry")
_STATE_PAIRS = Step(StepKind.STATE, "pairs of attributes")


def _steps_of(names: tuple[str, ...]) -> Step:
    """Return the step to arguments or a state whose elements have these names."""
    return Step(StepKind.STATE, names)


def _named(parts: Any, names: tuple[str, ...]) -> Iterator[tuple[Step, Any]]:
    """Yield arguments whose names are known; further ones by their position."""
    for position, item in enumerate(parts):
        if not _plain(item):
            known = position < len(names)
            yield (
                (
                    Step(StepKind.ATTRIBUTE, names[position])
                    if known
                    else Step(StepKind.INDEX, position)
                ),
                item,
            )


def _is_pair(item: Any) -> bool:
    return type(item) in (tuple, list) and len(item) == 2


def _entries(pairs: Any, step: Step, *, ordered: bool = False) -> Iterator[tuple[Step, Any]]:
    kind = StepKind.ATTRIBUTE if step in (_STATE, _STATE_PAIRS) else StepKind.KEY
    held = [
        (position, key, item)
        for position, (key, item) in enumerate(pairs)
        if not (_plain(item) and _is_name(key))
    ]
    held.sort(key=lambda entry: natural(label(entry[1])))
    for position, key, item in held:
        if not _plain(item):
            name = label(key) if kind is StepKind.ATTRIBUTE else key
            yield Step(kind, name, position if ordered else -1), item
        if not _is_name(key):
            yield Step(StepKind.PART, "key"), key


def _is_name(key: Any) -> bool:
    """Whether a key holds nothing; a text is a name, however long it is."""
    return isinstance(key, bytes | memoryview) or _plain(key)


def _instance(raw: Instance, value: Any, step: Step) -> Iterator[tuple[Step, Any]]:
    if raw.value is not ABSENT:
        yield from _known(raw, value)
    else:
        yield from _arguments(raw, step)
        if attribute_parts(raw.state):
            for part in attribute_parts(raw.state):
                yield _STATE, part
        elif raw.state is not ABSENT and not _plain(raw.state):
            names = state_names(raw)
            yield _steps_of(names) if names else Step(StepKind.PART, "state"), raw.state
    for name, part in (("kwargs", raw.kwargs), ("earlier", raw.earlier)):
        if part:
            yield Step(StepKind.PART, name), part
    if isinstance(raw.cls, Instance):
        yield Step(StepKind.PART, "callable"), raw.cls
    if raw.items:
        yield SET if class_name(raw) == "set" else _ITEMS, raw.items
    if raw.pairs:
        yield from _entries(raw.pairs, _PAIRS, ordered=class_name(raw) == "OrderedDict")
    if raw.base is not ABSENT and not _plain(raw.base):
        yield _ITEMS, raw.base


def _known(raw: Instance, value: Any) -> Iterator[tuple[Step, Any]]:
    """Yield what the record of a known value holds."""
    if type(value) is MaskedArray:
        for name in ("data", "mask", "fill_value"):
            part = getattr(value, name)
            if not _plain(part):
                yield Step(StepKind.ATTRIBUTE, name), part
    elif type(value) is ObjectArray:
        yield _ITEMS, value.items
    for part in extras(raw):
        if type(part) is dict:
            yield _STATE, part
        elif not _plain(part):
            yield Step(StepKind.PART, "state"), part


def _arguments(raw: Instance, step: Step) -> Iterator[tuple[Step, Any]]:
    """Yield the arguments of a call; those of a standard collection are its elements."""
    if is_ordered_dict(raw):
        yield _STATE_PAIRS if step == _STATE else _PAIRS, raw.args[0]
    elif is_sequence(raw):
        yield SET if class_name(raw) in ("set", "frozenset") else _ITEMS, raw.args[0]
    elif is_on_gpu(raw):
        yield _VALUE, raw.args[0]
    elif raw.args:
        names = argument_names(raw)
        yield _steps_of(names) if names else Step(StepKind.PART, "args"), raw.args
        return
    for part in raw.args[1:]:
        if not _plain(part):
            yield Step(StepKind.PART, "args"), part


def extras(raw: Instance) -> tuple[Any, ...]:
    """Return what the state of a known value has beside it: what a subclass of ndarray keeps."""
    return tuple(part for part in beside(raw) if type(part) is not dict or part)


def class_name(raw: Any) -> str:
    """Return the name of a record's class without its module, or nothing."""
    if type(raw) is Instance and isinstance(raw.cls, Global):
        return raw.cls.name
    return ""


def is_ordered_dict(raw: Any) -> bool:
    """Whether a record is an OrderedDict (of any module) that carries its pairs as argument.

    nolearn's ``Layers`` is a subclass (``nolearn/lasagne/base.py``).
    """
    if class_name(raw) not in ("OrderedDict", "Layers"):
        return False
    if class_name(raw) == "Layers" and not raw.cls.module.startswith("nolearn."):
        return False
    return len(raw.args) == 1 and type(raw.args[0]) in (list, tuple)


def is_sequence(raw: Any) -> bool:
    """Whether a record is a standard collection that carries its elements as argument."""
    return (
        class_name(raw) in ("deque", "set", "frozenset")
        and bool(raw.args)
        and type(raw.args[0]) in (list, tuple)
    )


def is_on_gpu(raw: Any) -> bool:
    """Whether a record is a value on a GPU, which carries an ndarray as its first argument.

    They are written by ``theano/sandbox/cuda/type.py`` and ``theano/gpuarray/type.py``.
    """
    if class_name(raw) not in ("CudaNdarray_unpickler", "GpuArray_unpickler") or not raw.args:
        return False
    return raw.cls.module.startswith("theano.") and isinstance(resolve(raw.args[0]), np.ndarray)


def attribute_parts(state: Any) -> tuple[Any, ...]:
    """Return the mappings of attributes in a state: of ``__dict__`` and of ``__slots__``."""
    if type(state) is dict or is_ordered_dict(state):
        return (state,)
    if type(state) is tuple and len(state) == 2 and type(state[1]) is dict:
        if type(state[0]) is dict:
            return state
        if state[0] is None:
            return (state[1],)
    return ()


def attributes(raw: Any) -> dict[str, Any]:
    """Return the attributes of a record of an instance, by name."""
    found: dict[str, Any] = {}
    for part in attribute_parts(raw.state) if type(raw) is Instance else ():
        pairs = part.items() if type(part) is dict else part.args[0]
        for pair in pairs:
            if type(pair) in (tuple, list) and len(pair) == 2 and isinstance(pair[0], str | bytes):
                found[label(pair[0])] = pair[1]
    return found
