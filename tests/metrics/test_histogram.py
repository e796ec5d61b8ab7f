import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.testing import assert_allclose, assert_array_equal

from fivesigma.metrics.histogram import histogram, sensible_edges

finite = st.floats(-1e6, 1e6, allow_subnormal=False)


@given(hnp.arrays(np.float64, st.integers(0, 60), elements=finite | st.just(np.nan)), st.integers(1, 9))
def test_the_sum_of_weights_survives_filling(values, bins):
    weight = np.random.default_rng(len(values)).normal(1, 1, len(values))
    found = histogram(values, weight, np.linspace(-100, 1000, bins + 1))
    assert_allclose(found.counts.sum() + found.outside, weight[~np.isnan(values)].sum(), atol=1e-9)
    assert_allclose((found.errors**2).sum(), (weight[(values >= -100) & (values <= 1000)] ** 2).sum(), atol=1e-9)


@pytest.mark.parametrize("edges", [np.linspace(-3, 2, 11), np.array([-3.0, -1, 0, 0.5, 2])])
@pytest.mark.parametrize("one", [1.0, -0.7, 0.0])
def test_equal_weights_are_counted_as_unequal_ones_are_added(edges, one):
    values = np.concatenate([np.random.default_rng(1).normal(size=500), edges, [np.nan, np.inf, -np.inf]])
    found = histogram(values, np.full(len(values), one), edges)
    # With one more event, far outside, whose weight is another.
    summed = histogram(np.append(values, 99.0), np.append(np.full(len(values), one), 2.0), edges)
    assert_allclose(found.counts, summed.counts, atol=1e-12)
    assert_allclose(found.errors, summed.errors, atol=1e-12)
    assert found.outside == pytest.approx(summed.outside - 2.0)


@given(hnp.arrays(np.float32, st.integers(0, 3000), elements=st.floats(-1e6, 1e6, width=32) | st.just(np.nan)))
def test_edges_do_not_depend_on_the_precision_that_holds_the_values(values):
    assert_array_equal(sensible_edges(values), sensible_edges(values.astype(np.float64)))


def test_a_density_has_unit_area_and_keeps_relative_errors():
    values = np.random.default_rng(1).normal(size=500)
    counted = histogram(values, np.ones(500), np.array([-2.0, -1, 0, 0.5, 3]))
    density = counted.density()
    assert (density.counts * np.diff(density.edges)).sum() == pytest.approx(1)
    assert_allclose(density.errors / density.counts, 1 / np.sqrt(counted.counts))


@given(hnp.arrays(np.float64, st.integers(0, 200), elements=finite))
def test_edges_rise_and_hold_nearly_everything(values):
    edges = sensible_edges(values)
    assert len(edges) >= 2
    assert (np.diff(edges) > 0).all()
    if len(values):
        assert ((values >= edges[0]) & (values <= edges[-1])).mean() >= 0.998


@given(hnp.arrays(np.int64, st.integers(1, 200), elements=st.integers(-1000, 1000)))
def test_bins_of_whole_numbers_hold_equally_many_of_them(values):
    edges = sensible_edges(values)
    widths = np.diff(edges)
    assert (widths == widths[0]).all()
    assert widths[0] == np.rint(widths[0])
    assert (edges % 1 == 0.5).all()


def test_whole_numbers_beyond_what_bins_of_width_one_can_hold_have_edges():
    for values in (np.full(9, 2**60), 1_700_000_000_000_000_000 + 10 * np.arange(20)):
        edges = sensible_edges(values)
        assert (np.diff(edges) > 0).all()
        assert histogram(values.astype(np.float64), np.ones(len(values)), edges).counts.sum() == len(values)
