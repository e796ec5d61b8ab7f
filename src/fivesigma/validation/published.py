"""The published figures that travel with the package, each file with its source in its first lines."""

import csv
from dataclasses import dataclass
from functools import cache
from importlib import resources


def table(name: str) -> list[dict[str, str]]:
    """Rows of a file of `simulate/reference`, without the comment lines that state its source."""
    lines = _text(name).splitlines()
    return list(csv.DictReader(line for line in lines if not line.startswith("#")))


def source(name: str) -> str:
    """The comment lines of a file, joined: where its numbers come from and what they are."""
    return " ".join(line.lstrip("# ") for line in _text(name).splitlines() if line.startswith("#"))


@cache
def _text(name: str) -> str:
    return (resources.files("fivesigma.validation") / "reference" / name).read_text(encoding="utf-8")


def quartiles() -> dict[str, tuple[float, float, float]]:
    """Feature to its 25 %, 50 % and 75 % quantiles, in GeV or a pure number."""
    return {r["feature"]: (float(r["q25"]), float(r["median"]), float(r["q75"])) for r in table("hepmass_quartiles.csv")}


def shares(mixture: str) -> dict[int, float]:
    """Share of the background (0) and of each mass in GeV.

    Args:
        mixture: "original" (the un-normalised sample the quartiles are of) or "uci" (the published files).
    """
    counts = {int(row["mass"]): float(row[mixture]) for row in table("hepmass_counts.csv")}
    total = sum(counts.values())
    return {mass: count / total for mass, count in counts.items()}


def tag_table() -> dict[tuple[int, int, int, int], float]:
    """Share of events by the b-tags of the four leading jets."""
    rows = table("hepmass_tags.csv")
    total = sum(float(row["events"]) for row in rows)
    return {
        (int(r["jet1_btag"]), int(r["jet2_btag"]), int(r["jet3_btag"]), int(r["jet4_btag"])): float(r["events"]) / total
        for r in rows
    }


def correlations(name: str) -> dict[tuple[str, str], float]:
    """Pearson correlation by pair of columns, from "hepmass_correlations.csv" or "emtf_correlations.csv"."""
    return {(row["one"], row["other"]): float(row["correlation"]) for row in table(name)}


def areas(network: str) -> dict[int, float]:
    """Area below the ROC curve by mass in GeV, 0 for the mixture; network "parameterised" or "without mass"."""
    return {int(r["mass"]): float(r["auc"]) for r in table("hepmass_auc.csv") if r["network"] == network}


@dataclass(frozen=True)
class Window:
    """5 %, median and 95 % of the difference in phi between two planes, in 1/60 degree.

    low, high: range of charge over transverse momentum, 1/GeV; zone: the row's zone; muons: the zones in |eta|
    whose muons it holds.
    """

    low: float
    high: float
    zone: int
    muons: tuple[int, ...]
    plane: str
    reference: str
    p05: float
    median: float
    p95: float

    @property
    def strips(self) -> bool:
        """Whether the plane is one of cathode strip chambers."""
        return self.plane in ("ME11", "ME12", "ME2", "ME3", "ME4")

    @property
    def stiff(self) -> bool:
        """Whether the muons have |q/pT| below 0.26/GeV."""
        return max(abs(self.low), abs(self.high)) <= 0.26

    @property
    def name(self) -> str:
        """The row in words."""
        return f"{self.plane} − {self.reference}, zone {self.zone}, q/pT {self.low:g} to {self.high:g}"


def windows() -> list[Window]:
    """All rows of the published table of windows."""
    return [
        Window(
            float(r["low"]),
            float(r["high"]),
            int(r["zone"]),
            tuple(int(z) for z in r["muons"].split()),
            r["plane"],
            r["reference"],
            float(r["p05"]),
            float(r["median"]),
            float(r["p95"]),
        )
        for r in table("emtf_windows.csv")
    ]


def bends() -> dict[tuple[str, int], float]:
    """q/pT in 1/GeV per unit of bend, by plane and ring."""
    return {(row["plane"], int(row["ring"])): float(row["slope"]) for row in table("emtf_bends.csv")}
