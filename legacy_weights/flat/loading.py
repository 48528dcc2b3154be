"""The flat vector of a file, by the layout that the file carries."""

from __future__ import annotations

from typing import Any

import numpy as np

from legacy_weights.errors import LayoutError, UsageError
from legacy_weights.flat.errors import OrderError
from legacy_weights.flat.layout import Layout
from legacy_weights.flat.sources import open_source
from legacy_weights.flat.theta import checked_values
from legacy_weights.tree import AnyArray, Snapshot, Tree


def theta_of(layout: Layout, source: Any, snapshot: str | None, cast: bool) -> AnyArray:
    """Return the flat vector of a file; see :meth:`FlatVector.load`."""
    if not isinstance(source, str | Tree | Snapshot) and not hasattr(source, "__fspath__"):
        raise UsageError(
            f"the source is a {type(source).__name__}",
            expected="a file, a Tree or a Snapshot, which carry a layout",
            advice="Use assign() for mappings and sequences.",
        )
    opened = open_source(source, snapshot)
    opened.require_order()
    if not opened.complete:
        raise OrderError(f"{opened.title} was cut off", expected="a complete snapshot")
    offers = [offer for offer in opened.offers if offer.in_theta]
    names = [offer.name for offer in offers]
    for entry, offer in zip(layout, offers, strict=False):
        if entry.shape != offer.shape or (offer.name != entry.name and entry.name in names):
            raise LayoutError(
                f"{opened.title} has {offer.name} {offer.shape} where the variables have "
                f"{entry.name} {entry.shape}",
                expected="the same arrays in the same order",
                advice='Assign by name instead: assign(variables, source, by="name").',
            )
    if len(offers) != len(layout):
        raise LayoutError(
            f"{opened.title} has {len(offers)} arrays in its flat vector, "
            f"of {len(opened.offers)} in all",
            expected=f"{len(layout)}, as there are variables",
        )
    theta = np.empty(layout.size, layout.dtype)
    for entry, offer in zip(layout, offers, strict=True):
        values = checked_values(offer.load(), entry.shape, entry.dtype, entry.name, cast=cast)
        theta[entry.slice].reshape(entry.shape)[...] = values
    return theta
