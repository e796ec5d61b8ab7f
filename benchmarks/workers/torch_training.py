"""PyTorch as a contender: eager with a DataLoader, eager with tensors in memory, and compiled."""

import itertools
import time
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.network import RATE, SHAPES, problem

Step = Callable[[Tensor, Tensor], None]

PATIENCE = 5.0
"""Seconds after which a training is cut short: on a busy machine, threads that wait for each other take for ever."""

MODES = ("loader", "tensors", "compiled model", "compiled step")


class Training:
    """Trains the article's network on the same events again and again.

    Neither loss nor accuracy are summed up, which fivesigma and Keras do: less work than theirs.

    Args:
        events: training events.
        batch: events per gradient step.
    """

    def __init__(self, events: int, batch: int) -> None:
        x, y = problem(events)
        self._x, self._y = torch.from_numpy(x), torch.from_numpy(y)[:, None]
        self._batch = batch
        self._threads = torch.get_num_threads()
        self._steps: dict[tuple[str, int], Step] = {}
        self._first: dict[tuple[str, int], float] = {}

    def run(self, mode: str, epochs: int, threads: int | None = None) -> dict[str, float]:
        """Train for `epochs`, after one more epoch at the first call, which compiles.

        Args:
            mode: one of `MODES`.
            threads: of PyTorch's products; its own choice by default.

        Returns:
            `rate`, events per second; `first`, seconds of the epoch that compiles.
        """
        threads = threads or self._threads
        torch.set_num_threads(threads)
        if (mode, threads) not in self._steps:
            self._steps[mode, threads] = make_step(mode)
            started = time.perf_counter()
            self._rate(mode, threads, 1)
            self._first[mode, threads] = time.perf_counter() - started
        return {"rate": self._rate(mode, threads, epochs), "first": self._first[mode, threads]}

    def best(self, modes: list[str], threads: list[int]) -> dict[str, Any]:
        """The fastest of some modes with its number of threads, and the rates of all combinations."""
        rates = {(mode, count): self.run(mode, 1, count)["rate"] for mode, count in itertools.product(modes, threads)}
        mode, count = max(rates, key=rates.__getitem__)
        return {"mode": mode, "threads": count, "rates": {f"{m}, {c} threads": rate for (m, c), rate in rates.items()}}

    def _rate(self, mode: str, threads: int, epochs: int) -> float:
        """Events per second of some epochs, or of what `PATIENCE` allowed of them."""
        step = self._steps[mode, threads]
        events, started = 0, time.perf_counter()
        for _ in range(epochs):
            for x, y in self._batches(mode):
                step(x, y)
                events += len(x)
                if time.perf_counter() - started > PATIENCE:
                    break
        return events / (time.perf_counter() - started)

    def _batches(self, mode: str) -> Iterator[tuple[Tensor, Tensor]]:
        """Batches in a new random order."""
        if mode == "loader":
            data = torch.utils.data.TensorDataset(self._x, self._y)
            yield from torch.utils.data.DataLoader(data, batch_size=self._batch, shuffle=True)
            return
        for index in torch.randperm(len(self._x)).split(self._batch):
            yield self._x[index], self._y[index]


def make_step(mode: str) -> Step:
    """One gradient step on a new network; with a DataLoader as a tutorial writes it, else with the fused Adam."""
    torch.manual_seed(1)
    layers = [layer for a, b in SHAPES for layer in (nn.Linear(a, b), nn.ReLU())][:-1]
    model = nn.Sequential(*layers)
    loss = nn.BCEWithLogitsLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=RATE, fused=None if mode == "loader" else True)

    def forward(x: Tensor, y: Tensor) -> Tensor:
        return loss(model(x), y)

    objective = torch.compile(forward) if mode == "compiled model" else forward

    def step(x: Tensor, y: Tensor) -> None:
        optimizer.zero_grad()
        objective(x, y).backward()
        optimizer.step()

    if mode != "compiled step":
        return step
    # Everything in one call of the compiler, with the Adam that it can fuse by itself.
    optimizer = torch.optim.Adam(model.parameters(), lr=torch.tensor(RATE), capturable=False, fused=False)
    return torch.compile(step)
