"""The verb `evaluate`: scores and metrics of a run."""

from pathlib import Path

import numpy as np
import pytest

from fivesigma.data.readers.parquet import ParquetReader


@pytest.mark.usefixtures("undrawn")
def test_predict_gives_the_scores_of_evaluate(toy, command):
    folder = Path(command("run", toy)[1].splitlines()[-1])
    command("predict", folder, "test.csv", "-o", "scored.parquet")
    expected = ParquetReader(str(folder / "predictions/test.parquet")).read()
    np.testing.assert_array_equal(ParquetReader("scored.parquet").read()["score"], expected["score"])
