"""An HDF5 file as a description: every group, dataset, attribute and link, arrays lazy."""

from __future__ import annotations

from os import PathLike
from typing import Any

import numpy as np

from legacy_weights import hdf5
from legacy_weights.description import Description, describe
from legacy_weights.limits import DEFAULTS, Limits
from legacy_weights.readers import gail, hdf5_tree, keras_hdf5
from legacy_weights.readers.atoms import bytes_json, scalar_json
from legacy_weights.tree import JSON, Source, Tree

LAYOUT = 0
"""The version that a layout of the old world counts as."""


_SIGNATURE = b"\x89HDF\r\n\x1a\n"


def sniff(view: memoryview) -> bool:
    """Whether a file is HDF5: its signature stands at byte 0, 512, 1,024 and so on."""
    place = 0
    while place + len(_SIGNATURE) <= len(view):
        if view[place : place + len(_SIGNATURE)] == _SIGNATURE:
            return True
        place = place * 2 or 512
    return False


def read(
    path: str | PathLike[str], source: Source, limits: Limits = DEFAULTS
) -> Description | Tree:
    """Read an HDF5 file of the old world.

    Returns
    -------
    Description
        If it has a layout from which the steps of the hierarchy start: GAIL's.
    Tree
        If Keras wrote it; or if it is of no known program: its arrays by their paths, in no stated
        order.
    """
    file = hdf5.File(path, limits=limits)
    try:
        description = describe(file, source, version=LAYOUT, attribute=_json)
    except BaseException:
        file.close()
        raise
    if keras_hdf5.sniff(description):
        return keras_hdf5.read(description)
    return description if gail.sniff(description) else hdf5_tree.plain(description)


def _json(value: Any) -> JSON:
    """Return the value of an attribute; what is pickled in it stays bytes."""
    if isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return bytes_json(value)
    if isinstance(value, hdf5.Unread):
        return {"$unread": value.reason}
    if isinstance(value, list):
        return [_json(item) for item in value]
    if isinstance(value, np.generic):
        return scalar_json(value)
    if isinstance(value, np.ndarray):
        items: list[JSON] = [scalar_json(item) for item in value.reshape(-1)]
        if value.ndim == 0:
            return items[0]
        return {"$ndarray": items, "shape": list(value.shape), "dtype": value.dtype.str}
    return {"$unread": f"a value of type {type(value).__name__}"}
