import numpy as np
import pytest
from numpy.testing import assert_array_equal

from fivesigma.cluster.serial import InThisProcess
from fivesigma.errors import ClusterError, SimulationError
from fivesigma.simulation.muons import (
    PARAMETERS,
    UNITS,
    VARIABLES,
    MuonSettings,
    Statistics,
    simulate,
    simulate_chunks,
    simulation,
)


@pytest.fixture(scope="module")
def sample():
    return simulate(MuonSettings(60_000, seed=4), workers=1)


def column(sample, name):
    return sample["variables"][:, VARIABLES.index(name)]


def test_names_shapes_and_types(sample):
    assert len(VARIABLES) == len(set(VARIABLES)) == 87
    assert set(UNITS) == {*VARIABLES, *PARAMETERS}
    assert sample["variables"].shape == (60_000, 87)
    assert sample["parameters"].shape == (60_000, 3)
    assert sample["variables"].dtype == sample["parameters"].dtype == np.float32
    assert sample["event_number"].dtype == np.uint64
    assert VARIABLES[0] == "phi_ME11"
    assert VARIABLES[11] == "phi_ME0"
    assert VARIABLES[72] == "mask_ME11"
    assert VARIABLES[84:] == ("straightness", "zone", "road_phi")


def test_event_numbers_never_repeat(sample):
    assert np.all(np.diff(sample["event_number"].astype(np.int64)) > 0)


def test_a_feature_is_missing_exactly_where_the_mask_says_so(sample):
    values = sample["variables"]
    mask = values[:, 72:84]
    assert set(np.unique(mask)) == {0.0, 1.0}
    for block in range(6):
        missing = np.isnan(values[:, 12 * block : 12 * (block + 1)])
        assert np.array_equal(missing, mask == 1)
    assert not np.isnan(values[:, 84:]).any()


def test_values_are_in_their_ranges(sample):
    values = sample["variables"]
    phi, theta, bend, time, ring, front = (values[:, 12 * i : 12 * (i + 1)] for i in range(6))
    assert np.nanmin(phi) > 0
    assert np.nanmax(phi) < 5000
    assert np.array_equal(phi[~np.isnan(phi)], np.rint(phi[~np.isnan(phi)]))
    assert np.nanmin(theta[:, :5]) >= 4
    assert np.nanmax(theta[:, :5]) <= 88
    assert set(np.unique(bend[:, 2:5][~np.isnan(bend[:, 2:5])])) == {-1.0, 0.0, 1.0}
    assert np.nanmax(np.abs(bend[:, 5:11])) == 0
    assert set(np.unique(time[~np.isnan(time)])) == {-1.0, 0.0}
    assert set(np.unique(ring[~np.isnan(ring)])) == {1.0, 2.0, 3.0, 4.0}
    assert set(np.unique(front[~np.isnan(front)])) == {0.0, 1.0}
    assert set(np.unique(values[:, 84])) == set(range(9))
    assert set(np.unique(values[:, 85])) == set(range(6))
    assert 0 <= values[:, 86].min() <= values[:, 86].max() <= 154


def test_parameters_are_the_truth(sample):
    charge_over_pt, phi, eta = sample["parameters"].T
    assert np.abs(charge_over_pt).max() <= 0.5
    assert np.abs(phi).max() <= np.float32(np.pi)
    assert 1.2 <= np.abs(eta).min() < np.abs(eta).max() <= 2.5


def test_the_straightness_follows_the_charge(sample):
    charge_over_pt = sample["parameters"][:, 0]
    assert np.corrcoef(column(sample, "straightness"), charge_over_pt)[0, 1] > 0.8


def test_the_same_seed_gives_the_same_bytes_and_another_seed_does_not():
    settings = MuonSettings(2000, seed=9)
    first, second = simulate(settings, workers=1), simulate(settings, workers=1)
    assert all(first[name].tobytes() == second[name].tobytes() for name in first)
    other = simulate(MuonSettings(2000, seed=10), workers=1)
    assert not np.array_equal(first["parameters"], other["parameters"])


def test_the_number_of_processes_changes_nothing(monkeypatch):
    settings = MuonSettings(40_000, seed=9)
    alone = simulate(settings, workers=1)
    monkeypatch.setattr(simulation, "FEW_CHUNKS", 1)
    together = simulate(settings, workers=2)
    assert all(alone[name].tobytes() == together[name].tobytes() for name in alone)


class OutOfOrder(InThisProcess):
    """Two workers of which the first is slow."""

    workers = 2

    def results(self, heard=None):
        while self._waiting:
            self._waiting.rotate(-1)
            yield next(super().results())


def test_chunks_that_are_finished_out_of_order_are_written_in_order():
    settings = MuonSettings(10)
    source = simulation._in_order(settings, OutOfOrder())
    for number in range(8):
        assert_array_equal(next(source)["event_number"], simulation.simulate_chunk(settings, number)["event_number"])
    source.close()


def test_a_shorter_run_is_the_beginning_of_a_longer_one(sample):
    short = simulate(MuonSettings(1000, seed=4), workers=1)
    for name, values in short.items():
        assert values.tobytes() == sample[name][:1000].tobytes()


def test_chunks_add_up_and_the_acceptance_is_counted():
    statistics, reports = Statistics(), []
    chunks = list(
        simulate_chunks(
            MuonSettings(40_000),
            workers=1,
            progress=lambda done, total, text: reports.append((done, total)),
            statistics=statistics,
        )
    )
    assert sum(len(chunk["event_number"]) for chunk in chunks) == 40_000
    assert statistics.accepted == 40_000
    assert statistics.generated == chunks[-1]["event_number"][-1] + 1
    assert statistics.acceptance == pytest.approx(0.82, abs=0.05)
    assert reports[0] == (0, 40_000)
    assert reports[-1] == (40_000, 40_000)


def test_noise_finds_muons_and_loses_none():
    quiet = simulation.simulate_chunk(MuonSettings(1, noise=0.0), 0)["event_number"]
    noisy = simulation.simulate_chunk(MuonSettings(1, noise=12.0), 0)["event_number"]
    assert len(noisy) > len(quiet)
    assert np.isin(quiet, noisy).mean() > 0.999


def test_dead_chambers_lose_muons():
    whole = simulation.simulate_chunk(MuonSettings(1), 0)["event_number"]
    fewer = simulation.simulate_chunk(MuonSettings(1, dead_chambers=0.1), 0)["event_number"]
    assert 0.7 < len(fewer) / len(whole) < 0.99


@pytest.mark.parametrize(
    "wrong",
    [
        {"events": 0},
        {"spectrum": "flat"},
        {"pt_min": 0.1},
        {"pt_min": 10.0, "pt_max": 5.0},
        {"pt_max": float("inf")},
        {"pt_min": float("nan")},
        {"eta_min": 0.5},
        {"eta_min": 2.0, "eta_max": 1.5},
        {"seed": -1},
        {"noise": -0.5},
        {"noise": 100.0},
        {"dead_chambers": 1.0},
    ],
)
def test_bad_settings_are_refused_before_any_work(wrong):
    with pytest.raises(SimulationError):
        MuonSettings(**{"events": 10, **wrong})


def test_no_processes_is_an_error():
    with pytest.raises(ClusterError, match="at least 1, not 0"):
        simulate(MuonSettings(10), workers=0)


def test_settings_without_any_accepted_muon_end_in_an_error():
    with pytest.raises(SimulationError, match="enough chambers"):
        simulate(MuonSettings(10, pt_min=1.0, pt_max=1.05, eta_min=1.2, eta_max=1.22), workers=1)
