"""Analysis files, settings and expressions with faults: accepted, or refused in one sentence and at once."""

import contextlib
import random
import warnings

import numpy as np
import pytest
import yaml

import fivesigma as fs
from fivesigma.analysis.file import builtin_names, load, parse_data, parse_settings, source_text
from fivesigma.errors import FivesigmaError
from fivesigma.expressions import Expression
from fivesigma.names import expand_braces

from .conftest import SCALE, limits

LETTERS = "abxyp_0123456789.+-*/%()[]{}<>=!&|~^,:;'\"`@#$\\ \t\n\x00\x1b\u202e\u00e9\ud83d\ude00".encode(
    "utf-16", "surrogatepass"
).decode("utf-16")
PIECES = (
    *(
        "pt",
        "Jet_pt[0]",
        "count(Jet_pt > 30)",
        "sqrt",
        "(",
        ")",
        "and",
        "or",
        "not",
        "**",
        "1e999",
        "-1",
        "nan",
        "lambda",
        "__import__",
    ),
    *(
        "`a b`",
        "[",
        "]",
        "if",
        "else",
        "for",
        "in",
        "'x'",
        "9" * 400,
        "0x",
        "1j",
        ":=",
        "max(",
        "where(",
        ",",
        "<",
        "==",
        "%",
        "//",
    ),
)
ODD_YAML = (
    *(
        "&a [*a]",
        "!!python/object:os.system ls",
        "!!int x",
        "2020-13-45",
        "? [a]",
        "<<: *x",
        "- ",
        "|",
        "\t",
        "---\n---",
        "%YAML 9",
    ),
    *(
        "{" * 60,
        "[" * 60,
        "9" * 5000,
        "~",
        ".inf",
        ".nan",
        "0o17",
        "1_000",
        "'",
        '"',
        "\x00",
        "\ufeff",
        "a: b: c",
        "*a",
        "@",
        "`",
    ),
)


def shuffled(text, chance, pieces):
    """A text with one to three faults."""
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(len(text) + 1)
        length = chance.choice([0, 1, 1, 3, 10, 40])
        match chance.randrange(4):
            case 0:
                text = text[:at] + text[at + length :]
            case 1:
                text = text[:at] + chance.choice(pieces) + text[at + length :]
            case 2:
                text = text[:at] + "".join(chance.choice(LETTERS) for _ in range(length)) + text[at:]
            case _:
                other = chance.randrange(len(text) + 1)
                text = text[:at] + text[other : other + length] + text[at:]
    return text


def test_a_changed_analysis_file_is_accepted_or_refused_in_one_sentence(tmp_path, tried):
    chance, cases = random.Random(1), max(100, int(15 * SCALE))
    texts = [source_text(name) for name in builtin_names()]
    place = tmp_path / "odd.yaml"
    for case in range(cases):
        lines = chance.choice(texts).splitlines(keepends=True)
        if chance.random() < 0.5:  # a few lines, so that the fault is not lost in a long file
            start = chance.randrange(len(lines))
            lines = lines[start : start + 12]
        text = shuffled("".join(lines), chance, ODD_YAML)
        place.write_bytes(text.encode("utf-8", "surrogatepass"))
        with limits(f"case {case}: {text[:200]!r}"), contextlib.suppress(FivesigmaError):
            load(place)
    tried("analysis files", cases)


def changed(tree, chance):
    """A tree in which one value is another one, somewhere."""
    odd = (None, True, -1, 0, 1e308, float("nan"), "", "x", [], {}, [[]], {"a": {}}, "9" * 300, [1] * 5000, {"kind": "mlp"})
    if isinstance(tree, dict) and tree and chance.random() < 0.85:
        key = chance.choice(list(tree))
        return {**tree, key: changed(tree[key], chance)}
    if isinstance(tree, list) and tree and chance.random() < 0.85:
        i = chance.randrange(len(tree))
        return [*tree[:i], changed(tree[i], chance), *tree[i + 1 :]]
    return chance.choice(odd)


def test_a_changed_analysis_is_accepted_or_refused_in_one_sentence(tried):
    chance, cases = random.Random(2), max(100, int(15 * SCALE))
    trees = [load(name).model_dump(mode="json") for name in builtin_names()]
    for case in range(cases):
        tree = changed(chance.choice(trees), chance)
        with limits(f"case {case}"), contextlib.suppress(FivesigmaError):
            if isinstance(tree, dict):
                yaml.safe_dump(load(tree).model_dump(mode="json"))
    tried("analyses as mappings", cases)


def test_a_changed_setting_is_accepted_or_refused_in_one_sentence(tried):
    chance, cases = random.Random(3), max(100, int(10 * SCALE))
    good = [
        "train.epochs=10",
        "model.layers=[64,32]",
        "baselines=null",
        "evaluate.search.yields={signal: 3}",
        "tune.space={}",
    ]
    for case in range(cases):
        text = shuffled(chance.choice(good), chance, ODD_YAML)
        with limits(f"case {case}: {text!r}"), contextlib.suppress(FivesigmaError):
            load("hepmass", parse_settings([text]))
        with limits(f"case {case}: {text!r}"), contextlib.suppress(FivesigmaError):
            parse_data([text])
    tried("settings", 2 * cases)


@pytest.mark.parametrize("kind", ["expressions", "names"])
def test_a_changed_expression_is_computed_or_refused_in_one_sentence(kind, tried):
    chance, cases = random.Random(f"{kind} 4"), max(200, int(20 * SCALE))
    good = [
        "sqrt(2 * pt * x * (cosh(y) - cos(x)))",
        "pt > 30 and abs(x) < 2.5",
        "where(pt > 1, x / y, `a b`)",
        "f{0..27}",
        "{a,b{1..2}}_x",
    ]
    columns = {name: np.linspace(-3, 3, 7) for name in ("pt", "x", "y", "a b")}
    for case in range(cases):
        text = shuffled(chance.choice(good), chance, PIECES)
        with limits(f"case {case}: {text!r}"), contextlib.suppress(FivesigmaError), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if kind == "names":
                expand_braces(text)
            else:
                Expression(text)(columns)
    tried(kind, cases)


def test_check_accepts_or_refuses_names_of_columns_in_one_sentence(tmp_path, tried):
    chance, cases = random.Random(5), max(30, int(3 * SCALE))
    np.savez(tmp_path / "e.npz", pt=np.arange(40.0), label=np.arange(40) % 2)
    base = {"samples": {"all": {"files": [str(tmp_path / "e.npz")]}}, "features": ["pt"], "labels": "label"}
    for case in range(cases):
        odd = shuffled(chance.choice(["pt", "p*", "pt + 1", "`pt`[0]", "p{t,u}"]), chance, PIECES)
        tree = {**base, chance.choice(["features", "exclude", "observers"]): [odd]}
        with limits(f"case {case}: {odd!r}"), contextlib.suppress(FivesigmaError), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            fs.check(tree)
    tried("names of columns", cases)
