"""The flat parameter vector: shared variables seen, set and differentiated as one theta.

``import legacy_weights.flat`` imports neither PyTensor nor JAX; what needs them imports them.
"""

from legacy_weights.flat.assigning import assign
from legacy_weights.flat.errors import AssignError, BindingError, CastError, OrderError
from legacy_weights.flat.gradient import flat_grad
from legacy_weights.flat.layout import Entry, Layout
from legacy_weights.flat.report import Match, Report
from legacy_weights.flat.trial import Trial
from legacy_weights.flat.vector import FlatVector

__all__ = [
    "AssignError",
    "BindingError",
    "CastError",
    "Entry",
    "FlatVector",
    "Layout",
    "Match",
    "OrderError",
    "Report",
    "Trial",
    "assign",
    "flat_grad",
]
