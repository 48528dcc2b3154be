"""Real legacy files of others, in ../shared: every array, the weights, their names and order.

What is expected stands in the program that wrote a file, cited by repository, commit, file and
line, or in a list in the file; it was not taken from what the package finds.
"""

import hashlib
import shutil
from collections import Counter
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import pytest
from support import REAL, needs_shared, real_arrays_of, real_files

import legacy_weights
import legacy_weights.cli
from legacy_weights.hierarchy import check


class Truth(NamedTuple):
    """What a real file is.

    Parameters
    ----------
    family : str
    weights : dict of str to tuple of int
        The shapes of the weights, by their names, in the order that `order` qualifies.
    order : str
    cited : str
        Where the original program, or the file itself, states names and order.
    state : dict of str to tuple of int
        Likewise.
    others : dict of str to int
        How many other arrays have each role.
    status : int
        What the command exits with.
    """

    family: str
    weights: Mapping
    order: str | None
    cited: str
    state: Mapping = MappingProxyType({})
    others: Mapping = MappingProxyType({})
    status: int = 0


def numbered(*shapes):
    """Elements of a list have its positions as names."""
    digits = len(str(len(shapes) - 1))
    return {str(number).zfill(digits): shape for number, shape in enumerate(shapes)}


def single(*shape, cited, family="plain arrays"):
    return Truth(family, {"0": shape}, "stated", f"{cited}; a single array has one order")


def head(*more):
    """One head of the neural Turing machine."""
    dense = [(20,), (1,), (1,), (3,), (1,), *more]
    pairs = [shape for (units,) in dense for shape in [(100, units), (units,)]]
    return [(1, 128), *pairs]


DCGAN = "Newmu+dcgan_code/models/svhn_unsup_all_conv_dcgan_100z_gaussian_lr_0.0005_64mb/200_discrim"
DCGAN_SIDE = "svhn/svhn_semisup_analysis.py:46 loads the list, and joblib this element of it"
JOBLIB = "pypi-joblib-0.14.1/joblib_"
JOBLIB_LIST = Truth(
    "plain arrays",
    # Between them stand an array of objects and a string.
    {"0": (5,), "1": (5,), "4": (1, 3)},
    "stated",
    "joblib 0.14.1, joblib/test/data/create_numpy_pickle.py:85, the list `to_pickle`",
)
JOBLIB_SIDE = "joblib 0.14.1, joblib/test/data/create_numpy_pickle.py:85, an array of `to_pickle`"

