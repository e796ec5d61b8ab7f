"""What every test has: a cache folder of its own, events from arrays, a small analysis, the command line as a function."""

import functools
import gc
import os
import signal
import sys
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import typer
import yaml
from hypothesis import settings

from fivesigma.cli.main import main
from fivesigma.cluster import local, spawn
from fivesigma.cluster.devices import set_up
from fivesigma.events import Events
from fivesigma.hashing import fingerprints
from fivesigma.progress import Listener
from fivesigma.reporting import helper as drawing_helper
from fivesigma.reporting import style as figure_style

sys.path.insert(0, str(Path(__file__).parent / "cluster"))  # where workers find `warm` and `tasks`, too
import warm

# Compilation takes a third of the time of the training tests, and most of it goes into making small loops fast. The flags
# change how fast a program is, not what is tested; FIVESIGMA_TEST_AS_USERS=1 compiles as users do.
COMPILE_QUICKLY = (
    "--xla_backend_optimization_level=0 --xla_cpu_use_fusion_emitters=false --xla_cpu_parallel_codegen_split_count=1"
)
if not os.environ.get("FIVESIGMA_TEST_AS_USERS"):
    os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {COMPILE_QUICKLY}".strip()

LONGEST_FIRST = ("journeys", "verbs", "examples", "simulation", "training", "assessment", "deployment")
"""Folders whose files begin first, so that two cores end together."""


def pytest_collection_modifyitems(items):
    """Order the folders; within each the tests stay as they are."""
    places = {folder: place for place, folder in enumerate(LONGEST_FIRST)}
    root = Path(__file__).parent

    def place(item):
        inside = item.path.relative_to(root).parts[0] if item.path.is_relative_to(root) else ""
        return places.get(inside, len(places))

    items.sort(key=place)


DRAWN = (
    *("tests/reporting/", "tests/pages/", "tests/verbs/test_report.py", "tests/verbs/test_run.py"),
    *("tests/journeys/test_collision_analyses.py", "tests/journeys/test_search.py", "tests/journeys/test_trigger.py"),
)
"""Where figures are drawn for their own sake, or for a whole journey; elsewhere they are made up to the last step."""

UNDRAWN = {
    "pdf": b"%PDF-1.4\n",
    "png": b"\x89PNG\r\n\x1a\n",
    "svg": b'<svg xmlns="http://www.w3.org/2000/svg" width="400pt" viewBox="0 0 400 300"></svg>',
}


@pytest.fixture(scope="session", autouse=True)
def few_figures():
    """Lay out and draw figures only where `DRAWN` says, in this process; it takes a quarter of the time of the verbs."""
    draw = figure_style.formats_of

    def formats_of(figure):
        return draw(figure) if os.environ.get("PYTEST_CURRENT_TEST", "").startswith(DRAWN) else dict(UNDRAWN)

    with pytest.MonkeyPatch.context() as patch:
        if not os.environ.get("FIVESIGMA_TEST_AS_USERS"):
            patch.setattr(figure_style, "formats_of", formats_of)
            patch.setattr(drawing_helper, "cores", lambda: 1)  # no second process, in which all figures would be drawn
        yield


@pytest.fixture(scope="session", autouse=True)
def quick_workers():
    """Start worker processes without their imports, except where processes are what is tested."""

    def context():
        spawned = os.environ.get("PYTEST_CURRENT_TEST", "").startswith("tests/cluster/")
        return spawn.Context() if spawned else warm.Context()

    with pytest.MonkeyPatch.context() as patch:
        if warm.possible():
            patch.setattr(local, "Context", context)
        yield


@pytest.fixture(scope="session", autouse=True)
def commands_made_once():
    """Make the commands of the command line once in a process, as a user's process does, not at each call of `main`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(typer.main, "get_command", functools.cache(typer.main.get_command))
        yield


settings.register_profile("fivesigma", deadline=None, derandomize=True)
settings.load_profile("fivesigma")


@pytest.fixture(scope="session", autouse=True)
def private_cache(tmp_path_factory):
    """No test reads or writes the user's own cache; processes that share the tests share what is compiled and simulated."""
    base = tmp_path_factory.getbasetemp()
    base = base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FIVESIGMA_CACHE", str(base / "cache"))
        patch.setenv("FIVESIGMA_COMMAND", "1")  # libraries without companions that they do not need, in child processes, too
        set_up()  # before a test starts JAX by itself, with a single device
        import jax

        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
        # The libraries leave a million objects, and looking through them for garbage takes a twentieth of the time.
        thresholds = gc.get_threshold()
        gc.set_threshold(100_000, 50, 1000)
        yield
        gc.set_threshold(*thresholds)


