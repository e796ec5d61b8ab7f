"""`fivesigma.testing` as a package: light to import, and free of pytest."""

import subprocess
import sys

import pytest

import fivesigma.testing


def test_every_name_is_there():
    for name in fivesigma.testing.__all__:
        assert callable(getattr(fivesigma.testing, name))
    with pytest.raises(AttributeError, match="check_nothing"):
        _ = fivesigma.testing.check_nothing


def test_the_import_loads_nothing_heavy():
    heavy = ("jax", "keras", "numpy", "pyarrow", "pydantic", "pytest")
    code = f"import sys, fivesigma.testing; print([name for name in {heavy} if name in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_no_suite_needs_pytest():
    modules = ", ".join(
        f"fivesigma.testing.{name}" for name in ("baselines", "exporters", "losses", "metrics", "models", "readers")
    )
    code = f"import sys; sys.modules['pytest'] = None; import {modules}"
    subprocess.run([sys.executable, "-c", code], check=True)
