"""Keras files: the order that the file states, and files that state it badly."""

import json

import h5py
import numpy as np
import pytest
from support import FIXTURES, REAL, fixture, needs_shared

import legacy_weights
from legacy_weights.errors import LegacyWeightsError
from legacy_weights.hierarchy import check

KERAS = FIXTURES / "families/keras"


def values(*shape):
    return np.arange(np.prod(shape, dtype=int), dtype="f4").reshape(shape)


@pytest.fixture
def write(tmp_path):
    """Write an HDF5 file: ``write({"/group": {"attribute": value}}, {"/path": array})``."""

    def write(attributes, arrays):
        path = tmp_path / "weights.h5"
        with h5py.File(path, "w") as file:
            for name, array in arrays.items():
                file[name] = array
            for group, found in attributes.items():
                file.require_group(group)
                for key, value in found.items():
                    file[group].attrs[key] = value
        return path

    return write


def read(path):
    return legacy_weights.read(path)


def names(path):
    tree = read(path)
    return [leaf.name for snapshot in tree.snapshots for leaf in snapshot.leaves]


@needs_shared
def test_a_real_file_has_the_order_that_its_attributes_state():
    path = (
        REAL / "kundajelab+deeplift/examples/public/tal_gata/record_4_model_ssieI_modelWeights.h5"
    )
    with h5py.File(path) as file:  # an independent reader of the file's own lists
        listed = [
            f"{layer.decode()}/{weight.decode()}"
            for layer in file.attrs["layer_names"]
            for weight in file[layer.decode()].attrs["weight_names"]
        ]
    assert listed == [
        "convolution1d_1/convolution1d_1_W",
        "convolution1d_1/convolution1d_1_b",
        "convolution1d_2/convolution1d_2_W",
        "convolution1d_2/convolution1d_2_b",
        "dense_1/dense_1_W",
        "dense_1/dense_1_b",
        "dense_2/dense_2_W",
        "dense_2/dense_2_b",
    ]
    tree = read(path)
    (snapshot,) = tree.snapshots
    assert [leaf.name for leaf in snapshot.leaves] == listed
    assert snapshot.order == "stated"
    assert snapshot.order_note == "`layer_names` and `weight_names`"
    assert {leaf.trainable for leaf in snapshot.leaves} == {-1}


def test_a_model_in_a_model_keeps_the_order_of_its_list():
    """Keras lists what is trained before what is not (engine/topology.py, ``Layer.weights``)."""
    tree = read(KERAS / "nested_model_k122.h5")
    (snapshot,) = tree.snapshots
    inner = [leaf for leaf in snapshot.leaves if leaf.name.startswith("inner/")]
    assert [(leaf.name.removeprefix("inner/"), leaf.role, leaf.trainable) for leaf in inner] == [
        ("first_W", "weight", 1),
        ("first_b", "weight", 1),
        ("norm_gamma", "weight", 1),
        ("norm_beta", "weight", 1),
        ("last_W", "weight", 1),
        ("last_b", "weight", 1),
        ("norm_running_mean", "state", 0),
        ("norm_running_std", "state", 0),
        ("frozen_W", "weight", 0),
        ("frozen_b", "weight", 0),
    ]
    assert inner[0].path == "/snapshots/model/inner/first_W"
    assert inner[0].origins == ("/model_weights/inner/first_W",)


def test_a_whole_model_keeps_its_configuration(tmp_path):
    path = KERAS / "dense_model_k122.h5"
    with h5py.File(path) as file:
        config = json.loads(file.attrs["model_config"])
        training = json.loads(file.attrs["training_config"])
    report = legacy_weights.migrate(path, tmp_path / "out.h5")
    with legacy_weights.open(report.path) as file:
        tree = file.tree()
        records = {record.path for record in tree.records()}
    assert tree.metadata["model_config"] == config
    assert tree.metadata["training_config"] == training
    assert training["optimizer_config"]["class_name"] == "Adam"
    assert tree.metadata["keras_version"] == "1.2.2"
    memory = [leaf.name for leaf in tree.other if leaf.role == "optimizer"]
    assert memory == [f"param_{number}" for number in range(9)]
    assert records >= {"/", "/model_weights"}


def test_numbered_arrays_are_in_numeric_order(write):
    arrays = {f"/layer_0/param_{n}": np.full(1, n, "f4") for n in range(12)}
    path = write({"/": {"nb_layers": 1}, "/layer_0": {"nb_params": 12}}, arrays)
    tree = read(path)
    (snapshot,) = tree.snapshots
    assert [leaf.array.load()[0] for leaf in snapshot.leaves] == list(range(12))
    assert snapshot.order == "format"
    assert any("running averages" in note for note in tree.warnings)


def test_long_lists_are_cut_into_several_attributes(write):
    """keras/engine/saving.py, ``save_attributes_to_hdf5_group``."""
    path = write(
        {
            "/": {"layer_names0": [b"b"], "layer_names1": [b"a"]},
            "/b": {"weight_names0": [b"two"], "weight_names1": [b"one"]},
            "/a": {"weight_names": np.zeros(0)},
        },
        {"/b/one": values(1), "/b/two": values(2)},
    )
    assert names(path) == ["b/two", "b/one"]


