"""The page on plug-ins: its code is that of the example package, or runs as it stands."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import yaml
from pyarrow import feather

import fivesigma as fs
from fivesigma import plugins, testing
from fivesigma.baselines.base import Sample

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))


def blocks(section):
    return re.findall(r"```python\n(.*?)```", SECTIONS[section], re.DOTALL)


@pytest.fixture
def example(monkeypatch):
    """The example package on the path, as if it were installed."""
    monkeypatch.syspath_prepend(str(ROOT / "examples" / "plugin"))
    import fivesigma_example.arrow
    import fivesigma_example.fisher
    import fivesigma_example.quantile
    import fivesigma_example.residual
    import fivesigma_example.signal_efficiency
    import fivesigma_example.zipped

    return fivesigma_example


@pytest.fixture(autouse=True)
def private_registries(monkeypatch):
    """What a block registers is gone afterwards."""
    for registry in plugins.REGISTRIES.values():
        monkeypatch.setattr(registry, "registered", {})
    monkeypatch.setattr(plugins, "functions", {})


@pytest.mark.parametrize("section", ["A reader", "A model", "A loss", "A metric", "A baseline", "An export format"])
def test_code_is_a_part_of_the_file_that_is_linked(section):
    (link,) = re.findall(r"\[whole file\]\(\.\./(.+?)\)", SECTIONS[section])
    assert blocks(section)[0] in (ROOT / link).read_text(encoding="utf-8")


def test_a_network_of_a_script_trains_as_the_page_says(toy, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    given = {"analysis": fs.load(toy), "fs": fs}
    exec(blocks("A model")[1], given)
    assert given["run"].analysis.model.kind == "custom"
    done = subprocess.run(
        [sys.executable, "-m", "fivesigma", "predict", given["run"].path, "test.csv", "-o", "out.parquet", "-q"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_a_metric_of_a_notebook_is_reported_and_work_stays_in_this_process(toy, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tree = {**yaml.safe_load(toy.read_text(encoding="utf-8")), "split": {"folds": 2}}
    toy.write_text(yaml.safe_dump(tree), encoding="utf-8")
    given = {"analysis": toy, "fs": fs}
    exec(blocks("In a notebook")[0], given)
    found = given["run"].metrics["test"]["brier"]
    assert 0 < found["value"] < 0.25
    assert found["error"] > 0
    with pytest.raises(fs.FivesigmaError, match="do not know metric 'brier', which this script has registered"):
        fs.run(toy, {"train.monitor": "brier"}, output="other", cluster="tcp://localhost:1")
    with pytest.raises(fs.FivesigmaError, match="there is a metric 'auc' already"):
        fs.register("metrics", plugins.metrics.get("auc"))


def test_every_kind_of_the_example_keeps_the_rules_as_the_page_says(example):
    def write(path, columns):
        feather.write_feather(pa.table(columns), path)

    checks = {name: getattr(testing, name) for name in testing.__all__}
    kinds = {
        "ARROW": example.arrow.ARROW,
        "FISHER": example.fisher.FISHER,
        "QUANTILE": example.quantile.QUANTILE,
        "RESIDUAL": example.residual.RESIDUAL,
        "SIGNAL_EFFICIENCY": example.signal_efficiency.SIGNAL_EFFICIENCY,
        "ZIPPED": example.zipped.ZIPPED,
    }
    (block,) = blocks("Tests")
    assert set(re.findall(r"check_\w+", block)) == set(testing.__all__)
    exec(block, {**checks, **kinds, "write": write})


def test_weights_count_exactly_in_a_discriminant(example):
    testing.check_baseline(example.fisher.FISHER, tolerance=1e-6)


def test_a_discriminant_is_that_of_two_gaussians_whatever_else_is_given(example):
    generator = np.random.default_rng(1)
    target, weight = generator.integers(0, 2, 100_000), generator.uniform(0.5, 1.5, 100_000)
    x = 1e6 * generator.normal(2 * target, 1)
    for others in ([], [np.full_like(x, 3.0), np.full_like(x, np.nan), 1e-3 * generator.normal(size=len(x))]):
        inputs = np.column_stack([x, *others]).astype(np.float32)
        model = example.fisher.Discriminant.fit(None, Sample(inputs, target, weight), None, 2, None)
        right = 1 / (1 + np.exp(-2 * (x / 1e6 - 1)))
        assert np.abs(model.score(inputs) - right).mean() < 0.01


@pytest.mark.parametrize("quantile", [0.05, 0.9])
def test_every_quantile_keeps_the_rules(example, quantile):
    testing.check_loss(example.quantile.QUANTILE, example.quantile.Quantile(quantile=quantile))
