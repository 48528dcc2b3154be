"""docs/families.md shows what the command prints, and speaks of every family that has fixtures."""

import re

import pytest
from support import FIXTURES, MANIFEST, ROOT

from legacy_weights.cli import main

TEXT = (ROOT / "docs" / "families.md").read_text()
SHOWN = re.findall(r"^```\n\$ migrate inspect (\S+)\n(.*?)^```$", TEXT, re.M | re.S)


@pytest.mark.parametrize(("path", "printed"), SHOWN, ids=[path for path, _ in SHOWN])
def test_the_shown_output_is_the_real_one(path, printed, capsys):
    assert main(["inspect", str(FIXTURES / "families" / path)]) == 0
    assert capsys.readouterr().out == printed


def test_every_folder_of_fixtures_is_told_of():
    table = (FIXTURES / "README.md").read_text()
    for folder in FIXTURES.glob("families/*/"):
        assert f"`families/{folder.name}/`" in table


def test_crafted_files_are_called_so():
    """pylearn2 and rllab are on no index of packages, and a GPU is not at hand."""
    crafted = {entry["file"].split("/")[1] for entry in MANIFEST if entry.get("crafted")}
    assert crafted == {"pylearn2", "rllab", "theano"}
    gpu = [e["file"] for e in MANIFEST if e.get("crafted") and "/theano/" in e["file"]]
    assert all("cuda" in file or "gpuarray" in file for file in gpu)
    assert all(re.search(rf"^\\| {name}.*crafted", TEXT, re.M) for name in ("pylearn2", "rllab"))


def test_the_links_lead_somewhere():
    links = re.findall(r"\]\(([^)#]+)", TEXT)
    assert links
    assert all((ROOT / "docs" / link).exists() for link in links)


def test_the_fixtures_stay_small():
    """All of them together below 5 MiB; the frozen files of old versions included."""
    files = [path for path in FIXTURES.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files if "__pycache__" not in path.parts) < 5 << 20
