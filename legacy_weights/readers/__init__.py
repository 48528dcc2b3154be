"""Readers of legacy files: from streams to a tree."""

from legacy_weights.readers.assemble import tree as tree
