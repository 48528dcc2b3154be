"""The check finds what h5py changed behind its back, all at once."""

import json
import shutil

import h5py
import numpy as np
import pytest
from hierarchy.samples import rich_tree
from hierarchy.test_read import alter_index, alter_manifest

from legacy_weights.errors import UnreadableError
from legacy_weights.hierarchy import check, write


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    path = tmp_path_factory.mktemp("rich") / "rich.h5"
    write(rich_tree(), path)
    return path


@pytest.fixture
def path(original, tmp_path):
    return shutil.copy(original, tmp_path / "copy.h5")


def replaced(h5, path, value):
    del h5[path]
    h5[path] = value


ALTERED = {
    ("sha256", "/snapshots/model/conv1/W"): lambda h5: h5["snapshots/model/conv1/W"].write_direct(
        np.zeros((4, 3))
    ),
    ("theta", "/snapshots/model"): lambda h5: alter_manifest(
        h5, lambda m: m["snapshots"][0]["theta"][0].update(sha256="0" * 64)
    ),
    ("content", "/snapshots/model/surplus"): lambda h5: h5.update({"snapshots/model/surplus": 1}),
    ("content", "/surplus"): lambda h5: h5.create_group("surplus"),
    ("content", "/snapshots/model/half"): lambda h5: h5.pop("snapshots/model/half"),
    ("content", "/snapshots/model/mean"): lambda h5: replaced(
        h5, "snapshots/model/mean", np.zeros((3, 2))
    ),
    ("link", "/snapshots/model/tied/W"): lambda h5: replaced(
        h5, "snapshots/model/tied/W", h5py.SoftLink("/log")
    ),
    ("content", "/snapshots/best/tied/W"): lambda h5: replaced(h5, "snapshots/best/tied/W", 1.0),
    ("link", "/snapshots/way"): lambda h5: h5.update({"snapshots/way": h5py.SoftLink("/log")}),
    ("link", "/way"): lambda h5: h5.update({"way": h5py.ExternalLink("x.h5", "/x")}),
    ("content", "/type"): lambda h5: h5.update({"type": np.dtype("f8")}),
    ("attribute", "/snapshots/best"): lambda h5: h5["snapshots/best"].attrs.update(complete=1),
    ("attribute", "/"): lambda h5: h5.attrs.update(source_size=1),
    ("attribute", "/snapshots/model/conv1"): lambda h5: h5["snapshots/model/conv1"].attrs.update(
        long=np.zeros(3000)
    ),
    ("attribute", "/log"): lambda h5: h5["log"].attrs.update(bomb=np.bytes_(b"cos\nabort\n(tR.")),
    ("attribute", "/other"): lambda h5: h5["other"].attrs.update(reference=h5.ref),
    ("table", "/log"): lambda h5: h5["log"].write_direct(np.zeros(5, h5["log"].dtype)),
    ("readable", "/log"): lambda h5: replaced(h5, "log", np.zeros(5)),
    ("schema", "/meta/schema"): lambda h5: replaced(h5, "meta/schema", np.bytes_(b"{}")),
    ("schema", "/meta/args"): lambda h5: replaced(h5, "meta/args", np.bytes_(b"{")),
    ("records", "/meta/records"): lambda h5: replaced(
        h5, "meta/records", np.frombuffer(b'{"id": 1, "path": "", "class": ""}', "u1")
    ),
    ("index", "/snapshots/model/conv1/b"): lambda h5: alter_index(h5, 2, "start", 13),
    ("readable", "/index"): lambda h5: alter_index(h5, 2, "trainable", 7),
}


@pytest.mark.parametrize(("rule", "place"), ALTERED)
def test_each_rule(path, rule, place):
    assert check(path) == []
    with h5py.File(path, "r+") as h5:
        ALTERED[rule, place](h5)
    findings = check(path)
    assert (rule, place) in {(finding.rule, finding.path) for finding in findings}
    assert all(finding.message for finding in findings)


def test_all_findings_at_once(path):
    together = [key for key in ALTERED if key[0] not in ("readable", "index")]
    with h5py.File(path, "r+") as h5:
        for key in together:
            if key != ("theta", "/snapshots/model"):
                ALTERED[key](h5)
    found = {(finding.rule, finding.path) for finding in check(path)}
    assert found >= set(together)


def test_records_point_to_what_there_is(path):
    lines = [
        {"id": 1, "path": "", "class": "", "state": [{"$array": "/snapshots/model/gone"}]},
        {"id": 2, "path": "", "class": "", "state": {"a": {"$ref": 7}, "b": {"$ref": 1}}},
        {"path": ""},
        [],
    ]
    with h5py.File(path, "r+") as h5:
        text = "\n".join(map(json.dumps, lines)).encode()
        replaced(h5, "meta/records", np.frombuffer(text, "u1"))
    messages = [finding.message for finding in check(path) if finding.rule == "records"]
    assert any("no array '/snapshots/model/gone'" in message for message in messages)
    assert any("no record 7" in message for message in messages)
    assert sum("it is no record" in message for message in messages) == 2


def test_what_cannot_be_opened(tmp_path):
    with pytest.raises(UnreadableError):
        check(tmp_path / "gone.h5")