REAL_TRUTH = {
    f"{DCGAN}_params.jl": Truth(
        "plain arrays",
        numbered(
            *[(64, 3, 5, 5), (128, 64, 5, 5), (128,), (128,)],
            *[(256, 128, 5, 5), (256,), (256,), (4096, 1)],
        ),
        "stated",
        "Newmu/dcgan_code@ee12b2d svhn/svhn_semisup_analysis.py:46, 55: the list's elements are "
        "w, w2, g2, b2, w3, g3, b3, wy",
    ),
    f"{DCGAN}_params.jl_01.npy": single(64, 3, 5, 5, cited=DCGAN_SIDE),
    f"{DCGAN}_params.jl_02.npy": single(128, 64, 5, 5, cited=DCGAN_SIDE),
    f"{DCGAN}_params.jl_03.npy": single(128, cited=DCGAN_SIDE),
    f"{DCGAN}_params.jl_04.npy": single(128, cited=DCGAN_SIDE),
    f"{DCGAN}_params.jl_05.npy": single(256, 128, 5, 5, cited=DCGAN_SIDE),
    f"{DCGAN}_params.jl_06.npy": single(256, cited=DCGAN_SIDE),
    f"{DCGAN}_params.jl_07.npy": single(256, cited=DCGAN_SIDE),
    f"{DCGAN}_params.jl_08.npy": single(4096, 1, cited=DCGAN_SIDE),
    "Theano+Theano/theano/gpuarray/tests/GpuArray.pkl": single(
        1, cited="Theano/Theano@7505f23 theano/gpuarray/tests/test_type.py:136, one GpuArray"
    ),
    "Theano+Theano/theano/sandbox/cuda/tests/CudaNdarray.pkl": single(
        1, cited="Theano/Theano@3652d76 theano/sandbox/cuda/tests/test_var.py:134, one CudaNdarray"
    ),
    "Theano+Theano/theano/tensor/signal/tests/old_pool_interface.pkl": Truth(
        "Theano",
        {},
        None,
        "Theano/Theano@7505f23 theano/tensor/signal/tests/test_pool.py:1128, a compiled function "
        "of x alone: it has no shared variable",
        others={"constant": 11},
    ),
    "andrew-shackelford+DeepLearningTutorials/code/best_model.pkl": Truth(
        "Theano",
        {"W": (784, 10), "b": (10,)},
        "stated",
        "lisa-lab/DeepLearningTutorials@11c4651 code/logistic_sgd.py:79, 88 name W and b; 113: "
        "``self.params = [self.W, self.b]``",
        others={"constant": 2},
    ),
    "florensacc+rllab-curriculum/sandbox/carlos_snn/data_share/swimmer-trpo/"
    "swimmer-trpo-50kBs-200itr-500pl-10/params.pkl": Truth(
        "rllab",
        {
            **{"hidden_0/W": (13, 32), "hidden_0/b": (32,)},
            **{"hidden_1/W": (32, 32), "hidden_1/b": (32,)},
            **{"output/W": (32, 2), "output/b": (2,), "log_std": (2,)},
        },
        "format",
        "florensacc/rllab-curriculum@effb6c4 rllab/core/parameterized.py:75 flattens get_params; "
        "rllab/core/lasagne_powered.py:17, get_all_params of rllab/policies/gaussian_mlp_policy.py"
        ":110, [l_mean, l_log_std]; rllab/core/network.py:60, 69, the layers' names",
        others={"data": 8},
    ),
    "juancamilog+kusanagi/examples/data/serial_plant_policy.zip": Truth(
        "Theano",
        {
            **{"NNPolicy_fc0>W": (5, 200), "NNPolicy_fc0>b": (200,)},
            **{"NNPolicy_fc1>W": (200, 200), "NNPolicy_fc1>b": (200,)},
            **{"NNPolicy_output>W": (200, 2), "NNPolicy_output>b": (2,)},
        },
        "stated",
        "the file's own list `param_names`; juancamilog/kusanagi@ad8cbcb "
        "kusanagi/ghost/regression/BaseRegressor.py:86, get_params goes by it; NN.py:296 has the "
        "names, and :313 trains these alone",
        state={
            "NNPolicy_sn": (1,),  # NN.py:100
            "NNPolicy>n_samples": (),  # NN.py:121
            "NNPolicy_fc1>noise_samples": (100, 200),  # layers.py:212, ``trainable=False``
            "NNPolicy_output>noise_samples": (100, 200),
        },
        others={"constant": 1},
    ),
    "kundajelab+deeplift/examples/public/tal_gata/record_4_model_ssieI_modelWeights.h5": Truth(
        "Keras",
        {
            "convolution1d_1/convolution1d_1_W": (11, 1, 4, 50),
            "convolution1d_1/convolution1d_1_b": (50,),
            "convolution1d_2/convolution1d_2_W": (11, 1, 50, 50),
            "convolution1d_2/convolution1d_2_b": (50,),
            "dense_1/dense_1_W": (50, 50),
            "dense_1/dense_1_b": (50,),
            "dense_2/dense_2_W": (50, 3),
            "dense_2/dense_2_b": (3,),
        },
        "stated",
        "the file's `layer_names` and `weight_names`; kundajelab/deeplift@2de02ed "
        "examples/public/tal_gata/record_4_model_ssieI_modelYaml.yaml, the layers and their sizes",
    ),
    "lisa-lab+pylearn2/pylearn2/crossval/cifar10_preprocessed_test.pkl": Truth(
        "unknown",
        {},
        None,
        "lisa-lab/pylearn2@234468a pylearn2/datasets/dense_design_matrix.py:163 keeps the data in "
        "a file of their own; :68, a RandomState is left",
        others={"random": 1},
    ),
    "lisa-lab+pylearn2/pylearn2/scripts/tests/model.pkl": Truth(
        "pylearn2",
        {"vb": (3,), "hb": (4,), "W": (3, 4), "Wprime": (4, 3)},
        "stated",
        "lisa-lab/pylearn2@1e5ed67 pylearn2/models/autoencoder.py:121, `_params`; names at :140 "
        "to :188; states of MRG streams by pylearn2/utils/rng.py:97, records of the monitor by "
        "pylearn2/monitor.py:264",
        others={"random": 6, "data": 8},
    ),
    f"{JOBLIB}0.10.0_compressed_pickle_py27_np17.gz": JOBLIB_LIST,
    f"{JOBLIB}0.8.4_compressed_pickle_py27_np17.gz": JOBLIB_LIST,
    f"{JOBLIB}0.9.2_pickle_py27_np17.pkl": JOBLIB_LIST,
    f"{JOBLIB}0.9.2_pickle_py27_np17.pkl_01.npy": single(5, cited=JOBLIB_SIDE),
    f"{JOBLIB}0.9.2_pickle_py27_np17.pkl_02.npy": single(5, cited=JOBLIB_SIDE),
    f"{JOBLIB}0.9.2_pickle_py27_np17.pkl_03.npy": Truth(
        "unknown",
        {},
        None,
        "joblib 0.14.1, joblib/test/data/create_numpy_pickle.py:87, an array of the objects 1, "
        "'abc' and a dict",
        status=1,
    ),
    f"{JOBLIB}0.9.2_pickle_py27_np17.pkl_04.npy": single(1, 3, cited=JOBLIB_SIDE),
    "snipsco+ntm-lasagne/models/copy.npy": Truth(
        "plain arrays",
        numbered(
            *[(1, 100), (9, 100), (100,), (20, 100), (100,)],  # the controller
            (128, 20),  # the memory
            *head((20,), (20,)),  # writes: erase and add come last
            *head(),  # reads
            *[(100, 9), (9,)],  # the dense layer behind
        ),
        "stated",
        "snipsco/ntm-lasagne@595f352, before 3be7ea9 examples/copy.py:82 saves "
        "``get_all_param_values(l_output)``; ntm/layers.py:53, ntm/controllers.py:115 and "
        "ntm/heads.py:189, 323 have the order, and a list of values has no names",
    ),
    "yandexdataschool+AgentNet/examples/2048-in-browser/weights_after_epoch2000.pcl": Truth(
        "plain arrays",
        {
            "CNN.W": (32, 15, 2, 2),
            "CNN.b": (32,),
            "QEvaluator.W": (128, 4),
            "QEvaluator.b": (4,),
            "gru1.W_hid_to_hidden_update": (128, 128),
            "gru1.W_hid_to_resetgate": (128, 128),
            "gru1.W_hid_to_updategate": (128, 128),
            "gru1.W_in_to_hidden_update": (292, 128),  # 32 filters on 3×3 places, 4 actions
            "gru1.W_in_to_resetgate": (292, 128),
            "gru1.W_in_to_updategate": (292, 128),
            "gru1.b_hidden_update": (128,),
            "gru1.b_resetgate": (128,),
            "gru1.b_updategate": (128,),
        },
        "unknown",
        "yandexdataschool/AgentNet@25530f8 agentnet/utils/persistence.py:11 keeps a dict by name; "
        "the names are printed by examples/2048-in-browser/Playing 2048.ipynb:344",
    ),
}

