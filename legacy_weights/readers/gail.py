"""Reads the HDF5 files of GAIL (openai/imitation): logs, models, trajectories.

``policyopt/nn.py`` writes them: ``TrainingLog`` keeps a table ``/log`` and one group a snapshot
below ``/snapshots``; ``Model.save_h5`` puts the arrays of one model at the root;
``TrajBatch.save_h5`` and ``scripts/vis_mj.py`` write trajectories.
"""

from __future__ import annotations

from legacy_weights.description import Description
from legacy_weights.families import gail


def sniff(description: Description) -> bool:
    """Whether a file has the layout of one of GAIL's programs."""
    if gail.trajectory_kind(description.arrays) is not None:
        return True
    if "/snapshots" in description.groups:
        return "/log" in description.tables or "args" in description.attributes.get("/", {})
    if "/log" in description.tables and "args" in description.attributes.get("/", {}):
        return True
    names = [path for path in description.arrays if path.count("/") > 1]
    return bool(names) and len(names) == len(description.arrays) and gail.order_names(names)[1]
