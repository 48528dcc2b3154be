"""Readers of legacy files: from streams to a tree."""

from legacy_weights.readers.assemble import tree as tree
from legacy_weights.readers.hdf5_file import read as read_hdf5
from legacy_weights.readers.hdf5_file import sniff as is_hdf5

__all__ = ["is_hdf5", "read_hdf5", "tree"]
