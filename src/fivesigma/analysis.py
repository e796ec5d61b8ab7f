"""The analysis: what to read, what to learn, how to judge it. Data, checked by pydantic, never code."""

import builtins
import re
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from fivesigma.analysis_baselines import Baseline
from fivesigma.analysis_search import Search, Systematic
from fivesigma.analysis_trigger import Trigger
from fivesigma.errors import did_you_mean
from fivesigma.expressions import Expression
from fivesigma.section import Formula, Fraction, Names, Section, as_list, as_mapping, without_nothing


class Sample(Section):
    """Files of one kind: where they are, and what their events are."""

    files: Annotated[list[str], BeforeValidator(as_list)] = Field(
        default=[], description="paths, globs, or file.root:treename; relative to the analysis file"
    )
    treename: str | None = Field(None, description="tree, table or group inside the file; overrides the general one")
    format: Literal["root", "parquet", "csv", "npz", "hdf5"] | None = Field(
        None, description="only if the file's name does not tell"
    )
    label: str | None = Field(None, description="class name of all events of this sample")
    weight: Formula | None = Field(None, description="number or expression that multiplies `weights`")
    xsec: float | None = Field(
        None,
        gt=0,
        description="cross section, pb: weights become expected events per fb⁻¹, weight × 1000 × xsec / sum_weights",
    )
    sum_weights: float | None = Field(
        None,
        gt=0,
        description="sum of the weights of all generated events; by default of all events in the files, before selections",
    )
    selection: Formula | None = Field(None, description="further selection for this sample")
    use: Literal["split", "train", "val", "test"] | None = Field(
        None,
        description="split: by `split`; train: never tested on; val, test: only that. "
        "A sample named train, val or test is used so by default, others are split",
    )


class ResonanceSimulation(Section):
    """pp → X → tt̄ and Standard Model tt̄ with Pythia 8, FastJet and a parametrised detector."""

    process: Literal["resonance"]
    events: int = Field(100_000, gt=0, description="selected events, signal and background together")
    masses: list[float] = Field([500.0, 750.0, 1000.0, 1250.0, 1500.0], description="masses of X, GeV")
    background: bool = Field(True, description="half of the events are Standard Model top pairs")
    width: float = Field(0.01, gt=0, lt=0.5, description="width of X relative to its mass")
    sqrt_s: float = Field(13_000.0, gt=0, description="collision energy, GeV")
    fidelity: Literal["parton", "hadron", "full"] = "parton"
    layout: Literal["gev", "uci"] = Field("gev", description="physical units and names, or the UCI columns")
    seed: int = Field(1, ge=0)


class MuonSimulation(Section):
    """Muons through a CMS-like endcap, as the 87 variables and 3 parameters of the trigger archive."""

    process: Literal["muons"]
    events: int = Field(300_000, gt=0, description="muons accepted by the track finder")
    spectrum: Literal["flat-inverse-pt", "flat-pt", "prompt"] = "flat-inverse-pt"
    pt_min: float = Field(2.0, gt=0, description="GeV")
    pt_max: float = Field(7000.0, gt=0, description="GeV")
    noise: float = Field(0.0, ge=0, description="mean number of extra noise hits per muon")
    seed: int = Field(1, ge=0)


Simulation = Annotated[ResonanceSimulation | MuonSimulation, Field(discriminator="process")]