@pytest.fixture
def make_events():
    """A function: arrays → Events; what is not given is made up."""

    def make(features, target=None, weight=None, classes=("background", "signal"), parameters=None, number=None, **more):
        features = np.asarray(features, np.float32)
        n = len(features)
        parameters = np.zeros((n, 0)) if parameters is None else np.asarray(parameters)
        return Events(
            features=features,
            feature_names=tuple(f"x{i}" for i in range(features.shape[1])),
            target=np.arange(n) % max(len(classes), 1) if target is None else np.asarray(target),
            weight=np.ones(n) if weight is None else np.asarray(weight, np.float64),
            parameters=parameters.astype(np.float32),
            parameter_names=tuple(f"p{i}" for i in range(parameters.shape[1])),
            classes=tuple(classes),
            event_number=np.arange(n, dtype=np.uint64) if number is None else np.asarray(number, np.uint64),
            fingerprint=fingerprints([*features.T]),
            **more,
        )

    return make


AT_ONCE = 20
"""Seconds of processor time: ten times what anything takes that is answered at once, far below what a fault takes."""


@contextmanager
def at_once():
    """What is within ends; the clock is this process's own, so a machine that stands still for a while fails nothing.

    Raises:
        AssertionError: where it is after `AT_ONCE` seconds.
    """

    def late(number, frame):
        raise AssertionError(f"not answered after {AT_ONCE} s of processor time")

    handler = signal.signal(signal.SIGPROF, late)
    signal.setitimer(signal.ITIMER_PROF, AT_ONCE)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, handler)


def write_csv(path, events=1500, seed=1, shift=1.0):
    generator = np.random.default_rng(seed)
    label = generator.integers(0, 2, events)
    x = generator.normal(0, 1, (events, 3)) + shift * label[:, None]
    rows = np.column_stack([np.arange(events) + 10_000 * seed, label, x, generator.uniform(0.5, 1.5, events)])
    np.savetxt(path, rows, delimiter=",", header="event,label,x0,x1,x2,w", comments="", fmt=["%d", "%d"] + ["%.9g"] * 4)
    return path


TREE = {
    "name": "toy",
    "samples": {"train": {"files": ["train.csv"]}, "test": {"files": ["test.csv"]}},
    "new_variables": {"sum": "x0 + x1"},
    "features": ["x0", "x1", "x2"],
    "labels": {"variable": "label", "names": ["background", "signal"]},
    "weights": "w",
    "observers": ["sum"],
    "event_number": "event",
    "model": {"layers": [16]},
    "train": {"epochs": 3, "batch_size": 64},
}


class Heard(Listener):
    """Keeps what is said, and tables by their title."""

    def __init__(self):
        self.lines, self.tables = [], {}

    def say(self, text):
        self.lines.append(text)

    def table(self, title, header, rows):
        self.tables[title] = [header, *rows]


@pytest.fixture
def toy(tmp_path):
    """A folder with an analysis file and its data; returns the analysis file."""
    write_csv(tmp_path / "train.csv", seed=1)
    write_csv(tmp_path / "test.csv", 500, seed=2)
    path = tmp_path / "toy.yaml"
    path.write_text(yaml.safe_dump(TREE, sort_keys=False))
    return path


@pytest.fixture
def command(capsys, tmp_path, monkeypatch):
    """Run `fivesigma …` in a folder of its own: arguments → (exit code, standard output, standard error)."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["fivesigma", *map(str, arguments)])
        with pytest.raises(SystemExit) as leaving:
            main([str(argument) for argument in arguments])
        printed = capsys.readouterr()
        return leaving.value.code, printed.out, printed.err

    return call


@pytest.fixture
def undrawn(monkeypatch):
    """The figures of a run take most of its time; a test that does not look at them gets an empty page."""

    def write_report(folder, progress, altered=(), citation="", helper=None):
        if not folder.has("report.html"):
            folder.write_text("report.html", "")
        return folder / "report.html"

    for verb in ("report", "scan"):
        monkeypatch.setattr(f"fivesigma.verbs.{verb}.write_report", write_report)
