"""Byte strings and NumPy scalars as JSON, without loss."""

from __future__ import annotations

import numpy as np

from legacy_weights.tree import JSON


def bytes_json(raw: bytes) -> JSON:
    """Return a byte string: ASCII as it is, else decoded as UTF-8 or Latin-1, and by which."""
    if raw.isascii():
        return raw.decode()
    try:
        return {"$bytes": raw.decode(), "encoding": "utf-8"}
    except UnicodeDecodeError:
        return {"$bytes": raw.decode("latin-1"), "encoding": "latin-1"}


def scalar_json(value: np.generic) -> JSON:
    """Return a NumPy scalar with its dtype; by its bytes where JSON has no such value."""
    dtype = value.dtype
    plain: JSON = None
    if dtype.kind in "biu":
        plain = value.item()
    elif dtype.kind == "f" and dtype.itemsize <= 8 and np.isfinite(value):
        plain = float(value.item())
    elif dtype.kind == "U":
        plain = str(value)
    elif dtype.kind == "S":
        plain = bytes_json(bytes(value.item()))
    name = dtype.str if dtype.names is None and dtype.subdtype is None else str(dtype)
    if plain is None:
        return {"$scalar": value.tobytes().hex(), "dtype": name, "encoding": "hex"}
    return {"$scalar": plain, "dtype": name}
