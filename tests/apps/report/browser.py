"""A headless Chromium that is asked over its DevTools pipe; needs no other package."""

from __future__ import annotations

import base64
import json
import os
import shutil
import signal
import time
from pathlib import Path
from select import select
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-pipe",
    "--hide-scrollbars",
)

PATIENCE = 120.0
"""Seconds to wait for an answer, on a machine that does much else."""


def program() -> str | None:
    """The path of a Chromium, None where there is none."""
    return next(filter(None, map(shutil.which, NAMES)), None)


class Browser:
    """One page of one Chromium. `events` are those since the page was opened."""

    def __init__(self, chromium: str, profile: Path) -> None:
        to_browser, self._out = os.pipe()
        self._in, from_browser = os.pipe()
        flags = [*FLAGS, f"--user-data-dir={profile}", "about:blank"]
        # the protocol is spoken over descriptors 3 and 4
        ends = [(os.POSIX_SPAWN_DUP2, to_browser, 3), (os.POSIX_SPAWN_DUP2, from_browser, 4)]
        quiet = [(os.POSIX_SPAWN_OPEN, out, os.devnull, os.O_WRONLY, 0) for out in (1, 2)]
        self._process = os.posix_spawn(
            chromium, [chromium, *flags], os.environ, file_actions=[*ends, *quiet]
        )
        os.close(to_browser)
        os.close(from_browser)
        self.events: list[dict[str, Any]] = []
        self._read, self._number, self._session = b"", 0, ""
        pages = self.ask("Target.getTargets")["targetInfos"]
        page = next(one["targetId"] for one in pages if one["type"] == "page")
        made = self.ask("Target.attachToTarget", targetId=page, flatten=True)
        self._session = made["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.ask(f"{domain}.enable")

    def close(self) -> None:
        os.kill(self._process, signal.SIGTERM)
        os.waitpid(self._process, 0)
        os.close(self._out)
        os.close(self._in)

    def open(self, page: Path | str) -> float:
        """Open a file or address; the seconds from the navigation's beginning to its load event."""
        self.events.clear()
        self.ask("Page.navigate", url=page if isinstance(page, str) else page.absolute().as_uri())
        self._until(lambda: any(one["method"] == "Page.loadEventFired" for one in self.events))
        return float(self.run("performance.getEntriesByType('navigation')[0].duration")) / 1000

    def run(self, script: str) -> Any:
        """The value of a JavaScript expression in the page."""
        given = {"expression": script, "returnByValue": True, "awaitPromise": True}
        answer = self.ask("Runtime.evaluate", **given)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def screen(self, width: int, height: int, dark: bool = False) -> None:
        """The size of the window, and what the system prefers."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.ask("Emulation.setDeviceMetricsOverride", **size)
        wish = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.ask("Emulation.setEmulatedMedia", features=[wish])

    def picture(self, file: Path) -> None:
        """Write what the page looks like, all of its length, as a PNG."""
        made = self.ask("Page.captureScreenshot", captureBeyondViewport=True)
        file.write_bytes(base64.b64decode(made["data"]))

    @property
    def requests(self) -> list[str]:
        """The addresses that the page asked for, itself and what it holds inside left out."""
        urls = [e["params"]["request"]["url"] for e in self._events("Network.requestWillBeSent")]
        return [url for url in urls if not url.startswith(("file:", "data:"))]

    @property
    def complaints(self) -> list[str]:
        """Errors and warnings: uncaught, in the console, and of the browser itself."""
        uncaught = [json.dumps(e["params"]) for e in self._events("Runtime.exceptionThrown")]
        console = [json.dumps(e["params"]) for e in self._events("Runtime.consoleAPICalled")]
        return (
            uncaught + console + [json.dumps(e["params"]) for e in self._events("Log.entryAdded")]
        )

    def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """The answer to a command of the DevTools protocol."""
        self._number += 1
        number = self._number
        command: dict[str, Any] = {"id": number, "method": method, "params": params}
        if self._session:
            command["sessionId"] = self._session
        os.write(self._out, json.dumps(command).encode() + b"\0")
        answers: list[dict[str, Any]] = []
        self._until(lambda: bool(answers), number, answers)
        assert "error" not in answers[0], answers[0]["error"]
        result: dict[str, Any] = answers[0]["result"]
        return result

    def _events(self, method: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["method"] == method]

    def _until(
        self, done: Any, number: int = 0, answers: list[dict[str, Any]] | None = None
    ) -> None:
        """Read messages until `done`; the answer of this number goes to `answers`."""
        end = time.monotonic() + PATIENCE
        while not done():
            whole, mark, rest = self._read.partition(b"\0")
            if not mark:
                assert select([self._in], [], [], max(0.0, end - time.monotonic()))[0], "no answer"
                more = os.read(self._in, 1 << 20)
                assert more, "Chromium has gone"
                self._read += more
                continue
            self._read = rest
            message = json.loads(whole)
            if "method" in message:
                self.events.append(message)
            elif answers is not None and message["id"] == number:
                answers.append(message)
