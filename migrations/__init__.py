"""The steps by which one version of the hierarchy becomes the next.

Each step is a module ``mNNNN_*.py`` with ``FROM``, ``TO`` and ``upgrade``; a step that was
released never changes.
"""

from legacy_weights.migrations import m0001_gail

STEPS = (m0001_gail,)
"""All steps, in order."""
