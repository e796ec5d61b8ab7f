"""The errors of a search contain the truth as often as they promise; the whole count is `python -m studies.coverage`."""

import numpy as np
import pytest
from studies.coverage import CASES, coverage, held, main


@pytest.mark.parametrize("name", ["a light and a heavy process", "hepmass, 750 GeV", "hepmass, 1250 GeV"])
def test_intervals_cover(name):
    for number, pulls in held(CASES[name], 100).items():
        # 68 ± 5 %, within three standard deviations.
        assert 0.53 < coverage(pulls) < 0.83, number
        assert abs(np.mean(pulls)) < 0.6, number


def test_the_table_has_a_row_for_every_number_of_every_case(capsys):
    assert main(["--toys", "2"]) == 0
    rows = capsys.readouterr().out.splitlines()
    assert len(rows) == 2 + 3 * len(CASES)
    assert all(row.count("|") == 7 for row in rows)
