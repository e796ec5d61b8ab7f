"""Parts with hardly any event, with one class or with equal scores have numbers or dashes, and a page all the same."""

from dataclasses import replace

import numpy as np
import pytest

import fivesigma
from fivesigma.reporting import data, results, search, trigger, trust
from fivesigma.reporting.page import write_report
from fivesigma.reporting.style import Picture
from fivesigma.runs.context import RunContext
from fivesigma.runs.session import RunSession
from fivesigma.verbs.evaluate import assess, say_results
from fivesigma.verbs.explore import describe_events

EVENTS = 700
CLASSES = {
    "binary": {"variable": "y", "names": ["QCD", "X"]},
    "multiclass": {"variable": "y", "edges": [-0.5, 0.5, 1.5, 2.5], "names": ["b", "c", "light"]},
}
ANSWERS = {
    "binary": {"labels": CLASSES["binary"], "evaluate": {"sculpting": ["pt"], "recalibrate": "isotonic", "search": {}}},
    "multiclass": {"labels": CLASSES["multiclass"], "evaluate": {}},
    "regression": {
        "target": {"variable": "q", "unit": "1/GeV"},
        "evaluate": {"trigger": {"pt": "pt", "eta": "eta", "threshold": 10, "thresholds": [5], "eta_bins": [1, 2, 3]}},
    },
}


def write(path, task):
    generator = np.random.default_rng(1)
    pt = 2 / generator.uniform(0.02, 1, EVENTS)
    charge = generator.choice([-1, 1], EVENTS)
    y = generator.integers(0, 3 if task == "multiclass" else 2, EVENTS)
    x = (charge / pt if task == "regression" else y) + generator.normal(0, 0.2, EVENTS)
    columns = [np.arange(EVENTS), y, charge / pt, pt, generator.uniform(1, 3, EVENTS), x, generator.normal(0, 1, EVENTS)]
    np.savetxt(path, np.column_stack(columns), delimiter=",", header="n,y,q,pt,eta,x,z", comments="", fmt="%.9g")


@pytest.fixture(scope="module", params=list(ANSWERS))
def trained(request, tmp_path_factory):
    """A run of each task, trained for one epoch: its folder."""
    place = tmp_path_factory.mktemp(request.param)
    write(place / "events.csv", request.param)
    answer = ANSWERS[request.param]
    analysis = {
        "name": "toy",
        "samples": {"events": {"files": [str(place / "events.csv")]}},
        "features": ["x", "z"],
        "observers": ["pt", "eta"],
        "event_number": "n",
        "split": {"val": 0.3, "test": 0.2},
        "model": {"layers": [4]},
        "train": {"epochs": 1},
        "baselines": {"table": {"kind": "lookup_table", "address": {"x": 3}}},
        **answer,
        "evaluate": {"bootstrap": 20, "against": {"pt": [0, 10, 20, 1000]}, **answer["evaluate"]},
    }
    return fivesigma.train(analysis, output=place / "runs").path


@pytest.fixture
def unsaved(monkeypatch, request):
    """Figures are made but not written; those of a single event, the worst case, are laid out as well."""

    def save(folder, figure, name, title, caption, numbers):
        if request.node.callspec.params["case"] == "one":
            figure.draw_without_rendering()
        return Picture(name, title, caption, "<svg></svg>")

    for module in (data, results, search, trigger, trust):
        monkeypatch.setattr(module, "save", save)


def chosen(events, case):
    if case == "one class":
        return events.take(np.flatnonzero(events.target == events.target[0]))
    if case == "two":  # the softest and the hardest muon, so that the thresholds of a trigger lie between them
        return events.take(np.argsort(events.observers["pt"])[[0, -1]])
    return events if case == "equal scores" else events.take(np.arange({"none": 0, "one": 1}[case]))


@pytest.mark.usefixtures("unsaved")
@pytest.mark.parametrize(
    ("part", "case"),
    [("test", case) for case in ("none", "one", "two", "one class", "equal scores")] + [("val", "none")],
)
def test_a_part_without_much_in_it_has_numbers_or_dashes(trained, part, case):
    session = RunSession.open(trained, RunContext.of(trained.parent.parent), ["model.keras"])
    parts = session.source.parts
    session.__dict__["source"] = replace(session.source, parts={**parts, part: chosen(parts[part], case)})
    network = session.network()
    if case == "equal scores":
        for variable in network.model.trainable_variables:
            variable.assign(np.zeros(variable.shape))
    describe_events(session)
    assess(session, network)
    say_results(session)
    assert "</html>" in write_report(session.folder).read_text()
