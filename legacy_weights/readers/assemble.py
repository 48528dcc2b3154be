"""From the streams of a file to its tree."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from legacy_weights import families
from legacy_weights.containers import Buffer, Part, describe_wrong_kind
from legacy_weights.errors import DamagedError, LegacyWeightsError, UnreadableError
from legacy_weights.families.graph import Graph
from legacy_weights.families.values import BLOB, Bundle
from legacy_weights.readers import npy, pickle
from legacy_weights.readers.content import Content
from legacy_weights.readers.records import Records
from legacy_weights.tree import Source, Tree

READERS: tuple[tuple[Callable[[bytes], bool], Callable[[Buffer], Content]], ...] = (
    (npy.sniff, lambda buffer: npy.read(buffer.view)),
    (pickle.sniff, lambda buffer: pickle.read(buffer.data)),
)
"""Pairs of what tells a kind by its first bytes and what reads it; the first that fits counts.

A stored member of an archive is read in place, but pickles need what only a buffer of their own
has.
"""
_HEAD = 16
_HDF5 = b"\x89HDF\r\n\x1a\n"


def contents(parts: Sequence[Part]) -> list[tuple[Part, Content]]:
    """Read every stream of a file.

    A member of an archive that is no legacy data (a README, a picture) is kept as bytes.

    Raises
    ------
    UnreadableError, DamagedError
        If there is one stream and it cannot be read, or if none of several can.
    """
    if len(parts) == 1 and parts[0].label is None:
        return [(parts[0], _read(parts[0]))]
    found = []
    failures: list[LegacyWeightsError] = []
    for part in parts:
        try:
            found.append((part, _read(part)))
        except LegacyWeightsError as error:
            if isinstance(error, DamagedError) and _announced(bytes(part.buffer.view[:1])):
                # A pickle that breaks off is no README: to keep its bytes would hide the damage.
                error.where = f"member {part.label!r}, byte {error.where}"
                raise
            failures.append(error)
            found.append((part, _foreign(part, error)))
    if failures and len(failures) == len(parts):
        raise failures[0]
    return found


def _read(part: Part) -> Content:
    head = bytes(part.buffer.view[:_HEAD])
    if head.startswith(_HDF5):
        raise UnreadableError(
            f"an HDF5 file inside {' > '.join(part.chain)}",
            advice="HDF5 is read from a file of its own: unpack it first",
        )
    for sniff, read in READERS:
        if sniff(head):
            try:
                return read(part.buffer)
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


def tree(name: str, size: int, sha256: Callable[[], str], parts: Sequence[Part]) -> Tree:
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
    """
    found = contents(parts)
    notes = [note for part, content in found for note in (*part.notes, *content.notes)]
    graph = Graph(_root(found))
    meaning = families.interpret(graph)
    classes = sorted({named.dotted for _, content in found for named in content.classes})
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
    )


def _root(found: Sequence[tuple[Part, Content]]) -> object:
    if len(found) == 1 and found[0][0].label is None:
        return found[0][1].value()
    entries = [
        ((part.label or str(index)).removesuffix(".npy"), content.value())
        for index, (part, content) in enumerate(found)
    ]
    return Bundle(entries, members=True)


def _kind(found: Sequence[tuple[Part, Content]]) -> str:
    kinds = {" > ".join((*part.chain, content.kind)): None for part, content in found}
    shown = [kind for kind in kinds if not kind.endswith("other")] or list(kinds)
    return ", ".join(shown[:4]) + (" …" if len(shown) > 4 else "")


def _writer(found: Sequence[tuple[Part, Content]]) -> str:
    writers = {content.writer for _, content in found if content.writer}
    return ", ".join(sorted(writers))
