"""Permutation importance: of what the score uses, and of nothing else."""

import numpy as np
import pytest

from fivesigma.metrics.importance import importance


def drawn(seed=1, events=4000):
    generator = np.random.default_rng(seed)
    features = generator.normal(0, 1, (events, 3)).astype(np.float32)
    mass = generator.normal(0, 1, (events, 1)).astype(np.float32)
    return features, mass, generator


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_what_is_used_is_important_and_what_is_not_is_not(task):
    features, mass, generator = drawn()
    truth = 3 * features[:, 0] + features[:, 1] + mass[:, 0]
    target = truth if task == "regression" else (truth + generator.logistic(0, 0.5, len(truth)) > 0).astype(int)

    def score(x, m):
        answer = 3 * x[:, 0] + x[:, 1] + m[:, 0]
        probability = 1 / (1 + np.exp(-2 * answer))
        return {"regression": answer, "binary": probability, "multiclass": np.column_stack([1 - probability, probability])}[
            task
        ]

    found = importance(score, (features, mass), target, np.ones(len(target)), task)
    assert len(found) == 4
    assert found[0].value > 3 * found[1].value > 0
    assert found[2].value == 0
    assert found[3].value == pytest.approx(found[1].value, rel=0.3)
    assert 0 < found[0].error < 0.2 * found[0].value


def test_the_error_is_the_spread_of_the_whole_thing():
    values, errors = [], []
    for seed in range(20):
        features, mass, generator = drawn(seed, 2000)
        target = (features[:, 0] + generator.logistic(0, 1, 2000) > 0).astype(int)
        one = importance(lambda x, m: x[:, 0], (features, mass), target, np.ones(2000), "binary", seed=seed)[0]
        values.append(one.value)
        errors.append(one.error)
    assert np.mean(errors) == pytest.approx(np.std(values), rel=0.4)
