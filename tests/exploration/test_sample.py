"""Which events of files `explore` looks at."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fivesigma.exploration.sample import sample


def test_a_sample_has_the_shares_of_the_whole(tmp_path):
    zeros, ones = np.zeros(900_000), np.ones(10_000)
    with pq.ParquetWriter(tmp_path / "groups.parquet", pa.schema({"x": pa.float64()})) as writer:
        writer.write_table(pa.table({"x": zeros}), row_group_size=len(zeros))
        for _ in range(9):
            writer.write_table(pa.table({"x": ones}))
    pq.write_table(pa.table({"x": np.zeros(400_000)}), tmp_path / "zeros.parquet")
    pq.write_table(pa.table({"x": np.random.default_rng(1).normal(10, 1, 400_000)}), tmp_path / "normal.parquet")
    many = pa.table({"x": np.arange(300_000.0)})
    pq.write_table(many, tmp_path / "many.parquet", row_group_size=1000)

    def looked_at(*names):
        found = sample([str(tmp_path / name) for name in names], events=100_000)
        return np.concatenate([np.asarray(values) for values in found.values["x"].values()])

    assert looked_at("groups.parquet").mean() == pytest.approx(0.09, abs=0.02)
    assert looked_at("zeros.parquet", "normal.parquet").mean() == pytest.approx(5, abs=0.1)
    assert len(looked_at("many.parquet")) >= 95_000
