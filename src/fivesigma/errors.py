"""Every error a user can cause, as one tree; each says what, where and what to do.

FivesigmaError                      base; the command line exits with 2
├── AnalysisError                   the analysis file: a mistyped key, a value out of range
│   └── UnknownKind                 a loss, metric, … that nothing here has registered
├── ExpressionError                 a selection or a new variable that cannot be understood
├── DataError                       a file that is missing, truncated or not what its name says
│   └── ColumnNotFound              a name that is not among the columns (with the nearest ones)
├── EventsError                     events that cannot be used: NaN labels, an empty class
├── OverBudget                      a network that costs more than it may
├── LeakageError                    truth among the inputs, a test event also in training
├── SimulationError                 settings that no simulation can satisfy
├── RunError                        a run folder that is incomplete, corrupt or of another kind
├── OutputError                     a place that cannot be written, or is in use
├── ClusterError                    workers that cannot be reached, or that die again and again
├── PluginError                     a kind of a plug-in that cannot be registered or imported
└── MissingExtra                    an optional dependency that is not installed

Anything else that escapes is a defect of fivesigma; the command line exits with 1.
"""

import difflib
from collections.abc import Iterable
from typing import Any


class FivesigmaError(Exception):
    """Base of all errors whose cause is the user's input or machine.

    Args:
        what: one sentence: what is wrong, and where.
        hint: what to do about it; shown on a line of its own.

    >>> print(FivesigmaError("no file events.root", hint="check the path"))
    no file events.root
      hint: check the path
    """

    def __init__(self, what: str, hint: str | None = None) -> None:
        self.what = what
        self.hint = hint
        super().__init__(what if hint is None else f"{what}\n  hint: {hint}")

    def __reduce__(self) -> tuple[Any, ...]:
        # Errors travel from worker processes, whatever the arguments of a subclass's constructor are.
        return _unpickle, (type(self), self.args, self.__dict__)


def _unpickle(kind: type[FivesigmaError], arguments: tuple[Any, ...], attributes: dict[str, Any]) -> FivesigmaError:
    error = kind.__new__(kind, *arguments)
    error.__dict__.update(attributes)
    return error


class AnalysisError(FivesigmaError):
    """The analysis file asks for something that does not exist or cannot be."""


class UnknownKind(AnalysisError):
    """A reader, model, loss, metric, baseline or exporter that is neither built in, nor installed, nor registered."""


class ExpressionError(FivesigmaError):
    """A selection or new variable uses syntax or names outside the expression grammar."""


class DataError(FivesigmaError):
    """A data file is missing, truncated or of another format than its name says."""


class ColumnNotFound(DataError):
    """A column that was asked for is not in the file, nor among the `computed` ones.

    >>> print(ColumnNotFound("jet_pT", "events.root:Events", ["jet_pt", "jet_eta", "lep_pt"]))
    no column 'jet_pT' in events.root:Events; nearest: 'jet_pt', 'jet_eta', 'lep_pt'
      hint: names are case-sensitive; `fivesigma columns events.root:Events` lists all 3
    """

    def __init__(
        self, name: str, where: str, available: Iterable[str], hint: str | None = None, computed: Iterable[str] = ()
    ) -> None:
        names = list(available)
        near = nearest(name, [*names, *computed])
        listed = "; nearest: " + ", ".join(repr(n) for n in near) if near else ""
        super().__init__(
            f"no column {name!r} in {where}{listed}",
            hint=hint or f"names are case-sensitive; `fivesigma columns {where}` lists all {len(names)}",
        )
        self.name = name


class EventsError(FivesigmaError):
    """The events that were read cannot be used as the analysis asks."""


class OverBudget(FivesigmaError):
    """Every network of a training costs more than the analysis allows."""


class LeakageError(FivesigmaError):
    """Something that knows the answer, or a training event, reached a place where it must not be."""


class SimulationError(FivesigmaError):
    """The simulation settings cannot be satisfied."""


class RunError(FivesigmaError):
    """A run folder is incomplete, corrupt, or not a run folder."""


class OutputError(FivesigmaError):
    """An output cannot be written, or writing it would destroy something."""


class ClusterError(FivesigmaError):
    """Workers cannot be reached, do not fit, or die again and again."""


class PluginError(FivesigmaError):
    """Something that was registered, or that an installed package declares, cannot be used."""


class MissingExtra(FivesigmaError):
    """An optional dependency is needed and not installed."""


def nearest(name: str, candidates: Iterable[str], count: int = 3) -> list[str]:
    """The candidates most like `name`, best first; case decides only between equally good ones.

    >>> nearest("jet_pT", ["lep_pt", "jet_pt", "met"], count=1), nearest("muon_p", ["Muon_Pz", "muon_pt"], count=1)
    (['jet_pt'], ['muon_pt'])
    """
    name = str(name)  # what a script gave may be anything
    by_lower: dict[str, str] = {}
    for candidate in candidates:
        by_lower.setdefault(candidate.lower(), candidate)
    found = [by_lower[low] for low in difflib.get_close_matches(name.lower(), by_lower, n=4 * count, cutoff=0.6)]

    def likeness(candidate: str) -> tuple[float, float]:
        pairs = ((name.lower(), candidate.lower()), (name, candidate))
        ignoring, heeding = (difflib.SequenceMatcher(None, *pair).ratio() for pair in pairs)
        return ignoring, heeding

    return sorted(found, key=likeness, reverse=True)[:count]


def did_you_mean(name: str, candidates: Iterable[str]) -> str:
    """A clause that names the nearest candidate, or lists the few there are.

    >>> did_you_mean("epoch", ["epochs", "batch_size"])
    "did you mean 'epochs'?"
    """
    names = list(candidates)
    near = nearest(name, names, count=1)
    if near:
        return f"did you mean {near[0]!r}?"
    listed = ", ".join(repr(n) for n in sorted(names)[:_LISTED])
    return f"known: {listed}" + (f" and {len(names) - _LISTED} more" if len(names) > _LISTED else "")


_LISTED = 60
"""Names that are listed at most."""
