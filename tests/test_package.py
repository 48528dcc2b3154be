"""What importing costs, and what the package is."""

import subprocess
import sys

HEAVY = "{'pytensor', 'jax', 'tables', 'matplotlib', 'gymnasium'}"


def loaded(code):
    check = f"{code}\nimport sys; print(sorted({HEAVY} & set(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True)
    return result.stdout.splitlines()[-1]


def test_importing_is_cheap():
    assert loaded("import legacy_weights") == "[]"
    assert loaded("import legacy_weights; legacy_weights.read") == "[]"


def test_a_migration_imports_neither_pytensor_nor_jax(tmp_path):
    code = (
        "import pickle, pathlib, numpy, legacy_weights.cli\n"
        f"path = pathlib.Path({str(tmp_path)!r}) / 'a.pkl'\n"
        "path.write_bytes(pickle.dumps([numpy.ones(3)], 2))\n"
        "assert legacy_weights.cli.main([str(path), '-q']) == 0\n"
    )
    assert loaded(code) == "['tables']"


def test_help_imports_no_numpy():
    code = "import legacy_weights.cli, contextlib, io\n"
    code += "with contextlib.redirect_stdout(io.StringIO()): legacy_weights.cli.main(['--help'])\n"
    check = f"{code}import sys; print('numpy' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True)
    assert result.stdout.splitlines()[-1] == "False"
