"""Cross sections as weights."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fivesigma.analysis.file import validate
from fivesigma.data.load import load_samples, read_formulas
from fivesigma.data.normalisation import is_normalised, normalised, sum_of_weights
from fivesigma.errors import ColumnNotFound, EventsError

N = 1000


@pytest.fixture
def folder(tmp_path):
    generator = np.random.default_rng(1)
    for name in ("a", "b"):
        w = generator.normal(1, 0.5, N)
        np.savetxt(
            tmp_path / f"{name}.csv",
            np.column_stack([generator.normal(size=(N, 2)), w]),
            delimiter=",",
            header="x,y,w",
            comments="",
        )
    return tmp_path


def analysis(folder, **more):
    samples = {
        "a": {"files": [str(folder / "a.csv")], "label": "background", "xsec": 2.0},
        "b": {"files": [str(folder / "b.csv"), str(folder / "a.csv")], "label": "signal", "xsec": 0.5, "weight": "1 + x**2"},
    }
    for key, value in more.pop("samples", {}).items():
        samples[key] |= value
    return validate(
        {"features": ["x"], "labels": {}, "samples": samples, "weights": "w", "selection": "y > 0", **more}, "test"
    )


def columns(folder, name):
    return np.loadtxt(folder / f"{name}.csv", delimiter=",", skiprows=1).T


def test_the_weights_of_all_events_add_up_to_the_cross_section_per_inverse_femtobarn(folder):
    given = analysis(folder, selection=None)
    assert is_normalised(given)
    found = normalised(given)
    assert not is_normalised(found)
    for sample, xsec in zip(load_samples(found), (2.0, 0.5), strict=True):
        assert sample.events.weight.sum() == pytest.approx(1000 * xsec)


def test_a_selection_takes_its_share(folder):
    sample = load_samples(normalised(analysis(folder)))[0]
    _, y, w = columns(folder, "a")
    assert sample.events.weight.sum() == pytest.approx(2000 * w[y > 0].sum() / w.sum())


def test_the_sum_of_weights_goes_over_all_files_before_the_selection(folder):
    given = analysis(folder)
    x, _, w = np.concatenate([columns(folder, "b"), columns(folder, "a")], axis=1)
    assert sum_of_weights(given, "b", given.samples["b"]) == pytest.approx((w * (1 + x**2)).sum())


def test_a_given_sum_is_taken_instead(folder):
    found = normalised(analysis(folder, samples={"a": {"sum_weights": 4000.0}}))
    _, y, w = columns(folder, "a")
    assert load_samples(found)[0].events.weight.sum() == pytest.approx(2000 * w[y > 0].sum() / 4000)


@pytest.mark.parametrize("weights", [None, "1"])
def test_without_weights_events_are_counted(folder, weights):
    found = normalised(analysis(folder, weights=weights, selection=None, samples={"b": {"weight": None}}))
    assert load_samples(found)[0].events.weight == pytest.approx(np.full(N, 2000 / N))


def test_weights_that_add_up_to_nothing_are_said(folder):
    with pytest.raises(EventsError, match="the weights of sample 'a' add up to -"):
        normalised(analysis(folder, samples={"a": {"weight": "-1 - x**2"}}))


def test_formulas_are_read_in_the_order_of_the_events(folder):
    given = analysis(folder, observers=["y"])
    events = load_samples(given)[1].events
    found = read_formulas(given, "b", ["y", "2 * x", "3"])
    np.testing.assert_allclose(found["y"], events.observers["y"])
    np.testing.assert_allclose(found["2 * x"], 2 * events.features[:, 0], rtol=1e-6)
    np.testing.assert_array_equal(found["3"], np.full(len(events), 3.0))
    with pytest.raises(ColumnNotFound, match="'yy'"):
        read_formulas(given, "b", ["yy"])


def test_a_weight_may_be_a_column_of_any_name(tmp_path):
    pq.write_table(pa.table({"x": [1.0, 2.0], "Event/Event.w": [1.0, 3.0]}), tmp_path / "t.parquet")
    for weight in ("Event/Event.w", "`Event/Event.w`"):
        sample = {"files": [str(tmp_path / "t.parquet")], "label": "signal", "xsec": 2.0, "weight": weight}
        given = validate({"features": ["x"], "labels": {}, "samples": {"a": sample}}, "test")
        assert load_samples(normalised(given))[0].events.weight.tolist() == [500, 1500]


@pytest.mark.parametrize("weight", ["0.5", "1 / 2", "sqrt(0.25)"])
def test_a_constant_weight_scales_the_yield(folder, weight):
    given = analysis(folder, selection=None, samples={"a": {"weight": weight}, "b": {"weight": weight, "sum_weights": 80.0}})
    a, b = (sample.events.weight.sum() for sample in load_samples(normalised(given)))
    assert a == pytest.approx(0.5 * 2000)
    assert b == pytest.approx(0.5 * 500 * sum(columns(folder, name)[2].sum() for name in "ab") / 80)


def test_a_constant_weight_of_the_analysis_cancels(folder):
    wanted = [sample.events.weight.sum() for sample in load_samples(normalised(analysis(folder, weights=None)))]
    found = [sample.events.weight.sum() for sample in load_samples(normalised(analysis(folder, weights="2")))]
    assert found == pytest.approx(wanted)
