"""The order of many values."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.testing import assert_array_equal

from fivesigma.metrics.order import ascending, quantiles

SPECIAL = np.array([0, -0.0, 1, -1, np.inf, -np.inf, 1e-45, -1e-45, 3.4e38])


@given(
    hnp.arrays(np.float32, st.integers(0, 200), elements=st.one_of(st.sampled_from(SPECIAL.tolist()), st.floats(width=32)))
)
def test_it_is_numpys_stable_order(values):
    assert_array_equal(ascending(values), np.argsort(values, kind="stable"))


@pytest.mark.parametrize("kind", [np.float64, np.float32, np.int64])
def test_every_type_is_ordered(kind):
    values = np.random.default_rng(1).integers(-5, 5, 100).astype(kind)
    assert_array_equal(ascending(values), np.argsort(values, kind="stable"))


@given(hnp.arrays(np.float32, st.integers(1, 300), elements=st.floats(-1e6, 1e6, width=32)), st.floats(0, 1))
def test_quantiles_are_numpys(values, share):
    shares = [0, 0.25, 0.5, 0.75, 1, share]
    assert quantiles(np.sort(values), shares) == np.quantile(values.astype(np.float64), shares).tolist()
