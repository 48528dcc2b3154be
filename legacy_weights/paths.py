"""Names as path components: a mapping that any store can carry, and that can be undone.

A name of the old world can be anything: empty, ``..``, with slashes, NUL or lone surrogates.  A
component keeps every ordinary character and writes the others as ``%XX``, the hexadecimal bytes
of their UTF-8 form (lone surrogates by their three-byte form), as in RFC 3986:

=====================  ==========  =====================================================
name                   component   why
=====================  ==========  =====================================================
``conv1.W``            the same    a dot inside a name is ordinary
``a/b``                ``a%2Fb``   the slash separates components
``.``, ``..``          ``%2E``     they mean directories
empty                  ``%``       HDF5 has no empty names
``100%``               ``100%25``  the escape character itself
control characters     ``%0A``     NUL cuts a name in HDF5, the others are not to be seen
``_c_W``               ``%5Fc_W``  PyTables reserves some prefixes, and ``__members__``
=====================  ==========  =====================================================

A component of more than 240 bytes is cut and closed by ``%~`` and the first 16 hexadecimal digits
of the SHA-256 of the whole; it alone cannot be undone, and the index has the whole name.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Sequence

_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f/%\u2028\u2029\ud800-\udfff]")
_ESCAPE = re.compile(rb"%([0-9A-F]{2})")
_RESERVED = ("_c_", "_f_", "_g_", "_v_", "_i_", "_p_")
_LONGEST = 240  # bytes; links of old-style HDF5 groups and the index table stay small


def _escaped(text: str) -> str:
    return "".join(f"%{byte:02X}" for byte in text.encode("utf-8", "surrogatepass"))


def encode(name: str) -> str:
    """Return the path component for a name.

    Parameters
    ----------
    name : str
        Any text, the empty one and lone surrogates included.

    Returns
    -------
    str
        A component without ``/``, NUL or control characters that is neither ``.`` nor ``..``.
    """
    if not name:
        return "%"
    if name.isascii() and name.isalnum() and len(name) <= _LONGEST:
        return name
    component = _UNSAFE.sub(lambda match: _escaped(match.group()), name)
    if component in (".", ".."):
        return _escaped(component)
    if component.startswith(_RESERVED) or component == "__members__":
        component = _escaped(component[0]) + component[1:]
    raw = component.encode()
    if len(raw) > _LONGEST:
        digest = hashlib.sha256(raw).hexdigest()[:16]
        return f"{raw[: _LONGEST - 18].decode(errors='ignore')}%~{digest}"
    return component


def decode(component: str) -> str:
    """Return the name that :func:`encode` made `component` of."""
    if component == "%":
        return ""
    raw = component.encode("utf-8", "surrogatepass")
    plain = _ESCAPE.sub(lambda match: bytes.fromhex(match.group(1).decode()), raw)
    return plain.decode("utf-8", "surrogatepass")


def join(components: Iterable[str]) -> str:
    """Return the absolute path of a sequence of names: ``("a", "b/c")`` is ``/a/b%2Fc``."""
    return "".join("/" + encode(name) for name in components) or "/"


def split(path: str) -> tuple[str, ...]:
    """Return the names of an absolute path, as :func:`join` took them."""
    return tuple(decode(component) for component in path.strip("/").split("/") if component)


_COMPARED = 1000  # characters; a number in every second of a million would take 200 MB


def natural(text: str) -> tuple[tuple[int, int | str, str], ...]:
    """Return a sort key by which ``layer2`` comes before ``layer10``."""
    head, tail = text[:_COMPARED], text[_COMPARED:]
    parts = re.findall(r"[0-9]+|[^0-9]+", head)
    # isdigit() would let superscripts through, which int() refuses.
    key = [(0, int(p[:300]), p) if "0" <= p[0] <= "9" else (1, p, p) for p in parts]
    return (*key, (1, tail, tail)) if tail else tuple(key)


def positional(names: Sequence[str | None]) -> list[str]:
    """Replace names that are missing or not unique by zero-padded positions."""
    times = Counter(names)
    width = len(str(max(len(names) - 1, 0)))
    return [
        name if name and times[name] == 1 else f"{position:0{width}d}"
        for position, name in enumerate(names)
    ]
