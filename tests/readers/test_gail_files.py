"""GAIL's files migrate whole: every array, log row and attribute equals what h5py reads."""

import json

import h5py
import numpy as np
import pytest
from support import FIXTURES, SHARED

import legacy_weights
from legacy_weights.hierarchy import check

LOGS = [
    *sorted((SHARED / "gail").glob("*.h5")),
    *(FIXTURES / "gail" / f"{name}.h5" for name in ("gibbs_two_layers", "gaussian_one_layer")),
    *(FIXTURES / "gail" / f"{name}.h5" for name in ("gaussian_no_obsnorm", "tensorflow")),
]
TRAJECTORIES = [FIXTURES / "gail" / f"trajectories_{kind}.h5" for kind in ("padded", "episodes")]


def datasets(file):
    found = {}
    file.visititems(lambda n, o: found.update({n: o}) if isinstance(o, h5py.Dataset) else None)
    return found


@pytest.mark.parametrize("path", [*LOGS, *TRAJECTORIES], ids=lambda path: path.stem)
def test_everything_is_there(path, tmp_path):
    report = legacy_weights.migrate(path, tmp_path / "out.h5")
    assert check(report.path) == []
    with h5py.File(path) as source, legacy_weights.open(report.path) as file:
        tree = file.tree()
        found = {leaf.origins[0]: file[leaf.path] for leaf in tree.leaves()}
        for name, dataset in datasets(source).items():
            values = dataset[()]
            if dataset.dtype.names is None:
                assert found.pop(f"/{name}").tobytes() == np.asarray(values).tobytes()
            else:
                (log,) = [table for table in tree.tables if table.path == f"/{name}"]
                assert list(log.columns) == list(dataset.dtype.names)
                for column, array in log.columns.items():
                    assert array.dtype == dataset.dtype[column]
                    assert array.load().tobytes() == values[column].tobytes()
        assert found == {}
        records = {record.path: record.content["attributes"] for record in file.records()}
        for name, item in [("/", source), *((f"/{n}", source[n]) for n in names(source))]:
            kept = records.get(name, {})
            assert set(kept) == set(item.attrs)
            for key in item.attrs:
                assert same(kept[key], item.attrs[key]), (name, key)


def names(source):
    found = []
    source.visit(found.append)
    return found


def same(kept, value):
    if isinstance(value, h5py.Empty):
        return kept in ("", {"$unread": kept.get("$unread")} if isinstance(kept, dict) else "")
    if isinstance(kept, dict) and "$scalar" in kept:
        return np.dtype(kept["dtype"]) == value.dtype and kept["$scalar"] == value.item()
    text = value.decode() if isinstance(value, bytes) else value
    return kept == text


@pytest.mark.parametrize("path", LOGS, ids=lambda path: path.stem)
def test_arguments_are_structured(path):
    with h5py.File(path) as source:
        args = json.loads(source.attrs["args"])
    tree = legacy_weights.read(path)
    assert tree.metadata["args"] == args
    assert tree.default_snapshot == tree.snapshots[-1].name
    for snapshot in tree.snapshots:
        assert snapshot.order == "format"
        assert snapshot.iteration == int(snapshot.name.removeprefix("iter"))
        state = {leaf.name.rpartition("/")[2] for leaf in snapshot.leaves if leaf.role == "state"}
        assert {name.removesuffix(":0") for name in state} <= {"count", "mean_1_D", "meansq_1_D"}


@pytest.mark.parametrize("path", LOGS, ids=lambda path: path.stem)
def test_the_hash_is_provenance(path):
    with h5py.File(path) as source:
        hashes = {name: group.attrs["hash"] for name, group in source["snapshots"].items()}
    for snapshot in legacy_weights.read(path).snapshots:
        kept = hashes[snapshot.name]
        assert snapshot.legacy_hash == (kept.decode() if isinstance(kept, bytes) else kept)


def test_a_half_written_snapshot_is_kept_and_named(tmp_path):
    report = legacy_weights.migrate(FIXTURES / "gail" / "unclosed.h5", tmp_path / "out.h5")
    assert report.exit_status == 0
    with legacy_weights.open(report.path) as file:
        complete = [snapshot.complete for snapshot in file.snapshots.values()]
        assert complete == [True, False]
        tree = file.tree()
    assert tree.partial
    assert tree.default_snapshot == "iter0000000"
    assert any("iter0000001 is incomplete" in warning for warning in tree.warnings)


def test_a_model_by_save_h5_is_one_snapshot():
    path = FIXTURES / "gail" / "model.h5"
    (snapshot,) = legacy_weights.read(path).snapshots
    with h5py.File(path) as source:
        assert {leaf.name for leaf in snapshot.leaves} == set(datasets(source))
    assert snapshot.leaves[0].name == "GaussianPolicy/logstdevs_1_Da"


def test_trajectories_are_told_apart():
    kinds = [legacy_weights.read(path).metadata["trajectories"] for path in TRAJECTORIES]
    assert kinds == ["padded", "episodes"]
    assert all(legacy_weights.read(path).snapshots == () for path in TRAJECTORIES)


def test_pickled_attributes_stay_bytes(tmp_path):
    payload = b"cos\nsystem\n(S'touch /tmp/never'\ntR."
    with h5py.File(tmp_path / "log.h5", "w") as file:
        file.create_group("snapshots/iter0000000/GibbsPolicy/out/AffineLayer")
        file["snapshots/iter0000000/GibbsPolicy/out/AffineLayer/W"] = np.ones((2, 3))
        file.attrs["args"] = np.bytes_(b'{"env_name": "CartPole-v0"}')
        file.attrs["results"] = np.void(payload)
        file["elsewhere"] = h5py.ExternalLink("/etc/passwd", "/x")
        file["loop"] = h5py.SoftLink("/loop")
    tree = legacy_weights.read(tmp_path / "log.h5")
    (root,) = [record for record in tree.records() if record.path == "/"]
    assert "touch" in json.dumps(root.content) or payload.hex() in json.dumps(root.content)
    assert any("/elsewhere is not read" in warning for warning in tree.warnings)
