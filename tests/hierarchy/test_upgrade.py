"""Versions of the hierarchy: a step of this test alone proves the machinery.

Version 2 here has one more attribute of the root, and nothing else; the frozen files are of
version 1.
"""

import sys
import types
from dataclasses import replace
from typing import Literal

import h5py
import numpy as np
import pytest
from support import FIXTURES

import legacy_weights
from legacy_weights import migrations
from legacy_weights.errors import UsageError, VersionError, WriteError
from legacy_weights.hierarchy import check, document, read, schema, upgrade
from legacy_weights.hierarchy.upgrade import history

FROZEN = sorted((FIXTURES / "hierarchy").glob("*_v1.h5"))
checking = sys.modules["legacy_weights.hierarchy.check"]
upgrading = sys.modules["legacy_weights.hierarchy.upgrade"]


def with_version(found, version, attributes):
    """Return a description that says another version, and these attributes of its root."""
    manifest = {**found.documents[document.MANIFEST], "format_version": version}
    documents = {
        **found.documents,
        document.MANIFEST: manifest,
        document.SCHEMA: f"the schema of version {version}",
    }
    root = {**attributes, "format_version": version}
    return replace(
        found,
        version=version,
        documents=documents,
        attributes={**found.attributes, "/": root},
    )


def up(found):
    return with_version(found, 2, {**found.attributes["/"], "motto": "new in version 2"})


def down(found):
    kept = {name: v for name, v in found.attributes["/"].items() if name != "motto"}
    back = with_version(found, 1, kept)
    documents = {**back.documents, document.SCHEMA: schema.released_schema(1)}
    return replace(back, documents=documents)


class Manifest2(schema.Manifest):
    format_version: Literal[2]


@pytest.fixture
def version_2(monkeypatch):
    """A program whose newest version is 2."""
    step = types.ModuleType("legacy_weights.migrations.m0002_motto", "Adds a motto.")
    step.FROM, step.TO, step.upgrade, step.downgrade = 1, 2, up, down
    monkeypatch.setattr(migrations, "STEPS", (*migrations.STEPS, step))
    for module in (schema, document, read):
        monkeypatch.setattr(module, "VERSION", 2)
    monkeypatch.setattr(document, "Manifest", Manifest2)
    monkeypatch.setattr(checking, "released_schema", lambda n: f"the schema of version {n}")
    return step


@pytest.fixture(params=FROZEN, ids=lambda path: path.stem)
def frozen(request):
    return request.param


def content(path):
    """Everything in a file but the history and what names the version, by h5py."""
    found = {}

    def note(name, item):
        if isinstance(item, h5py.Dataset) and name not in ("meta/history", "meta/schema"):
            found[name] = item[()].tobytes() if item.shape else item[()]
            found[f"{name} form"] = item.maxshape, item.compression
        found[f"{name} attributes"] = dict(item.attrs)

    with h5py.File(path) as file:
        file.visititems(note)
        found["links"] = {k: file.get(k, getlink=True).__class__.__name__ for k in file}
    found["meta/manifest"] = found["meta/manifest"].replace(
        b'"format_version": 2', b'"format_version": 1'
    )
    return found


def test_there_are_frozen_files_of_every_kind():
    assert len(FROZEN) >= 4


def test_an_older_file_is_read_as_a_new_one_with_a_notice(frozen, version_2):
    with legacy_weights.open(frozen) as file:
        assert file.format_version == 1
        assert "version 1" in file.notice
        assert "migrate upgrade" in file.notice
        tree = file.tree()
        assert tree.warnings[-1] == file.notice
        assert tree.history[-1]["step"] == "m0002_motto"
        with h5py.File(frozen) as h5:
            for row in h5["index"]:
                stored = h5[row["path"].decode()]
                array = file[row["path"].decode()]
                if stored.dtype == array.dtype:
                    np.testing.assert_array_equal(array, stored[()])
    assert check(frozen) == []


def test_it_is_read_without_a_notice_by_the_program_of_its_version(frozen):
    with legacy_weights.open(frozen) as file:
        assert file.notice == ""
    assert check(frozen) == []


def test_an_upgrade_is_seen_in_the_file(frozen, tmp_path, version_2):
    done = upgrade(frozen, tmp_path / "new.h5")
    assert (done.found, done.wanted, done.steps, done.written) == (1, 2, ("m0002_motto",), True)
    with h5py.File(tmp_path / "new.h5") as file:
        assert file.attrs["motto"] == b"new in version 2"
        assert file.attrs["format_version"] == 2
    assert check(tmp_path / "new.h5") == []
    new, old = content(tmp_path / "new.h5"), content(frozen)
    assert new == old
    *_, last = history(tmp_path / "new.h5")
    assert last == {"action": "upgrade", "from": 1, "to": 2, "step": "m0002_motto"}


def test_a_downgrade_gives_the_old_file_back(frozen, tmp_path, version_2):
    upgrade(frozen, tmp_path / "new.h5")
    upgrade(tmp_path / "new.h5", tmp_path / "old.h5", to=1)
    assert content(tmp_path / "old.h5") == content(frozen)
    with h5py.File(tmp_path / "old.h5") as file:
        assert "motto" not in file.attrs


