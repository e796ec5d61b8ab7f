"""`docs/physics-results.md`: every number of a run beside its published figure."""

from collections.abc import Mapping, Sequence
from typing import Any

import fivesigma as fs
from fivesigma.metrics.intervals import share
from studies.catalogue import Row
from studies.tables import at, bin_with, cell, table

Runs = Mapping[str, fs.Run]
MASSES = (500, 750, 1000, 1250, 1500)
BALDI = "Baldi et al., arXiv:1601.07913, and later analyses of the same files"

PUBLISHED = {
    "the article, 3.5 M test events": (None, "0.8808", "0.2666"),
    "parameterised network 300-150-100-50 (Anzalone et al., arXiv:2202.00424)": ("0.9578", "0.8843", "0.2594"),
    "boosted trees, best": ("0.9563", None, None),
}
"""On the published files, all masses together: AUC, accuracy, log-loss."""
PER_MASS = {
    "parameterised": (0.775, 0.928, 0.976, 0.990, 0.995),
    "dedicated": (0.775, 0.926, 0.974, 0.989, 0.994),
    "no-parameter": (0.689, 0.891, 0.963, 0.982, 0.989),
}
"""On the published test file, with all background given the mass."""
NETWORKS = {
    "parameterised": "parameterised",
    "dedicated": "one network per mass",
    "no-parameter": "one network, no mass input",
    "without-mass=1000": "trained without 1000",
    "extremes": "trained on 500 and 1500 only",
}


def test_metrics(run: fs.Run) -> Mapping[str, Any]:
    """Metrics of the test events."""
    found: Mapping[str, Any] = run.metrics["test"]
    return found


def origin(runs: Runs, what: str) -> str:
    """The sentence that says which events the numbers are of."""
    metadata = next(iter(runs.values())).folder.read_json("metadata.json")
    counts = metadata["events"]
    events = ", ".join(f"{counts[part]:,} {part}" for part in ("train", "val", "test") if part in counts)
    if metadata["simulated"]:
        return f"**Simulated** by fivesigma ({what}): {events} events. The published figures are of other events."
    return f"**Read from files** ({what}): {events} events."


def hepmass(rows: Sequence[Row], runs: Runs) -> str:
    """The search for X → tt̄."""
    parts = ["## hepmass: X → tt̄ against top pairs", origin(runs, "pp → X → tt̄ → ℓν jj bb̄ and its background")]
    parts += [
        "### What each step brings",
        _steps(rows, runs, ("auc", "accuracy", "log_loss"), ("AUC", "accuracy", "log-loss")),
    ]
    titles = ("AUC", "accuracy", "log-loss")
    parts.append(_beside_article("hepmass", runs, _BINARY, titles, ("–", "0.8808", "0.2666")))
    parts.append("The article trained on 4.9 M events of the published files.")
    trees = at(test_metrics(runs["hepmass"]), "baselines", "trees") or {}
    beside = [["boosted trees (LightGBM) on the same events and features", *(cell(trees.get(n)) for n in _BINARY)]]
    beside += [[f"published: {name}", *(text or "–" for text in numbers)] for name, numbers in PUBLISHED.items()]
    parts.append(table(["model", "AUC", "accuracy", "log-loss"], beside))
    scan_path = runs["hepmass"].path / "scan" / "scan.json"
    if scan_path.is_file():
        networks = runs["hepmass"].folder.read_json("scan/scan.json")["networks"]
        parts += ["### At each mass", _per_mass(networks), _significance(networks)]
    return "\n\n".join(parts)


_BINARY = ("auc", "accuracy", "log_loss")


def _steps(rows: Sequence[Row], runs: Runs, names: Sequence[str], titles: Sequence[str]) -> str:
    chosen = [row for row in rows if row.steps]
    body = [[row.step, *(cell(test_metrics(runs[row.name]).get(name)) for name in names)] for row in chosen]
    return table(["model", *titles], body)


