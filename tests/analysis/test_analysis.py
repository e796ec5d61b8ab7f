import pytest
from pydantic import ValidationError

from fivesigma.analysis.analysis import Analysis
from fivesigma.analysis.file import load, validate
from fivesigma.errors import AnalysisError

REGRESSION = {"features": ["x"], "target": "y"}
CLASSES = {"features": ["x"], "labels": "y"}


def refuses(tree, *words):
    """The analysis is refused with one sentence that has these words in it."""
    with pytest.raises(AnalysisError) as caught:
        validate(tree, "toy.yaml")
    assert "\n" not in caught.value.what
    for word in ("toy.yaml", *words):
        assert word in caught.value.what


@pytest.mark.parametrize(
    ("tree", "words"),
    [
        ({**CLASSES, "epochs": 3}, ["unknown key 'epochs'"]),
        ({**CLASSES, "train": {"epoch": 3}}, ["train", "did you mean 'epochs'?"]),
        ({**CLASSES, "train": {"epochs": 0}}, ["train.epochs", "greater than 0"]),
        ({**CLASSES, "train": {"optimizer": "lion"}}, ["train.optimizer", "'lion' is not allowed", "'adam'"]),
        ({**CLASSES, "train": 3}, ["train"]),
        ({**CLASSES, "features": 3}, ["features", "list"]),
        ({**CLASSES, "features": None}, ["`features` is empty"]),
        ({**CLASSES, "features": [["a"]]}, ["features.0", "string"]),
        ({**CLASSES, "samples": ["a.root"]}, ["samples"]),
        ({**CLASSES, "simulate": {"process": "higgs"}}, ["simulate", "is not allowed", "'higgs'", "'muons'"]),
        ({**CLASSES, "simulate": {"process": "muons", "pt": 1}}, ["simulate: unknown key 'pt'"]),
        ({**CLASSES, "target": "z"}, ["either `labels`", "or `target`"]),
        ({"features": ["x"]}, ["either `labels`", "or `target`"]),
        ({**CLASSES, "selection": "x >"}, ["cannot read the expression 'x >'"]),
        ({**CLASSES, "new_variables": {"z": "import os"}}, ["cannot read the expression"]),
        ({**CLASSES, "split": {"train": 0.8, "val": 0.3}}, ["split", "1.1 is more than 1"]),
        ({**CLASSES, "labels": {"variable": "y", "edges": [0, 2, 1]}}, ["labels", "increase"]),
        ({**CLASSES, "labels": {"variable": "y", "edges": [0, 1]}}, ["two classes"]),
        ({**CLASSES, "labels": {"edges": [0, 1, 2]}}, ["`edges` needs a `variable`"]),
        ({**CLASSES, "labels": {"variable": "y", "edges": [0, 1, 2], "names": ["a"]}}, ["1 names for 2 bins"]),
        ({**CLASSES, "labels": {"variable": "y", "names": ["a", "a"]}}, ["class names must differ"]),
        ({**CLASSES, "model": {"layers": [4, 4], "dropout": [0.1]}}, ["1 dropout values for 2 layers"]),
        ({**CLASSES, "model": {"layers": [], "parameters": "affine"}}, ["parameters: affine", "hidden layers"]),
        ({**CLASSES, "prepare": {"class_weights": "balanced", "resample": "up"}}, ["choose one"]),
        ({**CLASSES, "prepare": {"class_weights": {"signl": 2}}}, ["did you mean 'signal'?"]),
        ({**CLASSES, "prepare": {"class_weights": {"signal": -5}}}, ["prepare.class_weights.signal: -5 is not allowed"]),
        ({**CLASSES, "prepare": {"class_weights": {"signal": float("inf")}}}, ["class_weights.signal: inf", "finite"]),
        (
            {**CLASSES, "prepare": {"class_weights": "balance"}},
            ["prepare.class_weights: 'balance' is not allowed: write 'balanced' or 'root' or a mapping of keys"],
        ),
        ({**CLASSES, "model": {"layers": [4, 4], "dropout": [0.1, 2]}}, ["model.dropout.1: 2 is not allowed"]),
        (
            {**CLASSES, "tune": {"space": {"train.batch_size": [32, 64]}}},
            ["tune.space.train.batch_size: write {choice: [a, b, …]}"],
        ),
        ({**CLASSES, "prepare": {"class_weights": {"signal": 0, "background": 0}}}, ["all classes have the weight 0"]),
        ({**REGRESSION, "prepare": {"resample": "up"}}, ["need `labels`"]),
        ({**REGRESSION, "train": {"loss": "cross_entropy"}}, ["does not fit a regression"]),
        ({**CLASSES, "train": {"loss": "huber"}}, ["does not fit a binary"]),
        ({**REGRESSION, "train": {"monitor": "auc"}}, ["does not fit a regression"]),
        ({**CLASSES, "labels": {"variable": "y", "names": list("abc")}, "train": {"monitor": "auc"}}, ["multiclass"]),
        ({"features": ["x"], "labels": {}, "samples": {"a": {"files": "a"}}}, ["sample 'a' has no `label`"]),
        ({"features": ["x"], "labels": {}, "samples": {"a": {"files": "a", "label": "sig"}}}, ["no class 'sig'"]),
        ({**CLASSES, "name": "../evil"}, ["name"]),
        ({**CLASSES, "evaluate": {"against": {"m": [0, 2, 1]}}}, ["evaluate.against", "'m'", "increase"]),
        ({**CLASSES, "evaluate": {"against": {"m": [0, float("nan")]}}}, ["evaluate.against", "'m'", "increase"]),
        ({**CLASSES, "evaluate": {"against": {"m": [1]}}}, ["evaluate.against", "'m'", "at least two"]),
        ({**CLASSES, "labels": {"variable": "y", "edges": [0, float("nan"), 1]}}, ["labels", "increase"]),
    ],
)
def test_a_mistake_is_one_sentence_that_names_the_key(tree, words):
    refuses(tree, *words)


