"""Two files compared: arrays by path, then what is beside them.

Arrays are paired by their path inside a snapshot, those left over by their name; dtype, shape,
role, trainable and every bit are compared, and the order of the weights.  What one of the files
does not know (the order, whether an array is trained) is no difference.  Where arrays stand in the
legacy file (origins, notes) is not compared: two programs may have written the files.
"""

from __future__ import annotations

from collections.abc import Iterator

from legacy_weights import streams
from legacy_weights.choosing import choose_word
from legacy_weights.errors import UsageError, in_file
from legacy_weights.hierarchy.storage import dtype_text
from legacy_weights.streams import of_file
from legacy_weights.terminal import shape
from legacy_weights.tools import beside
from legacy_weights.tools.comparison import Comparison, Renamed
from legacy_weights.tools.places import OTHER, Place, Section, group_of, matched, places
from legacy_weights.tree import Leaf, Order, Role, Snapshot, Trainable, Tree

_Lonely = tuple[list[Place], list[Place]]
"""The places of either file that have no partner in the other."""


def diff(
    first: Tree,
    second: Tree,
    *,
    snapshots: tuple[str | None, str | None] = (None, None),
    weights_only: bool = False,
    tolerant: bool = False,
) -> Comparison:
    """Compare two trees, block by block.

    Parameters
    ----------
    first, second : Tree
    snapshots : (str or None, str or None)
        The names or iterations of a snapshot of either, to compare these alone; None beside a name
        is the file's own choice.
    weights_only : bool
        Compare the snapshots alone.
    tolerant : bool
        Go on where an array cannot be read.

    Raises
    ------
    UsageError
        There is no such snapshot, or nothing to compare.
    """
    found = Comparison(files=(first.source.name, second.source.name), tolerant=tolerant)
    lonely: _Lonely = [], []
    here, there = places(first), places(second)
    alone = weights_only or snapshots != (None, None)
    if alone and not first.snapshots + second.snapshots:
        raise UsageError("neither file has weights to compare")
    for one, other in _pairs(first, second, snapshots, found, lonely):
        joined = _arrays(here[group_of(one.name)], there[group_of(other.name)], found, lonely)
        _order(one, other, joined, found)
    if alone:
        found.skipped.append("arrays that are no weights, logs, metadata, records")
    else:
        _arrays(here[OTHER], there[OTHER], found, lonely)
        beside.tables(first, second, found)
        beside.metadata(first, second, found)
        beside.records(first, second, found)
    _rename(lonely, found)
    for what, left, right in (
        ("family", first.family, second.family),
        ("writer", first.source.writer, second.source.writer),
        ("default snapshot", first.default_snapshot, second.default_snapshot),
    ):
        if left != right and not (alone and what == "default snapshot"):
            found.notes.append(f"{what}: {left or 'none'} and {right or 'none'}")
    return found


def _pairs(
    first: Tree,
    second: Tree,
    wanted: tuple[str | None, str | None],
    found: Comparison,
    lonely: _Lonely,
) -> Iterator[tuple[Snapshot, Snapshot]]:
    """Yield the snapshots that are to be compared, and put down those without a partner."""
    if wanted != (None, None):
        with in_file(first.source.name):
            one = choose_word(first, wanted[0])
        with in_file(second.source.name):
            other = choose_word(second, wanted[1])
        yield one, other
        return
    ours = {snapshot.name: snapshot for snapshot in first.snapshots}
    theirs = {snapshot.name: snapshot for snapshot in second.snapshots}
    if len(ours) == len(theirs) == 1 and not ours.keys() & theirs.keys():
        (one,), (other,) = ours.values(), theirs.values()
        found.notes.append(f"the only snapshots are compared: {one.name} and {other.name}")
        yield one, other
        return
    for side, mine, others, kind in ((0, ours, theirs, "missing"), (1, theirs, ours, "added")):
        for name, snapshot in mine.items():
            if name not in others:
                count = len(snapshot.leaves)
                found.add(kind, group_of(name), f"a snapshot, number of arrays: {count}")
                lonely[side].extend(Place(leaf.path, leaf.name, leaf) for leaf in snapshot.leaves)
    for name, one in ours.items():
        if name in theirs:
            _same_facts(one, theirs[name], found)
            yield one, theirs[name]


