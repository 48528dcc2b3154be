"""What a pickle may ask for, so that a small file cannot keep a machine busy or fill its memory."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """What a pickle may ask for.

    Parameters
    ----------
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
        a budget of `free` bytes and `growth` bytes for each byte of the pickle.
    """

    marks: int = 100_000
    line: int = 65_536
    digits: int = 100_000
    key: int = 100_000
    nesting: int = 50
    collisions: int = 1_000
    growth: int = 16
    free: int = 64 << 20
