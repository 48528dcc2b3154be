"""Signs that a binary file went through a transfer that took it for text."""

from __future__ import annotations

import codecs

_SAMPLE = 1 << 20
_FEW = 4  # line feeds; each follows a carriage return by chance in one of 256 cases
_UTF8 = codecs.getincrementaldecoder("utf-8")

ADVICE = (
    "Get the file again in binary mode (no text-mode FTP, no line-ending conversion by git, "
    "no program that opens it as text): what was lost cannot be put back"
)


def text_damage(view: memoryview, *, packed: bool) -> str | None:
    """Return what shows that the bytes were treated as text, or None.

    Parameters
    ----------
    view : memoryview
        Binary data, of which a megabyte is looked at.
    packed : bool
        Whether it is all compressed, so that every sequence of bytes is to be expected in it.

    Returns
    -------
    str or None
        A clause such as ``"every line feed in it follows a carriage return, …"``.
    """
    sample = bytes(view[:_SAMPLE])
    feeds, pairs = sample.count(b"\n"), sample.count(b"\r\n")
    if feeds >= _FEW and feeds == pairs:
        return "every line feed in it follows a carriage return, as after a text-mode transfer"
    if sample.startswith(b"PK\x03\x04\r\n\0"):
        # The version after the magic is 10, a line feed, in archives with stored members.
        return (
            "the line feed in its header follows a carriage return, as after a text-mode transfer"
        )
    if packed and len(sample) == _SAMPLE and not pairs:
        # In a megabyte of compressed data sixteen are expected.
        return "no carriage return stands before a line feed, as after a text-mode transfer"
    if sample.count(b"\xef\xbf\xbd") >= max(_FEW, len(sample) // 64):
        return "much of it was replaced by U+FFFD, as by a program that took it for UTF-8 text"
    high = len(sample) - len(sample.translate(None, bytes(range(128, 256))))
    if packed and high >= 2 * _FEW and _is_utf8(sample):
        return "all of it is valid UTF-8, as after a program that re-encoded it as text"
    return None


def _is_utf8(sample: bytes) -> bool:
    try:
        _UTF8().decode(sample)
    except UnicodeDecodeError:
        return False
    return True
