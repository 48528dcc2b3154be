"""A reader of migrated files, written from docs/hierarchy.md alone: h5py, NumPy and JSON."""

import json

import h5py
import numpy as np


def rows_of(file):
    """Return the rows of the index as dictionaries, long texts put back."""
    manifest = json.loads(file["/meta/manifest"][()])
    index = file["/index"]
    rows = [dict(zip(index.dtype.names, row.tolist(), strict=True)) for row in index[()]]
    for row in rows:
        for name, value in row.items():
            row[name] = value.decode() if isinstance(value, bytes) else value
    for entry in manifest["long_texts"]:
        rows[entry["row"]][entry["column"]] = entry["text"]
    return rows


def dtype_of(described):
    """Return the dtype that a row describes: its text, or JSON of a structure."""
    if isinstance(described, str):
        return dtype_of(json.loads(described)) if described[0] == "{" else np.dtype(described)
    if "base" in described:
        return np.dtype((dtype_of(described["base"]), tuple(described["shape"])))
    stated = ("names", "offsets", "itemsize", "titles")
    fields = {name: described[name] for name in stated if name in described}
    return np.dtype({**fields, "formats": [dtype_of(part) for part in described["formats"]]})


def load(path, snapshot=None):
    """Return every array of a file, or of one snapshot, by path."""
    with h5py.File(path) as file:
        return {
            row["path"]: restored(file[row["path"]][...], row)
            for row in rows_of(file)
            if snapshot is None or row["snapshot"] == snapshot
        }


def restored(stored, row):
    """Return an array as the legacy file had it: the bytes are its own."""
    shape, dtype = json.loads(row["shape"]), dtype_of(row["dtype"])
    if 0 in shape or not dtype.itemsize:
        return np.zeros(shape, dtype)
    return np.ascontiguousarray(stored).reshape(-1).view(dtype).reshape(shape)


def theta(path, snapshot, dtype):
    """Return the flat vector of a snapshot, little endian."""
    with h5py.File(path) as file:
        rows = [row for row in rows_of(file) if row["snapshot"] == snapshot and row["start"] >= 0]
        rows = [row for row in rows if np.dtype(row["dtype"]).newbyteorder("<").str == dtype]
        rows.sort(key=lambda row: row["start"])
        parts = [restored(file[row["path"]][...], row).ravel() for row in rows]
    return np.concatenate(parts).astype(dtype)
