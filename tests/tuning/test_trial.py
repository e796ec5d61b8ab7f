"""One trial of a search."""

import numpy as np
import pytest

from fivesigma.analysis.file import validate
from fivesigma.events import Events
from fivesigma.tuning.trial import Trial, advance


def events(seed):
    generator = np.random.default_rng(seed)
    target = generator.integers(0, 2, 300)
    x = (generator.normal(0, 1, (300, 2)) + target[:, None]).astype(np.float32)
    number = np.arange(300, dtype=np.uint64) + np.uint64(1000 * seed)
    return Events(
        x, ("a", "b"), target, np.ones(300), np.zeros((300, 0), np.float32), (), ("no", "yes"), event_number=number
    )


def test_a_trial_over_its_budget_has_failed_and_says_why(tmp_path):
    pytest.importorskip("hgq", reason="HGQ2 is not installed")
    model = {"kind": "quantised", "layers": [3], "beta": [1e-8, 1e-7], "budget": {"ebops": 1}}
    analysis = validate(
        {
            "features": ["a", "b"],
            "labels": {"variable": "y", "names": ["no", "yes"]},
            "model": model,
            "train": {"epochs": 2},
        },
        "test",
    )
    parts = {"train": events(1), "val": events(2)}
    (half,) = advance([1], [analysis], parts, [tmp_path / "last.npz"], 1)
    assert half.failure is None
    (whole,) = advance([1], [analysis], parts, [tmp_path / "last.npz"], 2)
    assert "no step of the training is within model.budget" in whole.failure


def test_an_undefined_value_of_one_epoch_is_not_the_best():
    assert Trial(1, {}, history=[np.nan, 0.3, 0.5]).best("loss", 3) == 0.3
    assert Trial(1, {}, history=[0.3, np.nan]).best("auc", 2) == 0.3
    assert Trial(1, {}, history=[np.nan, np.inf]).best("loss", 2) is None
    assert Trial(1, {}, history=[]).best("loss", 2) is None
