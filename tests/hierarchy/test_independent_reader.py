"""docs/hierarchy.md is enough to read a file: examples, listings, the reader, the flat vector."""

import hashlib
import json
import re
import shutil
import subprocess

import h5py
import independent_reader
import pytest
from support import FIXTURES, ROOT

import legacy_weights
from legacy_weights.hierarchy.check import Finding, check
from legacy_weights.hierarchy.schema import Row

DOC = (ROOT / "docs" / "hierarchy.md").read_text()
FROZEN = sorted((FIXTURES / "hierarchy").glob("*_v1.h5"))
OF_EVERY_FORM = (
    "families/blocks/adam_t105.tar.gz",
    "families/dill/class_p0_d025.pkl",
    "families/dill/subclasses_p0_d025.pkl",
    "families/dill/subclasses_p4_d041.pkl",
    "families/foreign/frame_p2_s020.pkl",
    "families/joblib/row_j011.pkl",
    "families/user/list_subclass_p2_t105.pkl",
    "gail/model.h5",
    "pickles/stdlib/numbers_p0.pkl",
    "pickles/stdlib/persistent_all_p0.pkl",
)
"""Genuine files whose records have nearly every key and form that there is."""
LISTINGS = dict(
    re.findall(r"\((?:`fixtures/hierarchy/)?`?(\w+_v1\.h5)`\):\n\n```\n(.*?)\n```", DOC, re.S)
)


def listing(path):
    """Return what ``h5ls -r`` prints, made by h5py."""
    lines = ["/                        Group"]

    def note(name, item):
        kind = "Group"
        if isinstance(item, h5py.Dataset):
            sides = [
                f"{side}/Inf" if limit is None else str(side)
                for side, limit in zip(item.shape, item.maxshape, strict=True)
            ]
            kind = f"Dataset {{{', '.join(sides) or 'SCALAR'}}}"
        lines.append(f"{f'/{name}':<24} {kind}")

    with h5py.File(path) as file:
        file.visititems(note)
    return "\n".join(lines)


def test_four_kinds_of_file_are_listed():
    assert len(LISTINGS) == 4


@pytest.mark.parametrize("name", LISTINGS)
def test_the_listing_is_what_h5ls_prints(name):
    path = FIXTURES / "hierarchy" / name
    assert listing(path) == LISTINGS[name]
    if shutil.which("h5ls"):
        printed = subprocess.run(["h5ls", "-r", path], capture_output=True, text=True, check=True)
        assert printed.stdout.rstrip() == LISTINGS[name]


def test_the_columns_of_the_index_are_those_of_the_page():
    section = DOC[DOC.index("## The index") : DOC.index("- Strings are UTF-8")]
    assert re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE) == list(Row.model_fields)


def test_the_rules_are_those_that_the_check_has():
    section = DOC[DOC.index("## What a check proves") : DOC.index("## Versions")]
    cells = re.findall(r"^\| (`.*?) \|", section, re.MULTILINE)
    stated = Finding.__doc__
    known = stated[stated.index("rule :") : stated.index("message :")]
    named = re.findall(r"`(\w+)`", " ".join(cells))
    assert sorted(named) == sorted(re.findall(r"``(\w+)``", known))


@pytest.mark.parametrize("path", FROZEN, ids=lambda path: path.stem)
def test_frozen_files_are_read_by_the_page_alone(path):
    assert check(path) == []
    with legacy_weights.open(path) as file:
        found = independent_reader.load(path)
        assert found.keys() == file.arrays().keys()
        for place, array in file.arrays().items():
            ours = array.load()
            assert (found[place].dtype, found[place].shape) == (ours.dtype, ours.shape)
            assert found[place].tobytes() == ours.tobytes()
        for snapshot in file.manifest.snapshots:
            for entry in snapshot.theta:
                flat = independent_reader.theta(path, snapshot.name, entry.dtype)
                assert flat.shape == (entry.size,)
                assert hashlib.sha256(flat.tobytes()).hexdigest() == entry.sha256


def test_every_form_of_a_record_is_on_the_page():
    section = DOC[DOC.index("## Records") : DOC.index("## The documents")]
    text, table = section.split("| JSON | is |")
    keys, forms = set(), set()
    for path in OF_EVERY_FORM:
        for record in legacy_weights.read(FIXTURES / path).records():
            keys |= record.content.keys()
            waiting = [*record.content.values()]
            while waiting:
                value = waiting.pop()
                if isinstance(value, dict):
                    forms |= {key for key in value if key.startswith("$")}
                    waiting += value.values()
                elif isinstance(value, list):
                    waiting += value
    assert {"attributes", "base", "callable", "items", "pairs", "state"} <= keys
    assert {"$masked", "$pickles", "$members", "$referenced", "$ndarray", "$int"} <= forms
    assert keys <= set(re.findall(r"`(\w+)`", text))
    assert forms <= set(re.findall(r'"(\$\w+)"', table))


def test_a_path_is_a_name_after_the_table_of_the_page():
    path = FIXTURES / "hierarchy" / "names_v1.h5"
    with h5py.File(path) as file:
        names = {row["path"].decode(): row["name"].decode() for row in file["index"]}
    for place, name in names.items():
        component = place.removeprefix("/snapshots/model/")
        if "%~" not in component:
            decoded = re.sub(r"%([0-9A-F]{2})", lambda m: chr(int(m[1], 16)), component)
            told = re.sub(r"%([0-9A-F]{2})", lambda m: chr(int(m[1], 16)), name)
            assert decoded.removesuffix("%") == told.removesuffix("%")
        else:
            assert component.endswith(hashlib.sha256(name.encode()).hexdigest()[:16])


def test_the_embedded_schema_is_the_one_in_the_repository():
    text = (ROOT / "legacy_weights/hierarchy/schema_v1.json").read_text()
    for path in FROZEN:
        with h5py.File(path) as file:
            assert file["/meta/schema"][()].decode() == text
    assert json.loads(text)["properties"]["format_version"]["const"] == 1
