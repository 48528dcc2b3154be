"""The steps of a path: what an object of a file holds, and how."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from typing import Any, NamedTuple

from legacy_weights.families.labels import key_repr, label, short
from legacy_weights.families.signatures import argument_names, state_names
from legacy_weights.families.values import (
    Bundle,
    attribute_parts,
    class_name,
    extras,
    holds_nothing,
    is_hollow,
    is_on_gpu,
    is_ordered_dict,
    is_sequence,
)
from legacy_weights.paths import natural
from legacy_weights.pickles.objects import (
    ABSENT,
    Instance,
    MaskedArray,
    ObjectArray,
    PersistentId,
)


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


STATE = Step(StepKind.PART, "state")
"""To what an instance's class keeps by itself, and not as attributes."""


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
        if is_hollow(value):  # a million floats cost next to nothing
            return
        if step.kind is StepKind.STATE and type(step.key) is tuple:
            yield from _named(value, step.key)
            return
        if step in (_PAIRS, _STATE_PAIRS):
            yield from _entries(filter(_is_pair, value), step, ordered=True)
        for index, item in enumerate(value):
            if not (holds_nothing(item) or (step in (_PAIRS, _STATE_PAIRS) and _is_pair(item))):
                yield Step(StepKind.INDEX, index, -1 if step == SET else index), item
    elif kind is dict:
        yield from _entries(value.items(), step)
    elif type(raw) is Instance:
        yield from _instance(raw, value, step)
    elif kind is Bundle:
        for position, (label, item) in enumerate(value.entries):
            if not holds_nothing(item):
                if value.alone:
                    yield _ALONE, item
                elif value.members:
                    yield Step(StepKind.KEY, label, position if value.numbered else -1), item
                else:
                    yield Step(StepKind.INDEX, position, position), item
        for label, item in value.referenced:
            if not holds_nothing(item):
                yield Step(StepKind.PART, f"member {short(label)!r}"), item
    elif kind is PersistentId and not holds_nothing(value.pid):
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
        if not holds_nothing(item):
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
        if not (holds_nothing(item) and _is_name(key))
    ]
    held.sort(key=lambda entry: natural(label(entry[1])))
    for position, key, item in held:
        if not holds_nothing(item):
            name = label(key) if kind is StepKind.ATTRIBUTE else key
            yield Step(kind, name, position if ordered else -1), item
        if not _is_name(key):
            yield Step(StepKind.PART, "key"), key


def _is_name(key: Any) -> bool:
    """Whether a key holds nothing; a text is a name, however long it is."""
    return isinstance(key, bytes | memoryview) or holds_nothing(key)


def _instance(raw: Instance, value: Any, step: Step) -> Iterator[tuple[Step, Any]]:
    if raw.value is not ABSENT:
        yield from _known(raw, value)
    else:
        yield from _arguments(raw, step)
        if attribute_parts(raw.state):
            for part in attribute_parts(raw.state):
                yield _STATE, part
        elif raw.state is not ABSENT and not holds_nothing(raw.state):
            names = state_names(raw)
            yield _steps_of(names) if names else STATE, raw.state
    for name, part in (("kwargs", raw.kwargs), ("earlier", raw.earlier)):
        if part:
            yield Step(StepKind.PART, name), part
    if isinstance(raw.cls, Instance):
        yield Step(StepKind.PART, "callable"), raw.cls
    if raw.items:
        yield SET if class_name(raw) == "set" else _ITEMS, raw.items
    if raw.pairs:
        yield from _entries(raw.pairs, _PAIRS, ordered=class_name(raw) == "OrderedDict")
    if raw.base is not ABSENT and not holds_nothing(raw.base):
        yield _ITEMS, raw.base


def _known(raw: Instance, value: Any) -> Iterator[tuple[Step, Any]]:
    """Yield what the record of a known value holds."""
    if type(value) is MaskedArray:
        for name in ("data", "mask", "fill_value"):
            part = getattr(value, name)
            if not holds_nothing(part):
                yield Step(StepKind.ATTRIBUTE, name), part
    elif type(value) is ObjectArray:
        yield _ITEMS, value.items
    for part in extras(raw):
        if type(part) is dict:
            yield _STATE, part
        elif not holds_nothing(part):
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
        if not holds_nothing(part):
            yield Step(StepKind.PART, "args"), part
