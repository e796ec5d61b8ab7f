"""The verb `check`: every key and name before anything is read."""

from pathlib import Path

import pytest

import fivesigma as fs


def test_check_reads_the_names_in_the_files(toy, command):
    assert command("check", toy)[0] == 0
    code, _, err = command("check", toy, "--set", "observers=[summ]")
    assert code == 2
    assert "'sum'" in err


@pytest.mark.parametrize("name", fs.builtin_names())
def test_every_built_in_analysis_is_valid(name):
    assert fs.load(name).features


def test_a_title_that_is_no_formula_is_a_warning(toy, command):
    code, out, err = command("check", toy, "--set", "titles.x0=$x_0$", "--set", "titles.x1=$x_{1$", "--set", "units.x2=$^$")
    assert (code, err) == (0, "")
    for text in ("$x_{1$", "$^$"):
        assert f"warning: {text!r} is no formula that can be drawn, so figures show it as it is written" in out
    assert "'$x_0$'" not in out


def test_a_file_without_events_and_a_selection_that_leaves_none_are_said(toy, command):
    head = Path("train.csv").read_text().splitlines()[0]
    Path("empty.csv").write_text(head + "\n")
    code, out, err = command("check", toy, "--data", "test=empty.csv")
    assert (code, "empty.csv has no events" in out) == (0, True), out + err
    code, out, err = command("check", toy, "--set", "selection=x0 > 1000")
    assert (code, "none of the first 1,500 events of" in out) == (0, True), out + err


SPACE = "tune.space={train.learning_rate: {choice: [0.01, -1]}}"


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("evaluate.sculpting=[summ]", "evaluate.sculpting: 'summ' is not an observer"),
        ("evaluate.against={x0: [0, 1]}", "evaluate.against: 'x0' is not an observer"),
        ("prepare.log=[x7]", "prepare.log: 'x7' matches no feature"),
        ("baselines.trees={kind: boosted_trees, features: [nope]}", "'nope'"),
        ("baselines.trees={kind: boosted_trees, features: [label]}", "knows the answer"),
        ("tune.space={train.nope: {choice: [1]}}", "tune.space: train.nope=1"),
        ("tune.space={train.batch_size: {int: [0, 512], step: 256}}", "tune.space: train.batch_size=0"),
        (SPACE, "tune.space: train.learning_rate=-1"),
    ],
)
def test_what_would_stop_a_run_later_is_found(toy, command, setting, said):
    code, out, err = command("check", toy, "--set", setting)
    assert code == 2, out
    assert said in err


def test_values_of_a_search_that_fit_each_other_alone_are_fine(toy, command):
    sizes = "{choice: [[8], [8, 8]]}"
    each = "{choice: [[0.1], [0.1, 0.2]]}"
    assert command("check", toy, "--set", f"tune.space={{model.layers: {sizes}, model.dropout: {each}}}")[0] == 0


def test_names_without_effect_are_warnings(toy, command):
    given = (
        "--set",
        "allow_truth=[nope]",
        "--set",
        "units.xx0=GeV",
        "--set",
        "titles.summ=x",
        "--set",
        "titles.unlike_any=y",
        "--set",
        "titles.x22=z",
    )
    code, out, err = command("check", toy, *given)
    assert code == 0, err
    assert "warning: allow_truth: no column and no variable is named 'nope'" in out
    assert "units: no column and no variable is named 'xx0'; did you mean" in out
    assert "titles: no column and no variable is named 'summ'; did you mean 'sum'?" in out
    assert "'unlike_any'" not in out
    assert "'x22'" not in out  # of a numbered column one is as near as the other


@pytest.mark.parametrize(
    "space", ["{train.learning_rate: {float: [0, 0.01]}}", "{train.batch_size: {int: [16, 100], step: 32}}"]
)
def test_ends_that_are_never_drawn_are_no_fault(toy, command, space):
    code, _, err = command("check", toy, "--set", f"tune.space={space}", "--set", "train.epochs=2")
    assert code == 0, err
