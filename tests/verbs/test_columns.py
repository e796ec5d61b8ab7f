"""The verb `columns`: what is in a file."""


def test_columns_lists_names(toy, command):
    code, out, _ = command("columns", "train.csv")
    assert code == 0
    assert "x2" in out
