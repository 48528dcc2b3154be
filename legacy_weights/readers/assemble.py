"""From the streams of a file to its tree."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

from legacy_weights import families
from legacy_weights.containers import (
    Part,
    Siblings,
    describe_by_name,
    describe_lookalike,
    describe_wrong_kind,
)
from legacy_weights.errors import DamagedError, LegacyWeightsError, LimitError, UnreadableError
from legacy_weights.families.graph import Graph
from legacy_weights.families.values import BLOB, Bundle
from legacy_weights.limits import DEFAULTS, Limits
from legacy_weights.readers import npy, pickle
from legacy_weights.readers.content import Content
from legacy_weights.readers.members import Members, may_be_values
from legacy_weights.readers.records import Records
from legacy_weights.readers.references import References
from legacy_weights.readers.worlds import other_worlds
from legacy_weights.suspicion import notices, ordered
from legacy_weights.tree import Source, Tree

Reader = Callable[[Part, Members], Content]


def _read_pickle(part: Part, members: Members) -> Content:
    return pickle.read(part.buffer.data, lambda: References(members, part), machine=members.machine)


READERS: tuple[tuple[Callable[[bytes], bool], Reader], ...] = (
    (npy.sniff, lambda part, members: npy.read(part.buffer.view, members.machine)),
    (pickle.sniff, _read_pickle),
)
"""Pairs of what tells a kind by its first bytes and what reads it; the first that fits counts.

A stored member of an archive is read in place, but pickles need what only a buffer of their own
has.
"""
_HEAD = 16


class Stream(NamedTuple):
    """A stream, what it holds, and whether another stream refers to it."""

    part: Part
    content: Content
    referenced: bool = False


_HDF5 = b"\x89HDF\r\n\x1a\n"


def contents(members: Members) -> list[Stream]:
    """Read every stream of a file.

    A member of an archive that is no legacy data (a README, a picture) is kept as bytes.

    Parameters
    ----------
    members : Members
        The streams, in order.

    Raises
    ------
    LegacyWeightsError
        If there is one stream and it cannot be read, or if none of several can; or if one that is
        surely a pickle or an array is damaged or asks for more than a limit allows.
    """
    parts = members.parts
    if len(parts) == 1 and parts[0].label is None:
        return [Stream(parts[0], _read(parts[0], members))]
    found = members.contents
    failures: list[LegacyWeightsError] = []
    for index in sorted(range(len(parts)), key=lambda index: _is_side_file(parts[index])):
        part = parts[index]
        try:
            if index not in found and index not in members.values:
                found[index] = _read(part, members)
        except LegacyWeightsError as error:
            announced = _announced(bytes(part.buffer.view[:1]))
            if announced and isinstance(error, DamagedError | LimitError):
                # A pickle that breaks off is no README: to keep its bytes would hide that.
                error.where = f"member {part.label!r}, byte {error.where}"
                raise
            failures.append(error)
            found[index] = _foreign(part, error)
    if failures and len(failures) == len(parts):
        raise failures[0]
    return [
        Stream(parts[index], found[index], index in members.referenced) for index in sorted(found)
    ]


def _is_side_file(part: Part) -> bool:
    """Whether a stream can be the bare values of an array, of which a pickle knows the type."""
    return may_be_values(part) and (part.label or "").endswith(".npy.z")


def _read(part: Part, members: Members) -> Content:
    try:
        return _read_stream(part, members)
    except LegacyWeightsError as error:
        if may_be_values(part) and not _announced(bytes(part.buffer.view[:1])):
            error.advice = (
                "It can be one of joblib's side files (.npy.z), which hold the bare values of an "
                "array: give the main file, and leave this one beside it"
            )
        raise


def _read_stream(part: Part, members: Members) -> Content:
    head = bytes(part.buffer.view[:_HEAD])
    if head.startswith(_HDF5):
        raise UnreadableError(
            f"an HDF5 file inside {' > '.join(part.chain)}",
            advice="HDF5 is read from a file of its own: unpack it first",
        )
    lookalike = describe_lookalike(part.buffer)
    if lookalike is not None:
        raise lookalike
    for sniff, read in READERS:
        if sniff(head):
            try:
                return read(part, members)
            except DamagedError as error:
                # Nothing marks an old pickle: what looks like one may be quite another thing.
                wrong = None if _announced(head) else describe_wrong_kind(part.buffer)
                raise (wrong or error) from error
    raise describe_wrong_kind(part.buffer) or UnreadableError(
        f"the file begins with {head[:8]!r}, which is none of the known kinds",
        expected="a pickle, an .npy or .npz file, or an archive of them",
    )


def _announced(head: bytes) -> bool:
    """Whether a stream's first byte says that it is a pickle or an ``.npy`` file."""
    return head[:1] in (b"\x80", b"\x93")


