"""Estimates by Yosys: numbers of a small design, and a sentence where there are none."""

import subprocess

import pytest

from fivesigma import extras
from fivesigma.deployment import synthesis
from fivesigma.deployment.synthesis import counted, estimate
from fivesigma.errors import MissingExtra, RunError

ADDER = """
module adder (input wire clk, input wire [7:0] a, input wire [7:0] b, output reg [8:0] sum);
    always @(posedge clk) sum <= a + b;
endmodule
"""


def test_a_small_design_is_counted():
    try:
        extras.yosys()
    except MissingExtra as error:
        pytest.skip(error.what)
    found = estimate({"verilog/src/adder.v": ADDER}, "adder")
    assert found["ff"] == 9
    assert 8 <= found["lut"] <= 20
    assert found["dsp"] == found["bram"] == 0
    assert found["depth"] > 1
    with pytest.raises(RunError, match="Yosys gives no estimate"):
        estimate({"adder.v": ADDER.replace("endmodule", "")}, "adder")


def test_a_yosys_that_stops_silently_is_noticed(monkeypatch):
    monkeypatch.setattr(extras, "yosys", lambda: "true")
    with pytest.raises(RunError, match="it stopped silently"):
        estimate({"adder.v": ADDER}, "adder")


@pytest.mark.parametrize("text", ["", "{}", '{"design": {"num_cells_by_type": {}}}', '{"design": 3}'])
def test_statistics_without_numbers_are_no_estimate(text):
    with pytest.raises(RunError, match="Yosys gives no estimate"):
        counted(text, "")


def test_a_missing_yosys_is_a_sentence_with_the_command(monkeypatch):
    monkeypatch.setattr(extras.shutil, "which", lambda name, path=None: None)
    with pytest.raises(MissingExtra, match="needs Yosys") as caught:
        synthesis.estimate({"adder.v": ADDER}, "adder")
    assert caught.value.hint == "pip install 'fivesigma[hardware]'"


def test_a_missing_verilator_is_a_sentence_with_the_command(monkeypatch):
    monkeypatch.setattr(extras.shutil, "which", lambda name, path=None: None)
    with pytest.raises(MissingExtra, match="needs Verilator") as caught:
        extras.verilator()
    assert caught.value.hint == "pip install 'fivesigma[hardware]'"


def test_the_systems_verilator_comes_first(monkeypatch):
    printed = {"--version": "Verilator 5.006 2023-01-22 rev (Debian)", "--getenv": "/usr/share/verilator\n"}

    def run(command, **options):
        return subprocess.CompletedProcess(command, 0, printed[command[1]], "")

    monkeypatch.setattr(extras.shutil, "which", lambda name, path=None: f"/usr/bin/{name}")
    monkeypatch.setattr(extras.subprocess, "run", run)
    assert extras.verilator() == ("/usr/bin/verilator", "/usr/share/verilator", "5.006")
