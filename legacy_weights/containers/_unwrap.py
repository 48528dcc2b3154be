"""Unwrapping to the innermost streams, in any nesting."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from legacy_weights.containers._buffer import Buffer
from legacy_weights.containers._limits import Budget
from legacy_weights.containers._members import Piece, show
from legacy_weights.containers._other_worlds import describe_lookalike
from legacy_weights.containers._streams import CODECS, is_zf, unpack_all, unpack_zf
from legacy_weights.containers._tar import is_tar, unpack_tar
from legacy_weights.containers._zip import is_zip, unpack_zip
from legacy_weights.errors import LimitError, UnreadableError
from legacy_weights.limits import DEFAULTS, Limits

_HEAD = 4096
_NOTES = 20


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """One stream that is wrapped no further.

    Parameters
    ----------
    label : str or None
        The name of the archive's member, decoded as UTF-8, else Latin-1; of a member of an
        archive inside an archive ``OUTER!/INNER``; None outside of archives.  It is a name to
        show and to order by, never a path to write to, and need not be unique.
    chain : tuple of str
        The wrappers, the outermost first: ``("gzip", "tar")``; empty for a plain file.
    buffer : Buffer
        What the wrappers hold.
    notes : tuple of str
        What a user should know: bytes that were ignored, members that were left out, names that
        are no UTF-8.  A note on a whole stream or archive stands at the first part that comes out
        of it, so that the notes of all parts together say everything once.
    """

    label: str | None
    chain: tuple[str, ...]
    buffer: Buffer
    notes: tuple[str, ...] = ()


def unwrap(buffer: Buffer, *, limits: Limits = DEFAULTS) -> list[Part]:
    """Unpack everything a file is wrapped in, by content.

    Known are gzip, bz2, xz, lzma, zlib, joblib's ``ZF``, zip (``.npz`` too) and tar, inside one
    another in any order.  What is none of them is returned as it is.  Nothing is written to a
    place that a file names, and no link is followed.

    Parameters
    ----------
    buffer : Buffer
        The file, or a part of something.
    limits : Limits, optional
        Bounds on what it may unpack to.

    Returns
    -------
    list of Part
        The innermost streams, in the order of the archives; never empty.

    Raises
    ------
    DamagedError
        A stream or an archive is truncated or altered.
    RefusedError
        Members overlap, or one is encrypted.
    LimitError
        A limit is exceeded.
    UnreadableError
        A member is packed by an unknown method, an archive has no member, there is no room, or it
        is a file of another program that only looks like an archive of ours.
    """
    try:
        return list(_unwrapped(Part(None, (), buffer), "", Budget(limits, len(buffer))))
    except MemoryError as error:
        raise LimitError(
            "what it unpacks to does not fit into memory",
            advice="Lower the limit `memory`, so that more of it goes to a temporary file",
        ) from error


def _unwrapped(part: Part, place: str, budget: Budget) -> Iterator[Part]:
    wrong = describe_lookalike(part.buffer) if part.label is None else None
    if wrong is not None:
        wrong.where = place or None
        raise wrong
    name = _wrapper(bytes(part.buffer.view[:_HEAD]))
    if name is None:
        yield part
        return
    budget.nest(part.chain, place)
    place = f"{place} > {name}" if place else name
    pieces, notes = _unpack(name, part.buffer, budget, place)
    if not pieces:
        found = "; ".join([f"the {name} archive has no file in it", *notes[:3]])
        raise UnreadableError(found, where=place)
    if len(notes) > _NOTES:
        notes[_NOTES:] = [f"{len(notes) - _NOTES:,} more such notes on the {name} archive"]
    pending = part.notes + tuple(notes)
    for piece in pieces:
        label, inside = part.label, place
        if piece.label is not None:
            label = piece.label if label is None else f"{label}!/{piece.label}"
            inside = f"{place} > member {show(piece.label)}"
        inner = Part(label, (*part.chain, name), piece.buffer, pending + piece.notes)
        yield from _unwrapped(inner, inside, budget)
        pending = ()


def _wrapper(head: bytes) -> str | None:
    if is_zip(head):
        return "zip"
    if is_zf(head):
        return "joblib-ZF"
    if is_tar(head):
        return "tar"
    return next((codec.name for codec in CODECS if codec.matches(head)), None)


def _unpack(name: str, buffer: Buffer, budget: Budget, place: str) -> tuple[list[Piece], list[str]]:
    if name == "zip":
        return unpack_zip(buffer, budget, place)
    if name == "tar":
        return unpack_tar(buffer, budget, place)
    if name == "joblib-ZF":
        inner, notes = unpack_zf(buffer.view, budget, place)
    else:
        codec = next(codec for codec in CODECS if codec.name == name)
        inner, notes = unpack_all(codec, buffer.view, 0, budget, place)
    return [Piece(inner)], list(notes)
