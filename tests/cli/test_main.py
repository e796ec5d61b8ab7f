"""The command as a whole."""


def test_a_bare_command_shows_its_help_and_no_empty_error(command):
    for arguments in ((), ("simulate",)):
        code, out, err = command(*arguments)
        assert code == 2
        assert "Usage" in out
        assert err == ""
