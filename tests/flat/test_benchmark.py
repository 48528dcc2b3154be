import runpy
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "flat.py"


def test_the_benchmark_runs(capsys, monkeypatch):
    pytest.importorskip("jax")
    monkeypatch.setattr(sys, "argv", ["flat.py", "A", "--seconds", "0.01"])
    runpy.run_path(str(SCRIPT), run_name="__main__")
    printed = capsys.readouterr().out
    for row in (
        "host set",
        "host get(out=)",
        "JAX set of a host theta",
        "JAX set of a device theta",
    ):
        assert row in printed
