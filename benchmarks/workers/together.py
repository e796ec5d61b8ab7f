"""Data-parallel training: the same batches by one process, or by several that join through an address."""

import os
import socket
import subprocess
import sys

from benchmarks.network import INPUTS, LAYERS, problem

EPOCHS = 5


class Together:
    """Trains the article's network on events in memory.

    Args:
        events: how many.
        batch: events of a batch, all processes together.
    """

    def __init__(self, events: int, batch: int) -> None:
        self._size = (events, batch)

    def run(self, workers: int) -> float:
        """Seconds of the epochs after the first, in which the program is compiled."""
        port = _free_port()
        command = [sys.executable, "-m", __name__, *map(str, self._size), str(workers), str(port)]
        environment = {**os.environ, "FIVESIGMA_THREADS": "1"}
        others = [
            subprocess.Popen([*command, str(rank)], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            for rank in range(1, workers)
        ]
        first = subprocess.run([*command, "0"], env=environment, stdout=subprocess.PIPE, text=True, check=True)
        for other in others:
            other.wait()
        return float(first.stdout.splitlines()[-1])


def _free_port() -> int:
    with socket.socket() as place:
        place.bind(("127.0.0.1", 0))
        return int(place.getsockname()[1])


def main(events: int, batch: int, processes: int, port: int, rank: int) -> None:
    """One of the processes; the first one prints the seconds."""
    import numpy as np

    from fivesigma.analysis.train import Train
    from fivesigma.cluster import multiprocess
    from fivesigma.models.base import Inputs
    from fivesigma.models.mlp import Mlp, mlp
    from fivesigma.training.fit import fit
    from fivesigma.training.problem import Problem
    from fivesigma.training.windows import Arrays

    if processes > 1:
        multiprocess.join(f"127.0.0.1:{port}", processes, rank)
    x, y = problem(events)
    ones = np.ones(events, np.float32)
    model = mlp(Mlp(layers=list(LAYERS)), Inputs(INPUTS, link="sigmoid", seed=1))
    history = fit(model, Arrays(x, y, ones, ones), None, Train(epochs=EPOCHS, batch_size=batch), Problem("binary"))
    multiprocess.leave()
    if rank == 0:
        print(sum(row["seconds"] for row in history[1:]), flush=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
