"""What a file is that is clearly no legacy file, and what to do about it."""

from __future__ import annotations

import pickletools
import re
import warnings
from collections.abc import Callable

from legacy_weights.containers._buffer import Buffer
from legacy_weights.containers._other_worlds import describe_other_world
from legacy_weights.containers._transfer import ADVICE
from legacy_weights.errors import DamagedError, LegacyWeightsError, UnreadableError

_HEAD = 64 << 10
_UNPACK = "Unpack it, and give the files inside"
_NO_MODEL = "It holds no weights; look for the model's own file beside it"

_MAGIC = (
    (b"\x89PNG\r\n\x1a\n", "a PNG picture", _NO_MODEL),
    (b"\xff\xd8\xff", "a JPEG picture", _NO_MODEL),
    (b"GIF8", "a GIF picture", _NO_MODEL),
    (b"%PDF-", "a PDF document", _NO_MODEL),
    (b"%!PS", "a PostScript document", _NO_MODEL),
    (b"\x7fELF", "a program or library (ELF)", _NO_MODEL),
    (b"\xcf\xfa\xed\xfe", "a program or library (Mach-O)", _NO_MODEL),
    (b"\xca\xfe\xba\xbe", "a Java class or a program (Mach-O)", _NO_MODEL),
    (b"MZ\x90\0", "a program or library (Windows)", _NO_MODEL),
    (b"SQLite format 3\0", "an SQLite database", _NO_MODEL),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", _UNPACK),
    (b"Rar!\x1a\x07", "a RAR archive", _UNPACK),
    (b"\x28\xb5\x2f\xfd", "Zstandard data", "Unpack it with `zstd -d`, and give the result"),
    (b"\x04\x22\x4d\x18", "LZ4 data", "Unpack it with `lz4 -d`, and give the result"),
    (b"\x1f\x9d", "data of Unix `compress`", "Unpack it with `gzip -d`, and give the result"),
    (b"\x89LZO\0", "LZO data", "Unpack it with `lzop -d`, and give the result"),
)
_MANGLED = (
    (b"\x1f\xef\xbf\xbd\x08", "gzip data"),
    (b"\x1f\xc2\x8b\x08", "gzip data"),
    (b"\x1f?\x08", "gzip data"),
    (b"\x1f\x0b\x08", "gzip data"),
    (b"\xef\xbf\xbdNUMPY", "a NumPy array"),
    (b"\xc2\x93NUMPY", "a NumPy array"),
    (b"?NUMPY", "a NumPy array"),
    (b"\x13NUMPY", "a NumPy array"),
    (b"\x89HDF\n\x1a\n", "an HDF5 file"),
    (b"\x89HDF\r\r\n\x1a", "an HDF5 file"),
    (b"\x89HDF\r\n\x1a\r\n", "an HDF5 file"),
    (b"\xef\xbf\xbdHDF", "an HDF5 file"),
    (b"\xc2\x89HDF", "an HDF5 file"),
    (b"?HDF\r", "an HDF5 file"),
    (b"\x09HDF", "an HDF5 file"),
    (b"\xef\xbf\xbd\x02", "a pickle of protocol 2"),
    (b"\xc2\x80\x02", "a pickle of protocol 2"),
    (b"\xef\xbf\xbd7zXZ", "xz data"),
    (b"x\xef\xbf\xbd", "zlib data"),
    (b"x\xc2\x9c", "zlib data"),
    (b"x\xc3\x9a", "zlib data"),
)
_LFS = re.compile(rb"version https://(?:git-lfs\.github|hawser\.github)\.com/spec/v1\s")
_MARKUP = re.compile(rb"<(?:[!?]|/?[A-Za-z])")
_JSON = re.compile(rb'(?:\{\s*(?:"|\})|\[\s*(?:[\[{"\]]|-?[0-9.]+\s*[,\]]|true|false|null))')
_NUMBER = re.compile(rb"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?|nan|-?inf", re.I)
_NPY_LENGTH = {1: 2, 2: 4, 3: 4}
# Opcodes of protocol 0 with which a pickle can begin, and what follows them.
_PICKLE0 = re.compile(
    rb"""\(+(?:[dlt.]|[cSUVIFLNip\]}])  # a mark, then a container or a first value
    |c[\w.]+\r?\n[\w.]+\r?\n            # a class
    |[IFL][-+0-9.einfa]+L?\r?\n[p.]     # a number
    |[SVP][^\n]*\n[p.]                  # a string, a persistent id
    |[N\]})][.q(]|K[^\n]\.|M[^\n]{2}\.  # None, an empty container, a small number
    """,
    re.VERBOSE,
)


def describe_wrong_kind(buffer: Buffer) -> LegacyWeightsError | None:
    """Say what a file is, if it is clearly not one that this package reads.

    It is meant for files and parts that no reader takes, and for archives before they are
    unwrapped.  Text is told from pickles of protocol 0, but JSON is named even where a reader
    might take it.

    Parameters
    ----------
    buffer : Buffer

    Returns
    -------
    LegacyWeightsError or None
        An error to raise, which says what was found and what to do; None if nothing is clear.
    """
    head = bytes(buffer.view[:_HEAD])
    if not head:
        return DamagedError("it is empty", advice="Get the file again from its source")
    for check in _CHECKS:
        error = check(head, buffer)
        if error is not None:
            return error
    return None


