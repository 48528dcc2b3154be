"""Values of Python's standard library as text: dates, numbers, identifiers.

The packed forms are those of ``datetime.__reduce__`` in CPython (``Modules/_datetimemodule.c``),
of ``Decimal`` and ``Fraction`` (their decimal text) and of ``UUID`` (its 128-bit integer).
"""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Callable
from typing import Any

from legacy_weights.families.dill import described
from legacy_weights.families.labels import text_of
from legacy_weights.pickles.objects import Global, Instance


def readable(raw: Instance) -> str | None:
    """Return the text of a standard value or of what dill makes; None if it is neither."""
    handler = _KNOWN.get(raw.cls.dotted) if isinstance(raw.cls, Global) else None
    if handler is None:
        return described(raw)
    try:
        return handler(raw)
    except (ValueError, OverflowError, TypeError):
        return None


def _packed(raw: Instance, length: int) -> bytes:
    """Return the only argument; a second one is a time zone, which is a record of its own."""
    (packed,) = raw.args
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
    days, seconds, microseconds = _integers(raw)
    return str(datetime.timedelta(days, seconds, microseconds))


def _integers(raw: Instance) -> tuple[int, ...]:
    if not all(type(part) is int for part in raw.args):
        raise TypeError
    return raw.args


def _decimal(raw: Instance) -> str:
    (text,) = raw.args
    if not isinstance(text, str | bytes):
        raise TypeError
    return text_of(text)


def _fraction(raw: Instance) -> str:
    """Return the decimal text of both numbers, which Python 2 wrote itself."""
    if len(raw.args) == 1:
        return _decimal(raw)
    numerator, denominator = _integers(raw)
    return str(numerator) if denominator == 1 else f"{numerator}/{denominator}"


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
    "decimal.Decimal": _decimal,
    "fractions.Fraction": _fraction,
    "uuid.UUID": _uuid,
}
