"""Converted kernels give what Keras gave; nothing is converted that the file does not explain."""

import json

import h5py
import numpy as np
import pytest
from support import FIXTURES
from transforms.forward import convolve, convolve1d, normalize, pool

import legacy_weights
from legacy_weights.cli import main
from legacy_weights.errors import UsageError
from legacy_weights.hierarchy import check

KERAS = FIXTURES / "families/keras"


def truth(stem):
    return np.load(KERAS / f"truth/{stem}.npz")


def converted(stem, tmp_path, convert, architecture=False):
    """Migrate a file, and return its arrays by name from what was written."""
    json_file = KERAS / f"architecture/{stem}.json" if architecture else None
    report = legacy_weights.migrate(
        KERAS / f"{stem}.h5", tmp_path / "out.h5", architecture=json_file, convert=convert
    )
    assert check(report.path) == []
    with legacy_weights.open(report.path) as file:
        (snapshot,) = file.tree().snapshots
        return [file[leaf.path] for leaf in snapshot.leaves], file.tree().history


def root_of_variance(epsilon):
    """Keras 1 keeps the variance under the name of ``running_std`` (backend, Theano)."""
    return lambda variance: np.sqrt(variance + epsilon)


def deviation(epsilon):
    """Keras 0.3 keeps the deviation (layers/normalization.py, ``get_output``)."""
    return lambda std: std + epsilon


def conv_net(arrays, x, ordering, scale):
    """The net of fixtures/scripts/keras_models.py, ``convolutional``."""
    kernel, bias, *norm = arrays[:6]
    x = convolve(x, kernel, ordering) + (bias if ordering == "tf" else bias[:, None, None])
    x = pool(np.maximum(normalize(x, norm, ordering, scale), 0), ordering)
    if len(arrays) > 8:
        kernel, bias = arrays[6:8]
        x = convolve(x, kernel, ordering) + (bias if ordering == "tf" else bias[:, None, None])
    return x.reshape(len(x), -1) @ arrays[-2] + arrays[-1]


def close(found, expected):
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6 * np.abs(expected).max())


NETS = [
    ("conv_th_model_k122", "th", False, root_of_variance(1e-3)),
    ("conv_tf_model_k122", "tf", False, root_of_variance(1e-3)),
    ("conv_th_k108", "th", True, root_of_variance(1e-5)),
    ("conv_k033", "th", True, deviation(1e-6)),
]


@pytest.mark.parametrize("target", ["", "=th", "=tf"])
@pytest.mark.parametrize(("stem", "own", "architecture", "scale"), NETS)
def test_a_convolutional_net_gives_the_stored_outputs(
    tmp_path, stem, own, architecture, scale, target
):
    stored = truth(stem)
    arrays, _ = converted(stem, tmp_path, [f"keras-kernels{target}"], architecture)
    ordering = target[1:] or own
    x = stored["x0"].astype("f8")
    if ordering != own:
        x = np.moveaxis(x, 1, -1) if ordering == "tf" else np.moveaxis(x, -1, 1)
    close(conv_net([a.astype("f8") for a in arrays], x, ordering, scale), stored["y"])


def test_a_net_of_the_oldest_keras(tmp_path):
    """Keras 0.2 normalizes each place of each channel by itself, and knows no other ordering."""
    stored = truth("conv_k020")
    arrays, _ = converted("conv_k020", tmp_path, ["keras-kernels"], architecture=True)
    close(conv_net(arrays, stored["x0"], "th", deviation(1e-6)), stored["y"])
    with pytest.raises(UsageError, match="BatchNormalization"):
        legacy_weights.read(
            KERAS / "conv_k020.h5",
            architecture=KERAS / "architecture/conv_k020.json",
            convert=["keras-kernels=tf"],
        )


@pytest.mark.parametrize(("stem", "own", "architecture", "scale"), NETS)
def test_without_the_conversion_outputs_are_others(tmp_path, stem, own, architecture, scale):
    stored = truth(stem)
    arrays, history = converted(stem, tmp_path, [], architecture)
    found = conv_net(arrays, stored["x0"], own, scale)
    assert np.abs(found - stored["y"]).max() > 0.05
    assert all(step["action"] != "keras-kernels" for step in history)


@pytest.mark.parametrize(
    ("stem", "architecture"),
    [("conv1d_model_k122", False), ("conv1d_model_k108", False), ("conv1d_k033", True)],
)
def test_convolutions_of_one_dimension(tmp_path, stem, architecture):
    """All three keep (out, in, length, 1) or (length, 1, in, out), whichever they had."""
    stored = truth(stem)
    (kernel, bias, dense, last), _ = converted(stem, tmp_path, ["keras-kernels"], architecture)
    if stem != "conv1d_model_k122":
        kernel = kernel.transpose(2, 3, 1, 0)
    x = convolve1d(stored["x0"], kernel) + bias
    if architecture is False:
        x = x[:, :6].reshape(len(x), 3, 2, 3).max(axis=2)  # MaxPooling1D(2)
    close(x.reshape(len(x), -1) @ dense + last, stored["y"])


