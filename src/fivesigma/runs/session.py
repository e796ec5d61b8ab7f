"""One run, step by step; events that one step has loaded serve the next."""

import json
from collections.abc import Callable, Mapping
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from fivesigma.analysis.analysis import Analysis
from fivesigma.assessment.comparison import Comparison, check_trigger
from fivesigma.assessment.search import Searching, in_words, tables
from fivesigma.assessment.trust import Trust, importances
from fivesigma.baselines.of_run import Baselines, check
from fivesigma.cluster import multiprocess
from fivesigma.data.formats import split_treename
from fivesigma.data.write import write_columns
from fivesigma.errors import AnalysisError, RunError
from fivesigma.events import Events
from fivesigma.exploration import summary
from fivesigma.metrics.curves import curves
from fivesigma.metrics.leakage import suspicions
from fivesigma.metrics.metric import key_numbers, shown
from fivesigma.metrics.parameter_checks import Carried, parameter_sentences
from fivesigma.metrics.summary import as_json, in_bins, of_one_network, summarise
from fivesigma.metrics.verdicts import verdicts
from fivesigma.preparation.balance import lopsided
from fivesigma.preparation.folds import FoldAssignment, fold_of
from fivesigma.preparation.negative_weights import what_is_done
from fivesigma.preparation.split import OUT_OF_FOLD
from fivesigma.progress import Listener
from fivesigma.reporting.comparison_tables import comparison_tables
from fivesigma.reporting.page import write_report
from fivesigma.runs.folder import TRAINED, RunFolder, command_line, describe_inputs, matching_runs
from fivesigma.runs.source import Source, load_source
from fivesigma.scores import Scores, concatenate
from fivesigma.training.fold_training import checkpoint_of, fold_edges, fold_scores, spread_columns, train_folds
from fivesigma.training.folds import INDEX, Folds, load_trained
from fivesigma.training.network import Network, hypotheses_of, score_columns
from fivesigma.training.training import train

_TRAINS = "train"


