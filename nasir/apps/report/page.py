"""The frame of every page, with its style and script, and a policy that forbids all requests."""

from __future__ import annotations

import base64
import hashlib
import uuid
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path

import attrs

from nasir.apps.report.markup import Child, Html, tag
from nasir.core.errors import NasirError, RunFolderError

POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
"""What a page may load: pictures and styles that it holds itself."""

FILE = "report.html"
"""The page of a run, in its folder."""

ENDINGS = (".html", ".htm")


@attrs.frozen
class Section:
    """A part of a page: its word in the menu, its heading and its content."""

    key: str
    heading: str
    content: Child


def page(title: str, head: Child, sections: Sequence[Section]) -> str:
    """A whole HTML document in one file.

    Its content security policy lets the page load nothing and run no script but its own.
    """
    style, script = (asset(name) for name in ("page.css", "page.js"))
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = f"{POLICY}; script-src 'sha256-{digest}'"
    menu = [tag("a", section.key, href=f"#{_anchor(section.key)}") for section in sections]
    parts = [
        tag("section", tag("h2", one.heading), one.content, id=_anchor(one.key)) for one in sections
    ]
    toggle = tag("button", "Dark", type="button", id="theme", title="light or dark")
    document = tag(
        "html",
        tag(
            "head",
            tag("meta", charset="utf-8"),
            tag("meta", http_equiv="Content-Security-Policy", content=policy),
            tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
            tag("meta", name="color-scheme", content="light dark"),
            tag("title", title),
            tag("link", rel="icon", href="data:,"),
            tag("style", Html(style)),
        ),
        tag(
            "body",
            tag("nav", tag("div", menu, class_="menu"), toggle, aria_label="sections"),
            tag("main", tag("header", head), parts),
            tag("script", Html(script)),
        ),
        lang="en",
    )
    return f"<!doctype html>\n{document}\n"


def check(file: Path) -> None:
    """Refuse a file that does not end in .html, or whose folder is missing."""
    if file.suffix.lower() not in ENDINGS:
        raise NasirError(f"cannot write the page {file}: name a file that ends in .html")
    if file.is_dir():
        raise RunFolderError(f"cannot write the page {file}: it is a folder")
    if not file.absolute().parent.is_dir():
        raise RunFolderError(f"cannot write the page {file}: there is no folder {file.parent}")


def write(file: Path, content: str) -> None:
    """Write a page whole or not at all."""
    check(file)
    encoded = content.encode("utf-8", "replace")  # names from elsewhere may not be valid Unicode
    partial = file.with_name(f".{uuid.uuid4().hex}.partial")
    try:
        partial.write_bytes(encoded)
        partial.replace(file)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise RunFolderError(
            f"cannot write the page {file}: {error.strerror}; choose another place"
        ) from None


@cache
def asset(name: str) -> str:
    """The text of a file that comes with the pages."""
    return files("nasir.apps.report").joinpath("assets", name).read_text(encoding="utf-8")


def _anchor(key: str) -> str:
    return key.lower().replace(" ", "-")
