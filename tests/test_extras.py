"""Optional libraries: what a command imports with them, and what a script does."""

import os
import subprocess
import sys

import pytest

from fivesigma.extras import COMMAND

COMPANIONS = ("pandas", "sklearn", "IPython", "requests")
"""Empty packages of these names stand in for the real ones, so that the tests run where these are not installed."""

KERAS = """
import sys
from fivesigma.models.backend import keras
keras()
"""
WRITING = """
import sys
import numpy as np
from fivesigma.data.write import write_columns
write_columns("e.parquet", [{"x": np.arange(3.0)}])
write_columns("e.csv", [{"x": np.arange(3.0)}])
"""
AFTER = """
import pandas
print([name for name in before if name != "pandas"], "pandas" in before, pandas.__version__)
"""
NAMES = f"before = [name for name in {COMPANIONS!r} if name in sys.modules]\n"


@pytest.fixture
def imported(tmp_path, monkeypatch):
    """A function: (code, whether it is a command's) → companions but pandas, whether pandas is one, and its version."""
    for name in COMPANIONS:
        (tmp_path / "packages" / name).mkdir(parents=True)
        (tmp_path / "packages" / name / "__init__.py").write_text("__version__ = '0.1'\nSeries = DataFrame = type\n")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path / "packages"), os.environ.get("PYTHONPATH", "")]))

    def run(code, command):
        monkeypatch.setenv(COMMAND, "1" if command else "")
        script = code + NAMES + AFTER
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip().splitlines()[-1]

    return run


def test_a_command_imports_keras_without_companions(imported):
    assert imported(KERAS, True) == "[] False 0.1"  # and a package that asks for pandas itself still finds it


def test_a_script_imports_keras_with_them(imported):
    assert " True " in imported(KERAS, False)


def test_a_command_writes_without_pandas_which_arrow_would_import(imported):
    assert imported(WRITING, True) == "[] False 0.1"


def test_a_script_writes_with_it(imported):
    assert " True " in imported(WRITING, False)
