"""The verb `simulate`: events into a file, from the command line and from Python."""

import numpy as np
import pytest

import fivesigma as fs
from fivesigma.atomic import alone_in
from fivesigma.errors import FivesigmaError, SimulationError


def test_python_and_command_line_make_the_same_events(command, tmp_path):
    code, out, err = command("simulate", "muons", "-n", "200", "--seed", "3", "-j", "1", "-o", "one.parquet")
    assert (code, out.splitlines()[-1]) == (0, "one.parquet"), err
    path = fs.simulate("muons", tmp_path / "two.parquet", workers=1, events=200, seed=3)
    one, two = (fs.open_table(str(tmp_path / name)).read() for name in ("one.parquet", path.name))
    assert one.keys() == two.keys()
    for name in one:
        np.testing.assert_array_equal(one[name], two[name])
    assert len(two["event_number"]) == 200


def test_what_cannot_be_simulated_is_one_sentence(command, tmp_path):
    with pytest.raises(SimulationError, match="there is no simulation 'muon'; did you mean 'muons'"):
        fs.simulate("muon", tmp_path / "x.npz")
    with pytest.raises(SimulationError, match="unknown key 'event'; did you mean 'events'"):
        fs.simulate("muons", tmp_path / "x.npz", event=3)
    (tmp_path / "there.npz").write_bytes(b"mine")
    with pytest.raises(FivesigmaError, match="exists already"):
        fs.simulate("muons", tmp_path / "there.npz", events=10)
    assert (tmp_path / "there.npz").read_bytes() == b"mine"
    code, _, err = command("simulate", "muons", "-n", "10", "-o", "x.txtt")
    assert (code, err.count("error")) == (2, 1)


def test_events_of_an_analysis_can_be_read_in_one_call(toy):
    events = fs.read(toy)
    assert len(events) == 2000
    assert events.feature_names == ("x0", "x1", "x2")
    assert len(fs.read(toy, {"selection": "x0 > 0"})) < 2000


def test_two_commands_do_not_simulate_one_file(command, tmp_path):
    with alone_in(tmp_path / "c.parquet.parts"):
        code, _, err = command("simulate", "resonance", "-n", 10, "-o", tmp_path / "c.parquet")
    assert (code, "another command is writing" in err) == (2, True)
