"""Training throughput while another process keeps one core busy, against Keras and PyTorch."""

from benchmarks import training
from benchmarks.machine import busy
from benchmarks.options import Options
from benchmarks.table import Row

NEEDS = training.NEEDS
ABOUT = (
    "The rows of `training` while another process, started by the benchmark, computes matrix products on one core all the "
    "time. How a batch is shared between cores, and the settings of the peers, are chosen while it does."
)
LEVEL = 1.0


def measure(options: Options) -> list[Row]:
    """A row for each peer at each batch size, the best peer with the target."""
    with busy():
        return [row for batch in options.batches or training.BATCHES for row in training.rows(batch, options, LEVEL)]
