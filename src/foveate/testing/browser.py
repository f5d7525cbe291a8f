"""A browser without a screen, told what to do over Chromium's DevTools protocol (extra `page`, for its WebSocket)."""

import base64
import json
import shutil
import subprocess
import time
import urllib.request
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from websockets.sync.client import ClientConnection, connect

NAMES = ("chromium", "chromium-browser", "google-chrome")
PATIENCE_S = 60.0
"""A busy machine is slow to start a browser."""
_LOOK_S = 0.05


class Browser:
    """One page of one browser; its profile lies in `folder`. Raises `RuntimeError` where no browser is installed."""

    def __init__(self, folder: Path, *, size: tuple[int, int] = (900, 1400), dark: bool = False) -> None:
        program = next(filter(None, map(shutil.which, NAMES)), None)
        if program is None:
            raise RuntimeError(f"none of {', '.join(NAMES)} is installed")
        height, width = size
        scheme = ["--blink-settings=preferredColorScheme=0"] if dark else []
        self.problems: list[str] = []
        """What the page complained about: errors and warnings of its scripts, of the network, of its policy."""
        self._number = 0
        self._process = subprocess.Popen(  # noqa: S603  # a fixed program and words of our own
            [program, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
             "--remote-debugging-port=0", f"--user-data-dir={folder}", f"--window-size={width},{height}", *scheme,
             "about:blank"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        self._stack = ExitStack()
        self._stack.callback(self._end)
        self._socket = self._stack.enter_context(self._attach(folder / "DevToolsActivePort"))
        for domain in ("Page", "Runtime", "Log", "Network"):
            self._call(f"{domain}.enable")

    def open(self, url: str) -> None:
        """Go to a page; returns when its documents and scripts are loaded."""
        self._call("Page.navigate", url=url)
        self.wait_for("document.readyState === 'complete' && location.href !== 'about:blank'")

    def resize(self, width: int, height: int = 900) -> None:
        """Make the page as wide and high as a screen, also narrower than a window can be."""
        self._call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def as_paper(self) -> None:
        """Show the page as it would be printed."""
        self._call("Emulation.setEmulatedMedia", media="print")

    def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression, as JSON allows. Raises `RuntimeError` if it throws."""
        found = self._call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in found:
            raise RuntimeError(f"{expression}: {found['exceptionDetails']}")
        return found["result"].get("value")

    def wait_for(self, expression: str) -> Any:
        """The first true value of an expression. Raises `TimeoutError`."""
        give_up_at = time.monotonic() + PATIENCE_S
        while not (value := self.evaluate(expression)):
            if time.monotonic() > give_up_at:
                raise TimeoutError(f"never true: {expression}; problems: {self.problems}")
            time.sleep(_LOOK_S)
        return value

    def screenshot(self, path: Path) -> None:
        """Write what is seen as a PNG."""
        path.write_bytes(base64.b64decode(self._call("Page.captureScreenshot")["data"]))

    def close(self) -> None:
        """End the browser."""
        self._stack.close()

    def _end(self) -> None:
        self._process.terminate()
        self._process.wait(PATIENCE_S)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _attach(self, port_file: Path) -> ClientConnection:
        give_up_at = time.monotonic() + PATIENCE_S
        while not (port_file.is_file() and port_file.read_text().strip()):
            if time.monotonic() > give_up_at or self._process.poll() is not None:
                self._end()
                raise RuntimeError("the browser did not start")
            time.sleep(_LOOK_S)
        port = port_file.read_text().split()[0]
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/json/list", timeout=PATIENCE_S) as answer:
            target = next(entry for entry in json.load(answer) if entry["type"] == "page")
        return connect(target["webSocketDebuggerUrl"], max_size=None, open_timeout=PATIENCE_S)

    def _call(self, method: str, **parameters: Any) -> Any:
        self._number += 1
        self._socket.send(json.dumps({"id": self._number, "method": method, "params": parameters}))
        while True:
            message = json.loads(self._socket.recv(PATIENCE_S))
            if message.get("id") == self._number:
                if "error" in message:
                    raise RuntimeError(f"{method}: {message['error']}")
                return message["result"]
            self._note(message)

    def _note(self, event: dict[str, Any]) -> None:
        told = event.get("params", {})
        match event.get("method"):
            case "Runtime.consoleAPICalled" if told["type"] in {"error", "warning", "assert"}:
                self.problems.append(" ".join(str(part.get("value", part)) for part in told["args"]))
            case "Runtime.exceptionThrown":
                self.problems.append(json.dumps(told["exceptionDetails"]))
            case "Log.entryAdded" if told["entry"]["level"] in {"error", "warning"}:
                self.problems.append(told["entry"]["text"])
