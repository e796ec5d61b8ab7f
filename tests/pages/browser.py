"""A browser without a window for tests: it opens a page and tells what it finds there, through a pipe and nothing else."""

import base64
import json
import os
import select
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field

from fivesigma.reporting.printing import browser, options

SECONDS = 60.0


@dataclass
class Seen:
    """What a page did while it was open.

    Attributes:
        complaints: errors and warnings of its console, and exceptions.
        requests: addresses that it asked for, beside itself and what it holds.
    """

    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)


class Browser:
    """A browser that is told what to do with JSON through two pipes; a context manager.

    Raises:
        MissingExtra: if there is none.
    """

    def __init__(self):
        self._profile = tempfile.TemporaryDirectory(prefix="fivesigma-test-", ignore_cleanup_errors=True)
        theirs_in, self._out = os.pipe()
        self._in, theirs_out = os.pipe()
        command = [browser(), *options(self._profile.name), "--remote-debugging-pipe", "--hide-scrollbars", "about:blank"]
        # The browser reads from file 3 and writes to file 4. Copies far away first: either number may be in use.
        code = "import fcntl, os, sys; i, o = (fcntl.fcntl(int(n), fcntl.F_DUPFD, 64) for n in sys.argv[1:3]); "
        code += "os.dup2(i, 3); os.dup2(o, 4); os.close(i); os.close(o); os.execvp(sys.argv[3], sys.argv[3:])"
        self._process = subprocess.Popen(
            [sys.executable, "-c", code, str(theirs_in), str(theirs_out), *command],
            pass_fds=(theirs_in, theirs_out),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(theirs_in)
        os.close(theirs_out)
        self._number, self._buffer, self._session = 0, b"", None
        self._events, self._seen = [], Seen()
        target = self.tell("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.tell("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.tell(f"{domain}.enable")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for pipe in (self._out, self._in):
            os.close(pipe)
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._profile.cleanup()

    def tell(self, method, **parameters):
        """Send a command and wait for its result."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session is not None:
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        own = self._number
        while True:
            found = self._next()
            if found.get("id") == own:
                if "error" in found:
                    raise RuntimeError(f"{method}: {found['error']}")
                return found["result"]

    def open(self, page, width=1300, height=1000, *, dark=False):
        """Open a file or an address; returns what the page has done until it was loaded, to which later deeds are added."""
        self._seen, self._events = Seen(), []
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.tell("Emulation.setEmulatedMedia", features=scheme)
        self.tell("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600)
        self._address = page if isinstance(page, str) else page.absolute().as_uri()
        self.tell("Page.navigate", url=self._address)
        while "Page.loadEventFired" not in self._events:
            self._next()
        time.sleep(0.1)
        self.ask("0")  # what has happened meanwhile is read with the answer
        return self._seen

    def ask(self, expression):
        """The value of an expression on the page; a promise is waited for."""
        found = self.tell("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in found:
            raise RuntimeError(str(found["exceptionDetails"])[:500])
        return found["result"].get("value")

    def press(self, key, code):
        """Press a key and let it go."""
        for kind in ("rawKeyDown", "keyUp"):
            self.tell("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code)

    def picture(self, path, *, whole=False):
        """Write what can be seen, or the whole page, as PNG."""
        shot = self.tell("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(shot["data"]))

    def _next(self):
        end = time.monotonic() + SECONDS
        while b"\0" not in self._buffer:
            if not select.select([self._in], [], [], max(0.0, end - time.monotonic()))[0]:
                raise TimeoutError("the browser says nothing")
            piece = os.read(self._in, 1 << 20)
            if not piece:
                raise RuntimeError("the browser is gone")
            self._buffer += piece
        message, _, self._buffer = self._buffer.partition(b"\0")
        found = json.loads(message)
        self._note(found.get("method"), found.get("params", {}))
        return found

    def _note(self, method, told):
        if method is None:
            return
        self._events.append(method)
        if method == "Runtime.consoleAPICalled" and told["type"] in ("error", "warning", "assert"):
            self._seen.complaints.append(str(told["args"])[:300])
        elif method == "Runtime.exceptionThrown":
            details = told["exceptionDetails"]
            self._seen.complaints.append(details.get("exception", {}).get("description", details["text"]))
        elif method == "Log.entryAdded" and told["entry"]["level"] in ("error", "warning"):
            self._seen.complaints.append(told["entry"]["text"])
        elif method == "Network.requestWillBeSent":
            address = told["request"]["url"]
            if address.partition("#")[0] != self._address and not address.startswith(("data:", "about:")):
                self._seen.requests.append(address)