FILES = [row["path"] for row in real_files()]


def short(path):
    return path.rpartition("/")[2]


def read(path):
    return legacy_weights.read(REAL / path)


def shapes(leaves, role):
    return [(leaf.name, leaf.array.shape) for leaf in leaves if leaf.role == role]


@needs_shared
def test_every_real_file_has_its_truth():
    assert sorted(REAL_TRUTH) == sorted(FILES)
    assert all(truth.cited for truth in REAL_TRUTH.values())


@needs_shared
@pytest.mark.parametrize("path", FILES, ids=short)
def test_weights_names_and_order(path):
    truth, tree = REAL_TRUTH[path], read(path)
    assert tree.family == truth.family
    leaves = [leaf for snapshot in tree.snapshots for leaf in snapshot.leaves]
    assert shapes(leaves, "weight") == list(truth.weights.items())
    assert sorted(shapes(leaves, "state")) == sorted(truth.state.items())
    assert Counter(str(leaf.role) for leaf in tree.other) == truth.others
    assert [str(snapshot.order) for snapshot in tree.snapshots] == [truth.order] * bool(truth.order)
    assert {snapshot.name for snapshot in tree.snapshots} <= {"model"}


@needs_shared
@pytest.mark.parametrize("path", FILES, ids=short)
def test_the_command_says_so(path, capsys):
    assert legacy_weights.cli.main(["inspect", str(REAL / path)]) == REAL_TRUTH[path].status
    shown = capsys.readouterr().out
    truth = REAL_TRUTH[path]
    assert ("arrays    none" in shown) == (truth.status == 1)
    assert ("no array is known to be a weight" in shown) == (
        not truth.weights and bool(truth.others)
    )
    assert ("plain arrays, no known model" in shown) == (truth.family == "plain arrays")


