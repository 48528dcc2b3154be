"""Inert records: everything of a file that is no array, as JSON that a person can read.

Each instance is a record of its own; so is every container that is reached more than once, or
that lies deeper than a few levels in another, so that cycles end, sharing stays visible, and
exponential sharing costs nothing.

======================  =======================================================================
JSON                    of what
======================  =======================================================================
text                    unicode; and a Python 2 ``str`` of ASCII, which is equal to it
``{"$bytes": text, "encoding": e}``  other byte strings, decoded as UTF-8, else Latin-1
number, true, null      numbers, booleans, None
``{"$int": hex}``       integers of more than 4,096 bits
``{"$float": text}``    ``nan``, ``inf``, ``-inf``
``{"$complex": [re, im]}``  complex numbers
``{"$scalar": v, "dtype": d}``  NumPy scalars; ``"encoding": "hex"`` where JSON has no such value
``{"$dtype": d}``       NumPy's dtypes
``{"$global": name}``   a class or function that the file names
``[…]``, ``{…}``        lists, and dictionaries whose keys are text
``{"$tuple": […]}``     tuples
``{"$dict": [[k, v], …]}``  other dictionaries
``{"$array": path}``    an array of the tree
``{"$ndarray": […], "shape": […]}``  an array of objects
``{"$masked": {…}}``    a masked array: data, mask, fill_value
``{"$persistent_id": v}``  a reference to something outside the pickle
``{"$ref": id}``        another record
======================  =======================================================================
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from legacy_weights.families.graph import Graph, path
from legacy_weights.families.values import Bundle, is_leaf, resolve, text_of
from legacy_weights.pickles.objects import (
    ABSENT,
    Global,
    Instance,
    MaskedArray,
    ObjectArray,
    PersistentId,
)
from legacy_weights.readers.readable import readable
from legacy_weights.tree import JSON, Record

_DEPTH = 12
_BITS = 4096
_ATOMS = frozenset({type(None), bool, str})


class Records:
    """The records of one graph.

    Parameters
    ----------
    graph : Graph
    places : mapping of int to str
        The path in the tree of each array, by the identity of its object.
    """

    def __init__(self, graph: Graph, places: Mapping[int, str]) -> None:
        self.graph = graph
        self.places = places

    def __call__(self) -> Iterator[Record]:
        """Yield the records, the root's first."""
        return _Encoder(self.graph, self.places).run()


