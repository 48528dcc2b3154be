"""The versioned hierarchy: one HDF5 file that holds a legacy file's weights and explains itself."""

from legacy_weights.hierarchy.check import Finding, check
from legacy_weights.hierarchy.read import MigratedFile, is_hierarchy, open_file
from legacy_weights.hierarchy.schema import FORMAT, VERSION
from legacy_weights.hierarchy.upgrade import Upgrade, history, upgrade
from legacy_weights.hierarchy.write import Written, write

__all__ = [
    "FORMAT",
    "VERSION",
    "Finding",
    "MigratedFile",
    "Upgrade",
    "Written",
    "check",
    "history",
    "is_hierarchy",
    "open_file",
    "upgrade",
    "write",
]