# Every array -----------------------------------------------------------------------------------


def stated_arrays(path):
    """What ../shared/real/ARRAYS.tsv says of a file, its side files included.

    It leaves out the arrays of joblib 0.10, which dumped the same list as 0.8.4 did.
    """
    path = path.replace("joblib_0.10.0", "joblib_0.8.4")
    return Counter(
        (
            array["dtype"],
            tuple(int(n) for n in array["shape"].strip("()").split(",") if n.strip()),
            array["sha256_of_stored_bytes"],
        )
        for array in real_arrays_of({"path": path})
    )


def described(values, fortran):
    raw = values.tobytes("F" if fortran else "C")
    return values.dtype.str, values.shape, hashlib.sha256(raw).hexdigest()


@needs_shared
@pytest.mark.parametrize("path", FILES, ids=short)
def test_each_array_is_read_once(path):
    tree = read(path)
    # The parts of a flat vector are arrays that the file itself does not have.
    leaves = tree.other if "architectures" in tree.metadata else [*tree.leaves()]
    found = Counter(described(leaf.array.load(), leaf.array.fortran) for leaf in leaves)
    assert found == stated_arrays(path)


@needs_shared
@pytest.mark.parametrize("path", FILES, ids=short)
def test_every_array_is_in_the_migrated_file(path, tmp_path):
    report = legacy_weights.migrate(REAL / path, tmp_path / "out.h5")
    assert report.exit_status == REAL_TRUTH[path].status
    assert check(report.path) == []
    fortran = {leaf.path: leaf.array.fortran for leaf in report.tree.leaves()}
    with legacy_weights.open(report.path) as file:
        found = {
            described(np.asarray(file[leaf.path]), fortran[leaf.path])
            for leaf in file.tree().leaves()
        }
    assert stated_arrays(path).keys() <= found


# What a table has no place for -----------------------------------------------------------------


@needs_shared
def test_values_on_a_gpu():
    """Both tests of Theano look for -42."""
    for path in FILES:
        if "Theano+Theano" in path and "ray.pkl" in path:
            (leaf,) = read(path).snapshots[0].leaves
            assert leaf.array.dtype.name == "float32"
            assert leaf.array.load().tolist() == [-42.0]


@needs_shared
@pytest.mark.parametrize(
    "path", [path for path, truth in REAL_TRUTH.items() if truth is JOBLIB_LIST], ids=short
)
def test_values_of_joblibs_own_list(path):
    """As joblib/test/data/create_numpy_pickle.py:85 states them."""
    tree = read(path)
    found = [leaf.array.load().tolist() for leaf in tree.snapshots[0].leaves]
    assert found == [[0, 1, 2, 3, 4], [0.0, 1.0, 2.0, 3.0, 4.0], [[0, 1, 2]]]
    dtypes = [leaf.array.dtype.str for leaf in tree.snapshots[0].leaves]
    assert dtypes == ["<i8", "<f8", "<i8"]
    assert (tree.warnings, tree.partial) == ((), False)


@needs_shared
def test_a_main_file_of_joblib_alone_names_what_is_missing(tmp_path, capsys):
    shutil.copy(REAL / f"{DCGAN}_params.jl", tmp_path)
    assert legacy_weights.cli.main([str(tmp_path / "200_discrim_params.jl")]) == 1
    shown = capsys.readouterr().out
    assert "arrays    none" in shown
    for number in range(1, 9):
        assert f"200_discrim_params.jl_{number:02}.npy" in shown
    assert "scikit-learn" not in shown  # whose copy of joblib it was


@needs_shared
def test_values_of_a_zip_by_theano_stand_where_the_variables_have_them():
    (path,) = [path for path in FILES if path.endswith("plant_policy.zip")]
    origins = {origin for leaf in read(path).leaves() for origin in leaf.origins}
    assert "['NNPolicy_fc0>W'].container.storage[0]" in origins
    assert "<member 'NNPolicy_fc0>W'>" in origins
