"""Unwrapping of legacy files by content: compressed streams and archives, never by a name."""

from legacy_weights.containers._buffer import Buffer, open_buffer
from legacy_weights.containers._members import show
from legacy_weights.containers._other_worlds import describe_by_name, describe_lookalike
from legacy_weights.containers._siblings import Siblings, check_plain
from legacy_weights.containers._unwrap import Part, unwrap
from legacy_weights.containers._wrong import describe_wrong_kind

__all__ = [
    "Buffer",
    "Part",
    "Siblings",
    "check_plain",
    "describe_by_name",
    "describe_lookalike",
    "describe_wrong_kind",
    "open_buffer",
    "show",
    "unwrap",
]
