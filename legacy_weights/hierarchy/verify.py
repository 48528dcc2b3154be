"""Reading back what was written, and comparing it with what was to be written."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain

import numpy as np

from legacy_weights import hdf5
from legacy_weights.errors import LegacyWeightsError, WriteError
from legacy_weights.hashing import BLOCK, blocks
from legacy_weights.hierarchy.check import record_hash, structure, tables
from legacy_weights.hierarchy.plan import Item
from legacy_weights.hierarchy.read import MigratedFile
from legacy_weights.hierarchy.schema import Manifest, Row
from legacy_weights.tree import AnyArray

ADVICE = "Nothing was kept; the disk or the memory of this machine may be at fault"


def verify(
    path: str,
    manifest: Manifest,
    rows: list[Row],
    items: list[Item],
    *,
    load: Callable[[Item], AnyArray],
    done: Callable[[AnyArray], None],
) -> int:
    """Compare a file that was written with what was to be written, the arrays bit for bit.

    Parameters
    ----------
    path : str
    manifest : Manifest
    rows : list of Row
    items : list of Item
    load : callable
        Returns the array of an item once more.
    done : callable
        Called with each array that was compared.

    Returns
    -------
    int
        How many arrays were compared.

    Raises
    ------
    WriteError
        Something differs.
    """
    try:
        with MigratedFile(path) as file:
            if file.manifest != manifest or list(file.contents.rows.values()) != rows:
                raise WriteError("its index reads back differently", where="/", advice=ADVICE)
            nodes: dict[str, hdf5.Node] = {}
            for finding in chain(structure(file, nodes), tables(file), record_hash(file)):
                raise WriteError(finding.message, where=finding.path, advice=ADVICE)
            opened = file.hdf5
            assert isinstance(opened, hdf5.File)  # what was just written is no older version
            buffer = np.empty(BLOCK, np.uint8)
            compared = 0
            for item in items:
                if not item.target:
                    values = load(item)
                    if not reads_back(opened, nodes[item.path], values, buffer):
                        what = "it reads back with other values"
                        raise WriteError(what, where=item.path, advice=ADVICE)
                    compared += 1
                    done(values)
            return compared
    except LegacyWeightsError as error:
        if error.file != path:
            raise
        what = f"it does not read back: {error.found}"
        raise WriteError(what, where=error.where, advice=ADVICE) from error


def reads_back(file: hdf5.File, node: hdf5.Node | None, values: AnyArray, buffer: AnyArray) -> bool:
    """Tell whether a dataset is that of an array, bit for bit."""
    if not isinstance(node, hdf5.Dataset) or node.nbytes != values.nbytes:
        return False
    offset = node.offset
    for block in blocks(values):
        if offset is None:
            return False
        if len(block) > len(buffer):  # one element larger than a block
            buffer = np.empty(len(block), np.uint8)
        found = buffer[: len(block)]
        file.read_into(found.data, offset, node.path)
        if not np.array_equal(found, np.frombuffer(block, np.uint8)):
            return False
        offset += len(block)
    return True
