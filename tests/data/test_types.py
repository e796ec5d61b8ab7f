"""Types of columns that are written chunk by chunk: no value is ever changed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.testing import assert_array_equal

from fivesigma.data.types import SameTypes, WiderTypes
from fivesigma.errors import OutputError

KINDS = [np.bool_, np.int8, np.uint8, np.int32, np.int64, np.uint64, np.float16, np.float32, np.float64]
COLUMN = st.sampled_from(KINDS).flatmap(lambda kind: hnp.arrays(kind, st.integers(1, 4)))


def written(chunks):
    """Chunks as a writer takes them: begun anew until one type holds all of them."""
    types = {}
    while True:
        same = SameTypes(types)
        try:
            return [same.of({"x": chunk})["x"] for chunk in chunks]
        except WiderTypes as error:
            types = error.types


@given(st.lists(COLUMN, min_size=1, max_size=4))
def test_chunks_get_one_type_and_keep_their_values(chunks):
    try:
        found = written(chunks)
    except OutputError:  # large whole numbers beside fractions
        assert any(values.dtype.kind in "iu" and int(np.abs(values.astype(float)).max()) > 2**10 for values in chunks)
        return
    assert len({values.dtype for values in found}) == 1
    for before, after in zip(chunks, found, strict=True):
        # Python compares a whole number with a fraction exactly.
        for one, other in zip(before.tolist(), after.tolist(), strict=True):
            assert one == other or (one != one and other != other)


def test_what_fits_keeps_the_type_of_the_beginning():
    assert [values.dtype for values in written([np.array([1, 2], np.int8), np.array([3.0, 4.0])])] == [np.int8, np.int8]
    found = written([np.array([1], np.int32), np.array([np.nan])])
    assert_array_equal(np.concatenate(found), [1.0, np.nan])


def test_another_column_is_refused():
    same = SameTypes()
    same.of({"x": np.zeros(2), "y": np.zeros(2)})
    with pytest.raises(OutputError, match="column 'y' is in one part of the table and not in another"):
        same.of({"x": np.zeros(2)})
