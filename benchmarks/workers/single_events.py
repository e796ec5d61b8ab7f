"""Models that get one event at a time, as contenders."""

import subprocess
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.workers.journey import FEATURES, RunSession
from benchmarks.workers.prediction import graph_of, load_network

EVENTS, TURN = 20_000, 100

PROGRAM = """
#include "model.hpp"
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <vector>
int main(int, char** given) {
  const std::size_t count = std::atol(given[2]);
  std::vector<fivesigma::Inputs> events(count);
  std::FILE* file = std::fopen(given[1], "rb");
  for (auto& event : events)
    if (std::fread(event.features, sizeof(float), FEATURES, file) != FEATURES) return 1;
  float out[fivesigma::outputs], sum = 0;
  const auto started = std::chrono::steady_clock::now();
  for (const auto& event : events) {
    fivesigma::score(event, out);
    sum += out[0];
  }
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - started;
  std::printf("%.9g %.9g\\n", seconds.count(), sum / count);
}
"""


class Single:
    """A trained network, exported as ONNX and as C++.

    Args:
        folder: for the run and the exported models.
    """

    def __init__(self, folder: str) -> None:
        import onnxruntime

        import fivesigma

        place = Path(folder)
        RunSession().write(str(place / "events.parquet"), EVENTS)
        analysis = {
            "name": "single",
            "features": [f"f{i}" for i in range(FEATURES)],
            "labels": "label",
            "samples": {"events": {"files": [str(place / "events.parquet")]}},
            "model": {"layers": [112, 112, 112]},
            "train": {"epochs": 1, "batch_size": 512},
        }
        run = fivesigma.train(analysis, output=place / "runs")
        onnx = fivesigma.export(run, "onnx", place / "model.onnx", inputs="features").path
        fivesigma.export(run, "cpp", place / "model.hpp", inputs="features")
        (place / "program.cpp").write_text(PROGRAM.replace("FEATURES", str(FEATURES)))
        command = ["g++", "-std=c++17", "-O3", "-march=native", "-I", str(place), str(place / "program.cpp")]
        subprocess.run([*command, "-o", str(place / "program")], check=True)
        columns = fivesigma.open_table(str(place / "events.parquet")).read()
        self._features = np.stack([columns[f"f{i}"] for i in range(FEATURES)], axis=1).astype(np.float32)
        self._features.tofile(place / "events.bin")
        self._place = place
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        known = {"providers": ["CPUExecutionProvider"], "sess_options": options}
        self._exported = onnxruntime.InferenceSession(str(onnx), **known)
        self._bare = onnxruntime.InferenceSession(graph_of(load_network(str(run.path))), **known)

    def in_turns(self, count: int) -> dict[str, float]:
        """Microseconds per event of the exported ONNX file and of the network alone, which take turns of 100 events.

        A processor that changes its speed for a second changes both numbers.
        """
        seconds = {"exported": 0.0, "bare": 0.0}
        sessions = {"exported": (self._exported, "features"), "bare": (self._bare, "x")}
        for begin in range(0, count, TURN):
            for name, (session, given) in sessions.items():
                seconds[name] += self._one_by_one(session, given, range(begin, min(begin + TURN, count)))
        return {name: 1e6 * value / count for name, value in seconds.items()}

    def header(self, count: int) -> float:
        """Microseconds per event of the C++ header.

        Raises:
            AssertionError: if its mean score is not that of the ONNX file.
        """
        command = [str(self._place / "program"), str(self._place / "events.bin"), str(count)]
        seconds, mean = map(float, subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())
        expected = float(self._exported.run(None, {"features": self._features[:count]})[0].mean())
        if abs(mean - expected) > 1e-5:
            raise AssertionError(f"the header's mean score is {mean}, that of the ONNX file {expected}")
        return 1e6 * seconds / count

    def _one_by_one(self, session: Any, name: str, numbers: range) -> float:
        events = [{name: self._features[i : i + 1]} for i in numbers]
        started = time.perf_counter()
        for event in events:
            session.run(None, event)
        return time.perf_counter() - started