def _same_facts(one: Snapshot, other: Snapshot, found: Comparison) -> None:
    for what, left, right in (
        ("iteration", one.iteration, other.iteration),
        ("complete", one.complete, other.complete),
        ("hash", one.legacy_hash, other.legacy_hash),
    ):
        if left != right:
            found.add("snapshot", group_of(one.name), f"{what} {left} and {right}")


def _arrays(first: Section, second: Section, found: Comparison, lonely: _Lonely) -> dict[str, str]:
    """Compare the arrays of two groups; return which path is which."""
    joined: dict[str, str] = {}
    done: set[tuple[str, str]] = set()
    for one, other in matched(first, second):
        if one is not None and other is not None:
            joined[one.path] = other.path
            pair = one.leaf.path, other.leaf.path
            if pair not in done:
                done.add(pair)
                _leaves(one, other, found)
        elif one is not None:
            found.add("missing", one.path, _described(one))
            lonely[0].append(one)
        elif other is not None:
            found.add("added", other.path, _described(other))
            lonely[1].append(other)
    return joined


def _leaves(one: Place, other: Place, found: Comparison) -> None:
    found.compared += 1
    left, right = one.leaf, other.leaf
    if left.role is not right.role:
        found.add("role", one.path, f"role {left.role} and {right.role}")
    both = left.trainable, right.trainable
    if Trainable.UNKNOWN not in both and both[0] is not both[1]:
        words = (trainable.name.lower() for trainable in both)
        found.add("role", one.path, "trainable {} and {}".format(*words))
    found.values(one.path, left.array, right.array)


def _described(place: Place) -> str:
    array = place.leaf.array
    text = f"{shape(array.shape)} {dtype_text(array.dtype)}"
    return f"{text}, a further name of {place.leaf.path}" if place.is_link else text


def _order(one: Snapshot, other: Snapshot, joined: dict[str, str], found: Comparison) -> None:
    """Compare the order of the weights, on which a flat vector depends."""
    theirs = {leaf.path for leaf in other.leaves if leaf.role is Role.WEIGHT}
    mine = [joined.get(leaf.path) for leaf in one.leaves if leaf.role is Role.WEIGHT]
    left = [path for path in mine if path in theirs]
    known = set(left)
    right = [leaf.path for leaf in other.leaves if leaf.path in known]
    if left != right:
        place = next(i for i, pair in enumerate(zip(left, right, strict=True)) if len({*pair}) > 1)
        words = f"the weights stand in another order, from number {place} on"
        if Order.UNKNOWN in (one.order, other.order):
            found.notes.append(f"{group_of(one.name)}: {words}; nothing states one of them")
        else:
            found.add("order", group_of(one.name), words)


def _rename(lonely: _Lonely, found: Comparison) -> None:
    """Find arrays without a partner that have the same values as others."""
    sides: list[dict[tuple[str, tuple[int, ...]], list[Place]]] = [{}, {}]
    for side, left in zip(sides, lonely, strict=True):
        for place in left:
            if not place.is_link and place.leaf.array.nbytes:
                side.setdefault(_form(place.leaf), []).append(place)
    for form in sides[0].keys() & sides[1].keys():
        hashes: list[dict[str, list[str]]] = [{}, {}]
        for known, side, file in zip(hashes, sides, found.files, strict=True):
            for place in side[form]:
                digest = streams.sha256(of_file(place.leaf.array, file))
                known.setdefault(digest, []).append(place.path)
        for digest in hashes[0]:
            if digest in hashes[1]:
                both = tuple(hashes[0][digest]), tuple(hashes[1][digest])
                found.renamed.append(Renamed(*both, digest))
    found.renamed.sort(key=lambda renamed: renamed.first)


def _form(leaf: Leaf) -> tuple[str, tuple[int, ...]]:
    return dtype_text(leaf.array.dtype.newbyteorder("<")), leaf.array.shape
