"""A small web server for the pages of runs: it reads, and answers GET alone.

On loopback it answers requests that name this machine only, so that a page from elsewhere cannot
read it through a host name of its own (DNS rebinding). On any other address it wants a token, which
the first request brings in its address and the browser then keeps in a cookie.
"""

from __future__ import annotations

import hmac
import ipaddress
import secrets
from http.cookies import CookieError, SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock
from urllib.parse import parse_qs, unquote, urlsplit

from nasir.apps.serve.pages import Pages
from nasir.core.errors import NasirError, RunFolderError

LOOPBACK = "127.0.0.1"

PORT = 8421

EVERY = 5
"""Seconds after which a browser asks again for a page that may have changed."""

COOKIE = "nasir-token"

HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


class Server(ThreadingHTTPServer):
    """Serves the runs of a folder; `token` is None on loopback."""

    daemon_threads = True

    def __init__(self, folder: str | Path, host: str = LOOPBACK, port: int = PORT) -> None:
        place = Path(folder).expanduser().absolute()
        if not place.is_dir():
            raise RunFolderError(f"there is no folder {place}: name the one that your runs are in")
        self.pages = Pages(place)
        self.turn = Lock()  # one page is made at a time
        self.host = host
        self.token = None if is_loopback(host) else secrets.token_urlsafe(24)
        try:
            super().__init__((host, port), Handler)
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise NasirError(
                f"cannot serve on {host}:{port}: {reason}; choose another port"
            ) from None

    @property
    def address(self) -> str:
        """What to open in a browser."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        query = f"?token={self.token}" if self.token else ""
        return f"http://{host}:{self.server_port}/{query}"


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Handler(BaseHTTPRequestHandler):
    """Answers one request."""

    server: Server
    server_version, sys_version = "nasir", ""
    timeout = 30

    def do_GET(self) -> None:
        """Answer with a page."""
        parts = urlsplit(self.path)
        given = parse_qs(parts.query).get("token", [""])[0]
        if not self._is_for_us():
            self._answer(403, "This server answers requests to this machine's own address alone.")
        elif self._is_token(given):
            self._redirect()
        elif not self._may_read():
            self._answer(403, "Open the address that nasir serve has printed, with its token.")
        else:
            with self.server.turn:
                self._page(parts.path)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""

    def _page(self, path: str) -> None:
        pages = self.server.pages
        if path == "/":
            self._answer(200, pages.all_runs(), refresh=True)
            return
        name = unquote(path.removeprefix("/run/"), errors="surrogateescape")
        content = pages.run(name) if path.startswith("/run/") else None
        if content is None:
            self._answer(404, "There is no such page.")
        else:
            self._answer(200, content, refresh=pages.is_running(name))

    def _is_for_us(self) -> bool:
        """Whether the request names this machine; with a token, any name will do."""
        if self.server.token is not None:
            return True
        host = urlsplit(f"//{self.headers.get('Host', '')}").hostname or ""
        return is_loopback(host)

    def _may_read(self) -> bool:
        try:
            cookies = SimpleCookie(self.headers.get("Cookie", ""))
        except CookieError:
            return self.server.token is None
        return self.server.token is None or (
            COOKIE in cookies and self._is_token(cookies[COOKIE].value)
        )

    def _is_token(self, given: str) -> bool:
        token = self.server.token
        return token is not None and hmac.compare_digest(given.encode(), token.encode())

    def _redirect(self) -> None:
        """Keep the token in a cookie, and out of the address."""
        self.send_response(303)
        self.send_header("Location", "/")
        cookie = f"{COOKIE}={self.server.token}; HttpOnly; SameSite=Strict; Path=/"
        self.send_header("Set-Cookie", cookie)
        self.end_headers()

    def _answer(self, status: int, content: str, refresh: bool = False) -> None:
        encoded = content.encode("utf-8", "replace")
        self.send_response(status)
        for name, value in HEADERS.items():
            self.send_header(name, value)
        if refresh:
            self.send_header("Refresh", str(EVERY))
        self.send_header("Content-Length", str(len(encoded)))
        self.end_headers()
        self.wfile.write(encoded)
