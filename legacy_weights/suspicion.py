"""What is said of a file's calls outside of known data types, and which files are refused."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence

from legacy_weights.errors import RefusedError
from legacy_weights.tree import Call, Tree

EXPLOITS = "calls that only an attack makes: "
OUTSIDE = "calls outside known data types: "
_NAMED = 6
_LONGEST = 80


def notices(calls: Sequence[Call]) -> list[str]:
    """Return what a report says of calls: at most a line each on exploits and on the others."""
    found = []
    for kind, text in ((True, EXPLOITS), (False, OUTSIDE)):
        some = [call for call in calls if call.exploit is kind]
        if some:
            found.append(f"{len(some):,} {text}{_named(some)}; none was made")
    return found


def _named(calls: Sequence[Call]) -> str:
    shown = [f"{_cut(call.name)} ({_place(call)})" for call in itertools.islice(calls, _NAMED)]
    return ", ".join(shown) + (f", … {len(calls) - _NAMED:,} more" if len(calls) > _NAMED else "")


def _place(call: Call) -> str:
    inside = f"member {_cut(call.member)!r}, " if call.member else ""
    return f"{inside}{call.opcode}, byte {call.offset:,}"


def _cut(name: str) -> str:
    return name if len(name) <= _LONGEST else f"{name[:_LONGEST]}…"


def is_notice(warning: str, text: str) -> bool:
    """Whether a warning is the notice that begins with a count and `text`."""
    return warning.partition(" ")[2].startswith(text)


def ordered(calls: Iterable[Call]) -> tuple[Call, ...]:
    """Return calls, exploits first."""
    return tuple(sorted(calls, key=lambda call: not call.exploit))


def check(tree: Tree, *, strict: bool, hostile: bool) -> None:
    """Refuse a file for what it calls.

    Parameters
    ----------
    tree : Tree
    strict : bool
        Whether any call outside of known data types is too much.
    hostile : bool
        Whether calls that only an attack makes are let pass.

    Raises
    ------
    RefusedError
        With the offset of the first such call.
    """
    first = tree.calls[0] if tree.calls else None
    if first is not None and ((first.exploit and not hostile) or strict):
        what = "what only an attack calls" if first.exploit else "what makes no known kind of data"
        where = f"byte {first.offset:,}"
        more = f" (and {len(tree.calls) - 1:,} more)" if len(tree.calls) > 1 else ""
        raise RefusedError(
            f"the pickle calls {_cut(first.name)} by {first.opcode}{more}, {what}; nothing was run",
            where=f"member {first.member!r}, {where}" if first.member else where,
            advice="It is a program and no model: do not load it with pickle, numpy or joblib. "
            "`migrate inspect` shows what it holds"
            if first.exploit
            else "Without --strict it is read, and the call kept as a record",
        )
    if strict and any(
        is_notice(note, OUTSIDE) or is_notice(note, EXPLOITS) for note in tree.warnings
    ):
        raise RefusedError(
            "the file that this one was made of has calls outside known data types",
            advice="Without --strict it is read",
        )
