"""The verb `init`: a built-in file to start from."""

from pathlib import Path


def test_init_makes_a_file_that_check_accepts(command):
    code, out, _ = command("init", "hepmass")
    assert code == 0
    assert out.startswith("# yaml-language-server: $schema=fivesigma.schema.json\n")
    Path("my.yaml").write_text(out)
    code, out, _ = command("check", "my.yaml", "--set", "train.epochs=10")
    assert code == 0
    assert "epochs: 10" in out
    assert out.splitlines()[-1] == "my.yaml: ok"
