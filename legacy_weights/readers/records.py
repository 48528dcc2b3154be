"""Inert records: everything of a file that is no array, as JSON that a person can read.

Each instance is a record of its own; so is every container that is reached more than once, or
that lies deeper than a few levels in another, and every text of more than a line or two.  So
cycles end, sharing stays visible, and nothing is written twice that a small file can repeat.

======================  =======================================================================
JSON                    of what
======================  =======================================================================
text                    unicode; and a Python 2 ``str`` of ASCII, which is equal to it
``{"$bytes": text, "encoding": e}``  other byte strings, decoded as UTF-8, else Latin-1
number, true, null      numbers, booleans, None
``{"$int": hex}``       integers of more than 512 bits
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

from legacy_weights.families.expressions import Expressions
from legacy_weights.families.graph import Graph
from legacy_weights.families.labels import class_of, short, text_of
from legacy_weights.families.values import Bundle, extras, is_leaf, resolve
from legacy_weights.pickles.objects import (
    ABSENT,
    Global,
    Instance,
    MaskedArray,
    ObjectArray,
    PersistentId,
)
from legacy_weights.readers.atoms import bytes_json, scalar_json
from legacy_weights.readers.readable import readable
from legacy_weights.tree import JSON, Record

_DEPTH = 12
_BITS = 512
_LINE = 256
_PATH = 80
"""Longer texts and scalars are records of their own, and so are pointers to arrays with longer
paths; a file can repeat them with two bytes."""
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
        self.expressions = Expressions(graph)
        self.ids: dict[int, int] = {}
        self.texts: dict[bytes | str, bytes | str] = {}
        self.copies: dict[int, bytes | str] = {}
        self.descriptions: dict[int, str] = {}
        self.todo: deque[Any] = deque()

    def run(self) -> Iterator[Record]:
        self._ref(self.graph.root.raw)
        while self.todo:
            raw = self.todo.popleft()
            node = self.graph.node(raw)
            where = self.graph.path(node) if node is not None else ""
            if type(raw) is Instance:
                yield Record(self.ids[id(raw)], where, _class(raw), self._instance(raw))
            else:
                content = {"value": self._container(raw, 0)}
                yield Record(self.ids[id(raw)], where, _kind(raw), content)

    def _ref(self, raw: Any) -> JSON:
        key = id(raw)
        if key not in self.ids:
            self.ids[key] = len(self.ids)
            self.todo.append(raw)
        return {"$ref": self.ids[key]}

    def _array(self, raw: Any) -> JSON:
        """Return a pointer to an array; one to a long path is a record of its own."""
        place = self.places[id(raw)]
        return {"$array": place} if len(place) <= _PATH else self._ref(raw)

    def _instance(self, raw: Instance) -> dict[str, JSON]:
        content: dict[str, JSON] = {}
        value = resolve(raw)
        if value is not raw:
            content["value"] = self._known(raw, value)
            # The state of an array is its value; what a subclass adds to it is kept.
            extra = extras(raw)
            if extra:
                content["attributes"] = [self.encode(part, 1) for part in extra]
        else:
            text = readable(raw) or self.expressions.of(raw)
            if text is not None and len(text) <= _LINE:
                content["value"] = text
            if raw.args:
                content["args"] = self._parts(raw.args)
            if raw.state is not ABSENT:
                content["state"] = self.encode(raw.state, 1)
        if isinstance(raw.cls, Instance):
            content["callable"] = self._ref(raw.cls)
        if raw.base is not ABSENT:
            content["base"] = self.encode(raw.base, 1)
        for name, part in (("kwargs", raw.kwargs), ("items", raw.items), ("pairs", raw.pairs)):
            if part:
                content[name] = self.encode(part, 1)
        if raw.earlier:
            content["earlier"] = self._parts(raw.earlier)
        return content

    def _parts(self, parts: tuple[Any, ...] | list[Any]) -> JSON:
        """Return arguments; many calls can have one tuple of them."""
        if id(parts) in self.graph.shared:
            return self._ref(parts)
        return [self.encode(item, 1) for item in parts]

    def _known(self, raw: Instance, value: Any) -> JSON:
        if is_leaf(value):
            return {"$array": self.places[id(raw)]}
        if type(value) in (MaskedArray, ObjectArray):
            return self._container(value, 1)
        return self.encode(value, 1)

    def encode(self, raw: Any, depth: int) -> JSON:
        """Return the JSON of a value, or a reference to its record."""
        kind = type(raw)
        if kind in (str, bytes, memoryview):
            return self._text(raw)
        if kind in _ATOMS:
            return raw  # type: ignore[no-any-return]
        if kind is int:
            return raw if raw.bit_length() <= _BITS else self._ref(raw)
        if kind is float:
            return raw if math.isfinite(raw) else {"$float": repr(raw)}
        if kind is complex:
            return {"$complex": [self.encode(raw.real, 0), self.encode(raw.imag, 0)]}
        if is_leaf(raw):
            return self._array(raw)
        if kind is Global:
            return {"$global": short(raw.dotted)}
        if isinstance(raw, np.generic):
            inline = raw.nbytes <= _LINE and raw.dtype.names is None
            return scalar_json(raw) if inline else self._ref(raw)
        if isinstance(raw, np.dtype):
            return {"$dtype": self._description(raw)}
        if kind is Instance:
            return self._inline(raw)
        if kind is PersistentId and type(raw.pid) in (str, bytes, int):
            return {"$persistent_id": self.encode(raw.pid, depth + 1)}
        if depth > _DEPTH or id(raw) in self.graph.shared or id(raw) in self.ids:
            # An empty tuple is one object in all of Python, and not shared for that.
            return {"$tuple": []} if kind is tuple and not raw else self._ref(raw)
        return self._container(raw, depth)

    def _text(self, raw: str | bytes | memoryview) -> JSON:
        """Return a text or byte string; those that are arrays of bytes, and long ones, by name."""
        if id(raw) in self.places:
            return self._array(raw)
        if len(raw) <= _LINE:
            return raw if isinstance(raw, str) else bytes_json(bytes(raw))
        known = self.copies.get(id(raw))
        if known is None:
            plain = bytes(raw) if isinstance(raw, memoryview) else raw
            known = self.copies[id(raw)] = self.texts.setdefault(plain, plain)
        return self._ref(known)

    def _inline(self, raw: Instance) -> JSON:
        """Return a plain array or dtype without a record of its own."""
        value = resolve(raw)
        if isinstance(value, np.dtype):
            text = self._description(value)
            return {"$dtype": text} if len(text) <= _LINE else self._ref(raw)
        if isinstance(value, np.ndarray) and _is_ndarray(raw) and not extras(raw):
            return self._array(raw)
        return self._ref(raw)

    def _description(self, dtype: np.dtype[Any]) -> str:
        if id(dtype) not in self.descriptions:
            plain = dtype.names is None and dtype.subdtype is None
            self.descriptions[id(dtype)] = dtype.str if plain else str(dtype)
        return self.descriptions[id(dtype)]

    def _container(self, raw: Any, depth: int) -> JSON:
        kind = type(raw)
        if id(raw) in self.places:
            return {"$array": self.places[id(raw)]}
        if kind is list:
            return self._list(raw, depth)
        if kind is tuple:
            return {"$tuple": self._list(raw, depth)}
        if kind is dict:
            return self._dict(raw.items(), depth)
        if kind is str:
            return raw  # type: ignore[no-any-return]
        if kind in (bytes, memoryview):
            return bytes_json(bytes(raw))
        if kind is int:
            return raw if raw.bit_length() <= _BITS else {"$int": hex(raw)}
        if kind is PersistentId:
            return {"$persistent_id": self.encode(raw.pid, depth + 1)}
        if kind is Bundle:
            if raw.members:
                members: dict[str, JSON] = {"$members": self._dict(raw.entries, depth)}
                if raw.referenced:
                    members["$referenced"] = self._dict(raw.referenced, depth)
                return members
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
        if isinstance(raw, np.generic):
            return scalar_json(raw)
        return self.encode(raw, depth + 1)

    def _list(self, items: list[Any] | tuple[Any, ...], depth: int) -> list[JSON]:
        kinds = set(map(type, items))
        if kinds == {float} and all(map(math.isfinite, items)):
            return list(items)
        return [self.encode(item, depth + 1) for item in items]

    def _dict(self, pairs: Any, depth: int) -> JSON:
        # Not to be found out half way: what was encoded would be encoded again, level by level.
        names = [name for key, _ in pairs if (name := _key(key)) is not None]
        if len(set(names)) == len(pairs):
            values = (self.encode(value, depth + 1) for _, value in pairs)
            return dict(zip(names, values, strict=True))
        return {"$dict": [[self.encode(k, depth + 1), self.encode(v, depth + 1)] for k, v in pairs]}


def _kind(raw: Any) -> str:
    """Return the class of a value that is no instance."""
    if isinstance(raw, np.generic | np.ndarray):
        return f"numpy.{type(raw).__name__}"
    return "bytes" if type(raw) is memoryview else type(raw).__name__.lower()


def _class(raw: Instance) -> str:
    """Return the class of an instance; of an array, its subclass."""
    known = isinstance(raw.value, np.ndarray | MaskedArray | ObjectArray)
    if known and raw.args and type(raw.args[0]) is Global:
        return short(raw.args[0].dotted)
    return class_of(raw)


def _is_ndarray(raw: Instance) -> bool:
    cls = raw.args[0] if raw.args else None
    return type(cls) is not Global or cls.name == "ndarray"


def _key(key: Any) -> str | None:
    """Return a key that JSON can have as it is."""
    if not isinstance(key, str | bytes) or len(key) > _LINE:
        return None
    if isinstance(key, bytes) and not key.isascii():
        return None
    name = text_of(key)
    return None if name.startswith("$") else name