def test_names_with_slashes(write):
    """A layer ``fire2/squeeze`` makes groups inside groups (``f.create_group(layer.name)``)."""
    path = write(
        {"/": {"layer_names": [b"fire2/a"]}, "/fire2/a": {"weight_names": [b"fire2/a_W"]}},
        {"/fire2/a/fire2/a_W": values(2)},
    )
    tree = read(path)
    assert [leaf.path for leaf in tree.leaves()] == ["/snapshots/model/fire2/a/fire2/a_W"]


def test_names_that_are_no_ascii(write):
    layer = "schicht_ä"
    path = write(
        {"/": {"layer_names": [layer.encode()]}, f"/{layer}": {"weight_names": [b"W", b"\xff"]}},
        {f"/{layer}/W": values(2), f"/{layer}".encode() + b"/\xff": values(1)},
    )
    assert names(path) == [f"{layer}/W", f"{layer}/\udcff"]


def test_what_no_list_names_is_kept_beside_the_weights(write, tmp_path):
    path = write(
        {"/": {"layer_names": [b"a"]}, "/a": {"weight_names": [b"W"]}},
        {"/a/W": values(2), "/a/extra": values(3), "/texts": np.array([b"x"])},
    )
    tree = read(path)
    assert [(leaf.path, leaf.role) for leaf in tree.other] == [
        ("/other/unclassified/a/extra", "other"),
        ("/other/data/texts", "data"),
    ]
    report = legacy_weights.migrate(path, tmp_path / "out.h5")
    assert report.verified == 3
    assert check(report.path) == []


def test_a_link_is_the_array_that_it_names(write):
    path = write(
        {"/": {"layer_names": [b"a", b"b"]}, "/a": {"weight_names": [b"W"]}, "/b": {}},
        {"/a/W": values(2), "/store": values(3)},
    )
    with h5py.File(path, "r+") as file:
        file["b/W"] = h5py.SoftLink("/store")
        file["b/again"] = h5py.SoftLink("/a/W")
        file["b"].attrs["weight_names"] = [b"W", b"again"]
    tree = read(path)
    assert [leaf.name for leaf in tree.snapshots[0].leaves] == ["a/W", "b/W"]
    assert any("/b/again is listed" in note for note in tree.warnings)


BAD = {
    "layer_names is a number": {"/": {"layer_names": 3}, "/a": {"weight_names": [b"W"]}},
    "layer_names are numbers": {"/": {"layer_names": [1, 2]}, "/a": {"weight_names": [b"W"]}},
    "a layer is missing": {"/": {"layer_names": [b"a", b"gone"]}, "/a": {"weight_names": [b"W"]}},
    "an array is missing": {"/": {"layer_names": [b"a"]}, "/a": {"weight_names": [b"W", b"no"]}},
    "a name is empty": {"/": {"layer_names": [b"a", b""]}, "/a": {"weight_names": [b"W", b""]}},
    "names repeat": {"/": {"layer_names": [b"a", b"a/"]}, "/a": {"weight_names": [b"W", b"./W"]}},
    "weight_names is text": {"/": {"layer_names": [b"a"]}, "/a": {"weight_names": b"W"}},
    "weight_names is a table": {"/": {"layer_names": [b"a"]}, "/a": {"weight_names": [[b"W"]]}},
    "counts are huge": {"/": {"nb_layers": 2**62}, "/layer_0": {"nb_params": 2**62}},
    "counts are negative": {"/": {"nb_layers": -1}, "/layer_0": {"nb_params": -1}},
    "counts are lists": {"/": {"nb_layers": [1, 2]}, "/layer_0": {"nb_params": b"2"}},
    "nb_params is text": {"/": {"nb_layers": 1}, "/layer_0": {"nb_params": b"2"}},
    "config is no JSON": {"/": {"layer_names": [b"a"], "model_config": b"{"}, "/a": {}},
    "config is a list": {"/": {"layer_names": [b"a"], "model_config": b"[1]"}, "/a": {}},
    "config is deep": {"/": {"layer_names": [b"a"], "model_config": b"[" * 60000}, "/a": {}},
    "config is number": {"/": {"layer_names": [b"a"], "model_config": 1.5}, "/a": {}},
}


@pytest.mark.parametrize("attributes", BAD.values(), ids=BAD)
def test_no_array_is_lost_by_bad_lists(write, tmp_path, attributes):
    path = write(attributes, {"/a/W": values(2), "/layer_0/param_0": values(3)})
    report = legacy_weights.migrate(path, tmp_path / "out.h5")
    assert report.verified == 2
    assert check(report.path) == []
    plain = report.tree.family == "plain arrays"
    assert plain or report.tree.warnings or attributes["/"].get("layer_names")


def test_cut_files_are_refused(tmp_path):
    path, _ = fixture("families/keras/dense_model_k122.h5")
    raw = path.read_bytes()
    cut = tmp_path / "cut.h5"
    cut.write_bytes(raw[: len(raw) // 2])
    with pytest.raises(LegacyWeightsError, match=r"cut\.h5"):
        read(cut)
