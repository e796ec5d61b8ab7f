"""The tables of `make firmware`: what ran and what did not, costs, the networks of all steps."""

from studies.firmware import at_point, front_lines, lines

RTL = {
    "proof": {
        "events": 20_000,
        "emulator": {"name": "alkaid 0.8.2", "mismatches": 0},
        "verilog": {"not_run": "there is no Verilator"},
    },
    "estimates": {
        "clock_mhz": 200.0,
        "cycles": 9,
        "nanoseconds": 45.0,
        "alkaid": {"lut": 25_812.4, "register_bits": 9000.0},
        "yosys": {"lut": 34_512, "ff": 8000, "carry": 100},
    },
    "metrics": {"rmse": {"network": 0.035, "exported": 0.035, "error": None}},
}
HLS = {"proof": {"events": 20_000, "hls": {"name": "hls4ml 1.3.0", "mismatches": 0}}}


def test_the_tables_say_what_ran_and_what_did_not():
    text = "\n".join(
        lines({"rtl": RTL, "hls": HLS, "onnx": {"events": 9, "difference": {"largest": 0.0}}}, {"export rtl": 61.7})
    )
    assert "| alkaid 0.8.2 | 20,000 | 0 |" in text
    assert "| Verilator | 20,000 | not run: there is no Verilator |" in text
    assert "| hls4ml 1.3.0 | 20,000 | 0 |" in text
    assert "| Yosys | 34,512 | 8,000 | 100 | 0 |" in text
    assert "| rmse | 0.035 | 0.035 | – |" in text
    assert "| export rtl | 62 |" in text
    assert "9 cycles, 45 ns at 200 MHz." in text
    assert (
        front_lines([{"ebops": 43_000.0, "rtl": RTL, "hls": HLS}])[-1]
        == "| 43,000 | 25,812 | 9 | 20,000 | 0 | not run | 0 |"
    )
    assert front_lines([]) == []


def test_a_copy_of_a_run_has_the_network_of_another_step(tmp_path):
    run = tmp_path / "run"
    for name, text in {"model.keras": "last", "front/step-1.keras": "first", "export/x": "", "manifest.json": ""}.items():
        (run / name).parent.mkdir(parents=True, exist_ok=True)
        (run / name).write_text(text)
    copy = at_point(run, "front/step-1.keras", tmp_path / "copy")
    assert (copy / "model.keras").read_text() == "first"
    assert [path.name for path in copy.iterdir()] == ["model.keras"]
