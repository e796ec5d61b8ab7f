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
print([name for name in ("sklearn", "pandas") if name in sys.modules])
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
    assert not (command and "sklearn" in found)
    assert total == "1.0"