@pytest.mark.parametrize("ordering", ["th", "tf"])
@pytest.mark.parametrize("target", ["", "=th", "=tf"])
def test_convolutions_of_three_dimensions(tmp_path, ordering, target):
    stem = f"conv3d_{ordering}_model_k122"
    stored = truth(stem)
    (kernel, bias), _ = converted(stem, tmp_path, [f"keras-kernels{target}"])
    x, now = stored["x0"], target[1:] or ordering
    if now != ordering:
        x = np.moveaxis(x, 1, -1) if now == "tf" else np.moveaxis(x, -1, 1)
    found = convolve(x, kernel, now)
    found = found + (bias if now == "tf" else bias[:, None, None, None])
    if now != ordering:  # the model's output is a Flatten of its own ordering
        found = np.moveaxis(found, 1, -1) if ordering == "tf" else np.moveaxis(found, -1, 1)
    close(found.reshape(len(x), -1), stored["y"])


def test_the_history_tells_what_was_done(tmp_path):
    _, history = converted("conv_th_model_k122", tmp_path, ["keras-kernels=tf"])
    step = history[-1]
    assert step == {
        "action": "keras-kernels",
        "ordering": "tf",
        "for": "cross-correlation",
        "arrays": [
            {
                "path": "/snapshots/model/conv/conv_W",
                "done": ["flip axes 2, 3", "transpose to axes 2, 3, 1, 0"],
            },
            {
                "path": "/snapshots/model/convolution2d_1/convolution2d_1_W",
                "done": ["flip axes 2, 3", "transpose to axes 2, 3, 1, 0"],
            },
            {
                "path": "/snapshots/model/dense_1/dense_1_W",
                "done": ["reorder rows from 4×2 to 2×4"],
            },
        ],
    }


def test_a_migrated_file_can_be_converted_once(tmp_path):
    first = legacy_weights.migrate(KERAS / "conv_th_model_k122.h5", tmp_path / "plain.h5")
    second = legacy_weights.migrate(first.path, tmp_path / "out.h5", convert=["keras-kernels"])
    with h5py.File(first.path) as old, h5py.File(second.path) as new:
        kernel = "/snapshots/model/conv/conv_W"
        assert np.array_equal(new[kernel][()], old[kernel][()][:, :, ::-1, ::-1])
        bias = "/snapshots/model/conv/conv_b"
        assert np.array_equal(new[bias][()], old[bias][()])
    with pytest.raises(UsageError, match="converted already"):
        legacy_weights.read(second.path, convert=["keras-kernels"])


def test_a_model_without_convolutions_stays_as_it_is():
    tree = legacy_weights.read(KERAS / "nested_model_k122.h5", convert=["keras-kernels"])
    assert tree.history[-1]["arrays"] == []
    plain = legacy_weights.read(KERAS / "nested_model_k122.h5")
    for now, then in zip(tree.leaves(), plain.leaves(), strict=True):
        assert np.array_equal(now.array.load(), then.array.load())


@pytest.mark.parametrize(
    ("file", "convert", "said"),
    [
        ("conv_th_k108.h5", "keras-kernels", "--architecture"),
        ("conv_k033.h5", "keras-kernels", "--architecture"),
        ("weights_list_p2_k122.pkl", "keras-kernels", "plain arrays"),
        ("conv_th_model_k122.h5", "keras-kernels=nchw", "th or tf"),
        ("conv_th_model_k122.h5", "kernels", "keras-kernels"),
        ("shared_model_k122.h5", "", "keras-kernels"),
    ],
)
def test_refusals(file, convert, said):
    with pytest.raises(UsageError, match=said):
        legacy_weights.read(KERAS / file, convert=[convert])


# Models that no fixture has: architectures by hand, after Keras 1.2.2 ---------------------------


def layer(cls, name, **config):
    return {"class_name": cls, "config": {"name": name, "trainable": True, **config}}


def conv(name, ordering="th", filters=2, **config):
    settings = {"nb_filter": filters, "nb_row": 3, "nb_col": 2, "dim_ordering": ordering}
    return layer("Convolution2D", name, **{**settings, **config})