def _foreign(part: Part, error: LegacyWeightsError) -> Content:
    view = part.buffer.view
    raw = bytes(view) if len(view) < BLOB else view
    note = f"member {part.label!r} is no legacy data ({error.found}); its bytes are kept"
    return Content("other", [raw], "", [], [note])


def tree(
    name: str,
    size: int,
    sha256: Callable[[], str],
    parts: Sequence[Part],
    siblings: Siblings | None = None,
    limits: Limits = DEFAULTS,
) -> Tree:
    """Return the tree of a file.

    Parameters
    ----------
    name : str
        The file's name.
    size : int
        Its size in bytes.
    sha256 : callable
        Computes the hash of its bytes.
    parts : sequence of Part
        Its streams.
    siblings : Siblings, optional
        The files beside it, which it may refer to.
    limits : Limits, optional
    """
    try:
        found = contents(Members(parts, siblings, limits))
    except (UnreadableError, DamagedError) as error:
        raise describe_by_name(name) or error from error
    notes = [note for part, content, _ in found for note in (*part.notes, *content.notes)]
    graph = Graph(_root(found))
    meaning = families.interpret(graph)
    notes += other_worlds(named for _, content, _ in found for named in content.classes)
    calls = ordered(
        replace(call, member=part.label or "")
        for part, content, _ in found
        for call in content.calls
    )
    notes = notices(calls) + notes
    classes = sorted({named.dotted for _, content, _ in found for named in content.classes})
    return Tree(
        source=Source(name, size, _kind(found), sha256, _writer(found)),
        family=meaning.family,
        evidence=meaning.evidence,
        snapshots=tuple(meaning.snapshots),
        default_snapshot=meaning.default_snapshot
        or (meaning.snapshots[-1].name if meaning.snapshots else None),
        other=tuple(meaning.other),
        tables=tuple(meaning.tables),
        records=Records(graph, meaning.places),
        classes=tuple(classes),
        metadata=meaning.metadata,
        warnings=(*notes, *meaning.warnings),
        partial=not all(content.complete for _, content, _ in found),
        calls=calls,
    )


def _root(found: Sequence[Stream]) -> object:
    if len(found) == 1 and found[0].part.label is None:
        return found[0].content.value()
    entries: list[tuple[str, object]] = []
    referenced: list[tuple[str, object]] = []
    for index, (part, content, is_referenced) in enumerate(found):
        label = (part.label or str(index)).removesuffix(".npy")
        (referenced if is_referenced else entries).append((label, content.value()))
    return Bundle(entries, members=True, referenced=referenced)


def _kind(found: Sequence[Stream]) -> str:
    kinds = {" > ".join((*part.chain, content.kind)): None for part, content, _ in found}
    shown = [kind for kind in kinds if not kind.endswith("other")] or list(kinds)
    return ", ".join(shown[:4]) + (" …" if len(shown) > 4 else "")


def _writer(found: Sequence[Stream]) -> str:
    writers = {content.writer for _, content, _ in found if content.writer}
    return ", ".join(sorted(writers))
