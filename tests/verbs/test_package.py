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


def test_an_export_elsewhere_is_not_the_one_of_the_package(run, command, tmp_path):
    pytest.importorskip("onnxruntime")
    assert command("export", run, "-o", tmp_path / "elsewhere" / "m.onnx")[0] == 0
    command("export", run, "--format", "cpp", "-o", tmp_path / "elsewhere" / "m.hpp")
    assert command("package", run, "-o", "toy.zip")[0] == 0
    with zipfile.ZipFile("toy.zip") as archive:
        assert "export/model.onnx" in archive.namelist()
        card = archive.read("MODEL_CARD.md").decode()
    assert "elsewhere" not in card
    assert "`export/model.onnx`" in card


def test_damage_of_any_kind_is_one_sentence(run, command):
    command("package", run, "-o", "toy.zip")
    with zipfile.ZipFile("toy.zip") as archive, zipfile.ZipFile("lzma.zip", "w", zipfile.ZIP_LZMA) as other:
        entry = max(archive.infolist(), key=lambda each: each.compress_size)
        for name in archive.namelist():
            other.writestr(name, archive.read(name))
    with zipfile.ZipFile("lzma.zip") as archive:
        packed = max(archive.infolist(), key=lambda each: each.compress_size)
    for name, each in (("toy.zip", entry), ("lzma.zip", packed)):
        content = bytearray(Path(name).read_bytes())
        place = each.header_offset + 30 + len(each.filename) + 20
        content[place : place + 40] = bytes(value ^ 0xFF for value in content[place : place + 40])
        Path("damaged.zip").write_bytes(content)
        code, _, err = command("verify", "damaged.zip")
        assert (code, "defect" in err) == (2, False), err
    content = bytearray(Path("toy.zip").read_bytes())
    at = content.index(b"PK\x01\x02")
    while at >= 0:  # as if all were encrypted
        content[at + 8] |= 1
        at = content.find(b"PK\x01\x02", at + 1)
    Path("encrypted.zip").write_bytes(content)
    code, _, err = command("verify", "encrypted.zip")
    assert (code, "is no package of a run, or it is damaged" in " ".join(err.split())) == (2, True)
