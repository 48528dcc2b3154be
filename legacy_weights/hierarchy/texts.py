"""Text in a file of the hierarchy: names as UTF-8, structure as JSON.

Names of the old world can have characters that UTF-8 or HDF5 cannot carry.  :func:`quote` writes
these as ``%XX``, as :mod:`legacy_weights.paths` does, and leaves all others, ``/`` too, alone.

JSON is plain ASCII without ``NaN`` and ``Infinity``, which standard JSON lacks: such a number is
``{"$float": "nan"}``, and an integer of thousands of digits ``{"$int": "0x…"}``.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any

from legacy_weights.errors import WriteError
from legacy_weights.tree import JSON

# A percent sign stays as long as it does not look like an escape.
_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]|%(?=[0-9A-F]{2})")
_ESCAPE = re.compile(rb"%([0-9A-F]{2})")
_LONGEST_INTEGER = 10_000  # bits; Python refuses to print and parse more than 4,300 digits
_FLOATS = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}


def quote(text: str) -> str:
    """Return `text` without control characters and lone surrogates."""
    return _UNSAFE.sub(_escaped, text)


def unquote(text: str) -> str:
    """Return the text that :func:`quote` took."""
    if "%" not in text:
        return text
    raw = text.encode("utf-8", "surrogatepass")
    raw = _ESCAPE.sub(lambda match: bytes.fromhex(match.group(1).decode()), raw)
    return raw.decode("utf-8", "surrogatepass")


def dumps(value: object, *, indent: int | None = None) -> str:
    """Return a value as JSON in plain ASCII."""
    encoder = _ENCODER if indent is None else json.JSONEncoder(allow_nan=False, indent=indent)
    try:
        try:
            return encoder.encode(value)
        except ValueError:  # NaN, infinity or a very large integer
            return encoder.encode(plain(value))
    except RecursionError as error:
        raise WriteError("a value is nested too deeply for JSON") from error


def loads(text: str | bytes) -> Any:
    """Return the value of a JSON text.

    Raises
    ------
    ValueError
        It is no JSON.
    """
    try:
        return _DECODER.decode(text if isinstance(text, str) else text.decode())
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def _escaped(match: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in match.group().encode("utf-8", "surrogatepass"))


def plain(value: Any) -> JSON:
    """Return a value in a form that standard JSON has."""
    if isinstance(value, float) and not math.isfinite(value):
        return {"$float": str(float(value))}
    if isinstance(value, int) and value.bit_length() > _LONGEST_INTEGER:
        return {"$int": hex(value)}
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value  # type: ignore[no-any-return]


def _number(found: dict[str, Any]) -> Any:
    if len(found) == 1:
        ((key, value),) = found.items()
        if key == "$float" and value in _FLOATS:
            return _FLOATS[value]
        if key == "$int" and isinstance(value, str):
            return int(value, 16)
    return found


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no JSON")


# Made once, for json.loads and json.dumps make a new one at every call.
_DECODER = json.JSONDecoder(object_hook=_number, parse_constant=_refuse)
_ENCODER = json.JSONEncoder(allow_nan=False)