def _pointer(head: bytes, _: Buffer) -> LegacyWeightsError | None:
    if _LFS.match(head):
        fields = dict(line.partition(b" ")[::2] for line in head[:1024].splitlines())
        oid = _text(fields.get(b"oid", b"unknown"))
        size = fields.get(b"size", b"").strip()
        length = f"{int(size):,}" if size.isdigit() and len(size) < 20 else "an unknown number of"
        return UnreadableError(
            f"it is a Git LFS pointer to {length} bytes, oid {oid}, not the file itself",
            advice="Run `git lfs pull` in the checkout",
        )
    if head.startswith(b"/annex/objects/") and len(head) < 32768:
        key = _text(head.splitlines()[0].rpartition(b"/")[2])
        return UnreadableError(
            f"it is a git-annex pointer to {key}, not the file itself",
            advice="Run `git annex get` on it in the checkout",
        )
    return None


def _other_world(_: bytes, buffer: Buffer) -> LegacyWeightsError | None:
    return describe_other_world(buffer)


def _magic(head: bytes, _: Buffer) -> LegacyWeightsError | None:
    for magic, what, advice in _MAGIC:
        if head.startswith(magic):
            return UnreadableError(f"it is {what}", advice=advice)
    return None


def _mangled(head: bytes, _: Buffer) -> LegacyWeightsError | None:
    for magic, what in _MANGLED:
        if head.startswith(magic):
            return DamagedError(
                f"it was {what}, but a transfer or a program that took it for text has altered "
                f"its bytes: it starts with {head[:8]!r}",
                advice=ADVICE,
            )
    return None


def _mangled_npy(head: bytes, _: Buffer) -> LegacyWeightsError | None:
    if not head.startswith(b"\x93NUMPY") or len(head) < 12 or head[6] not in _NPY_LENGTH:
        return None
    width = _NPY_LENGTH[head[6]]
    end = 8 + width + int.from_bytes(head[8 : 8 + width], "little")
    if head[end - 1 : end + 1] != b"\r\n":
        return None
    return DamagedError(
        "it was a NumPy array, but its line feeds became carriage returns and line feeds, as by "
        "a text-mode transfer",
        where=end - 1,
        advice=ADVICE,
    )


def _text_file(head: bytes, _: Buffer) -> LegacyWeightsError | None:
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if _MARKUP.match(text) and b"\0" not in text[:512]:
        return _markup(text)
    if not _is_text(head) or _PICKLE0.match(text) or _is_opcodes(head):
        return None
    if _JSON.match(text):
        advice = "JSON can describe a model, not carry its weights; look for a file beside it"
        return UnreadableError("it is a JSON document", advice=advice)
    lines = text.splitlines()[:20]
    if len(text) == len(head):
        lines = lines[:-1] or lines
    if lines and all(_is_numbers(line) for line in lines if line.strip()):
        return UnreadableError(
            "it is a table of numbers as text",
            advice="`numpy.loadtxt` reads it, `numpy.save` makes a file of it that can be migrated",
        )
    shown = _text(lines[0]) if lines else ""
    return UnreadableError(f"it is plain text, beginning with {shown!r}", advice=_NO_MODEL)


def _markup(text: bytes) -> LegacyWeightsError:
    start = text[:4096].lower()
    # The title's end is sought by hand: a pattern could backtrack for minutes.
    opening = start.find(b"<title")
    begin = start.find(b">", max(opening, 0)) + 1
    end = start.find(b"</title", begin)
    title = _text(text[begin:end]) if opening >= 0 and begin and end > begin else ""
    named = f" with the title {title!r}" if title else ""
    if b"<html" in start or b"<!doctype html" in start or title:
        return UnreadableError(
            f"it is a web page{named}, not a model: the download went wrong",
            advice="Download it again by the link to the raw file, logged in if that is needed",
        )
    return UnreadableError(
        f"it is an XML document{named}: {_text(text[:60])!r}",
        advice="If it was downloaded, this may be the server's error message instead of the file",
    )


def _is_text(head: bytes) -> bool:
    if re.search(rb"[\x00-\x08\x0e-\x1f\x7f]", head):
        return False
    try:
        # The last character can be cut off where the file goes on.
        (head[:-4] if len(head) == _HEAD else head).decode()
    except UnicodeDecodeError as error:
        return len(head) == _HEAD and error.start > len(head) - 8
    return True


def _is_opcodes(head: bytes) -> bool:
    """Whether a short file is opcodes from its first byte to the STOP that is its last."""
    if len(head) == _HEAD or not head.endswith(b"."):
        return False
    try:
        # `genops` only names opcodes and their arguments; it carries none out.  Some escapes in
        # strings make it warn.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            *_, (_, _, last) = pickletools.genops(head)
    except ValueError:
        return False
    return last == len(head) - 1


def _is_numbers(line: bytes) -> bool:
    cells = re.split(rb"[\s,;]+", line.strip(b" \t\r\n,;"))
    return all(len(cell) < 50 and _NUMBER.fullmatch(cell) for cell in cells)


def _text(raw: bytes) -> str:
    """Return a short, printable form of bytes of the file."""
    text = " ".join(raw[:160].decode("utf-8", "replace").split())
    text = "".join(char if char.isprintable() else "�" for char in text)
    return text if len(text) <= 80 else text[:79] + "…"


_CHECKS: tuple[Callable[[bytes, Buffer], LegacyWeightsError | None], ...] = (
    _pointer,
    _other_world,
    _magic,
    _mangled,
    _mangled_npy,
    _text_file,
)
