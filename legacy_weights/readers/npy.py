"""Reads ``.npy`` streams, objects inside included.

The format is NumPy's NEP 1 (``numpy/lib/format.py``): magic, version, length of the header, a
header that is the text of a Python dictionary, and the values.  NumPy evaluates the header as
Python; this reader parses the little of Python's syntax that a header can have.
"""

from __future__ import annotations

import mmap
import re
import struct
from typing import Any

import numpy as np

from legacy_weights.errors import DamagedError
from legacy_weights.pickles import dtypes
from legacy_weights.pickles.objects import ObjectArray
from legacy_weights.readers import pickle
from legacy_weights.readers.content import Content

MAGIC = b"\x93NUMPY"
_HEADER = 1 << 20
_TOKEN = re.compile(
    r"\s*(?:(?P<number>-?\d{1,20})[lL]?|(?P<word>True|False|None)"
    r"|[ubUB]?(?P<quote>['\"])(?P<text>(?:\\.|(?!(?P=quote))[^\\])*)(?P=quote)"
    r"|(?P<sign>[][(){},:]))",
    re.DOTALL,
)
_WORDS = {"True": True, "False": False, "None": None}
_CLOSING = {"(": ")", "[": "]", "{": "}"}
_NESTING = 40


def sniff(data: bytes | mmap.mmap) -> bool:
    """Whether a stream is of this kind."""
    return data[:6] == MAGIC


def read(data: bytes | mmap.mmap) -> Content:
    """Read an array, which may hold pickled objects.

    Raises
    ------
    DamagedError
        If the header is malformed, or the values are not all there.
    """
    version, header, start = _header(data)
    try:
        dtype = dtypes.from_descr(header["descr"])
        shape, fortran = header["shape"], header["fortran_order"]
    except (KeyError, TypeError, dtypes.DTypeError) as error:
        raise DamagedError(f"a header without a usable dtype ({error})", where=10) from error
    sizes = isinstance(shape, tuple) and all(type(n) is int and n >= 0 for n in shape)
    if not sizes or len(shape) > 64 or not isinstance(fortran, bool):
        raise DamagedError(f"a header with the shape {shape!r}", where=10)
    size = 1
    for length in shape:
        size *= length
    kind = f"npy {version}"
    if dtype.hasobject:
        return _objects(data, start, shape, size, fortran, dtype, kind)
    left = len(data) - start
    if left < size * dtype.itemsize:
        raise DamagedError(
            f"the file is truncated: {left:,} of {size * dtype.itemsize:,} bytes of values are "
            "there",
            where=len(data),
            advice="Get a complete copy",
        )
    order: Any = "F" if fortran else "C"
    buffer = memoryview(data).toreadonly()[start:] if size * dtype.itemsize else bytes(16)
    array: Any = np.ndarray(shape, dtype, buffer, order=order)
    surplus = left - size * dtype.itemsize
    notes = [f"{surplus:,} bytes after the values are ignored"] if surplus else []
    return Content(kind, [array], "", [], notes)


def _objects(
    data: bytes | mmap.mmap,
    start: int,
    shape: tuple[int, ...],
    size: int,
    fortran: bool,
    dtype: np.dtype[Any],
    kind: str,
) -> Content:
    """Read an array of objects: after the header comes a pickle of the array."""
    content = pickle.read(data[start:])
    value = content.value()
    inner = getattr(value, "value", None)
    if not isinstance(inner, ObjectArray) or len(inner.items) != size:
        found = f"a {type(value).__name__}"
        raise DamagedError(f"an array of {dtype} whose pickle holds {found}", where=start)
    content.kind = f"{kind} > {content.kind}"
    return content


def _header(data: bytes | mmap.mmap) -> tuple[str, dict[str, Any], int]:
    if len(data) < 12:
        raise DamagedError("the file ends inside its header", where=len(data))
    major, minor = data[6], data[7]
    if major not in (1, 2, 3):
        raise DamagedError(
            f"version {major}.{minor} of the npy format", where=6, expected="1.0, 2.0 or 3.0"
        )
    form, begin = ("<H", 10) if major == 1 else ("<I", 12)
    (length,) = struct.unpack_from(form, data, 8)
    if length > _HEADER or begin + length > len(data):
        raise DamagedError(f"a header of {length:,} bytes does not fit", where=8)
    raw = data[begin : begin + length]
    try:
        text = raw.decode("utf-8" if major == 3 else "latin-1")
        header = _Literal(text).parse()
    except (UnicodeDecodeError, ValueError) as error:
        raise DamagedError(f"a header that is no dictionary ({error})", where=begin) from error
    if not isinstance(header, dict):
        raise DamagedError("a header that is no dictionary", where=begin)
    return f"{major}.{minor}", header, begin + length


class _Literal:
    """Parses numbers, strings, tuples, lists and dictionaries; nothing is evaluated."""

    def __init__(self, text: str) -> None:
        self.text = text.rstrip()
        self.position = 0

    def parse(self) -> Any:
        value = self._value(0)
        if self.position < len(self.text):
            raise ValueError("text after the end")
        return value

    def _token(self) -> re.Match[str]:
        found = _TOKEN.match(self.text, self.position)
        if not found:
            raise ValueError(f"unexpected text at character {self.position}")
        self.position = found.end()
        return found

    def _value(self, depth: int) -> Any:
        token = self._token()
        if token["number"] is not None:
            return int(token["number"])
        if token["word"] is not None:
            return _WORDS[token["word"]]
        if token["text"] is not None:
            return re.sub(r"\\(['\"\\])", r"\1", token["text"])
        if token["sign"] not in _CLOSING or depth > _NESTING:
            raise ValueError(f"unexpected {token['sign']!r}")
        return self._group(token["sign"], depth + 1)

    def _group(self, opening: str, depth: int) -> Any:
        closing, items, commas = _CLOSING[opening], [], 0
        while not self._accept(closing):
            item = self._value(depth)
            if opening == "{":
                self._expect(":")
                item = (item, self._value(depth))
            items.append(item)
            if not self._accept(","):
                self._expect(closing)
                break
            commas += 1
        if opening == "[":
            return items
        if opening == "{":
            if not all(isinstance(key, str) for key, _ in items):
                raise ValueError("a key that is no text")
            return dict(items)
        return tuple(items) if commas or not items else items[0]

    def _accept(self, sign: str) -> bool:
        found = _TOKEN.match(self.text, self.position)
        if found and found["sign"] == sign:
            self.position = found.end()
            return True
        return False

    def _expect(self, sign: str) -> None:
        if not self._accept(sign):
            raise ValueError(f"no {sign!r} at character {self.position}")
