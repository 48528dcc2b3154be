"""Values of Python's standard library as text: dates, numbers, identifiers.

The packed forms are those of ``datetime.__reduce__`` in CPython (``Modules/_datetimemodule.c``),
of ``Decimal`` and ``Fraction`` (their decimal text) and of ``UUID`` (its 128-bit integer).
"""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Callable
from typing import Any

from legacy_weights.families.labels import text_of
from legacy_weights.pickles.objects import Global, Instance


def readable(raw: Instance) -> str | None:
    """Return the text of a standard value, or None if it is none or is malformed."""
    if not isinstance(raw.cls, Global):
        return None
    handler = _KNOWN.get(raw.cls.dotted)
    if handler is None:
        return None
    try:
        return handler(raw)
    except (ValueError, OverflowError, TypeError, IndexError):
        return None


def _packed(raw: Instance, length: int) -> bytes:
    packed = raw.args[0]
    if not isinstance(packed, bytes | memoryview) or len(packed) != length:
        raise ValueError
    return bytes(packed)


def _date(raw: Instance) -> str:
    high, low, month, day = _packed(raw, 4)
    return datetime.date(high * 256 + low, month, day).isoformat()


def _clock(packed: bytes) -> tuple[int, int, int, int]:
    hour, minute, second, *micro = packed
    return hour & 0x7F, minute, second, int.from_bytes(micro, "big")


def _time(raw: Instance) -> str:
    return datetime.time(*_clock(_packed(raw, 6))).isoformat()


def _datetime(raw: Instance) -> str:
    packed = _packed(raw, 10)
    year, month, day = packed[0] * 256 + packed[1], packed[2] & 0x7F, packed[3]
    return datetime.datetime(year, month, day, *_clock(packed[4:])).isoformat()


def _timedelta(raw: Instance) -> str:
    days, seconds, microseconds = raw.args
    return str(datetime.timedelta(days, seconds, microseconds))


def _number(raw: Instance) -> str:
    if len(raw.args) == 2:
        return f"{int(raw.args[0])}/{int(raw.args[1])}"
    (text,) = raw.args
    if not isinstance(text, str | bytes):
        raise TypeError
    return text_of(text)


def _uuid(raw: Instance) -> str:
    state: Any = raw.state
    number = state.get("int", state.get(b"int")) if type(state) is dict else None
    if type(number) is not int:
        raise TypeError
    return str(uuid.UUID(int=number))


_KNOWN: dict[str, Callable[[Instance], str]] = {
    "datetime.date": _date,
    "datetime.time": _time,
    "datetime.datetime": _datetime,
    "datetime.timedelta": _timedelta,
    "decimal.Decimal": _number,
    "fractions.Fraction": _number,
    "uuid.UUID": _uuid,
}
