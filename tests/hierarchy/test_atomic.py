"""Files that are there whole or not at all."""

import os
import subprocess
import sys

import pytest

from legacy_weights.errors import UsageError, WriteError
from legacy_weights.hierarchy import atomic


@pytest.fixture
def target(tmp_path):
    return tmp_path / "out.h5"


def put(target, content, *, overwrite=False):
    with atomic.written_beside(str(target), overwrite=overwrite) as temporary:
        assert os.path.dirname(temporary) == str(target.parent)
        with open(temporary, "w") as file:
            file.write(content)


def test_it_appears_when_it_is_complete(target):
    with atomic.written_beside(str(target), overwrite=False) as temporary:
        assert not target.exists()
        with open(temporary, "w") as file:
            file.write("new")
    assert target.read_text() == "new"
    assert os.listdir(target.parent) == ["out.h5"]


def test_a_failure_leaves_nothing(target):
    target.write_text("old")
    with pytest.raises(KeyError), atomic.written_beside(str(target), overwrite=True):
        raise KeyError
    assert target.read_text() == "old"
    assert os.listdir(target.parent) == ["out.h5"]


def test_an_existing_target(target):
    target.write_text("old")
    with pytest.raises(UsageError, match="exists already"):
        put(target, "new")
    assert target.read_text() == "old"
    put(target, "new", overwrite=True)
    assert target.read_text() == "new"


def test_a_target_that_another_run_made_meanwhile(target):
    with pytest.raises(UsageError, match="meantime"):  # noqa: SIM117
        with atomic.written_beside(str(target), overwrite=False):
            target.write_text("theirs")
    assert target.read_text() == "theirs"
    assert os.listdir(target.parent) == ["out.h5"]


def test_a_disk_without_hard_links(target, monkeypatch):
    def link(*_):
        raise PermissionError(1, "no links")

    monkeypatch.setattr(os, "link", link)
    put(target, "new")
    assert target.read_text() == "new"
    with pytest.raises(UsageError, match="meantime"):  # noqa: SIM117
        with atomic.written_beside(str(target.with_name("b")), overwrite=False):
            target.with_name("b").write_text("theirs")
    assert sorted(os.listdir(target.parent)) == ["b", "out.h5"]


def test_a_symbolic_link_is_replaced_and_not_followed(target):
    pointed = target.with_name("precious")
    pointed.write_text("precious")
    target.symlink_to(pointed)
    with pytest.raises(UsageError):
        put(target, "new")
    put(target, "new", overwrite=True)
    assert pointed.read_text() == "precious"
    assert not target.is_symlink()
    target.unlink()
    target.symlink_to("nowhere")
    with pytest.raises(UsageError):
        put(target, "new")


def test_wrong_places(target):
    with pytest.raises(UsageError, match="directory"):
        put(target.parent, "new", overwrite=True)
    with pytest.raises(UsageError, match="no directory"):
        put(target / "x", "new")


def test_a_place_where_one_may_not_write(target, monkeypatch):
    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(WriteError, match=r"Permission denied\. Choose a place"):
        put(target, "new")


def test_leftovers_of_a_killed_run_are_removed(target):
    code = (
        "import os, sys; from legacy_weights.hierarchy import atomic\n"
        "with atomic.written_beside(sys.argv[1], overwrite=False): os._exit(9)"
    )
    subprocess.run([sys.executable, "-c", code, str(target)], check=False)
    (left,) = os.listdir(target.parent)
    assert left.startswith(".out.h5.")
    others = {".out.h5.x.part", ".out.h5b.00000000-1-00000000.part", "out.h5.part"}
    for other in others:
        target.with_name(other).touch()
    with atomic.written_beside(str(target), overwrite=False):
        # That of a running process, this one, stays.
        put(target, "other run")
        assert len(os.listdir(target.parent)) == len(others) + 2
        target.unlink()
    assert set(os.listdir(target.parent)) == {"out.h5", *others}


def test_long_names(tmp_path):
    for name in ("x" * 255, "é" * 127):
        put(tmp_path / name, "new")
        assert (tmp_path / name).read_text() == "new"


def test_a_relative_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with atomic.written_beside("out.h5", overwrite=False) as temporary:
        assert os.path.exists(temporary)
    assert os.listdir() == ["out.h5"]
