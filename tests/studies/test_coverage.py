"""The errors of a search contain the truth as often as they promise; the whole count is `python -m studies.coverage`."""

import numpy as np
import pytest
from studies.coverage import CASES, coverage, held, main


@pytest.mark.parametrize("name", ["a light and a heavy process", "hepmass, 750 GeV", "hepmass, 1250 GeV"])
def test_intervals_of_significances_cover(name):
    for number, pulls in held(CASES[name], 120, with_limits=0).items():
        # 68 ± 4 %, within three standard deviations.
        assert 0.55 < coverage(pulls) < 0.81, number
        assert abs(np.mean(pulls)) < 0.4, number


def test_the_table_has_a_row_for_every_number_of_every_case(capsys):
    pytest.importorskip("pyhf", reason="the extra `limits` is not installed")
    assert main(["--toys", "2", "--limits", "1"]) == 0
    rows = capsys.readouterr().out.splitlines()
    assert len(rows) == 2 + 3 * len(CASES)
    assert all(row.count("|") == 7 for row in rows)
