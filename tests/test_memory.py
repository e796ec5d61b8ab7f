"""Memory goes back to the system, and garbage is looked for seldom in processes of our own."""

import gc
import subprocess
import sys

from fivesigma import memory


def test_giving_back_is_harmless_everywhere(monkeypatch):
    memory.give_back()
    memory._trim.cache_clear()
    monkeypatch.setattr(memory.sys, "platform", "win32")
    memory.give_back()
    memory._trim.cache_clear()


def test_only_a_process_of_our_own_looks_for_garbage_seldom():
    before = gc.get_threshold()
    code = "import gc\nfrom fivesigma.cli import main\nmain.sys.argv = ['fivesigma', '--version']\ntry:\n    main.main()\n"
    code += "finally:\n    print(gc.get_threshold()[0])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.splitlines()[-1] == "50000"
    import fivesigma  # noqa: F401

    assert gc.get_threshold() == before
