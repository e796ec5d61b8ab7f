"""What a file of muons tells."""

import numpy as np
import pytest

from fivesigma.validation.of_muons import generated


@pytest.mark.parametrize(
    ("number", "found"),
    [
        ([0, 2, 3, 9], 10),
        ([1, 2], 3),
        ([5000, 5002], 0),  # the second half of a file
        ([0, 3, 0, 3], 0),  # two simulations
        ([3, 2, 7], 0),
        ([], 0),
    ],
)
def test_the_number_of_generated_muons_is_known_for_the_beginning_of_one_simulation(number, found):
    assert generated(np.array(number, np.uint64)) == found
    assert generated(None) == 0
