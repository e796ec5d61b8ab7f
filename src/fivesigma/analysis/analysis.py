"""The whole analysis: its sections, and the checks that concern several of them."""

import re
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from fivesigma import plugins
from fivesigma.analysis.answers import SHORT, Labels, Target
from fivesigma.analysis.evaluate import Evaluate
from fivesigma.analysis.firmware import Firmware
from fivesigma.analysis.kinds import OneOf
from fivesigma.analysis.parameters import Parameter
from fivesigma.analysis.prepare import Prepare
from fivesigma.analysis.published import Published, as_published
from fivesigma.analysis.samples import Sample
from fivesigma.analysis.search import POI, STATERROR, Systematic
from fivesigma.analysis.section import FilePath, Formula, Names, Role, Section, by_column
from fivesigma.analysis.simulate import Simulation
from fivesigma.analysis.split import Split
from fivesigma.analysis.train import Train
from fivesigma.analysis.tune import Tune
from fivesigma.errors import AnalysisError, did_you_mean
from fivesigma.expressions import Expression
from fivesigma.plugins import DEFAULT_MODEL

TRUTH = ["gen_*", "truth_*", "true_*", "Gen*"]


class Analysis(Section):
    """The content of an analysis file."""

    name: str = Field("analysis", pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", description="names the run folder")
    description: str = Field("", description="what is asked; the report begins with it")
    references: list[str] = Field(default=[], description="what to cite, one line each")
    published: dict[str, Annotated[Published, BeforeValidator(as_published)]] = Field(
        default={}, description="published values to show beside those of the run: metric → number, or value and source"
    )
    style: Literal["plain", "cms", "atlas"] = Field(
        "plain", description="look of the figures: our own, or fonts and ticks as in figures of CMS or ATLAS (extra `style`)"
    )
    samples: Annotated[dict[str, Sample], Role("place", "events")] = Field(
        default={}, description="files of events, by a name of your choice"
    )
    simulate: Annotated[Simulation | None, Role("place", "events")] = Field(
        None, description="events to simulate when no sample has files"
    )
    shards: Annotated[FilePath | None, Role("events")] = Field(
        None, description="folder written by `fivesigma prepare`, to read instead of the samples"
    )
    treename: Annotated[str | None, Role("place", "events")] = Field(
        None, description="tree, table or group inside the files"
    )
    columns: Annotated[Names | dict[str, Names], Role("place", "events")] = Field(
        default=[], description="column names of files without a header; per array for NPZ and HDF5 tables"
    )
    missing_values: Annotated[list[float], Role("events", "reading")] = Field(
        default=[], description="values in the files that mean missing, such as -999"
    )
    selection: Annotated[Formula | None, Role("events", "reading")] = Field(
        None, description="condition that events must fulfil"
    )
    new_variables: Annotated[dict[str, Formula], Role("reading")] = Field(
        default={}, description="name → expression of columns and of earlier new variables"
    )
    features: Annotated[Names, Role("reading")] = Field(
        default=[], description="network inputs: columns, new variables or globs of them"
    )
    exclude: Annotated[Names, Role("reading")] = Field(default=[], description="features to leave out (globs allowed)")
    labels: Annotated[Labels | None, Role("reading")] = Field(None, description="classes to tell apart (classification)")
    target: Annotated[Target | None, Role("reading")] = Field(None, description="number to predict (regression)")
    weights: Annotated[Formula | None, Role("events", "reading")] = Field(
        None, description="weight of each event: a column or an expression; 1 by default"
    )
    parameters: dict[str, Parameter] = Field(
        default={}, description="physics parameters that the network is given, such as a mass, by name"
    )
    observers: Annotated[Names, Role("reading")] = Field(
        default=[], description="columns that are kept beside the scores and are no inputs"
    )
    event_number: Annotated[Formula | None, Role("events", "reading")] = Field(
        None, description="column that numbers the events; without it their content is hashed"
    )
    truth: Annotated[Names, Role("events")] = Field(
        default=TRUTH, description="columns with the truth (globs allowed): never inputs"
    )
    allow_truth: Annotated[Names, Role("events", "reading")] = Field(
        default=[], description="truth columns that are allowed as inputs; the report lists them"
    )
    expected: Names = Field(
        default=[],
        description="features that are known to be strong (globs allowed): a nearly perfect separation by one of them is no "
        "sign of leakage",
    )
    units: Annotated[dict[str, str], BeforeValidator(by_column)] = Field(
        default={}, description="unit of a column, for axis labels (globs allowed)"
    )
    titles: Annotated[dict[str, str], BeforeValidator(by_column)] = Field(
        default={}, description="what a column is, for axis labels"
    )
    systematics: dict[str, Systematic] = Field(
        default={}, description="uncertainties of the expected events, by name, for `evaluate.search`"
    )
    split: Annotated[Split, Role("events")] = Field(Split(), description="which events train, validate and test")
    prepare: Prepare = Field(Prepare(), description="preprocessing")
    model: Annotated[Any, OneOf(plugins.models, default=DEFAULT_MODEL)] = Field(
        {"kind": DEFAULT_MODEL}, description="the network; `kind` selects its type"
    )
    train: Train = Field(Train(), description="the training loop")
    evaluate: Evaluate = Field(Evaluate(), description="results beyond the standard metrics")
    baselines: dict[str, Annotated[Any, OneOf(plugins.baselines)]] = Field(
        default={}, description="other models to compare the network with, trained on the same events; null removes one"
    )
    tune: Tune = Field(Tune(), description="the search for better settings")
    firmware: Firmware | None = Field(None, description="ports and clock of the network as firmware")

    @model_validator(mode="before")
    @classmethod
    def _shorthand(cls, data: Any) -> Any:
        """`labels: column` and `target: column` are short for the full form."""
        if isinstance(data, dict):
            data = dict(data)
            for key in SHORT:
                if isinstance(data.get(key), str):
                    data[key] = {"variable": data[key]}
        return data

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if (self.labels is None) == (self.target is None):
            raise ValueError("give either `labels` (classification) or `target` (regression)")
        if not self.features:
            raise ValueError("`features` is empty: name the network's inputs")
        for name in self.published:
            if name not in plugins.metrics:
                known = [spec.name for spec in plugins.metrics]
                raise ValueError(f"published: no metric {name!r}; {did_you_mean(name, known)}")
        self._check_sample_labels()
        self._check_formulas()
        self._check_folds()
        self._check_search()
        self._check_trigger()
        self._check_training()
        drawn = any(p.background != "given" or p.background_variable for p in self.parameters.values())
        if self.target is not None and drawn:
            raise ValueError("parameters: a regression has no background to draw values for")
        if self.target is not None and (self.prepare.class_weights or self.prepare.resample):
            raise ValueError("class weights and resampling need `labels`")
        self._check_balance()
        if self.task != "binary" and (self.evaluate.sculpting or self.evaluate.recalibrate):
            key = "sculpting" if self.evaluate.sculpting else "recalibrate"
            raise ValueError(f"evaluate.{key} needs two classes, not a {self.task} analysis")
        return self

    def _check_training(self) -> None:
        objection = plugins.models.get(self.model.kind).objection(self.model, self.train)
        if objection:
            raise ValueError(objection)
        loss = self.train.loss.kind
        if self.task not in plugins.losses.get(loss).tasks:
            raise ValueError(f"train.loss {loss!r} does not fit a {self.task} analysis")
        for key, name in (("train.monitor", self.train.monitor), ("tune.objective", self.tune.objective)):
            spec = None if name == "loss" else plugins.metrics.get(name)
            if spec is not None and not (spec.can_be_optimised and self.task in spec.tasks):
                raise ValueError(f"{key} {name!r} does not fit a {self.task} analysis, but {_monitorable(self.task)} do")

        of_scale = self.target is not None and self.target.scale is None and "train.negative_weights" in self.tune.space
        if of_scale and self.tune.objective == "loss":
            raise ValueError(
                "tune.space: 'train.negative_weights' changes the scale of the target, and so what the loss is: set "
                "`tune.objective` to rmse, or `target.scale`"
            )

    def _check_sample_labels(self) -> None:
        given = [sample.label for sample in self.samples.values() if sample.files]
        if self.labels is None or self.labels.variable is not None or not given:
            return
        for name, sample in self.samples.items():
            if sample.label is None:
                raise ValueError(f"sample {name!r} has no `label`, and `labels.variable` is not given either")
            if sample.label not in self.classes:
                raise ValueError(f"sample {name!r}: no class {sample.label!r}; {did_you_mean(sample.label, self.classes)}")

    def _check_balance(self) -> None:
        known = [*(["class"] if self.labels else []), *self.parameters]
        for name in self.train.balance:
            if name not in known:
                raise ValueError(f"train.balance: no {name!r}; {did_you_mean(name, known)}")
            if name in self.parameters and self.parameters[name].background == "uniform":
                raise ValueError(
                    f"train.balance: {name!r} has another value for each background event (background: uniform), so there "
                    "are no groups of it; leave it out"
                )
        redrawn = {name: one.redraw for name, one in self.parameters.items() if one.background == "signal"}
        if len(set(redrawn.values())) > 1:
            raise ValueError(
                f"parameters: {' and '.join(map(repr, redrawn))} are drawn from the signal together, and only some of them "
                "anew each epoch: give all of them the same `redraw`"
            )
        if "class" in self.train.balance and (self.prepare.class_weights or self.prepare.resample):
            raise ValueError("`train.balance` balances the classes, as class weights and resampling do; choose one")
        if self.train.balance and self.shards is not None:
            raise ValueError("`train.balance` needs the events in memory: leave out `shards`")
        if self.prepare.resample and self.shards is not None:
            raise ValueError(
                "`prepare.resample` needs the events in memory: leave out `shards`, or take `prepare.class_weights`"
            )

    def _check_folds(self) -> None:
        if self.split.folds is None:
            return
        if self.shards is not None:
            raise ValueError("split.folds needs the events in memory: leave out `shards` and name the files as samples")
        if "fold" in self.observers:
            raise ValueError("split.folds writes a column `fold` itself: give the observer `fold` another name")
        for name, sample in self.samples.items():
            if sample.files and self.use_of(name) == "val":
                raise ValueError(
                    f"sample {name!r} is for validation, but with split.folds every fold validates on a fraction of the "
                    "others: set its `use` to train"
                )

    def _check_search(self) -> None:
        search = self.evaluate.search
        with_files = {name: sample for name, sample in self.samples.items() if sample.files}
        given = [name for name, sample in with_files.items() if sample.xsec is not None]
        for name in with_files if given else ():
            if name not in given:
                raise ValueError(f"sample {given[0]!r} has an `xsec` and sample {name!r} has none: give all or none")
        self._check_systematics()
        if search is None:
            return
        if self.task != "binary":
            raise ValueError("evaluate.search needs two classes: background first, then signal")
        for name in search.yields:
            if name not in self.classes:
                raise ValueError(f"evaluate.search.yields: no class {name!r}; {did_you_mean(name, self.classes)}")
        if search.lumi is not None and not given and self.shards is None:
            raise ValueError("evaluate.search.lumi needs the cross section `xsec` of every sample; or give `yields` instead")
        if given and search.lumi is None and len(search.yields) < 2:
            raise ValueError("the samples have cross sections: give evaluate.search.lumi too, in fb⁻¹")
        if search.lumi is not None and len(search.yields) == 2:
            raise ValueError(
                "evaluate.search: `lumi` has no effect where `yields` gives every class: remove one of them, with null if "
                "it is in the file that this one extends"
            )

    def check_observers(self) -> None:
        """Refuse observers of the evaluation that do not exist, before anything is trained.

        Raises:
            AnalysisError: naming the setting.
        """
        known = [*self.observers, *(["fold"] if self.split.folds is not None else [])]
        for key, names in (("against", self.evaluate.against), ("sculpting", self.evaluate.sculpting)):
            for name in names:
                if name not in known:
                    near = f"; {did_you_mean(name, known)}" if known else ""
                    raise AnalysisError(
                        f"evaluate.{key}: {name!r} is not an observer", hint=f"add {name!r} to `observers`{near}"
                    )

    def _check_trigger(self) -> None:
        if self.evaluate.trigger is not None:
            self.evaluate.trigger.check_observers(self.observers)
        for name in self.baselines:
            if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", name) is None or name == "network":
                raise ValueError(f"baselines: {name!r} cannot be a name: letters, digits, - and _ only, and not 'network'")

    def _check_systematics(self) -> None:
        taken = {POI: "the signal strength", STATERROR: "the Monte Carlo errors of the background"}
        for name, systematic in self.systematics.items():
            if name in taken:
                raise ValueError(
                    f"systematics.{name}: in the workspace this name stands for {taken[name]}; choose another one"
                )
            varied = [*systematic.samples, *(s for v in (systematic.up, systematic.down) if v for s in v.samples)]
            for kind, wanted, known in (("class", systematic.classes, self.classes), ("sample", varied, self.samples)):
                for item in wanted:
                    if item not in known:
                        raise ValueError(f"systematics.{name}: no {kind} {item!r}; {did_you_mean(item, known)}")
            if self.shards is not None and (systematic.relative is None or systematic.samples):
                raise ValueError(f"systematics.{name} needs the events of the samples: leave out `shards`")

    def _check_formulas(self) -> None:
        formulas = [self.selection, *self.new_variables.values(), *(s.selection for s in self.samples.values())]
        for formula in formulas:
            # What could be a column's name is parsed once the columns are known.
            if formula is not None and re.fullmatch(r"[\w./#:@$-]+", formula) is None:
                Expression(formula)
        if isinstance(self.prepare.class_weights, dict):
            for name in self.prepare.class_weights:
                if name not in self.classes:
                    raise ValueError(f"prepare.class_weights: no class {name!r}; {did_you_mean(name, self.classes)}")
            if not any(self.prepare.class_weights.get(name, 1.0) for name in self.classes):
                raise ValueError("prepare.class_weights: all classes have the weight 0, so there is nothing to learn")

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names; empty for a regression."""
        return self.labels.classes if self.labels else ()

    @property
    def task(self) -> str:
        """`binary`, `multiclass` or `regression`."""
        if self.target is not None:
            return "regression"
        return "binary" if len(self.classes) == 2 else "multiclass"

    @property
    def has_files(self) -> bool:
        """Whether any sample names files; otherwise events are simulated."""
        return any(sample.files for sample in self.samples.values())

    @property
    def simulates(self) -> bool:
        """Whether the events are neither in files nor in shards."""
        return not self.has_files and self.shards is None

    def use_of(self, name: str) -> str:
        """Use of a sample's events: `split`, `train`, `val` or `test`."""
        default = name if name in ("train", "val", "test") else "split"
        return self.samples[name].use or default


def _monitorable(task: str) -> str:
    """Names that `train.monitor` and `tune.objective` accept for a task."""
    names = sorted(["loss", *(spec.name for spec in plugins.metrics if spec.can_be_optimised and task in spec.tasks)])
    return ", ".join(names)
