"""Reads ``.npy`` streams, objects inside included.

The format is NumPy's NEP 1 (``numpy/lib/format.py``): magic, version, length of the header, a
header that is the text of a Python dictionary, and the values.  NumPy evaluates the header as
Python; this reader parses the little of Python's syntax that a header can have.
"""

from __future__ import annotations

import mmap
import re
import struct
from collections.abc import Callable
from typing import Any

from legacy_weights.errors import DamagedError
from legacy_weights.pickles import Machine, dtypes, numpy_values
from legacy_weights.pickles.objects import Instance, ObjectArray
from legacy_weights.readers.content import Content

MAGIC = b"\x93NUMPY"
_HEADER = 1 << 20
_TOKEN = re.compile(
    r"\s*(?:(?P<number>-?[0-9]{1,20})[lL]?|(?P<word>True|False|None)"
    r"|[ubUB]?(?P<quote>['\"])(?P<text>(?:\\.|(?!(?P=quote))[^\\])*)(?P=quote)"
    r"|(?P<sign>[][(){},:]))",
    re.DOTALL,
)
_WORDS = {"True": True, "False": False, "None": None}
_CLOSING = {"(": ")", "[": "]", "{": "}"}
_NESTING = 40


Data = bytes | mmap.mmap | memoryview


def sniff(head: bytes) -> bool:
    """Whether a stream that begins with `head` is of this kind."""
    return head[:6] == MAGIC


def read(data: Data, machine: Callable[..., Machine] = Machine) -> Content:
    """Read an array, which may hold pickled objects, or several arrays one after another.

    Parameters
    ----------
    data : bytes, mmap.mmap or memoryview
    machine : callable, optional
        Makes the machine for pickled objects.

    Raises
    ------
    DamagedError
        If a header is malformed, or values are not all there.
    LimitError
        If pickled objects ask for more than a limit allows.
    """
    content = Content("", [], "", [], [])
    kinds: list[str] = []
    position = 0
    while not kinds or data[position : position + len(MAGIC)] == MAGIC:
        kind, position = read_array(data, position, content, machine)
        kinds.append(kind)
        if isinstance(data, memoryview) and ">" in kind:
            data = bytes(data)  # which pickles need; once, not for each array
    content.kind = "/".join(sorted(set(kinds)))
    if len(kinds) > 1:
        content.kind = f"{len(kinds)} × {content.kind}"
    surplus = len(data) - position
    if surplus:
        content.notes.append(f"{surplus:,} bytes after the values are ignored")
    return content


def read_array(
    data: Data, start: int, content: Content, machine: Callable[..., Machine] = Machine
) -> tuple[str, int]:
    """Add the array that begins at `start`; return its kind, and the offset behind it.

    Raises
    ------
    DamagedError, LimitError
        As for :func:`read`.
    """
    version, header, position = _header(data, start)
    try:
        dtype = dtypes.from_descr(header["descr"])
        size = numpy_values.count(header["shape"])
    except (KeyError, dtypes.DTypeError) as error:
        raise DamagedError(
            f"a header without a usable type and shape ({error})", where=start
        ) from error
    fortran = header.get("fortran_order")
    if not isinstance(fortran, bool):
        raise DamagedError("a header that does not tell the order of the values", where=start)
    if dtype.hasobject:
        kind, end = _objects(data, position, header["shape"], content, machine)
        return f"npy {version} > {kind}", end
    length, left = size * dtype.itemsize, len(data) - position
    if left < length:
        raise DamagedError(
            f"the file is truncated: {left:,} of {length:,} bytes of values are there",
            where=len(data),
            advice="Get a complete copy",
        )
    values = memoryview(data).toreadonly()[position : position + length]
    try:
        content.values.append(numpy_values.view(header["shape"], dtype, values, fortran))
    except dtypes.DTypeError as error:
        raise DamagedError(f"an array of {error}", where=start) from error
    return f"npy {version}", position + length


def _objects(
    data: Data,
    start: int,
    shape: tuple[int, ...],
    content: Content,
    make: Callable[..., Machine],
) -> tuple[str, int]:
    """Add an array of objects: after the header comes a pickle of the array."""
    machine = make(bytes(data) if isinstance(data, memoryview) else data, start)
    value = machine.load()
    inner = getattr(value, "value", None)
    if not isinstance(inner, ObjectArray) or inner.shape != shape:
        found = value if isinstance(value, Instance) else f"a {type(value).__name__}"
        raise DamagedError(
            f"an array of objects whose pickle holds {found}",
            where=start,
            expected=f"an array of shape {shape}",
        )
    content.values.append(value)
    content.writer = content.writer or machine.writer
    content.classes.extend(machine.globals.values())
    content.calls.extend(machine.calls.values())
    return f"pickle {machine.protocol}", machine.position


def _header(data: Data, start: int) -> tuple[str, dict[str, Any], int]:
    """Return the version, the header, and the offset of the values."""
    if len(data) < start + 12:
        raise DamagedError("the file ends inside a header", where=len(data))
    major, minor = data[start + 6], data[start + 7]
    if major not in (1, 2, 3):
        raise DamagedError(
            f"version {major}.{minor} of the npy format",
            where=start + 6,
            expected="1.0, 2.0 or 3.0",
        )
    form, begin = ("<H", start + 10) if major == 1 else ("<I", start + 12)
    (length,) = struct.unpack_from(form, data, start + 8)
    if length > _HEADER or begin + length > len(data):
        raise DamagedError(f"a header of {length:,} bytes does not fit", where=start + 8)
    raw = bytes(data[begin : begin + length])
    try:
        header = _Literal(raw.decode("utf-8" if major == 3 else "latin-1")).parse()
    except ValueError as error:
        raise DamagedError(f"a header that is no dictionary ({error})", where=begin) from error
    if not isinstance(header, dict):
        raise DamagedError("a header that is no dictionary", where=begin)
    return f"{major}.{minor}", header, begin + length


_ESCAPE = re.compile(r"\\(?:x([0-9a-f]{2})|u([0-9a-f]{4})|U(00[01][0-9a-f]{5})|(.))", re.DOTALL)
_CONTROL = {"n": "\n", "r": "\r", "t": "\t"}


def _unescape(text: str) -> str:
    r"""Return a string literal's text.

    Python 2 wrote the bytes of a name as ``\xc3\xa9``, all of them escaped: they are UTF-8, else
    Latin-1.
    """
    if "\\" not in text:
        return text

    def plain(escape: re.Match[str]) -> str:
        code = escape[1] or escape[2] or escape[3]
        return chr(int(code, 16)) if code else _CONTROL.get(escape[4], escape[4])

    found = _ESCAPE.sub(plain, text)
    try:
        bytewise = "\\x" in text and text.isascii()
        return found.encode("latin-1").decode() if bytewise else found
    except UnicodeError:
        return found


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
            return _unescape(token["text"])
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
