"""Ctrl-C and SIGTERM, in processes of their own."""

import importlib.machinery
import importlib.util
import os
import signal
import subprocess
import sys
import time

import pytest

from fivesigma.cli import signals
from fivesigma.cli.signals import AGAIN, GRACE

BUSY = {
    "in Python": "import time\ndef work():\n    while True: time.sleep(0.01)\n",
    "in a library that does not listen": "import hashlib\n"
    "def work():\n    hashlib.pbkdf2_hmac('sha256', b'x', b'y', 2_000_000_000)\n",
    # If the exception is raised in it, `python -m` ends by SIGINT, whatever the exit code.
    "in code that is made from text": "def work():\n    exec('import time\\nwhile True: time.sleep(0.01)')\n",
    # Python prints the exception and ignores it.
    "in a destructor": "import time\nclass Busy:\n    def __del__(self):\n        while True: time.sleep(0.01)\n"
    "def work():\n    Busy()\n    while True: time.sleep(0.01)\n",
}
SCRIPT = """
from fivesigma.cli import main
def busy() -> None:
    print("ready", flush=True)
    work()
main.app.command("busy")(busy)
main.main(["busy"])
"""


def test_a_command_has_less_than_two_seconds_to_end_in_good_order():
    assert GRACE + AGAIN < 2


@pytest.mark.parametrize("where", BUSY)
@pytest.mark.parametrize(
    ("number", "code", "word"), [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")]
)
def test_the_command_ends_with_one_line_while_its_work_would_take_minutes(where, number, code, word, tmp_path):
    (tmp_path / "busy.py").write_text(BUSY[where] + SCRIPT)
    command = [sys.executable, "-m", "busy"]
    with subprocess.Popen(command, stdout=-1, stderr=-1, text=True, cwd=tmp_path) as process:
        assert process.stdout.readline() == "ready\n"
        time.sleep(0.3)  # until it is at work
        os.kill(process.pid, number)
        try:
            _, err = process.communicate(timeout=180)
        finally:
            process.kill()
    assert process.returncode == code
    assert err.startswith(f"error: {word}")
    assert "Traceback" not in err
    assert err.count("error:") == 1


def test_an_interrupt_within_the_import_of_a_compiled_module_comes_after_it(monkeypatch):
    def imported():
        stopping(signal.SIGINT, sys._getframe())

    stopping = signals.Stopping()
    monkeypatch.setattr(signals, "_COMPILED", {imported.__code__})
    imported()  # raises nothing
    assert (stopping.code, stopping.again) == (130, True)
    monkeypatch.undo()
    with pytest.raises(KeyboardInterrupt):
        imported()


def test_a_real_import_of_a_compiled_module_is_known():
    module = importlib.util.find_spec("_testbuffer")
    if module is None or not isinstance(module.loader, importlib.machinery.ExtensionFileLoader):
        pytest.skip("this Python has not the compiled module that nothing uses")
    seen = []
    sys.setprofile(lambda frame, *_: seen.append(signals.imports_compiled(frame)))
    try:
        importlib.util.module_from_spec(module)
    finally:
        sys.setprofile(None)
    assert any(seen)
    assert not signals.imports_compiled(sys._getframe())


EARLY = """
import os, signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background ignores it
class Slow:
    def find_spec(self, name, *_):
        if name == "fivesigma.cli.app":
            try:
                os.kill(os.getpid(), signal.SIGINT)
                time.sleep(60)
            except KeyboardInterrupt:
                pass  # as some callbacks of imports do
sys.meta_path.insert(0, Slow())
sys.argv = ["fivesigma", "analyses"]
from fivesigma.cli.main import main
main()
"""


def test_an_interrupt_while_the_libraries_of_the_command_line_load_is_not_lost():
    found = subprocess.run([sys.executable, "-c", EARLY], capture_output=True, text=True, timeout=120, check=False)
    assert (found.returncode, found.stdout, found.stderr) == (130, "", "error: interrupted\n")
