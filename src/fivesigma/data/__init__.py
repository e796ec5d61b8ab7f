"""Files → Events: readers for ROOT, Parquet, CSV, NPZ and HDF5; writers for the same."""