class _Encoder:
    def __init__(self, graph: Graph, places: Mapping[int, str]) -> None:
        self.graph = graph
        self.places = places
        self.ids: dict[int, int] = {}
        self.todo: deque[Any] = deque()

    def run(self) -> Iterator[Record]:
        self._ref(self.graph.root.raw)
        while self.todo:
            raw = self.todo.popleft()
            node = self.graph.node(raw)
            where = path(node) if node is not None else ""
            if type(raw) is Instance:
                yield Record(self.ids[id(raw)], where, raw.cls_name, self._instance(raw))
            else:
                name = type(raw).__name__.lower()
                content = {"value": self._container(raw, 0)}
                yield Record(self.ids[id(raw)], where, name, content)

    def _ref(self, raw: Any) -> JSON:
        key = id(raw)
        if key not in self.ids:
            self.ids[key] = len(self.ids)
            self.todo.append(raw)
        return {"$ref": self.ids[key]}

    def _instance(self, raw: Instance) -> dict[str, JSON]:
        content: dict[str, JSON] = {}
        value = resolve(raw)
        if value is not raw:
            content["value"] = self._known(raw, value)
            # The state of an array is its value; what a subclass adds to it is kept.
            parts = raw.state if type(raw.state) is tuple else ()
            extra = [part for part in parts if type(part) is dict and part]
            if extra:
                content["attributes"] = [self.encode(part, 1) for part in extra]
            if raw.args and type(raw.args[0]) is Global:
                content["class"] = raw.args[0].dotted
            return content
        text = readable(raw)
        if text is not None:
            content["value"] = text
        if isinstance(raw.cls, Instance):
            content["callable"] = self._ref(raw.cls)
        if raw.args:
            content["args"] = [self.encode(item, 1) for item in raw.args]
        if raw.kwargs:
            content["kwargs"] = self.encode(raw.kwargs, 1)
        if raw.base is not ABSENT:
            content["base"] = self.encode(raw.base, 1)
        if raw.state is not ABSENT:
            content["state"] = self.encode(raw.state, 1)
        for name, part in (("items", raw.items), ("pairs", raw.pairs), ("earlier", raw.earlier)):
            if part:
                content[name] = self.encode(part, 1)
        return content

    def _known(self, raw: Instance, value: Any) -> JSON:
        if is_leaf(value):
            return {"$array": self.places[id(raw)]}
        if type(value) in (MaskedArray, ObjectArray):
            return self._container(value, 1)
        return self.encode(value, 1)

    def encode(self, raw: Any, depth: int) -> JSON:
        """Return the JSON of a value, or a reference to its record."""
        kind = type(raw)
        if kind in _ATOMS:
            return raw  # type: ignore[no-any-return]
        if kind is int:
            return raw if raw.bit_length() <= _BITS else {"$int": hex(raw)}
        if kind is float:
            return raw if math.isfinite(raw) else {"$float": repr(raw)}
        if kind is complex:
            return {"$complex": [self.encode(raw.real, 0), self.encode(raw.imag, 0)]}
        if is_leaf(raw):
            return {"$array": self.places[id(raw)]}
        if kind is bytes or kind is memoryview:
            return _text(bytes(raw))
        if kind is Global:
            return {"$global": raw.dotted}
        if isinstance(raw, np.generic):
            return _scalar(raw)
        if isinstance(raw, np.dtype):
            return {"$dtype": _descr(raw)}
        if kind is Instance:
            return self._inline(raw)
        if kind is PersistentId:
            return {"$persistent_id": self.encode(raw.pid, depth + 1)}
        if depth > _DEPTH or id(raw) in self.graph.shared or id(raw) in self.ids:
            # An empty tuple is one object in all of Python.
            return {"$tuple": []} if kind is tuple and not raw else self._ref(raw)
        return self._container(raw, depth)

    def _inline(self, raw: Instance) -> JSON:
        """Return a plain array or dtype without a record of its own."""
        value = resolve(raw)
        if isinstance(value, np.dtype):
            return {"$dtype": _descr(value)}
        parts = raw.state if type(raw.state) is tuple else ()
        cls = raw.args[0] if raw.args else None
        plain = type(cls) is not Global or cls.name == "ndarray"
        if isinstance(value, np.ndarray) and plain and not any(type(p) is dict for p in parts):
            return {"$array": self.places[id(raw)]}
        return self._ref(raw)

    def _container(self, raw: Any, depth: int) -> JSON:
        kind = type(raw)
        if kind is list:
            return self._list(raw, depth)
        if kind is tuple:
            return {"$tuple": self._list(raw, depth)}
        if kind is dict:
            return self._dict(raw.items(), depth)
        if kind is Bundle:
            if raw.members:
                return {"$members": self._dict(raw.entries, depth)}
            return {"$pickles": [self.encode(value, depth + 1) for _, value in raw.entries]}
        if kind is ObjectArray:
            return {
                "$ndarray": self.encode(raw.items, depth + 1),
                "shape": list(raw.shape),
                "dtype": raw.dtype,
                "fortran": raw.fortran,
            }
        if kind is MaskedArray:
            parts = {name: getattr(raw, name) for name in ("data", "mask", "fill_value")}
            return {"$masked": self._dict(parts.items(), depth)}
        return self.encode(raw, depth)

    def _list(self, items: list[Any] | tuple[Any, ...], depth: int) -> list[JSON]:
        kinds = set(map(type, items))
        if kinds <= _ATOMS or (kinds == {float} and all(map(math.isfinite, items))):
            return list(items)
        return [self.encode(item, depth + 1) for item in items]

    def _dict(self, pairs: Any, depth: int) -> JSON:
        named: dict[str, JSON] = {}
        for key, value in pairs:
            name = _key(key)
            if name is None or name in named:
                break
            named[name] = self.encode(value, depth + 1)
        else:
            return named
        encoded = [[self.encode(k, depth + 1), self.encode(v, depth + 1)] for k, v in pairs]
        return {"$dict": encoded}  # type: ignore[dict-item]


def _key(key: Any) -> str | None:
    """Return a key that JSON can have as it is."""
    if isinstance(key, bytes) and not key.isascii():
        return None
    if not isinstance(key, str | bytes):
        return None
    name = text_of(key)
    return None if name.startswith("$") else name


def _text(raw: bytes) -> JSON:
    if raw.isascii():
        return raw.decode()
    try:
        return {"$bytes": raw.decode(), "encoding": "utf-8"}
    except UnicodeDecodeError:
        return {"$bytes": raw.decode("latin-1"), "encoding": "latin-1"}


def _descr(dtype: np.dtype[Any]) -> str:
    return dtype.str if dtype.names is None and dtype.subdtype is None else str(dtype)


def _scalar(value: np.generic) -> JSON:
    dtype = value.dtype
    plain: JSON = None
    if dtype.kind in "biu":
        plain = value.item()
    elif dtype.kind == "f" and dtype.itemsize <= 8 and np.isfinite(value):
        plain = float(value.item())
    elif dtype.kind == "U":
        plain = str(value)
    elif dtype.kind == "S":
        plain = _text(bytes(value.item()))
    if plain is None:
        return {"$scalar": value.tobytes().hex(), "dtype": _descr(dtype), "encoding": "hex"}
    return {"$scalar": plain, "dtype": _descr(dtype)}