@pytest.fixture
def write(tmp_path):
    """Write a whole Sequential model: layers, and their arrays by name."""

    def write(layers, arrays, cls="Sequential", **attributes):
        path = tmp_path / "model.h5"
        with h5py.File(path, "w") as file:
            config = {"class_name": cls, "config": layers}
            file.attrs["model_config"] = json.dumps(config).encode()
            for key, value in attributes.items():
                file.attrs[key] = value
            group = file.create_group("model_weights")
            names = list(dict.fromkeys(name.partition("/")[0] for name in arrays))
            group.attrs["layer_names"] = [name.encode() for name in names]
            for name in names:
                own = [a.partition("/")[2] for a in arrays if a.startswith(f"{name}/")]
                group.create_group(name).attrs["weight_names"] = [a.encode() for a in own]
            for name, values in arrays.items():
                group[name] = values
        return path

    return write


def numbers(*shape):
    return np.arange(np.prod(shape), dtype="f4").reshape(shape)


KERNEL = numbers(2, 1, 3, 2)


def kernels(path, option=""):
    tree = legacy_weights.read(path, convert=[f"keras-kernels{option}"])
    return {leaf.name: leaf.array.load() for leaf in tree.leaves()}, tree


@pytest.mark.parametrize(
    "cls", ["Convolution2D", "AtrousConvolution2D", "Deconvolution2D", "ConvLSTM2D"]
)
def test_every_class_that_convolves_is_flipped(write, cls):
    slot = "U_f" if cls == "ConvLSTM2D" else "W"
    path = write([{**conv("c"), "class_name": cls}], {f"c/c_{slot}": KERNEL, "c/c_b": numbers(2)})
    found, _ = kernels(path)
    assert np.array_equal(found[f"c/c_{slot}"], KERNEL[:, :, ::-1, ::-1])
    assert np.array_equal(found["c/c_b"], numbers(2))


def test_wrapped_and_inner_layers_are_found(write):
    wrapped = layer("TimeDistributed", "wrap", layer=conv("c"))
    inner = {"class_name": "Sequential", "config": [conv("d")]}
    path = write([wrapped, inner], {"wrap/c_W": KERNEL, "sequential_2/d_W": KERNEL})
    found, _ = kernels(path)
    for name in ("wrap/c_W", "sequential_2/d_W"):
        assert np.array_equal(found[name], KERNEL[:, :, ::-1, ::-1])


def test_layers_that_do_not_convolve_are_left(write):
    """layers/local.py multiplies patches by the matrix as it is."""
    local = layer("LocallyConnected2D", "l", nb_filter=2, nb_row=3, nb_col=2, dim_ordering="th")
    own = layer("MyConvolution", "m", nb_filter=2, nb_row=3, nb_col=2)
    path = write([local, own], {"l/l_W": numbers(4, 6, 2), "m/m_W": KERNEL})
    found, tree = kernels(path)
    assert np.array_equal(found["l/l_W"], numbers(4, 6, 2))
    assert np.array_equal(found["m/m_W"], KERNEL)
    assert [note for note in tree.warnings if "MyConvolution" in note]


@pytest.mark.parametrize(
    ("layers", "arrays", "attributes", "said"),
    [
        ([conv("c")], {"c/c_W": numbers(2, 1, 2, 3)}, {}, "2×1×2×3"),
        ([conv("c", "tf")], {"c/c_W": KERNEL}, {}, "dim_ordering tf"),
        ([conv("c", "other")], {"c/c_W": KERNEL}, {}, "other"),
        ([conv("c", None)], {"c/c_W": KERNEL}, {}, "None"),
        ([conv("c", nb_filter=None)], {"c/c_W": KERNEL}, {}, "nb_filter None"),
        ([conv("c", nb_filter=[2])], {"c/c_W": KERNEL}, {}, "nb_filter"),
        ([conv("c")], {"c/c_W": numbers(2)}, {}, "architecture has a Convolution2D"),
        ([conv("c")], {"d/d_W": KERNEL}, {}, "which layer"),
        ([conv("c")], {"c/c_W:0": KERNEL}, {}, "TensorFlow"),
        ([conv("c")], {"c/c_W": KERNEL}, {"backend": b"tensorflow"}, "TensorFlow"),
        ([conv("c")], {"c/c_W": KERNEL}, {"keras_version": b"2.1.3"}, "2.1.3"),
        (
            [layer("SeparableConvolution2D", "s")],
            {"s/s_depthwise_kernel": KERNEL},
            {},
            "SeparableConvolution2D",
        ),
        ([], {"c/c_W": KERNEL}, {}, "no layers"),
        ({"layers": "none"}, {"c/c_W": KERNEL}, {}, "no layers"),
    ],
)
def test_what_does_not_fit_is_refused(write, layers, arrays, attributes, said):
    path = write(layers, arrays, **attributes)
    with pytest.raises(UsageError, match=said):
        kernels(path)


def images(ordering="th"):
    shape = [None, 1, 5, 4] if ordering == "th" else [None, 5, 4, 1]
    return {"batch_input_shape": shape}