class Labels(Section):
    """What a classifier learns: a class per event."""

    variable: Formula | None = Field(
        None, description="class index 0, 1, … as a column or expression; or with `edges`, the quantity that is binned"
    )
    names: list[str] = Field(default=[], description="class names in the order of their index")
    edges: list[float] | None = Field(None, description="bin edges of `variable`, one more than classes")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.edges is not None:
            if self.variable is None:
                raise ValueError("`edges` needs a `variable` to bin")
            if len(self.edges) < 3 or any(b <= a for a, b in zip(self.edges, self.edges[1:], strict=False)):
                raise ValueError("`edges` must rise and make at least two classes")
            if self.names and len(self.names) != len(self.edges) - 1:
                raise ValueError(f"{len(self.names)} names for {len(self.edges) - 1} bins")
        if len(set(self.names)) != len(self.names):
            raise ValueError("class names must differ")
        return self

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names, made up from the edges where none are given."""
        if self.names:
            return tuple(self.names)
        if self.edges is not None:
            return tuple(f"{a:g}–{b:g}" for a, b in zip(self.edges, self.edges[1:], strict=False))
        return ("background", "signal")


class Target(Section):
    """What a regression learns: a number per event."""

    variable: Formula
    scale: float | None = Field(
        None,
        gt=0,
        description="the network learns variable × scale; by default the target is standardised with the mean and "
        "width of the training events. Results are always given in the target's own unit",
    )
    unit: str = ""


class Parameter(Section):
    """A physics parameter the network is given beside the features, such as the mass of X."""

    variable: Formula | None = Field(None, description="column or expression; the parameter's own name by default")
    values: list[float] | None = Field(None, description="allowed values; each event gets the nearest")
    background: Literal["given", "signal", "uniform"] = Field(
        "given",
        description="what background events (the first class) carry: their own value as `variable` gives it, one "
        "drawn from the signal's, or one drawn evenly from the signal's range",
    )
    background_variable: Formula | None = Field(
        None,
        description="column or expression that background carries instead of `variable`, such as a reconstructed mass; as "
        "it is, not rounded to `values`. With `background: given`",
    )
    redraw: bool = Field(False, description="draw the background's value anew every epoch; frozen in validation and test")
    unit: str = ""

    @model_validator(mode="after")
    def _drawn(self) -> Self:
        if self.redraw and self.background == "given":
            raise ValueError("`redraw` needs `background: signal` or `background: uniform`")
        if self.background_variable is not None and self.background != "given":
            raise ValueError("`background_variable` needs `background: given`: otherwise the background's value is drawn")
        return self


class Split(Section):
    """How events are divided: by a hash of the event number, never by row order."""

    test: Fraction = Field(0.2, description="share kept for the test, unless a sample is for testing")
    val: Fraction = Field(0.3, description="share of the other events used for validation")
    train: float | None = Field(None, gt=0, le=1, description="share of the other events used for training; all the rest")
    folds: int | None = Field(
        None,
        ge=2,
        description="train so many networks, each on the other folds' events, and score every event by the network that "
        "has not seen its fold; `test` is then not taken, only samples for testing are tested on",
    )
    stratify: bool = Field(False, description="exact shares within each class, instead of on average")
    seed: int = Field(0, ge=0)
    overlap: Literal["error", "drop", "keep"] = Field(
        "error", description="test events that also stand in the training files: refuse, drop from training, or keep"
    )

    @model_validator(mode="after")
    def _no_more_than_all(self) -> Self:
        if self.train is not None and self.train + self.val > 1 + 1e-9:
            raise ValueError(f"train + val = {self.train + self.val:g} is more than 1")
        return self


class Prepare(Section):
    """Preprocessing, fitted on training events only, in this order: drop, log, flag, impute, scale."""

    drop_missing: float | None = Field(None, gt=0, le=1, description="drop features missing in more than this share")
    log: Names = Field(default=[], description="features replaced by their logarithm (globs allowed)")
    missing_flags: bool = Field(False, description="add a 0/1 input for each feature that is sometimes missing")
    impute: Literal["mean", "median", "constant"] = "mean"
    fill: float = Field(0.0, description="the constant of `impute: constant`")
    scale: Literal["standard", "minmax", "robust", "none"] = "standard"
    scale_parameters: Literal["standard", "minmax", "none"] = "standard"
    class_weights: Literal["balanced", "root"] | dict[str, float] | None = Field(
        None,
        description="weight of each class in training: balanced, so that all classes count the same; root, the square "
        "root of that; or given by class name",
    )
    resample: Literal["up", "down"] | None = Field(
        None, description="repeat events of small classes, or drop events of large ones, in training only"
    )

    @model_validator(mode="after")
    def _one_balance(self) -> Self:
        if self.class_weights is not None and self.resample is not None:
            raise ValueError("`class_weights` and `resample` both balance the classes; choose one")
        return self


class Model(Section):
    """The network: a multilayer perceptron."""

    kind: Literal["mlp"] = "mlp"
    layers: list[Annotated[int, Field(gt=0)]] = Field([112, 112, 112], description="units of each hidden layer")
    activation: Literal["relu", "tanh", "gelu", "selu", "elu", "silu", "leaky_relu", "sigmoid"] = "relu"
    dropout: Fraction | list[Fraction] = Field(0.0, description="after every hidden layer, or one value per layer")
    batch_norm: bool = False
    l2: float = Field(0.0, ge=0, description="penalty on the squares of the weights")
    parameters: Literal["input", "affine", "both"] = Field(
        "input",
        description="how the network gets the physics parameters: as inputs beside the features; by an affine "
        "transformation of every hidden layer's output, linear in them; or both",
    )

    @model_validator(mode="after")
    def _one_dropout_per_layer(self) -> Self:
        if isinstance(self.dropout, list) and len(self.dropout) != len(self.layers):
            raise ValueError(f"{len(self.dropout)} dropout values for {len(self.layers)} layers")
        return self


CLASS_METRICS = ("accuracy", "auc", "log_loss", "balanced_accuracy", "f1_macro", "f1_weighted")
REGRESSION_METRICS = ("rmse", "mae", "width_68", "r_squared")
MetricName = Literal[
    "loss", "accuracy", "auc", "log_loss", "balanced_accuracy", "f1_macro", "f1_weighted", "rmse", "mae", "width_68",
    "r_squared",
]  # fmt: skip
SMALLER_IS_BETTER = ("loss", "log_loss", "rmse", "mae", "width_68")
"""Of what a training or a search can be judged by; of everything else more is better."""

LossName = Literal["auto", "cross_entropy", "squared_error", "huber", "log_cosh", "absolute_error"]


class Train(Section):
    """The training loop."""

    epochs: int = Field(10, gt=0)
    batch_size: int = Field(1024, gt=0)
    optimizer: Literal["adam", "adamw", "sgd"] = "adam"
    learning_rate: float = Field(1e-3, gt=0)
    schedule: Literal["constant", "cosine", "one_cycle"] = Field("constant", description="how the learning rate changes")
    warmup_epochs: float = Field(0.0, ge=0, description="epochs over which the rate rises from zero (not for one_cycle)")
    weight_decay: float = Field(0.0, ge=0, description="decoupled weight decay")
    balance: Names = Field(
        default=[],
        description="every batch holds as many events of each group: `class`, a parameter's name, or both. Groups weigh "
        "the same in loss and validation loss; events of a small group are repeated, those of a large one take turns",
    )
    negative_weights: Literal["keep", "abs", "drop", "error"] = Field(
        "keep",
        description="training events with negative weights: keep them, which is right on average; take the weight's "
        "absolute value; leave them out; or refuse them. Evaluation always keeps them",
    )
    clip_norm: float | None = Field(None, gt=0, description="largest norm of a gradient")
    average: float | None = Field(
        None,
        gt=0,
        lt=1,
        description="decay per step of a moving average of the weights, such as 0.999; the average is "
        "what is validated and kept",
    )
    loss: LossName = "auto"
    huber_delta: float = Field(1.0, gt=0, description="where the Huber loss turns linear, in units of the scaled target")
    monitor: MetricName = Field("loss", description="validation metric that chooses the best epoch and stops early")
    patience: int | None = Field(None, gt=0, description="stop after so many epochs without improvement")
    keep: Literal["best", "last"] = Field("best", description="which epoch's weights are kept")
    window: int = Field(
        1_000_000, gt=0, description="events in memory at a time when training from a prepared folder (`shards`)"
    )
    seed: int = Field(1, ge=0)


class Evaluate(Section):
    """What is reported beyond the standard metrics."""

    threshold: Fraction = Field(0.5, description="score above which an event counts as signal (two classes)")
    against: dict[str, list[float]] = Field(
        default={}, description="bin edges by observer: metrics are also given in bins of it"
    )
    bootstrap: int = Field(200, ge=20, description="replicas for uncertainties without a closed form")
    importance: int = Field(20_000, ge=0, description="validation events for the permutation importance; 0 for none")
    sculpting: Names = Field(
        default=[], description="observers whose background a cut on the score must not shape (two classes)"
    )
    recalibrate: Literal["isotonic"] | None = Field(
        None,
        description="a rising map from score to probability, fitted on validation events; the column `probability` "
        "beside the score (two classes)",
    )
    search: Search | None = Field(None, description="significance and limits: for two classes, signal and background")
    trigger: Trigger | None = Field(None, description="turn-on curves and rates: for a momentum, or classes of it")


class Choice(Section):
    """One of these values."""

    choice: list[Any] = Field(min_length=1)


class IntRange(Section):
    """A whole number from a range, both ends included."""

    int: tuple[builtins.int, builtins.int]
    step: builtins.int = Field(1, gt=0)
    log: bool = Field(False, description="uniform in the logarithm")

    @model_validator(mode="after")
    def _rises(self) -> Self:
        _check_range(self.int[0], self.int[1], self.log)
        return self


class FloatRange(Section):
    """A number from a range."""

    float: tuple[builtins.float, builtins.float]
    step: builtins.float | None = Field(None, gt=0)
    log: bool = Field(False, description="uniform in the logarithm")

    @model_validator(mode="after")
    def _rises(self) -> Self:
        _check_range(self.float[0], self.float[1], self.log)
        if self.log and self.step is not None:
            raise ValueError("`log` and `step` exclude each other")
        return self


def _check_range(low: float, high: float, log: bool) -> None:
    if high <= low:
        raise ValueError(f"the range [{low:g}, {high:g}] must rise")
    if log and low <= 0:
        raise ValueError("a logarithmic range must be positive")


class Tune(Section):
    """The search for better settings; every trial is judged on the validation events."""

    method: Literal["hyperband", "tpe", "random", "grid"] = "hyperband"
    space: dict[str, Choice | IntRange | FloatRange] = Field(
        default={}, description="dotted key of `model`, `train` or `prepare` → values to try"
    )
    objective: MetricName = "loss"
    max_epochs: int = Field(10, gt=0, description="epochs of a trial that survives to the end")
    factor: int = Field(3, gt=1, description="one in so many trials survives each round (hyperband)")
    trials: int = Field(20, gt=0, description="number of trials (random, tpe)")
    together: int = Field(
        4,
        gt=0,
        description="trials proposed at a time, from the results of all before (tpe); so many can train side by side",
    )
    seed: int = Field(1, ge=0)

    @model_validator(mode="after")
    def _known_sections(self) -> Self:
        for key in self.space:
            if key.split(".")[0] not in ("model", "train", "prepare"):
                raise ValueError(f"space: {key!r} is not a key of `model`, `train` or `prepare`")
        return self


TRUTH = ["gen_*", "truth_*", "true_*", "Gen*"]


class Analysis(Section):
    """One analysis, complete: the content of an analysis file."""

    name: str = Field("analysis", pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", description="names the run folder")
    description: str = ""
    references: list[str] = Field(default=[], description="what to cite, one line each")
    samples: Annotated[dict[str, Sample], BeforeValidator(as_mapping)] = Field(default={})
    simulate: Simulation | None = Field(None, description="events to simulate when no sample has files")
    shards: str | None = Field(None, description="folder written by `fivesigma prepare`, to read instead of the samples")
    treename: str | None = None
    columns: Names | dict[str, Names] = Field(
        default=[], description="names for files without a header; per array for NPZ and HDF5 tables"
    )
    missing_values: list[float] = Field(default=[], description="values that mean missing, such as -999")
    selection: Formula | None = None
    new_variables: Annotated[dict[str, Formula], BeforeValidator(as_mapping)] = Field(default={})
    features: Names = Field(default=[], description="network inputs: columns, new variables or globs of them")
    exclude: Names = Field(default=[], description="features to leave out (globs allowed)")
    labels: Labels | None = None
    target: Target | None = None
    weights: Formula | None = None
    parameters: Annotated[dict[str, Parameter], BeforeValidator(as_mapping)] = Field(default={})
    observers: Names = Field(default=[])
    event_number: str | None = Field(None, description="column that numbers events; their content is hashed otherwise")
    truth: Names = Field(default=TRUTH, description="columns that know the answer (globs): never inputs")
    allow_truth: Names = Field(default=[], description="truth columns that may be inputs all the same; reported")
    units: dict[str, str] = Field(default={}, description="unit of a column, for axis labels (globs allowed)")
    titles: dict[str, str] = Field(default={}, description="what a column is, for axis labels")
    systematics: Annotated[dict[str, Systematic], BeforeValidator(without_nothing)] = Field(
        default={}, description="uncertainties of the expected events, by name, for `evaluate.search`"
    )
    split: Split = Split()
    prepare: Prepare = Prepare()
    model: Model = Model()
    train: Train = Train()
    evaluate: Evaluate = Evaluate()
    baselines: Annotated[dict[str, Baseline], BeforeValidator(without_nothing)] = Field(
        default={}, description="other models, trained on the same events, to compare the network with; null removes one"
    )
    tune: Tune = Tune()

    @model_validator(mode="before")
    @classmethod
    def _shorthand(cls, data: Any) -> Any:
        """`labels: column` and `target: column` are short for the full form."""
        if isinstance(data, dict):
            data = dict(data)
            for key in ("labels", "target"):
                if isinstance(data.get(key), str):
                    data[key] = {"variable": data[key]}
        return data

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if (self.labels is None) == (self.target is None):
            raise ValueError("give either `labels` (classification) or `target` (regression)")
        if not self.features:
            raise ValueError("`features` is empty: name the network's inputs")
        self._check_sample_labels()
        self._check_formulas()
        self._check_folds()
        self._check_search()
        self._check_trigger()
        regression = {"squared_error", "huber", "log_cosh", "absolute_error"}
        if self.train.loss != "auto" and (self.train.loss in regression) != (self.target is not None):
            raise ValueError(f"train.loss {self.train.loss!r} does not fit a {self.task} analysis")
        allowed = {"loss", *(REGRESSION_METRICS if self.target else CLASS_METRICS)} - (
            {"auc"} if self.task == "multiclass" else set()
        )
        if self.train.monitor not in allowed:
            raise ValueError(f"train.monitor {self.train.monitor!r} does not fit a {self.task} analysis: {sorted(allowed)}")
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
        if "class" in self.train.balance and (self.prepare.class_weights or self.prepare.resample):
            raise ValueError("`train.balance` balances the classes, as class weights and resampling do; choose one")
        if self.train.balance and self.shards is not None:
            raise ValueError("`train.balance` needs the events in memory: leave out `shards`")

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
                    f"sample {name!r} is for validation, but with split.folds every fold validates on a share of the "
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

    def _check_trigger(self) -> None:
        if self.evaluate.trigger is not None:
            self.evaluate.trigger.check_observers(self.observers)
        for name in self.baselines:
            if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", name) is None or name == "network":
                raise ValueError(f"baselines: {name!r} cannot be a name: letters, digits, - and _ only, and not 'network'")

    def _check_systematics(self) -> None:
        for name, systematic in self.systematics.items():
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
            if formula is not None:
                Expression(formula)
        if isinstance(self.prepare.class_weights, dict):
            for name in self.prepare.class_weights:
                if name not in self.classes:
                    raise ValueError(f"prepare.class_weights: no class {name!r}; {did_you_mean(name, self.classes)}")

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

    def use_of(self, name: str) -> str:
        """Where the events of a sample go: `split`, `train`, `val` or `test`."""
        default = name if name in ("train", "val", "test") else "split"
        return self.samples[name].use or default


def is_name(text: str) -> bool:
    """Whether a formula is a plain column name rather than something to compute."""
    return re.fullmatch(r"[A-Za-z_][\w.]*", text) is not None
