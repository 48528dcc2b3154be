"""Tools on files, legacy or migrated: look at an array, compare, verify, export.

Each takes trees (see :func:`legacy_weights.read`) or files, works on arrays in blocks, and returns
plain dataclasses; :mod:`legacy_weights.cli` prints them.
"""
