"""The verb `package`: a run in one file, which can be verified, unpacked and used."""

import zipfile
from pathlib import Path

import pytest

import fivesigma as fs
from fivesigma import extras
from fivesigma.errors import MissingExtra

pytestmark = pytest.mark.usefixtures("undrawn")


@pytest.fixture
def run(toy, command):
    return Path(command("run", toy, "--set", "train.epochs=1")[1].splitlines()[-1])


def test_a_package_can_be_verified_unpacked_and_used(run, command):
    pytest.importorskip("onnxruntime")
    code, out, err = command("package", "toy", "-o", "toy.zip")
    assert (code, err, out.splitlines()[-1]) == (0, "", "toy.zip")
    with zipfile.ZipFile("toy.zip") as archive:
        assert {"export/model.onnx", "MODEL_CARD.md", "CITATION.bib", "model.keras", "manifest.json"} <= set(
            archive.namelist()
        )
        archive.extractall("elsewhere")
    code, out, err = command("verify", "toy.zip")
    assert (code, err, out.splitlines()[-1]) == (0, "", "toy.zip")
    found = fs.verify("toy.zip")
    assert found.problems == ()
    assert (found.files, found.numbers) == (fs.verify(run).files, fs.verify(run).numbers)
    assert command("predict", "elsewhere", "test.csv", "-o", "scored.npz", "--with", "onnx", "-j", 1)[0] == 0


def test_a_damaged_package_is_noticed(run, command):
    command("package", run, "-o", "toy.zip")
    with zipfile.ZipFile("toy.zip") as archive, zipfile.ZipFile("other.zip", "w") as other:
        for name in archive.namelist():
            other.writestr(
                name, archive.read(name).replace(b"auc", b"auk") if name == "metrics.json" else archive.read(name)
            )
    code, _, err = command("verify", "other.zip")
    assert code == 2
    assert "metrics.json is not the file that was packed" in " ".join(err.split())


def test_what_cannot_be_packed_is_a_sentence(run, command, monkeypatch):
    for name, message in (("toy.tar", "does not end in .zip"), ("there.zip", "exists already")):
        Path("there.zip").touch()
        code, _, err = command("package", run, "-o", name)
        assert (code, message in err) == (2, True)
    (run / "UNFINISHED").write_text('{"step": "train", "pid": null, "host": "another"}')
    Path(run / "UNFINISHED").touch()
    import os

    os.utime(run / "UNFINISHED", (0, 0))
    code, _, err = command("package", run, "-o", "toy.zip")
    assert (code, "is not finished" in err) == (2, True)


def test_without_the_library_there_is_no_onnx_file_and_a_line_says_so(run, command, monkeypatch):
    def missing():
        raise MissingExtra("an ONNX file needs 'onnxruntime'")

    monkeypatch.setattr(extras, "onnxruntime", missing)
    code, out, _ = command("package", run, "-o", "toy.zip")
    assert code == 0
    assert "warning: the package has no ONNX file: an ONNX file needs 'onnxruntime'" in out
    assert command("verify", "toy.zip")[0] == 0
