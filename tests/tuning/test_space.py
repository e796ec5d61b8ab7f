"""The search space."""

import math
from decimal import Decimal

import numpy as np
import pytest

from fivesigma.analysis.file import load, validate
from fivesigma.errors import AnalysisError
from fivesigma.tuning.hyperband import brackets, total_epochs
from fivesigma.tuning.space import distinct, draw, grid, size, values_of


def space(**ranges):
    keys = {f"train.{key}": value for key, value in ranges.items()}
    return validate({"features": "x", "labels": "y", "tune": {"space": keys}}, "test").tune.space


def test_values_of_every_kind_of_range():
    ranges = space(a={"choice": [[1], "b"]}, b={"int": [28, 112], "step": 28}, c={"float": [0.1, 0.3], "step": 0.1})
    assert values_of("a", ranges["train.a"]) == [[1], "b"]
    assert values_of("b", ranges["train.b"]) == [28, 56, 84, 112]
    assert values_of("c", ranges["train.c"]) == pytest.approx([0.1, 0.2, 0.3])
    assert size(ranges) == 24
    assert len(list(grid(ranges))) == 24


def test_one_entry_of_the_space_can_be_set_by_its_key():
    tree = {"features": "x", "labels": "y", "tune": {"space": {"train.a": {"choice": [1]}, "train.b": {"choice": [2]}}}}
    found = load(tree, {"tune.space.train.b": {"int": [1, 9]}, "tune.space.train.c": {"choice": [3]}}).tune.space
    assert list(found) == ["train.a", "train.b", "train.c"]
    assert found["train.b"].int == (1, 9)
    assert load(tree, {"tune.space.train.b.choice": [4, 5]}).tune.space["train.b"].choice == [4, 5]


@pytest.mark.parametrize(
    ("ends", "step"), [([0, 0.3], 0.1), ([0.001, 0.01], 0.003), ([-0.3, 0.3], 0.2), ([1e6, 1e6 + 1], 0.1)]
)
def test_values_with_a_step_are_as_written_and_no_larger_than_the_largest(ends, step):
    ranges = space(c={"float": ends, "step": step})
    found = values_of("c", ranges["train.c"])
    assert found == [float(Decimal(str(ends[0])) + i * Decimal(str(step))) for i in range(len(found))]
    assert ends[1] - step < found[-1] <= ends[1]
    generator = np.random.default_rng(1)
    assert {draw(ranges, generator)["train.c"] for _ in range(300)} == set(found)


def test_points_that_are_known_are_not_drawn_again():
    ranges = space(a={"int": [1, 6]})
    known = [{"train.a": value} for value in (2, 5)]
    assert sorted(point["train.a"] for point in distinct(ranges, 10, 1, known)) == [1, 3, 4, 6]
    assert len(distinct(ranges, 2, 1, known)) == 2
    many = space(a={"int": [1, 1000]})
    most = [{"train.a": value} for value in range(1, 991)]
    assert sorted(point["train.a"] for point in distinct(many, 10, 1, most)) == list(range(991, 1001))


def test_a_continuous_range_has_no_grid():
    with pytest.raises(AnalysisError, match="continuous"):
        list(grid(space(c={"float": [0, 1]})))


def test_draws_lie_in_their_ranges_and_logarithmic_ones_are_even_in_the_logarithm():
    ranges = space(a={"int": [1, 5], "step": 2}, b={"float": [1e-4, 1], "log": True})
    generator = np.random.default_rng(1)
    points = [draw(ranges, generator) for _ in range(2000)]
    assert {point["train.a"] for point in points} == {1, 3, 5}
    logs = [math.log10(point["train.b"]) for point in points]
    assert -4 <= min(logs) <= max(logs) <= 0
    assert np.mean(logs) == pytest.approx(-2, abs=0.1)


def test_points_are_distinct_and_all_of_them_if_there_are_few():
    ranges = space(a={"choice": [1, 2, 3]})
    assert sorted(point["train.a"] for point in distinct(ranges, 10, 1)) == [1, 2, 3]
    many = distinct(space(a={"float": [0, 1]}), 50, 1)
    assert len({point["train.a"] for point in many}) == 50
    assert many == distinct(space(a={"float": [0, 1]}), 50, 1)


def test_a_value_that_stands_twice_counts_once():
    assert [point["train.a"] for point in distinct(space(a={"choice": [64] * 9}), 2, 1)] == [64]
    assert space(a={"choice": [1, True, 1.0, 1]})["train.a"].choice == [1, True, 1.0]


@pytest.mark.parametrize("key", ["train.loss", "train.loss.delta", "prepare.class_weights", "train.balance"])
def test_what_changes_the_meaning_of_the_loss_is_not_judged_by_it(key):
    tune = {"space": {key: {"choice": [1, 2]}}}
    with pytest.raises(AnalysisError, match=r"set `tune\.objective` to a metric"):
        validate({"features": "x", "labels": "y", "tune": tune}, "test")
    assert validate({"features": "x", "labels": "y", "tune": {**tune, "objective": "auc"}}, "test").tune.space


@pytest.mark.parametrize(
    "wrong",
    [
        {"split.val": {"choice": [0.1]}},
        {"train.a": {"int": [3, 1]}},
        {"train.a": {"float": [0, 1], "log": True}},
        {"train.a": 3},
        {"train.a": {"int": [64, 1024], "step": 64, "log": True}},
        {"train.monitor": {"choice": ["loss", "auc"]}},
        {"train.epochs": {"choice": [2, 8]}},
    ],
)
def test_a_space_that_makes_no_sense_is_refused(wrong):
    with pytest.raises(AnalysisError):
        validate({"features": "x", "labels": "y", "tune": {"space": wrong}}, "test")


@pytest.mark.parametrize(("epochs", "factor"), [(9, 3), (10, 3), (27, 3), (16, 2), (1, 3), (81, 4)])
def test_brackets_spend_about_the_same_and_survivors_reach_the_end(epochs, factor):
    made = brackets(epochs, factor)
    for bracket in made:
        assert bracket[-1].epochs == epochs
        counts = [rung.count for rung in bracket]
        assert counts == sorted(counts, reverse=True)
    assert total_epochs(epochs, factor) <= len(made) * sum(rung.count * rung.epochs for rung in made[0]) * 2


def test_a_range_of_billions_is_counted_without_a_list_of_its_values():
    ranges = space(batch_size={"int": [1, 2_000_000_000]}, window={"int": [1, 10]})
    assert size(ranges) == 20_000_000_000
    assert len(distinct(ranges, 3, seed=1)) == 3
    with pytest.raises(AnalysisError, match=r"'train.batch_size' has 2,000,000,000 values, too many for a grid"):
        values_of("train.batch_size", ranges["train.batch_size"])


@pytest.mark.parametrize("step", [1e-30, 1e-17, 5e-324])
def test_a_step_that_no_number_can_take_is_refused(step):
    with pytest.raises(AnalysisError, match=r"the step .* is too small"):
        space(learning_rate={"float": [0.5, 1.0], "step": step})
