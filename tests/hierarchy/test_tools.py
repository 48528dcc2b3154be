"""Other people's tools read a file of the hierarchy: PyTables' ptdump and pandas."""

import subprocess
import sys

import h5py
import numpy as np
import pandas
from support import FIXTURES

GAIL = FIXTURES / "hierarchy" / "gail_v1.h5"


def test_ptdump_lists_every_array():
    code = "import sys; from tables.scripts.ptdump import main; sys.argv = sys.argv[1:]; main()"
    run = subprocess.run(
        [sys.executable, "-c", code, "ptdump", str(GAIL)],
        capture_output=True,
        text=True,
        check=True,
    )
    with h5py.File(GAIL) as file:
        paths = [row["path"].decode() for row in file["index"]]
    for path in [*paths, "/log", "/index", "/meta/manifest"]:
        assert f"\n{path} (" in run.stdout


def test_pandas_reads_the_log():
    frame = pandas.read_hdf(GAIL, "log")
    with h5py.File(GAIL) as file:
        log = file["log"][()]
    assert list(frame.columns) == list(log.dtype.names)
    for name in log.dtype.names:
        np.testing.assert_array_equal(frame[name].to_numpy(), log[name])
