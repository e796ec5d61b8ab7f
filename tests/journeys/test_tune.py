"""`fivesigma tune` from the command line."""

from pathlib import Path

import yaml

from .conftest import TREE


def test_tune_searches_then_runs_with_the_best(toy, command):
    space = {"model.layers": {"choice": [[4], [16]]}, "train.learning_rate": {"choice": [1e-2, 1e-6]}}
    toy.write_text(yaml.safe_dump({**TREE, "tune": {"space": space, "max_epochs": 3, "objective": "auc"}}))
    code, out, err = command("tune", toy)
    assert code == 0, err
    run = Path(out.splitlines()[-1])
    assert yaml.safe_load((run / "analysis.yaml").read_text())["train"]["learning_rate"] == 1e-2
    assert (run / "report.html").is_file()
    assert "best trials (validation)" in out
    searches = [path for path in Path("runs/toy").iterdir() if (path / "tune" / "tune.json").is_file()]
    assert len(searches) == 1
    assert searches[0] != run


def test_tune_without_a_space_says_what_to_write(toy, command):
    code, _, err = command("tune", toy)
    assert code == 2
    assert "tune.space" in err
