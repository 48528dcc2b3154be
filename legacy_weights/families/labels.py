"""Names, keys and classes of a file as text, of bounded length, without running any of its code."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from legacy_weights.families.dill import class_made
from legacy_weights.pickles.objects import Global, Instance


def text_of(key: Any) -> str:
    """Return a name or key as text: bytes as UTF-8, else as Latin-1; others by their repr."""
    if isinstance(key, str):
        return str(key)
    if isinstance(key, bytes | memoryview):
        raw = bytes(key)
        try:
            return raw.decode()
        except UnicodeDecodeError:
            return raw.decode("latin-1")
    return key_repr(key)


def typed_label(key: Any) -> str:
    """Return a label that tells keys of equal text apart by their type."""
    if isinstance(key, str) or (isinstance(key, bytes) and key.isascii()):
        return label(key)
    return f"{label(key)} ({'bytes' if isinstance(key, bytes) else type(key).__name__})"


_LONGEST = 400


def label(key: Any) -> str:
    """Return a name or key as one component of a name; a very long one is cut."""
    if isinstance(key, bytes | memoryview) and len(key) > _LONGEST:
        head = bytes(key[: _LONGEST - 40]).decode(errors="backslashreplace")
        text = f"{head}…({len(key):,} bytes)"
    else:
        text = text_of(key)
        if len(text) > _LONGEST:
            text = f"{text[: _LONGEST - 40]}…({len(text):,} characters)"
    return sys.intern(text)  # one text for the thousand arrays below one key


_KEY_ITEMS = 8
_KEY_DEPTH = 2


def key_repr(key: Any, depth: int = 0) -> str:
    """Return a key as a Python expression, without running any code of its class."""
    if isinstance(key, bytes | memoryview) and len(key) <= 240:
        raw = bytes(key)  # as bytes where the text is a matter of choice
        return repr(raw.decode()) if raw.isascii() else repr(raw)
    if isinstance(key, str | bytes | memoryview):
        return repr(label(key))
    if isinstance(key, int) and key.bit_length() > 4096:
        return hex(key)[:80]
    if key is None or isinstance(key, bool | int | float | complex):
        return repr(key)
    if isinstance(key, np.generic):
        return str(key)[:80] if key.nbytes <= 1000 else f"<{key.dtype.name}>"
    if isinstance(key, tuple):
        if depth == _KEY_DEPTH:
            return "(…)"
        items = [key_repr(item, depth + 1) for item in key[:_KEY_ITEMS]]
        end = ", …" if len(key) > _KEY_ITEMS else "," if len(key) == 1 else ""
        return f"({', '.join(items)}{end})"
    if isinstance(key, Global):
        return f"{short(key.module)}.{short(key.name)}"
    return f"<{class_of(key) if isinstance(key, Instance) else type(key).__name__}>"


def short(text: str) -> str:
    """Return a text of at most 240 characters or so; of a longer one, its beginning."""
    return text if len(text) <= 240 else f"{text[:220]}…({len(text):,} characters)"


_CHAIN = 10
"""So many calls of what a call returned are followed to the first callable."""


def class_of(raw: Instance) -> str:
    """Return the dotted name of a record's class; very long names are cut.

    A class that dill keeps in the file has the name that it was made with.
    """
    cls: Any = raw.cls
    for _ in range(_CHAIN):
        if type(cls) is not Instance:
            break
        made = class_made(cls)
        if made:
            return made
        cls = cls.cls
    return f"{short(cls.module)}.{short(cls.name)}" if type(cls) is Global else type(cls).__name__
