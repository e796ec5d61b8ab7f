import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from fivesigma.errors import ColumnNotFound, SimulationError
from fivesigma.simulation.reconstruction import FEATURE_UNITS
from fivesigma.simulation.uci import SCALES, from_uci, to_uci


@pytest.fixture
def columns():
    """Made-up features of 500 events in their physical ranges."""
    rng = np.random.default_rng(2)
    made = {"label": rng.integers(0, 2, 500).astype(np.int8)}
    for name, unit in FEATURE_UNITS.items():
        if name.endswith("btag"):
            made[name] = rng.integers(0, 2, 500).astype(np.float32)
        elif name == "jets_no":
            made[name] = rng.integers(4, 10, 500).astype(np.float32)
        elif unit == "GeV":
            made[name] = rng.lognormal(5, 0.5, 500).astype(np.float32)
        else:
            made[name] = rng.uniform(-3, 3, 500).astype(np.float32)
    made["mass"] = rng.choice([500, 750, 1000], 500).astype(np.float32)
    return made


def test_layout(columns):
    layout = to_uci(columns)
    assert list(layout) == ["label", *(f"f{i}" for i in range(27)), "mass"]
    assert all(column.dtype == np.float32 for column in layout.values())


def test_every_feature_has_a_scale():
    assert list(SCALES) == list(FEATURE_UNITS)


def test_round_trip(columns):
    back = from_uci(to_uci(columns))
    assert list(back) == ["label", *FEATURE_UNITS, "mass"]
    for name, column in columns.items():
        assert_allclose(back[name], column, rtol=1e-5, atol=1e-5)
        assert back[name].dtype == column.dtype


def test_published_values(columns):
    layout = to_uci(columns)
    assert_allclose(np.unique(layout["f21"]), [-0.573682, 1.743123], atol=2e-5)
    assert_allclose(layout["f5"], (np.log(columns["jets_no"]) - 1.61071) / 0.212875, rtol=1e-5, atol=1e-6)
    assert_allclose(layout["f26"], (np.log(columns["m_wwbb"]) - 6.704) / 0.5265, rtol=1e-5, atol=1e-6)
    # Four and five jets in published rows.
    assert_allclose(np.unique(layout["f5"])[:2], [-1.054221, -0.005984], atol=2e-5)
    assert_allclose(SCALES["lep_phi"].forward(np.array([np.pi])), np.sqrt(3))


def test_published_rows_come_back_as_physics():
    """Values of two rows of the published file."""
    row = {f"f{i}": np.zeros(2, np.float32) for i in range(27)}
    row |= {
        "# label": np.array([1.0, 0.0]),
        "mass": np.array([499.99997, 750.0], np.float32),
        "f5": np.array([-0.005984, -1.054221]),
        "f26": np.array([2.227706, -1.506304]),
    }
    physics = from_uci(row)
    assert_array_equal(physics["label"], [1, 0])
    assert_array_equal(physics["mass"], [500, 750])
    assert_array_equal(physics["jets_no"], [5, 4])
    assert_allclose(physics["m_wwbb"], [2633, 369], rtol=0.01)


def test_missing_columns_and_impossible_values(columns):
    with pytest.raises(ColumnNotFound, match="met"):
        to_uci({name: column for name, column in columns.items() if name != "met"})
    with pytest.raises(SimulationError, match="met"):
        to_uci({**columns, "met": np.zeros(500)})


def test_label_and_mass_are_optional(columns):
    features = {name: columns[name] for name in FEATURE_UNITS}
    assert list(from_uci(to_uci(features))) == list(FEATURE_UNITS)


def test_scales_standardise_a_simulated_sample():
    pytest.importorskip("pythia8mc")
    from fivesigma.simulation.resonance import ResonanceSettings, simulate

    layout = to_uci(simulate(ResonanceSettings(events=1200, seed=5), workers=1))
    for i in range(27):
        assert np.mean(layout[f"f{i}"]) == pytest.approx(0, abs=0.12), i
        assert np.std(layout[f"f{i}"]) == pytest.approx(1, abs=0.15), i
