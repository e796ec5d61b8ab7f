"""Ctrl-C and SIGTERM, in processes of their own."""

import os
import signal
import subprocess
import sys
import time

import pytest

BUSY = {
    "in Python": "import time\ndef work():\n    while True: time.sleep(0.01)\n",
    "in a library that does not listen": "import hashlib\n"
    "def work():\n    hashlib.pbkdf2_hmac('sha256', b'x', b'y', 2_000_000_000)\n",
}
SCRIPT = """
from fivesigma.cli import main
def busy() -> None:
    print("ready", flush=True)
    work()
main.app.command("busy")(busy)
main.main(["busy"])
"""


@pytest.mark.parametrize("where", BUSY)
@pytest.mark.parametrize(
    ("number", "code", "word"), [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")]
)
def test_the_command_ends_within_two_seconds_with_one_line(where, number, code, word):
    with subprocess.Popen([sys.executable, "-c", BUSY[where] + SCRIPT], stdout=-1, stderr=-1, text=True) as process:
        assert process.stdout.readline() == "ready\n"
        time.sleep(0.3)  # until it is at work
        started = time.perf_counter()
        os.kill(process.pid, number)
        try:
            _, err = process.communicate(timeout=20)
        finally:
            process.kill()
        assert time.perf_counter() - started < 2.5
    assert process.returncode == code
    assert err.startswith(f"error: {word}")
    assert "Traceback" not in err
    assert err.count("error:") == 1
