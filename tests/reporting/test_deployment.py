"""Exported firmware in the report: what was proved and what it costs, and what was not run."""

from fivesigma.reporting.deployment import cost_table, proof_sentences

PROOF = {
    "events": 20_000,
    "garbage": 1234,
    "emulator": {"name": "alkaid 0.8.2", "mismatches": 0, "seconds": 1.0},
    "verilog": {"not_run": "there is no Verilator"},
    "rounded": {"columns": {"bend": 0.25, "zone": 0.01}, "largest": 0.1, "mean": 0.002},
}
ESTIMATES = {
    "clock_mhz": 200.0,
    "cycles": 9,
    "edges": 10,
    "nanoseconds": 45.0,
    "alkaid": {"lut": 25_812.4, "register_bits": 9000.0, "logic_delay": 44.0},
}


def test_the_proof_in_sentences():
    assert proof_sentences(PROOF) == [
        "The emulator (alkaid 0.8.2) differs from the quantised network in 0 of 20,000 events; every bit counts.",
        "The Verilog was not run: there is no Verilator.",
        "In these events 1,234 values are missing; their ports carried random numbers.",
        "Values that stand between two numbers of their port are rounded before it: bend (25% of them), zone (1% of them); "
        "that changes the scores by 1.0e-01 at most and by 2.0e-03 on average.",
    ]
    assert proof_sentences({}) == []


def test_the_cost_is_called_an_estimate():
    found = cost_table(ESTIMATES)
    assert found.rows == [["alkaid", "25,812", "9,000", "–", "–"]]
    assert "9 cycles of the clock" in found.note
    assert "45 ns at 200 MHz" in found.note
    assert "no vendor's tool" in found.note
    both = cost_table({**ESTIMATES, "yosys": {"lut": 34_512, "ff": 8000, "carry": 100, "dsp": 0, "bram": 0}})
    assert both.rows[1] == ["Yosys", "34,512", "8,000", "100", "–"]
    assert cost_table({}).rows == []
