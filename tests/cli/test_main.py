"""The command as a whole."""


def test_a_bare_command_shows_its_help_and_no_empty_error(command):
    for arguments in ((), ("simulate",)):
        code, out, err = command(*arguments)
        assert code == 2
        assert "Usage" in out
        assert err == ""


def test_signs_that_an_encoding_does_not_have_are_replaced():
    import io

    from fivesigma.cli.main import print_anything

    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    print_anything(stream)
    stream.write("0.857 ± 0.012 ≥ −1 ü")
    stream.flush()
    assert stream.buffer.getvalue() == b"0.857 +- 0.012 >= -1 ?"
