import inspect

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fivesigma import errors
from fivesigma.errors import ColumnNotFound, DataError, FivesigmaError, did_you_mean, nearest

every = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if kind.__module__ == errors.__name__]


def test_every_error_is_below_the_base_and_drawn_in_the_tree():
    for kind in every:
        assert issubclass(kind, FivesigmaError)
        assert f"{kind.__name__} " in errors.__doc__


@pytest.mark.parametrize("kind", [kind for kind in every if kind is not ColumnNotFound])
def test_an_error_says_what_and_what_to_do(kind):
    assert str(kind("this is wrong", hint="do that")) == "this is wrong\n  hint: do that"
    assert str(kind("this is wrong")) == kind("this is wrong").what == "this is wrong"


def test_a_missing_column_is_a_data_error_with_the_nearest_names():
    error = ColumnNotFound("Jet_PT", "a.root:Events", ["jet_pt", "met"])
    assert isinstance(error, DataError)
    assert error.name == "Jet_PT"
    assert "nearest: 'jet_pt'" in error.what
    assert "`fivesigma columns a.root:Events` lists all 2" in error.hint


@given(st.text(), st.lists(st.text(), max_size=6), st.integers(1, 4))
def test_nearest_names_are_candidates_without_repetition(name, candidates, count):
    found = nearest(name, candidates, count)
    assert set(found) <= set(candidates)
    assert len(found) == len(set(found)) <= count


@given(st.text(min_size=1), st.lists(st.text(min_size=1), min_size=1, max_size=6))
def test_a_name_that_differs_in_case_alone_is_found(name, others):
    assert nearest(name, [*others, name.lower()], 1)[0].lower() == name.lower()


def test_without_a_near_name_all_are_listed():
    assert did_you_mean("zzz", ["b", "a"]) == "known: 'a', 'b'"


def test_a_computed_column_may_be_the_nearest_but_is_not_counted_as_one_of_the_file():
    error = ColumnNotFound("muon_p", "a.root:Events", ["Muon_Px", "Muon_Py", "Muon_Pz"], computed=["muon_pt"])
    assert "nearest: 'muon_pt', 'Muon_P" in error.what
    assert "lists all 3" in error.hint


def test_of_a_long_list_it_is_said_how_many_more_there_are():
    names = [f"column_{i:03d}" for i in range(75)]
    assert did_you_mean("zzz", names).endswith("'column_059' and 15 more")
    assert did_you_mean("zzz", names[:60]).endswith("'column_059'")