def _beside_article(group: str, runs: Runs, names: Sequence[str], titles: Sequence[str], published: Sequence[str]) -> str:
    """Published, the article's recipe and the built-in analysis, on as many events each, and how both go on with them.

    Args:
        group: name of the built-in analysis.
        runs: by name.
        names: of the metrics.
        titles: of their columns.
        published: the article's own numbers.
    """
    body = [["published: the article", "its own", *published]]
    for name, what in ((f"{group}-article", "reproduced here: the article's recipe"), (group, "the built-in analysis")):
        for run in (runs.get(name), runs.get(f"{name}-large")):
            if run is None:
                continue
            events = run.folder.read_json("metadata.json")["events"]["train"]
            metrics = test_metrics(run)
            body.append([what, f"{events:,}", *(cell(metrics.get(key)) for key in names)])
    return "### Beside the article, at equal events\n\n" + table(["model", "training events", *titles], body)


def _per_mass(networks: Mapping[str, Any]) -> str:
    header = ["AUC on test events", *(f"{mass} GeV" for mass in MASSES)]
    body = []
    for name, title in NETWORKS.items():
        if name in networks:
            body.append([title, *(cell(at(networks[name], "at", f"mass={mass}", "auc")) for mass in MASSES)])
        if name in PER_MASS:
            body.append([f"published: {title}", *(f"{value:.3f}" for value in PER_MASS[name])])
    text = (
        "Signal of one mass against all background, scored at that mass. Published: " + BALDI + "; there a network "
        "trained without 1000 GeV reaches 0.969 at 1000 GeV, one trained on 1000 GeV alone 0.974 to 0.976, and networks "
        "trained on the two extremes a mean over the masses of 0.888 (0.921 with an affine network)."
    )
    mean = [[NETWORKS[name], cell(networks[name].get("mean_auc"))] for name in NETWORKS if at(networks, name, "mean_auc")]
    return "\n\n".join([text, table(header, body), *([table(["mean over the masses", "AUC"], mean)] if mean else [])])


def _significance(networks: Mapping[str, Any]) -> str:
    header = ["parameterised network", *(f"{mass} GeV" for mass in MASSES)]
    rows = {
        "Z, best cut, background ± 10 %": ("best_cut",),
        "Z, binned score, background ± 10 %": ("binned",),
        "discovery significance of the fit": ("discovery",),
        "expected 95 % CLs limit on the signal strength": ("limit", "0"),
    }
    own = networks["parameterised"]["at"]
    body = [[title, *(cell(at(own, f"mass={mass}", "search", *keys)) for mass in MASSES)] for title, keys in rows.items()]
    return (
        "For 10,000 background events and 100 signal events at each mass, an example that the built-in analysis states; "
        "cut and bins chosen on validation events.\n\n" + table(header, body)
    )


def muon_pt(rows: Sequence[Row], runs: Runs) -> str:
    """Momentum of muons."""
    parts = ["## muon-pt: q/pT of muons in the endcap trigger", origin(runs, "CMS-like endcap, cathode strip chambers")]
    body = []
    for row in (row for row in rows if row.steps):
        found = test_metrics(runs[row.name])
        stations = {n: bin_with(at(found, "against", "csc_stations"), n).get("rmse") for n in (2, 3, 4)}
        body.append([row.step, cell(found["rmse"]), *(cell(stations[n]) for n in (2, 3, 4)), wrong_charge(runs[row.name])])
    header = ["model", "RMSE(q/pT) [1/GeV]", "two stations", "three", "four", "wrong charge, 10–30 GeV"]
    parts += ["### What each step brings", table(header, body)]
    parts.append(_beside_article("muon-pt", runs, ("rmse",), ("RMSE(q/pT) [1/GeV]",), ("0.047",)))
    parts.append(
        "The article's archive holds 3.3 M muons of the full simulation, and it keeps ME1/1 to ME4; the EMTF++ network on "
        "the same archive reaches 0.0371 with chambers and RPCs. " + _gain(runs)
    )
    parts += ["### What it does to the trigger", _trigger(test_metrics(runs["muon-pt"]))]
    return "\n\n".join(parts)


def _gain(runs: Runs) -> str:
    """How much smaller the RMSE is than that of the article's recipe, on the same many muons."""
    if "muon-pt-large" not in runs:
        return ""
    ours, article = (test_metrics(runs[name])["rmse"]["value"] for name in ("muon-pt-large", "muon-pt-article-large"))
    train = cell(at(runs["muon-pt-article-large"].metrics, "train", "rmse"))
    return (
        f"At equal events the built-in analysis is {100 * (1 - ours / article):.0f} % below the article's recipe, which has "
        f"{train} on its training events (the article 0.046)."
    )


