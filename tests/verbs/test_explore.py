"""The verb `explore`: the data described, and what the next verbs go on with."""


def test_each_verb_goes_on_with_what_the_one_before_left(toy, command):
    folders = [command(verb, toy)[1].splitlines()[-1] for verb in ("explore", "train")]
    assert folders[0] == folders[1]
    assert command("evaluate", folders[0])[1].splitlines()[-1] == folders[0]
    code, out, _ = command("report", "toy")
    assert code == 0
    assert out.splitlines()[-1] == f"{folders[0]}/report.html"
    # Another run of the same analysis begins anew: a finished one is never touched.
    assert command("run", toy)[1].splitlines()[-1] != folders[0]
