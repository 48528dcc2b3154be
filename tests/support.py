"""Where the test data lies: `FIXTURES`, their truth `MANIFEST`, `SHARED` beside the checkout."""

import csv
import json
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FIXTURES = ROOT / "fixtures"
MANIFEST = [
    entry
    for manifest in [FIXTURES / "manifest.json", *FIXTURES.glob("families/*/manifest.json")]
    for entry in json.loads(manifest.read_text())
]
SHARED = ROOT.parent / "shared"
REAL = SHARED / "real"

needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="needs ../shared, which is missing")


def fixture(file):
    """Return the path of a fixture and its entry in the manifest."""
    (entry,) = [entry for entry in MANIFEST if entry["file"] == file]
    return FIXTURES / file, entry


def real_files():
    """Return the rows of ../shared/real/MANIFEST.tsv; none where it is missing."""
    return _rows(REAL / "MANIFEST.tsv")


def real_arrays():
    """Return the rows of ../shared/real/ARRAYS.tsv; none where it is missing."""
    return _rows(REAL / "ARRAYS.tsv")


def real_arrays_of(row):
    """Return the rows of the arrays of a real file, those in joblib's side files included."""
    side_files = f"{row['path']}_"
    return [
        array
        for array in real_arrays()
        if array["path"] == row["path"] or array["path"].startswith(side_files)
    ]


def _rows(path):
    if not path.is_file():
        return []
    with path.open(newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))