def wrong_charge(run: fs.Run) -> str:
    """Share of the test muons between 10 and 30 GeV whose charge is taken wrongly."""
    columns = run.predictions("test")
    chosen = (columns["gen_pt"] >= 10) & (columns["gen_pt"] < 30)
    wrong = columns["prediction"] * columns["target"] < 0
    return str(share(wrong[chosen], columns["weight"][chosen]))


def _trigger(metrics: Mapping[str, Any]) -> str:
    threshold = "20"
    models = {"network": metrics.get("trigger"), **{n: t.get("trigger") for n, t in metrics.get("baselines", {}).items()}}
    body = []
    for name, tree in models.items():
        row = at(tree, "thresholds", threshold)
        numbers = (
            at(row, "rate_measured"),
            at(tree, "rate_reduction_measured"),
            at(row, "rate"),
            at(tree, "rate_reduction"),
            at(row, "efficiency"),
            at(row, "plateau"),
            at(tree, "resolution", "core"),
        )
        body.append([NAMES.get(name, name), *(cell(number) for number in numbers)])
    header = [
        "model",
        "rate at 20 GeV, share of all muons",
        "lowered by the network by",
        "scale: rate",
        "scale: lowered by",
        "scale: efficiency at 20 GeV",
        "plateau",
        "core of ΔpT/pT",
    ]
    return (
        "The first two columns are at equal measured efficiency: each model is cut where 90 % of the test muons of 20 GeV "
        "pass. The columns of the scale are at the cut that validation muons set for 90 %, with the efficiency that test "
        "muons then have. For a spectrum that falls like pT⁻³·⁵. Published, for pile-up 200 and all stations: the rate at "
        "20 GeV falls by 3.65 from the Run-2 look-up table to EMTF++, by 1.3 with chambers and RPCs at |η| below 1.65 "
        "(CERN-LHCC-2020-004).\n\n" + table(header, body)
    )


NAMES = {
    "network": "the built-in network",
    "table": "look-up table, 26 bits",
    "trees": "boosted trees (LightGBM)",
    "article": "the article's network",
}


def muon_class(rows: Sequence[Row], runs: Runs) -> str:
    """Momentum classes of muons."""
    parts = ["## muon-class: four momentum classes", origin(runs, "the same muons")]
    names = ("f1_weighted", "f1_macro", "balanced_accuracy", "accuracy")
    titles = ("weighted F1", "macro F1", "balanced accuracy", "accuracy")
    parts += [_steps(rows, runs, names, titles)]
    constant = cell(test_metrics(runs["muon-class"])["accuracy_of_constant"])
    parts.append(_beside_article("muon-class", runs, names, titles, ("0.85", "–", "–", "0.84 (validation)")))
    parts.append(f"Always the largest class: accuracy {constant}.")
    if "trigger" in test_metrics(runs["muon-class"]):
        parts += ["As a trigger, by the same curves:", _trigger(test_metrics(runs["muon-class"]))]
    return "\n\n".join(parts)


def susy(rows: Sequence[Row], runs: Runs) -> str:
    """Real files."""
    parts = ["## susy: files of the UCI repository", origin(runs, "10,000 + 1,000 rows of UCI SUSY")]
    parts.append(_steps(rows, runs, _BINARY, ("AUC", "accuracy", "log-loss")))
    parts.append("Boosted trees reach an AUC of 0.862 on these rows.")
    return "\n\n".join(parts)


SECTIONS = {"hepmass": hepmass, "muon-pt": muon_pt, "muon-class": muon_class, "susy": susy}
HEAD = """# Physics results

Written by `python -m studies` from stored runs; every number below is in their `metrics.json` or `scan/scan.json`. Errors
are one standard deviation of the test sample, statistical only; rows of one table share their test events, so differences
between them are known better than the errors say. A row that begins with + adds to the row above it."""


PICTURE = """## With more events

![Accuracy, RMSE and F1 against the number of training events]({path})

The article's recipes and the built-in analyses on the same simulated events. The stars are what the articles state for the
published events, which are others: they show whether the recipe is the one of the article."""


def page(sections: Sequence[str], versions: str, picture: str = "") -> str:
    """The whole page, with a picture if there is one."""
    return "\n\n".join([HEAD, *([PICTURE.format(path=picture)] if picture else []), *sections, versions]) + "\n"
