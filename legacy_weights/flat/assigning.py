"""Values from files and mappings into variables: matched first, then written, all or none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import numpy as np

from legacy_weights.errors import UsageError
from legacy_weights.flat.binding import Bound, bound
from legacy_weights.flat.cells import point
from legacy_weights.flat.errors import AssignError, CastError
from legacy_weights.flat.report import Match, Report
from legacy_weights.flat.sources import Offer, Source, open_source
from legacy_weights.flat.theta import check_dtype, checked_values
from legacy_weights.flat.vector import FlatVector
from legacy_weights.tree import AnyArray


def assign(
    variables: FlatVector | Iterable[Any] | Mapping[str, Any],
    source: Any,
    by: Literal["name", "order"] | Mapping[str, str] = "name",
    strict: bool = True,
    *,
    snapshot: str | None = None,
    cast: bool = False,
) -> Report:
    """Give variables the values that a file (or a mapping, or a sequence) has for them.

    Everything is matched, checked and loaded before the first variable changes.

    Parameters
    ----------
    variables : FlatVector, iterable or mapping of str to SharedVariable
        Integer variables are welcome here; names are those of the mapping, else the variables' own.
    source : path, Tree, Snapshot, mapping of str to array_like, or sequence of array_like
        A path may name a legacy file or a migrated one.
    by : {"name", "order"} or mapping of str to str
        ``"name"``: the variable's name is the array's name, its path, or its path within the
        snapshot.  ``"order"``: the first to the first; all arrays of the snapshot count, those
        that are not trainable too.  A mapping: names of variables to names of arrays.
    strict : bool
        Whether anything missing or unexpected is an error.
    snapshot : str, optional
        Which set of weights, if the file has several.
    cast : bool
        Whether values may be rounded to the variable's dtype.

    Returns
    -------
    Report

    Raises
    ------
    AssignError
        A shape or a dtype does not fit; or `strict`, and something is missing or unexpected.
    OrderError
        ``by="order"``, and nothing states the order of the arrays.
    """
    if isinstance(variables, FlatVector):
        flat, members = variables, variables.members
    else:
        flat, members = None, bound(variables, floats_only=False)
    opened = open_source(source, snapshot)
    pairs = _pairs(members, opened, by)
    report = _report(members, opened, pairs, cast)
    if report.misfits or (strict and not report.complete):
        raise AssignError(report, _advice(report, opened, by))
    values = [(member, _values(member, offer, cast)) for member, offer in pairs]
    if flat is None:
        point(
            [member.cell for member, _ in values],
            [_like(member.cell[0], value) for member, value in values],
        )
    else:
        flat.set(flat.flatten(flat.unflatten(flat.get()) | {m.name: v for m, v in values}))
    return report


def _pairs(members: Sequence[Bound], source: Source, by: Any) -> list[tuple[Bound, Offer]]:
    if by == "order":
        source.require_order()
        return list(zip(members, source.offers, strict=False))
    if by == "name":
        wanted = {member.name: member.name for member in members}
    elif isinstance(by, Mapping):
        wanted = {str(variable): str(name) for variable, name in by.items()}
        unknown = sorted(set(wanted) - {member.name for member in members})
        if unknown:
            raise UsageError(
                f"there is no variable called {unknown[0]!r}",
                expected=f"one of {', '.join(member.name for member in members)}",
            )
    else:
        raise UsageError(f"by is {by!r}", expected='"name", "order" or a mapping')
    offers = _by_name(source.offers)
    return [
        (member, offers[wanted[member.name]])
        for member in members
        if member.name in wanted and wanted[member.name] in offers
    ]


def _by_name(offers: Sequence[Offer]) -> dict[str, Offer]:
    """Return the offers by every name that means one of them only; own names come first."""
    names: dict[str, Offer] = {}
    for offer in offers:
        for alias in offer.aliases:
            names[alias] = offer
    ambiguous = {a for o in offers for a in o.aliases if names[a] is not o}
    names = {name: offer for name, offer in names.items() if name not in ambiguous}
    return names | {offer.name: offer for offer in offers}


def _report(
    members: Sequence[Bound], source: Source, pairs: Sequence[tuple[Bound, Offer]], cast: bool
) -> Report:
    taken = {member.name for member, _ in pairs}
    used = {id(offer) for _, offer in pairs}
    return Report(
        tuple(
            Match(
                member.name,
                offer.name,
                member.shape,
                offer.shape,
                str(member.dtype),
                offer.dtype.str,
                member.shape == offer.shape and _castable(offer.dtype, member.dtype, cast),
            )
            for member, offer in pairs
        ),
        tuple((member.name, member.shape) for member in members if member.name not in taken),
        tuple((offer.name, offer.shape) for offer in source.offers if id(offer) not in used),
    )


def _castable(found: np.dtype[Any], dtype: np.dtype[Any], cast: bool) -> bool:
    try:
        check_dtype(found, dtype, "", cast)
    except CastError:
        return False
    return True


def _advice(report: Report, source: Source, by: Any) -> str:
    if report.misfits:
        return "Shapes must be equal; a dtype may be converted with cast=True."
    if by == "order":
        theta = sum(offer.in_theta for offer in source.offers)
        return (
            f"{source.title} has {len(source.offers)} arrays, {theta} of them in its flat vector; "
            "flat.load() takes only those."
        )
    return "Pass strict=False to assign what matches, or a mapping of names as `by`."


def _values(member: Bound, offer: Offer, cast: bool) -> AnyArray:
    values = checked_values(offer.load(), member.shape, member.dtype, member.name, cast=cast)
    return np.array(values, member.dtype, order="C")


def _like(present: Any, values: AnyArray) -> Any:
    """Return the values where the present ones are: in NumPy, or on a JAX device."""
    if isinstance(present, np.ndarray) or not hasattr(present, "sharding"):
        return values
    import jax

    return jax.device_put(values, present.sharding)
