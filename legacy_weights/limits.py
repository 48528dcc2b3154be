"""What a file may ask for: every bound, with its default, in one place.

A small file cannot keep a machine busy or fill its memory.  Who trusts a file raises a bound:
``migrate FILE --limit memo=1000000 --limit unpacked=64G``, or ``read(FILE, limits=Limits(…))``.
``docs/safety.md`` has the table.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, fields

from legacy_weights.errors import UsageError

_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
_NUMBER = re.compile(r"(\d{1,18})([KMGT]?)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Limits:
    """What a file may ask for.

    Parameters
    ----------
    opcodes : int
        Opcodes of one pickle.
    memo : int
        Entries of a pickle's memo.
    stack : int
        Objects on a pickle's stack.  This and `memo` are looked at every few opcodes.
    marks : int
        Nesting of MARK opcodes.
    line : int
        Length in bytes of a number or a name in text form.
    digits : int
        Decimal digits of an integer in text form.
    key : int
        Elements that hashing one dictionary key visits, those of nested tuples counted each time.
    nesting : int
        Depth of tuples in a dictionary key.
    collisions : int
        Keys of one dictionary that have the same hash; looking one up compares it with all.
    growth, free : int
        What repeats a part of the pickle (hashing a key again, copying an argument) is paid from
        a budget of `growth` bytes for each byte of the pickle, and of `free` bytes for all pickles
        of the file together.
    arrays : int
        Arrays of one file.
    unpacked : int
        Bytes unpacked in all, on every level of nesting together.  Members that are stored
        uncompressed are views of the file and do not count.
    ratio : int
        Bytes unpacked in all, as a multiple of the file's size.
    unpacked_free : int
        Bytes that may be unpacked whatever the ratio.
    members : int
        Members of all archives of the file together; a compressed stream is one, too.
    depth : int
        Wrappers inside one another.
    dictionary : int
        Bytes of memory that an LZMA decoder may ask for.
    memory : int
        Bytes of one unpacked stream, or of all members of one archive, that are held in memory;
        more goes to a temporary file without a name.
    unbacked : int
        Bytes that an HDF5 dataset may declare beyond what its stored bytes can stand for.
    attribute : int
        Bytes of the largest HDF5 attribute that is read.
    """

    opcodes: int = 1_000_000_000
    memo: int = 100_000_000
    stack: int = 100_000_000
    marks: int = 100_000
    line: int = 65_536
    digits: int = 100_000
    key: int = 100_000
    nesting: int = 50
    collisions: int = 1_000
    growth: int = 16
    free: int = 64 << 20
    arrays: int = 1_000_000
    unpacked: int = 16 << 30
    ratio: int = 200
    unpacked_free: int = 256 << 20
    members: int = 100_000
    depth: int = 8
    dictionary: int = 256 << 20
    memory: int = 64 << 20
    unbacked: int = 64 << 20
    attribute: int = 1 << 20


DEFAULTS = Limits()


def parse(options: Iterable[str]) -> Limits:
    """Return limits of options such as ``memo=1000000`` and ``unpacked=8G``.

    K, M, G and T are powers of 1,024.

    Raises
    ------
    UsageError
        There is no such limit, or its value is no number.
    """
    names = [field.name for field in fields(Limits)]
    given: dict[str, int] = {}
    for option in options:
        name, _, value = option.partition("=")
        match = _NUMBER.fullmatch(value)
        if name not in names or match is None:
            raise UsageError(
                f"{option!r} is no limit",
                expected="NAME=NUMBER, with K, M, G or T behind it if need be, and NAME one of "
                + ", ".join(names),
            )
        given[name] = int(match[1]) * _UNITS[match[2]]
    return Limits(**given)
