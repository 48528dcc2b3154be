"""The errors that only flat vectors have, one for each rule; lengths and shapes are LayoutError."""

from __future__ import annotations

from typing import TYPE_CHECKING

from legacy_weights.errors import UsageError

if TYPE_CHECKING:
    from legacy_weights.flat.report import Report


class BindingError(UsageError):
    """These variables cannot be bound, or not in this way."""


class CastError(UsageError):
    """Values would have to change their dtype, and nobody asked for that."""


class OrderError(UsageError):
    """The order of the arrays is not known, and the order was to be relied on."""


class AssignError(UsageError):
    """What a source holds and what the variables need do not agree.

    Attributes
    ----------
    report : Report
        What matched, what is missing, what was unexpected, and what did not fit.
    """

    def __init__(self, report: Report, advice: str) -> None:
        super().__init__(str(report), advice=advice)
        self.report = report
