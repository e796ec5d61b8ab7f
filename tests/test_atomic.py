import errno
import json
import os
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from fivesigma.atomic import MANIFEST, alone_in, folder_beside, read_manifest, sha256, write_text, writing
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


def test_a_manifest_above_learns_each_file_that_it_keeps(tmp_path):
    (tmp_path / MANIFEST).write_text(json.dumps({"keeps": ["*.json", "folds/*"], "files": {}}))
    place = tmp_path / "folds" / "fold-1"
    write_text(tmp_path / "a.json", "one")
    write_text(tmp_path / "a.txt", "not kept")
    write_text(place / "model.keras", "two")
    write_text(place / "checkpoints" / "last.npz", "changes every epoch")
    files = read_manifest(tmp_path)["files"]
    assert files == {"a.json": [sha256(tmp_path / "a.json")], "folds/fold-1/model.keras": [sha256(place / "model.keras")]}
    first = files["a.json"]
    for text in ("other", "other", "third"):
        write_text(tmp_path / "a.json", text)
        assert read_manifest(tmp_path)["files"]["a.json"][0] == sha256(tmp_path / "a.json")
    assert first[0] not in read_manifest(tmp_path)["files"]["a.json"]
    assert len(read_manifest(tmp_path)["files"]["a.json"]) == 2
    assert sorted(os.listdir(tmp_path)) == ["a.json", "a.txt", "folds", MANIFEST]


@pytest.mark.parametrize("text", ["", "[]", "{", '{"files": {}}'])
def test_a_manifest_of_somebody_else_stays_as_it_is(tmp_path, text):
    (tmp_path / MANIFEST).write_text(text)
    write_text(tmp_path / "a.json", "one")
    assert (tmp_path / MANIFEST).read_text() == text


def test_threads_that_write_at_once_lose_nothing(tmp_path):
    (tmp_path / MANIFEST).write_text(json.dumps({"keeps": ["*"], "files": {}}))
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda i: write_text(tmp_path / f"{i}.json", str(i)), range(60)))
    assert len(read_manifest(tmp_path)["files"]) == 60


def test_a_second_writer_of_one_new_file_says_so_and_loses_nothing(tmp_path):
    path = tmp_path / "a.csv"
    wanted = pytest.raises(OutputError, match=r"a\.csv was written by another command .* is in .*a-2\.csv")
    with wanted, writing(path, replace=False) as part:
        part.write_text("second")
        with writing(path, replace=False) as first:
            first.write_text("first")
    assert path.read_text() == "first"
    assert (tmp_path / "a-2.csv").read_text() == "second"
    assert sorted(os.listdir(tmp_path)) == ["a-2.csv", "a.csv"]


def test_two_commands_in_one_folder_are_told_apart(tmp_path):
    wanted = pytest.raises(OutputError, match=r"another command is writing .*new")
    with alone_in(tmp_path / "new"), wanted, alone_in(tmp_path / "new"):
        pass
    with alone_in(tmp_path / "new"):
        pass


def killed_while(code, folder):
    """Let a process begin to write, and kill it."""
    begun = f"{code}\n    print(flush=True)\n    import time; time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", begun], stdout=subprocess.PIPE, cwd=folder) as process:
        process.stdout.readline()
        process.kill()


def test_what_a_killed_command_has_left_is_removed_by_the_next_one(tmp_path):
    place = "from pathlib import Path\nfrom fivesigma.atomic import folder_beside, writing\n"
    killed_while(f"{place}with writing('out.npz') as part:\n    part.write_text('half')", tmp_path)
    killed_while(f"{place}with folder_beside(Path('out.npz')) as part:\n    (part / 'a').write_text('half')", tmp_path)
    killed_while(f"{place}with writing('other.npz') as part:\n    part.write_text('half')", tmp_path)
    theirs = [".out-elsewhere-1-abcdefgh.part.npz", ".out-mine.npz", f".out-x-{os.getpid()}-abcdefgh.part.npz"]
    for name in theirs:
        (tmp_path / name).write_text("theirs")
    assert len(list(tmp_path.iterdir())) == 6
    with writing(tmp_path / "out.npz") as part:
        with folder_beside(tmp_path / "out.npz") as folder, writing(tmp_path / "out.npz") as second:
            assert part.exists()  # of a living process
            second.write_text("second")
            assert folder.is_dir()
        part.write_text("whole")
    (tmp_path / "out.npz").unlink()
    left = {path.name for path in tmp_path.iterdir()}
    assert left - set(theirs) == {name for name in left if name.startswith(".other-")}
    assert set(theirs) <= left


def test_a_name_of_the_longest_kind_can_be_written(tmp_path):
    path = tmp_path / f"{'x' * 251}.npz"
    with writing(path) as part:
        part.write_text("whole")
    assert path.read_text() == "whole"


@pytest.mark.parametrize("of", [writing, folder_beside])
def test_a_folder_that_can_only_be_read_is_named_without_temporary_files(tmp_path, monkeypatch, of):
    def refuse(prefix, suffix, dir):
        raise PermissionError(errno.EACCES, "Permission denied", str(tmp_path / f"{prefix}x{suffix}"))

    monkeypatch.chdir(tmp_path)
    for function in ("mkstemp", "mkdtemp"):
        monkeypatch.setattr(f"tempfile.{function}", refuse)
    with pytest.raises(OutputError, match=r"^cannot write a.txt: Permission denied") as caught, of(Path("a.txt")):
        pass
    assert "use a copy" in caught.value.hint


def test_a_file_where_a_folder_should_be_is_named(tmp_path):
    (tmp_path / "a").write_text("")
    with pytest.raises(OutputError, match="a is a file and no folder"):
        write_text(tmp_path / "a" / "b.txt", "text")