class RunSession:
    """The steps of one run.

    Args:
        folder: the run's folder.
        analysis: the resolved analysis.
        listener: hears what happens.
        workers, cluster: who simulates events, if there is no file of them.
    """

    def __init__(
        self,
        folder: RunFolder,
        analysis: Analysis,
        listener: Listener,
        workers: int | None = None,
        cluster: str | None = None,
    ) -> None:
        self.folder = folder
        self.analysis = analysis
        self.listener = listener
        self.workers, self.cluster = workers, cluster
        self._source: Source | None = None

    @classmethod
    def start(
        cls,
        analysis: Analysis,
        output: Path,
        listener: Listener,
        *,
        needs: str,
        new: bool = False,
        resume: bool = False,
        workers: int | None = None,
        cluster: str | None = None,
    ) -> "RunSession":
        """Go on with the latest run of this very analysis that has not got so far, or begin a new one.

        Args:
            analysis: the resolved analysis.
            output: folder of all runs.
            listener: hears what happens.
            needs: the step about to be taken; a run that has already taken it is not touched.
            new: always begin a new run.
            resume: never begin one.
            workers, cluster: who simulates events, if there is no file of them.
        """
        if analysis.split.folds is not None and multiprocess.processes() > 1:
            raise AnalysisError(
                "folds are trained side by side by workers, not by several processes together",
                hint="start one process, with --workers N or --cluster ADDRESS",
            )
        check(analysis)
        if multiprocess.rank():
            path = multiprocess.agree()
            return cls(RunFolder(Path(path)), analysis, Listener(), workers, cluster)
        journey = cls(cls._folder(analysis, output, listener, needs, new, resume), analysis, listener, workers, cluster)
        multiprocess.agree(str(journey.folder.path.resolve()))
        return journey

    @staticmethod
    def _folder(analysis: Analysis, output: Path, listener: Listener, needs: str, new: bool, resume: bool) -> RunFolder:
        made = {"explore": ["explore.json"], "train": TRAINED, "run": ["metrics.json"], "tune": ["tune/best.yaml"]}[needs]
        for folder in reversed([] if new else matching_runs(output, analysis)):
            stopped = needs == "run" and folder.unfinished is not None
            if (stopped or not folder.has(*made)) and not folder.busy:
                listener.say(f"going on with the run {folder}" + (f" ({folder.unfinished})" if folder.unfinished else ""))
                return folder
        if resume:
            raise RunError(
                f"no unfinished run of this very {analysis.name} analysis in {output}/",
                hint="leave out --resume to begin one",
            )
        return RunFolder.create(output, analysis, command_line())

    @property
    def source(self) -> Source:
        """The run's events, loaded once."""
        if self._source is None:
            self._source = load_source(self.analysis, self.listener, self.workers, self.cluster)
            self._record_inputs(self._source)
        return self._source

    def _record_inputs(self, source: Source) -> None:
        inputs = describe_inputs({name: [split_treename(path)[0] for path in paths] for name, paths in source.files.items()})
        recorded = self.folder.read_json("metadata.json").get("inputs")
        if recorded and [row["sha256"] for row in recorded] != [row["sha256"] for row in inputs]:
            self.listener.say("warning: the input files have changed since this run was begun")
        self.folder.update_metadata(
            inputs=inputs,
            simulated=source.simulated,
            allowed_truth=source.allowed_truth,
            events=source.lengths(),
        )

    @cached_property
    def baselines(self) -> Baselines:
        """The run's other models."""
        return Baselines(self.folder, self.analysis, self.source, self.listener)

    def train_baselines(self) -> None:
        """Train the baselines that are not there yet."""
        if self.analysis.baselines:
            self.folder.begin("baselines")
            self.baselines.train()

    def explore(self) -> dict[str, Any]:
        """Describe the events in `explore.json`."""
        self.folder.begin("explore")
        source = self.source
        self.listener.progress(0, 1, "exploring")
        result = summary.summarise(self.analysis, source.parts, source.kinds)
        result["suspicions"] = suspicions(source.parts, numbered=self.analysis.event_number is not None)
        self.folder.write_json("explore.json", as_json(result))
        for sentence in result["suspicions"]:
            self.listener.say(f"warning: {sentence}")
        for name, (value, share) in summary.suspected_markers(source.parts, self.analysis.missing_values).items():
            self.listener.say(
                f"warning: {100 * share:.1f} % of {name} are exactly {value:g}; if that means missing, "
                f"set missing_values: [{value:g}]"
            )
        sampled = {part: len(events) for part, events in source.parts.items()}
        if sampled != source.lengths():
            counts = ", ".join(f"{count:,} of {source.lengths()[part]:,} {part}" for part, count in sampled.items())
            self.listener.say(f"what describes the data is from a random sample of what is prepared: {counts} events")
        missing = sum(1 for row in result["columns"] if row["missing"] > 0)
        self.listener.done(
            f"explored {len(result['columns'])} columns ({missing} with missing entries), "
            f"{result['memory_bytes'] / 1e6:.0f} MB in memory"
        )
        return result

    def say_data(self) -> None:
        """The data summary as tables: columns, then events of each class in every part."""
        tree = self.folder.read_json("explore.json")
        keys = ("mean", "std", "min", "median", "max")
        rows = [
            [row["name"], row["type"], f"{100 * row['missing']:.2f} %", *(_number(row.get(key)) for key in keys)]
            for row in tree["columns"]
        ]
        self.listener.table("columns (training and validation events)", ["", "type", "missing", *keys], rows)
        self.say_classes(tree)

    def say_classes(self, tree: dict[str, Any]) -> None:
        """Events and shares of each class in every part."""
        parts = list(tree["parts"])
        if not tree["classes"]:
            rows = [["events", *(f"{tree['parts'][part]['events']:,}" for part in parts)]]
        else:
            rows = [
                [name, *(f"{tree['classes'][p][name]['events']:,} ({100 * tree['shares'][p][name]:.2f} %)" for p in parts)]
                for name in self.analysis.classes
            ]
        self.listener.table("events by part", ["", *parts], rows)
        sums = {p: {n: row["weight"] for n, row in tree["classes"][p].items()} for p in parts} if tree["classes"] else {}
        if any(abs(sums[p][n] - tree["classes"][p][n]["events"]) > 1e-6 * abs(sums[p][n]) for p in sums for n in sums[p]):
            rows = [
                [name, *(f"{sums[p][name]:.6g} ({100 * sums[p][name] / (sum(sums[p].values()) or 1):.2f} %)" for p in parts)]
                for name in self.analysis.classes
            ]
            self.listener.table("sum of weights by part, which is what the metrics count", ["", *parts], rows)

    def help(self) -> None:
        """What a process that is not the first one does: load the events after it, and train with it."""
        if multiprocess.agree() == _TRAINS:
            train(self.analysis, self.source.parts, shards=self.source.shards, checkpoint_path=self._checkpoint, resume=True)
        multiprocess.leave()

    def trained(self) -> Network | Folds:
        """The run's network, or those of its folds; trained now, unless that has been done."""
        if not self.folder.has(*TRAINED):
            return self.train()
        multiprocess.agree()  # tells the others that there is nothing to do
        multiprocess.leave()
        return load_trained(self.folder)

    @property
    def _checkpoint(self) -> Path:
        return checkpoint_of(self.folder)

    def train(self) -> Network | Folds:
        """Fit recipe and network, of every fold if there are folds; what was interrupted goes on from its checkpoint."""
        self.folder.begin("train")
        division = self.source.division
        learnt = self.source.parts["train"] if division is None else division.events
        check_trigger(self.analysis, learnt)
        self.baselines.check()
        if said := what_is_done(learnt.weight, self.analysis.train.negative_weights):
            self.listener.say(said)
        if self.source.per_fb and (said := lopsided(learnt, self.analysis)):
            self.listener.say(f"warning: {said}")
        return self._train_one() if division is None else self._train_folds(division)

    def _train_folds(self, division: FoldAssignment) -> Folds:
        folds = train_folds(self.folder, self.analysis, division, self.listener, self.workers, self.cluster)
        rows = self.folder.read_json(INDEX)["folds"]
        self.folder.update_metadata(
            hypotheses=hypotheses_of(division.events),
            folds=division.count,
            epochs=sum(row["epochs"] for row in rows),
            dropped_features=sorted({name for row in rows for name in row["dropped"]}),
            weights=rows[0]["weights"],
            training_seconds=sum(row["seconds"] for row in rows),
        )
        losses = ", ".join(f"{row['loss']:.4f} (epoch {row['best_epoch']})" for row in rows)
        self.listener.done(f"trained {division.count} folds; lowest validation loss of each: {losses}")
        return folds

    def _train_one(self) -> Network:
        parts = self.source.parts
        multiprocess.agree(_TRAINS)
        if self._checkpoint.is_file():
            self.listener.say(f"resuming from {self._checkpoint}")
        network, history = train(
            self.analysis,
            parts,
            shards=self.source.shards,
            checkpoint_path=self._checkpoint,
            resume=True,
            on_epoch=self._epoch,
        )
        multiprocess.leave()
        lines = [_json_line(row) for row in history]
        self.folder.write_text("history.jsonl", "".join(lines))
        best = min(history, key=lambda row: row.get("val_loss", row["loss"]))
        self.folder.update_metadata(
            hypotheses=hypotheses_of(parts["train"]),
            epochs=len(history),
            dropped_features=list(network.recipe.dropped),
            weights=int(network.model.count_params()),
            training_seconds=sum(row["seconds"] for row in history),
        )
        network.save(self.folder)
        rate = self.source.lengths()["train"] * len(history) / max(sum(row["seconds"] for row in history), 1e-9)
        self.listener.done(
            f"trained {len(history)} epochs at {rate:,.0f} events/s; lowest validation loss "
            f"{best.get('val_loss', best['loss']):.4f} in epoch {best['epoch']:.0f}"
        )
        return network

    def _epoch(self, row: dict[str, float], epochs: int) -> None:
        self.folder.alive()
        self.listener.epoch(row, epochs)

    def evaluate(self, network: Network | Folds | None = None) -> dict[str, Any]:
        """Score every part; write predictions, metrics and the numbers behind the figures."""
        self.folder.begin("evaluate")
        network = network or load_trained(self.folder)
        hypotheses = [tuple(values) for values in self.folder.read_json("metadata.json").get("hypotheses", [])]
        parts = self._scorings(network, hypotheses)
        metrics, shapes, counts = {}, {}, {}
        trust = Trust(self.folder, self.analysis)
        searching = Searching(
            self.folder, self.analysis, self.source, partial(self._score_new, network, hypotheses), self.listener
        )
        carried: dict[str, Carried] = {}
        comparing = Comparison(self.analysis, self.baselines, hypotheses, self.listener)
        for i, (part, scoring) in enumerate(parts.items()):
            self.listener.progress(i, len(parts), f"scoring the {part} events")
            scores = scoring()
            metrics[part] = self._metrics(scores)
            counts[part] = len(scores)
            shapes[part] = curves(scores, self.analysis.evaluate.threshold)
            more, drawn = trust.add(part, scores, of_many=part == "test" and isinstance(network, Folds))
            metrics[part] |= more
            shapes[part] |= drawn
            more, drawn = searching.add(part, scores)
            metrics[part] |= more
            shapes[part] |= drawn
            if scores.task == "binary" and scores.parameter_names:
                carried[part] = Carried(scores)
            columns = {**trust.columns(scores), **comparing.add(part, scores)}
            if part == "test" and isinstance(network, Folds):
                self._compare_networks(network, scores, metrics[part], columns)
            elif part != "train":
                self._write_predictions(part, scores, columns)
        comparing.finish(metrics, shapes)
        self._add_importance(network, metrics)
        self.folder.update_metadata(evaluated=counts)
        self.folder.write_json("metrics.json", as_json(metrics))
        self.folder.write_json("curves.json", as_json(shapes))
        sentences = [*verdicts(metrics), *parameter_sentences(carried)]
        self.folder.write_json("verdicts.json", sentences)
        for sentence in sentences:
            self.listener.say(f"warning: {sentence}")
        sampled = " (a random sample)" if counts.get("train", 0) < self.source.lengths().get("train", 0) else ""
        self.listener.done(
            "evaluated " + ", ".join(f"{n:,} {part}{sampled * (part == 'train')}" for part, n in counts.items()) + " events"
        )
        return metrics

    def _add_importance(self, network: Network | Folds, metrics: dict[str, Any]) -> None:
        """Which inputs matter, beside the metrics of the events this was found with."""

        def heard(done: int, total: int) -> None:
            self.listener.progress(done, total, "permuting the inputs")

        found = importances(self.analysis, network, self.source.parts, self.source.division, heard)
        if found:
            metrics["folds" if isinstance(network, Folds) else "val"]["importance"] = found
            self.listener.say(f"most important inputs (permutation): {', '.join(list(found)[:5])}")

    def _score_new(self, network: Network | Folds, hypotheses: list[tuple[float, ...]], events: Events) -> Scores:
        """Scores of events that stand for others of the part a search is judged on."""
        if isinstance(network, Folds) and "test" not in self.source.parts:
            return network.by(fold_of(events.event_number, self.analysis.split)).scores(events, hypotheses)
        return network.scores(events, hypotheses)

    def _scorings(self, network: Network | Folds, hypotheses: list[tuple[float, ...]]) -> Mapping[str, Callable[[], Scores]]:
        """Part → what gives its scores."""
        if not isinstance(network, Folds):
            return {part: partial(self._scores, network, part, hypotheses) for part in self.source.parts}
        division = self.source.division
        assert division is not None  # the analysis that has trained folds divides its events into folds
        return fold_scores(network, division, self.source.parts.get("test"), hypotheses)

    def _compare_networks(self, folds: Folds, scores: Scores, metrics: dict[str, Any], more: Mapping[str, Any]) -> None:
        """How much the networks differ on the test events: in all, and as a column beside the score."""
        test = self.source.parts["test"]
        each = folds.each(test.features, test.parameters)
        metrics["one_network"] = of_one_network(scores, each, self.analysis.evaluate.threshold)
        self._write_predictions("test", scores, {**spread_columns(scores, each), **more})

    def _scores(self, network: Network, part: str, hypotheses: list[tuple[float, ...]]) -> Scores:
        """Scores of a part; of training events on disk, those of the sample in memory."""
        shards = self.source.shards
        if shards is None or part == "train":
            return network.scores(self.source.parts[part], hypotheses)
        return concatenate([network.scores(events, hypotheses) for events in shards.pieces(part)])

    def _metrics(self, scores: Scores) -> dict[str, Any]:
        settings = self.analysis.evaluate
        result = summarise(scores, settings.threshold, settings.bootstrap)
        for observer, edges in settings.against.items():
            if observer not in scores.observers:
                raise AnalysisError(
                    f"evaluate.against: {observer!r} is not an observer", hint=f"add {observer!r} to `observers`"
                )
            result.setdefault("against", {})[observer] = in_bins(scores, observer, edges, settings.threshold)
        if self.analysis.split.folds is not None and "fold" in scores.observers:
            edges = fold_edges(self.analysis.split.folds)
            result.setdefault("against", {})["fold"] = in_bins(scores, "fold", edges, settings.threshold)
        return result

    def _write_predictions(self, part: str, scores: Scores, more: Mapping[str, Any] | None = None) -> None:
        at = {hypothesis_column(scores.parameter_names, values): score for values, score in scores.at_hypothesis.items()}
        parameters = {name: scores.parameters[:, i].copy() for i, name in enumerate(scores.parameter_names)}
        columns = {
            "event_number": scores.event_number,
            "target": scores.target,
            "weight": scores.weight,
            **parameters,
            **scores.observers,
            **score_columns(scores),
            **at,
            **(more or {}),
        }
        write_columns(self.folder / "predictions" / f"{part}.parquet", [columns], replace=True)

    def report(self) -> Path:
        """Draw the figures and write `report.html`."""
        self.folder.begin("report")
        path = write_report(self.folder, self.listener.progress)
        self.listener.done("report written")
        return path

    def say_key_numbers(self) -> None:
        """The numbers one looks at first, as a table."""
        metrics = self.folder.read_json("metrics.json")
        rows = key_numbers(metrics)
        self.listener.table(f"{self.analysis.name}: {self.analysis.task}", ["", *metrics], rows)
        last = "test" if "test" in metrics else OUT_OF_FOLD
        test = metrics.get(last, {})
        if self.analysis.task == "multiclass" and test:
            keys = ("precision", "recall", "f1")
            classes = [[name, *(shown(row[key]) for key in keys)] for name, row in test["per_class"].items()]
            self.listener.table(f"{last}, by class", ["", *keys], classes)
        per = test.get("per_parameter")
        if per:
            self.listener.table(
                f"{last}, each hypothesis against all background",
                ["", "AUC"],
                [[name, shown(row["auc"])] for name, row in per.items()],
            )
        self._say_search(metrics)
        self._say_comparison(metrics)

    def _say_comparison(self, metrics: dict[str, Any]) -> None:
        """The network beside its baselines, and what a trigger makes of all of them."""
        for table in comparison_tables(metrics, self.analysis)[:2]:
            self.listener.table(table.title, ["", *table.header[1:]], table.rows)

    def _say_search(self, metrics: dict[str, Any]) -> None:
        """The search's significances and limits, and what there is of negative weights."""
        for part, tree in metrics.items():
            if "search" in tree:
                self.listener.say(in_words(tree["search"], self.analysis.classes))
                for table in tables(tree["search"], part):
                    self.listener.table(*table)
        negative = {part: tree["negative_weights"] for part, tree in metrics.items() if "negative_weights" in tree}
        if negative:
            rows = [[p, f"{100 * n['share']:.3g} %", f"{n['effective_events']:,.0f}"] for p, n in negative.items()]
            self.listener.table("negative weights, kept in every number above", ["", "events", "effective events"], rows)


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4g}"


def hypothesis_column(names: tuple[str, ...], values: tuple[float, ...]) -> str:
    """Column name of the score under a hypothesis; letters, digits and `_` only, as ROOT wants it.

    >>> hypothesis_column(("mass",), (500.0,))
    'score_mass_500'
    """
    text = "_".join(f"{name}_{value:g}" for name, value in zip(names, values, strict=True))
    return "score_" + text.replace(".", "p").replace("-", "m").replace("+", "")


def _json_line(row: dict[str, float]) -> str:
    return json.dumps(row) + "\n"
