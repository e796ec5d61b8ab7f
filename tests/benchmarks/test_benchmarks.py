"""The machinery of the benchmarks, without any peer."""

import json
import math

import pytest

from benchmarks.machine import machine
from benchmarks.network import training_flops
from benchmarks.peers import INSTALL, missing, sentence
from benchmarks.table import BEGIN, END, Figure, Row, Section, into_page, short, write
from benchmarks.timing import Spread, alternate
from benchmarks.worker import Worker, WorkerFailed


def row(better="more", ours=(4.0, 5.0, 6.0), peer=(2.0, 2.0, 2.0), target=2.0):
    return Row("a | b", Figure("fivesigma", ours, "events/s"), Figure("peer", peer, "events/s"), better, target)


def test_contenders_take_turns_and_none_is_always_first():
    order = []

    def contender(name):
        order.append(name)
        return len(order)

    found = alternate({name: lambda name=name: contender(name) for name in "abc"}, 3, pause=0)
    assert "".join(order) == "abcbcacab"
    assert found == {"a": [1, 6, 8], "b": [2, 4, 9], "c": [3, 5, 7]}


def test_a_ratio_above_one_is_better_whatever_the_unit():
    assert row().ratios == [2.0, 2.5, 3.0]
    assert row("less").ratios == [0.5, 0.4, 1 / 3]
    assert row().spread == Spread(2.5, 2.0, 3.0, pytest.approx(0.5 / math.sqrt(3)), 3)


@pytest.mark.parametrize(
    ("target", "reached", "word"), [(2.5, True, "| yes |"), (2.6, False, "| **no** |"), (None, None, "| – | – |")]
)
def test_the_median_ratio_is_held_against_the_target(target, reached, word):
    assert row(target=target).reached is reached
    assert word in row(target=target).as_markdown()


def test_what_is_never_reached_counts_as_nothing():
    never = row("less", ours=(math.inf, math.inf, 1.0))
    assert never.ratios == [0.0, 0.0, 2.0]
    assert never.reached is False
    assert "never" in never.as_markdown()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.012345, "0.0123"),
        (3.14159, "3.14"),
        (512.3, "512"),
        (1500.0, "1500"),
        (48_212.0, "48.2 k"),
        (294_000.0, "294 k"),
        (2.5e6, "2.5 M"),
        (math.inf, "never"),
    ],
)
def test_numbers_are_short(value, text):
    assert short(value) == text


def test_groups_are_replaced_one_by_one_in_the_table(tmp_path):
    for name, target in (("training", 2.0), ("reading", 9.0), ("training", None)):
        write(tmp_path, Section(name, "about", [row(target=target)], machine(), quick=True))
    tree = json.loads((tmp_path / "results.json").read_text())
    assert list(tree) == ["training", "reading"]
    assert tree["training"]["rows"][0]["reached"] is None
    assert tree["reading"]["rows"][0]["ratios"] == [2.0, 2.5, 3.0]
    page = (tmp_path / "results.md").read_text()
    assert page.count("a \\| b") == 2
    assert "quick trial" in page


def test_missing_peers_come_with_the_install_command():
    assert missing(["math", "no_such_library"]) == ["no_such_library"]
    assert INSTALL in sentence(["PyTorch"])


def test_the_first_layer_needs_no_gradient_of_its_input():
    assert training_flops() == 4 * 28 * 112 + 6 * (2 * 112 * 112 + 112)


def test_a_worker_answers_and_says_why_it_cannot():
    with Worker("benchmarks.options:Options", quick=True, repetitions=None, data=None, folder="", output="", say="") as it:
        assert it.call("turns", usual=7, quick=3) == 3
        assert it.peak > 1e6
        with pytest.raises(WorkerFailed, match="AttributeError"):
            it.call("nothing")
        assert it.call("size", full=9, quick=1) == 1
    with pytest.raises(WorkerFailed, match="no_such_module"):
        Worker("no_such_module:Thing")


def test_results_replace_those_of_a_page_and_nothing_else(tmp_path):
    page = tmp_path / "page.md"
    write(tmp_path, Section("training", "about", [row()], machine(), quick=False))
    page.write_text(f"# Title\n\n{BEGIN}\nold\n{END}\nafter\n")
    for _ in range(2):
        into_page(page, tmp_path)
    text = page.read_text()
    assert text.startswith(f"# Title\n\n{BEGIN}\n\n### training\n")
    assert text.endswith(f"\n\n{END}\nafter\n")
    assert "old" not in text
    page.write_text("nothing")
    with pytest.raises(ValueError, match="has no lines"):
        into_page(page, tmp_path)
