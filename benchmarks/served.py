"""Pages of ``nasir serve``, read while the runs that they show are searched, killed and removed."""

from __future__ import annotations

import os
import random
import re
import signal
import socket
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import attrs
from random_kills import ended, forked

LINK = re.compile(r'href="(/run/[^"]+)"')
DEPTH = 3
"""All runs, a sweep, a run of it."""


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return int(server.getsockname()[1])


@contextmanager
def serving(runs: Path, outputs: Path, user: int) -> Iterator[tuple[int, Path]]:
    """Serve somebody's runs as another user; the port, and what the server prints."""
    folder, port = outputs / "serve", free_port()
    folder.mkdir()
    socket.getfqdn("127.0.0.1")  # imports what another user may not be able to read
    os.chown(folder, user, user)
    server = forked(folder, "serve", str(runs), "--port", str(port), user=user)
    try:
        yield port, folder / "said.txt"
    finally:
        os.kill(server, signal.SIGKILL)
        ended(server)


@attrs.frozen
class Reader:
    """Somebody who follows links; `said` is the file with what the server prints."""

    port: int
    said: Path
    chance: random.Random
    counts: Counter[str]

    def read(self) -> list[str]:
        """Follow links from the page of all runs; what was wrong."""
        address = "/"
        for _ in range(DEPTH):
            try:
                with urlopen(f"http://127.0.0.1:{self.port}{address}", timeout=300) as answer:
                    page = answer.read().decode()
            except HTTPError as error:
                self.counts[f"served: {error.code}"] += 1
                return [] if error.code == 404 else [f"{address}: {error}"]  # removed meanwhile
            except (OSError, HTTPException) as error:
                return [f"serve, {address}: {error}: {self._said()[-2000:]}"]
            self.counts["served: 200"] += 1
            if not page.rstrip().endswith("</html>"):
                return [f"{address}: a page that is not whole"]
            links = LINK.findall(page)
            if not links:
                break
            address = self.chance.choice(links)
        return [f"serve: {self._said()[-2000:]}"] if "Traceback" in self._said() else []

    def _said(self) -> str:
        return self.said.read_text("utf-8", "replace")
