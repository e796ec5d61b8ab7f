"""The article's files from reading to the result: `fivesigma run` against the article's notebook as it is written."""

from pathlib import Path

from benchmarks.million_rows import run, write
from benchmarks.options import Options
from benchmarks.table import Figure, Row, short
from benchmarks.worker import once

NEEDS = ("pandas", "sklearn")
ABOUT = (
    "Two gzipped CSV files of the size and layout of the published HEPMASS files (7 M training and 3.5 M test rows), with "
    "Gaussians instead of collisions. fivesigma explores, trains four epochs with batches of 32, evaluates and writes its "
    "report (`fivesigma run hepmass-article`). The notebook does what the article shows with pandas, scikit-learn and "
    "Keras, without its search and its figures: it reads, scales the mass, splits, trains the same network for four epochs "
    "with validation, and evaluates the test file. Each is a process of its own, imports included; memory is the largest."
)
TASK = "benchmarks.workers.notebook:Notebook"
ROWS, EPOCHS = 7_000_000, 4
FASTER, SMALLER, GIGABYTES = 5.0, 2.0, 4.0


def measure(options: Options) -> list[Row]:
    """Rows for wall time and memory, and the memory against what is allowed."""
    rows = options.size(ROWS, 50_000)
    train, test = _files(rows, options)
    ours, theirs = [], []
    for repetition in range(options.turns(1, 1)):
        output = options.folder / "notebook-runs" / str(repetition)
        ours.append(run("hepmass-article", train, test, output, EPOCHS))
        options.say(f"fivesigma: {ours[-1][0]:.0f} s, {ours[-1][1] / 1e9:.2f} GB")
        found, peak = once(TASK, "run", train=str(train), test=str(test), epochs=EPOCHS)
        theirs.append((float(found["seconds"]), peak))
        options.say(f"the notebook: {theirs[-1][0]:.0f} s, {peak / 1e9:.2f} GB")
    what = f"{short(rows)} + {short(rows // 2)} rows, files to result"
    times = [Figure(name, tuple(s for s, _ in each), "s") for name, each in (("fivesigma", ours), ("the notebook", theirs))]
    sizes = [
        Figure(name, tuple(peak / 1e9 for _, peak in each), "GB")
        for name, each in (("fivesigma", ours), ("the notebook", theirs))
    ]
    allowed = Figure("allowed", (GIGABYTES,) * len(ours), "GB")
    return [
        Row(f"{what}: time", times[0], times[1], "less", FASTER),
        Row(f"{what}: peak memory", sizes[0], sizes[1], "less", SMALLER),
        Row(f"{what}: peak memory", sizes[0], allowed, "less", 1.0),
    ]


def _files(rows: int, options: Options) -> tuple[Path, Path]:
    """The training and the test file, made once and kept."""
    options.folder.mkdir(parents=True, exist_ok=True)
    paths = options.folder / f"train-{rows}.csv.gz", options.folder / f"test-{rows // 2}.csv.gz"
    for seed, (path, count) in enumerate(zip(paths, (rows, rows // 2), strict=True), start=1):
        if not path.is_file():
            options.say(f"writing {path.name}")
            part = path.with_name("part-" + path.name)
            write(part, count, seed)
            part.rename(path)
    return paths
