"""The verb `analyses`: what comes with fivesigma."""

import fivesigma as fs


def test_every_built_in_analysis_is_listed_with_its_task_and_network(command):
    code, out, _ = command("analyses")
    assert code == 0
    for name in fs.builtin_names():
        assert name in out
    assert "mlp 112-112-112" in out
