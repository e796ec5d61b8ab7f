import os
import stat

import pytest

from fivesigma.atomic import write_text, writing
from fivesigma.errors import OutputError


def test_a_file_appears_when_the_block_succeeds(tmp_path):
    path = tmp_path / "new" / "folder" / "a.csv.gz"
    with writing(path) as part:
        part.write_text("whole")
        assert not path.exists()
        assert part.suffix == ".gz"
    assert path.read_text() == "whole"
    assert os.listdir(path.parent) == ["a.csv.gz"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path, error):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(error), writing(path) as part:
        part.write_text("half")
        raise error
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_an_existing_file_is_refused_unless_it_may_be_replaced(tmp_path):
    path = tmp_path / "a.txt"
    write_text(path, "one")
    with pytest.raises(OutputError, match=r"a\.txt exists already"), writing(path, replace=False):
        pass
    write_text(path, "two")
    assert path.read_text() == "two"


def test_permissions_are_those_of_an_ordinary_new_file(tmp_path):
    write_text(tmp_path / "atomic", "")
    (tmp_path / "ordinary").write_text("")
    modes = {stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("atomic", "ordinary")}
    assert len(modes) == 1


def test_a_place_that_cannot_be_written_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file" / "a.txt", tmp_path):
        with pytest.raises(OutputError, match=f"cannot write {path}"):
            write_text(path, "x")


def test_a_full_disk_says_so(tmp_path):
    with pytest.raises(OutputError, match="the disk is full"), writing(tmp_path / "a.txt"):
        raise OSError("No space left on device")
    assert os.listdir(tmp_path) == []


def test_a_missing_input_is_not_mistaken_for_the_output(tmp_path):
    with pytest.raises(FileNotFoundError), writing(tmp_path / "a.txt"):
        (tmp_path / "input").read_text()