def test_a_step_without_a_way_back_is_not_undone(frozen, tmp_path, version_2):
    upgrade(frozen, tmp_path / "new.h5")
    del version_2.downgrade
    with pytest.raises(UsageError, match="m0002_motto cannot be undone"):
        upgrade(tmp_path / "new.h5", tmp_path / "old.h5", to=1)


class TestInPlace:
    def test_the_file_is_replaced_and_no_backup_left(self, frozen, tmp_path, version_2):
        path = tmp_path / "model.h5"
        path.write_bytes(frozen.read_bytes())
        assert upgrade(path, in_place=True).path == path
        assert [entry.name for entry in tmp_path.iterdir()] == ["model.h5"]
        with h5py.File(path) as file:
            assert file.attrs["format_version"] == 2

    def test_a_result_that_fails_the_check_changes_nothing(self, frozen, tmp_path, version_2):
        path = tmp_path / "model.h5"
        path.write_bytes(frozen.read_bytes())
        version_2.upgrade = lambda found: with_version(found, 2, {"format": "legacy-weights"})
        with pytest.raises(WriteError, match="does not pass the check"):
            upgrade(path, in_place=True)
        assert path.read_bytes() == frozen.read_bytes()
        assert [entry.name for entry in tmp_path.iterdir()] == ["model.h5"]

    def test_the_name_is_never_that_of_a_file_that_was_not_checked(
        self, frozen, tmp_path, version_2, monkeypatch
    ):
        path = tmp_path / "model.h5"
        path.write_bytes(frozen.read_bytes())
        seen = []

        def checked(written):
            seen.append((path.read_bytes(), (tmp_path / "model.h5.backup").read_bytes()))
            with h5py.File(written) as file:
                seen.append(file.attrs["format_version"])
            return check(written)

        monkeypatch.setattr(upgrading, "check", checked)
        upgrade(path, in_place=True)
        assert seen == [(frozen.read_bytes(), frozen.read_bytes()), 2]

    def test_a_run_that_was_killed_before_it_changed_anything_is_done_again(
        self, frozen, tmp_path, version_2
    ):
        path = tmp_path / "model.h5"
        path.write_bytes(frozen.read_bytes())
        (tmp_path / "model.h5.backup").hardlink_to(path)
        upgrade(path, in_place=True)
        assert [entry.name for entry in tmp_path.iterdir()] == ["model.h5"]
        assert check(path) == []
        with h5py.File(path) as file:
            assert file.attrs["format_version"] == 2

    def test_of_a_symbolic_link_the_file_is_replaced(self, frozen, tmp_path, version_2):
        path, link = tmp_path / "model.h5", tmp_path / "link.h5"
        path.write_bytes(frozen.read_bytes())
        link.symlink_to("model.h5")
        assert upgrade(link, in_place=True).path == link
        assert link.is_symlink()
        assert sorted(entry.name for entry in tmp_path.iterdir()) == ["link.h5", "model.h5"]
        with h5py.File(path) as file:
            assert file.attrs["format_version"] == 2

    def test_a_backup_of_another_run_is_not_touched(self, frozen, tmp_path, version_2):
        path = tmp_path / "model.h5"
        path.write_bytes(frozen.read_bytes())
        (tmp_path / "model.h5.backup").write_bytes(b"all that is left")
        with pytest.raises(UsageError, match="backup is there already"):
            upgrade(path, in_place=True)
        assert (tmp_path / "model.h5.backup").read_bytes() == b"all that is left"
        assert path.read_bytes() == frozen.read_bytes()


def test_a_dry_run_writes_nothing(frozen, tmp_path, version_2):
    path = tmp_path / "model.h5"
    path.write_bytes(frozen.read_bytes())
    done = upgrade(path, dry_run=True)
    assert (done.steps, done.written) == (("m0002_motto",), False)
    assert path.read_bytes() == frozen.read_bytes()


def test_the_newest_version_needs_no_step(frozen):
    done = upgrade(frozen)
    assert (done.found, done.wanted, done.steps, done.written) == (1, 1, (), False)


@pytest.mark.parametrize("wanted", [0, 2, -1])
def test_there_is_no_such_version(frozen, tmp_path, wanted):
    with pytest.raises(UsageError, match=f"no version {wanted}"):
        upgrade(frozen, tmp_path / "new.h5", to=wanted)


def test_a_newer_file_is_refused_with_both_versions(frozen, tmp_path):
    path = tmp_path / "newer.h5"
    path.write_bytes(frozen.read_bytes())
    with h5py.File(path, "r+") as file:
        file.attrs["format_version"] = np.int64(7)
    for refused in (legacy_weights.open, legacy_weights.read, upgrade, check):
        with pytest.raises(VersionError, match=r"version 7.*version 1") as caught:
            refused(path)
        assert caught.value.exit_status == 3


def test_a_target_must_be_named_once(frozen, tmp_path, version_2):
    with pytest.raises(UsageError, match="no target"):
        upgrade(frozen)
    with pytest.raises(UsageError, match="in place"):
        upgrade(frozen, tmp_path / "x.h5", in_place=True)
    (tmp_path / "x.h5").write_bytes(b"")
    with pytest.raises(UsageError, match="exists already"):
        upgrade(frozen, tmp_path / "x.h5")