def test_several_mistakes_are_counted():
    refuses({**CLASSES, "train": {"epochs": 0, "batch_size": 0}}, "train.epochs", "and 1 more problems")


def test_short_forms_mean_the_long_ones():
    assert validate(CLASSES, "").labels.variable == "y"
    assert validate(REGRESSION, "").target.variable == "y"
    assert validate({**CLASSES, "features": "f{0..2}"}, "").features == ["f0", "f1", "f2"]
    assert validate({**CLASSES, "weights": 2}, "").weights == "2"
    assert validate({**CLASSES, "samples": {"a": {"files": "a.csv"}}}, "").samples["a"].files == ["a.csv"]
    assert validate({**CLASSES, "columns": {"v": "x{1..2}"}}, "").columns == {"v": ["x1", "x2"]}


@pytest.mark.parametrize(
    ("answer", "task", "classes"),
    [
        ({"target": "y"}, "regression", ()),
        ({"labels": "y"}, "binary", ("background", "signal")),
        ({"labels": {"variable": "y", "edges": [0, 10, float("inf")]}}, "binary", ("0–10", "10–inf")),
        ({"labels": {"variable": "y", "names": list("abc")}}, "multiclass", ("a", "b", "c")),
    ],
)
def test_the_task_follows_from_the_answer(answer, task, classes):
    analysis = validate({"features": ["x"], **answer}, "")
    assert (analysis.task, analysis.classes) == (task, classes)


def test_samples_named_train_val_and_test_are_used_so():
    samples = {name: {"files": "a"} for name in ("train", "val", "test", "other")} | {"late": {"files": "a", "use": "test"}}
    analysis = validate({**CLASSES, "samples": samples}, "")
    assert [analysis.use_of(name) for name in samples] == ["train", "val", "test", "split", "test"]


def test_an_analysis_cannot_be_changed():
    with pytest.raises(ValidationError, match="frozen"):
        load(CLASSES).train.epochs = 3


def test_every_default_is_allowed_by_the_schema():
    assert load(CLASSES) == Analysis.model_validate(load(CLASSES).model_dump())


def test_a_search_by_loss_does_not_change_the_scale_of_the_target():
    space = {"train.negative_weights": {"choice": ["keep", "drop"]}}
    tree = {"name": "a", "features": ["x"], "target": {"variable": "y"}, "tune": {"space": space}}
    with pytest.raises(AnalysisError, match="changes the scale of the target"):
        validate(tree, "a")
    validate({**tree, "target": {"variable": "y", "scale": 2.0}}, "a")
    validate({**tree, "tune": {"space": space, "objective": "rmse"}}, "a")
