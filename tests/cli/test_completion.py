"""What a shell offers when Tab is pressed."""

import os
import subprocess
import sys

import pytest

from fivesigma.cli import completion


def offered(words, shell="bash"):
    """What typer answers to a shell: the words typed so far, the last one incomplete → the words it offers."""
    line = "fivesigma " + words
    environment = {
        **os.environ,
        "_FIVESIGMA_COMPLETE": f"complete_{shell}",
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(line.split(" ")) - 1),
        "_TYPER_COMPLETE_ARGS": line,
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
    }
    code = "import sys; sys.argv[0] = 'fivesigma'; from fivesigma.cli.main import main; main()"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=False)
    assert "Traceback" not in run.stderr, run.stderr
    return run.stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_shell_completes_verbs_options_analyses_and_runs(toy, command, shell, monkeypatch, tmp_path):
    (tmp_path / "runs" / "my-search").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    assert "explore" in offered("exp", shell)
    assert "--workers" in offered("train toy --wor", shell)
    assert "muon-pt" in offered("run muon", shell)
    assert "toy.yaml" in offered("run to", shell)
    assert "my-search" in offered("evaluate my", shell)
    assert "programs" in offered("clean pro", shell)
    assert "train.csv" in offered("explore tr", shell)


def test_the_script_of_the_shell_is_printed():
    for shell in ("bash", "zsh", "fish"):
        code = f"from fivesigma.cli.main import main; main(['--show-completion', '{shell}'])"
        # The shell is named, not looked for: a process without a shell above it, as in a batch job, finds none.
        named = {**os.environ, "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
        run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, env=named)
        assert "COMPLETE" in run.stdout, run.stderr


def test_names_are_found_without_reading_the_files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    (tmp_path / "my.yaml").write_text("")
    (tmp_path / ".hidden.yaml").write_text("")
    assert completion.analyses("m") == [
        "muon-class",
        "muon-class-article",
        "muon-pt",
        "muon-pt-article",
        "muon-pt-firmware",
        "my.yaml",
    ]
    assert completion.analyses("fold") == ["folder/"]
    assert completion.analyses("folder/") == []
    assert completion.runs("x") == []
    assert "csv" in completion.formats("")


def test_names_are_found_without_loading_anything_heavy(tmp_path):
    code = (
        "import sys; from fivesigma.cli import completion\n"
        "completion.analyses('m'), completion.runs('x'), completion.formats('')\n"
        "print([name for name in ('numpy', 'yaml', 'jax', 'keras', 'matplotlib', 'pyarrow') if name in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert run.stdout == "[]\n"