FIRST = conv("c", **images())
FLAT = layer("Flatten", "f")
DENSE = layer("Dense", "d", output_dim=1)


def test_features_behind_a_flatten_are_reordered_up_to_the_dense_layer(write):
    """One place holds two channels: (c0 p0 p1 …, c1 p0 p1 …) becomes (p0 c0 c1, p1 c0 c1 …)."""
    norm = layer("BatchNormalization", "n", axis=-1, mode=0)
    path = write(
        [
            FIRST,
            layer("Dropout", "o"),
            FLAT,
            norm,
            layer("Activation", "a"),
            DENSE,
            layer("Dense", "e"),
        ],
        {
            "c/c_W": KERNEL,
            "n/n_gamma": numbers(6),
            "n/n_running_mean": numbers(6),
            "d/d_W": numbers(6, 1),
            "d/d_b": numbers(1),
            "e/e_W": numbers(6, 6),
        },
    )
    found, _ = kernels(path, "=tf")
    order = [0, 3, 1, 4, 2, 5]
    assert found["n/n_gamma"].tolist() == order
    assert found["n/n_running_mean"].tolist() == order
    assert found["d/d_W"][:, 0].tolist() == order
    assert np.array_equal(found["e/e_W"], numbers(6, 6))
    back, _ = kernels(path, "=th")
    assert back["d/d_W"][:, 0].tolist() == list(range(6))


def test_a_functional_model_is_followed_by_its_connections(write):
    def linked(entry, *names):
        name = entry["config"]["name"]
        return {
            **entry,
            "name": name,
            "inbound_nodes": [[[n, 0, 0] for n in names]] if names else [],
        }

    layers = [
        linked(layer("InputLayer", "x", **images())),
        linked(layer("InputLayer", "y", batch_input_shape=[None, 6])),
        linked(conv("c"), "x"),
        linked(FLAT, "c"),
        linked(DENSE, "f"),
        linked(layer("Dense", "e"), "y"),
        linked(layer("Merge", "m"), "d", "e"),
    ]
    arrays = {"c/c_W": KERNEL, "d/d_W": numbers(6, 1), "e/e_W": numbers(6, 1)}
    found, _ = kernels(write({"layers": layers}, arrays, cls="Model"), "=tf")
    assert found["d/d_W"][:, 0].tolist() == [0, 3, 1, 4, 2, 5]
    assert found["e/e_W"][:, 0].tolist() == list(range(6))


@pytest.mark.parametrize(
    "layers",
    [
        [FIRST, layer("Reshape", "r"), FLAT, DENSE],
        [FIRST, layer("PReLU", "p"), FLAT, DENSE],
        [FIRST, layer("Lambda", "l"), FLAT, DENSE],
        [FIRST, FLAT, layer("MaxoutDense", "p"), DENSE],
        [FIRST, layer("BatchNormalization", "n", axis=2), FLAT, DENSE],
        [FIRST, conv("k", "tf", filters=1), FLAT, DENSE],
        [layer("Dense", "e", batch_input_shape=[None, 3]), layer("Reshape", "r"), conv("c")],
        [conv("c"), FLAT, DENSE],  # what enters is not told
        [conv("c", batch_input_shape=[None, None, 5, 4]), FLAT, DENSE],
        [layer("TimeDistributed", "t", layer=conv("c", **images())), FLAT, DENSE],
        [layer("LocallyConnected2D", "l", dim_ordering="th", **images()), conv("c"), FLAT, DENSE],
    ],
)
def test_an_ordering_that_cannot_be_followed_is_refused(write, layers):
    path = write(layers, {"c/c_W": KERNEL, "d/d_W": numbers(6, 1)})
    with pytest.raises(UsageError):
        kernels(path, "=tf")


def test_rows_that_are_no_multiple_of_the_channels(write):
    path = write([FIRST, FLAT, DENSE], {"c/c_W": KERNEL, "d/d_W": numbers(5, 1)})
    with pytest.raises(UsageError, match="5 rows"):
        kernels(path, "=tf")


def test_the_command(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    path = KERAS / "conv_th_k108.h5"
    out = ["-o", str(tmp_path / "out.h5")]
    assert main([str(path), *out, "--convert", "keras-kernels"]) == 2
    assert "--architecture FILE" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
    config = str(KERAS / "architecture/conv_th_k108.json")
    assert main([str(path), *out, "--architecture", config, "--convert", "keras-kernels"]) == 0
    with h5py.File(path) as legacy, h5py.File(tmp_path / "out.h5") as new:
        kernel = legacy["conv/conv_W"][()]
        assert np.array_equal(new["snapshots/model/conv/conv_W"][()], kernel[:, :, ::-1, ::-1])
