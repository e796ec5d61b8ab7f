"""Optional libraries: what a command imports with them, and what a script does."""

import subprocess
import sys

import pytest

from fivesigma.extras import COMMAND

CODE = """
import sys
from fivesigma import extras
from fivesigma.models.backend import keras
keras()
print([name for name in ("sklearn", "pandas", "IPython", "requests") if name in sys.modules])
import pandas
print(pandas.Series([1.0]).sum())
"""


@pytest.mark.parametrize("command", [True, False])
def test_a_command_imports_keras_without_companions_and_a_script_with_them(command, monkeypatch):
    pytest.importorskip("pandas")
    monkeypatch.setenv(COMMAND, "1" if command else "")
    monkeypatch.setenv("PYTHONPATH", "")
    run = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    found, total = run.stdout.splitlines()
    assert ("pandas" in found) is not command
    assert not (command and found != "[]")
    assert total == "1.0"


WRITING = """
import sys
import numpy as np
from fivesigma.data.write import write_columns
write_columns("e.parquet", [{"x": np.arange(3.0)}])
write_columns("e.csv", [{"x": np.arange(3.0)}])
print("pandas" in sys.modules)
"""


@pytest.mark.parametrize("command", [True, False])
def test_a_command_writes_without_pandas_which_arrow_would_import(command, monkeypatch, tmp_path):
    pytest.importorskip("pandas")
    monkeypatch.setenv(COMMAND, "1" if command else "")
    monkeypatch.setenv("PYTHONPATH", "")
    run = subprocess.run([sys.executable, "-c", WRITING], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert run.stdout == f"{not command}\n"
