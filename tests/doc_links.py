"""The links of Markdown pages, and the anchors that their headings make."""

from __future__ import annotations

import re
from pathlib import Path

LINK = re.compile(r"!?\[(?:[^\[\]]|\[[^\]]*\])*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^(`{3,})[^\n]*\n.*?^\1\s*$", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"`[^`\n]+`")
HEADING = re.compile(r"^#{1,6} +(.+?) *$", re.MULTILINE)


def anchor(heading: str) -> str:
    """The anchor of a heading, as repositories' web views and MyST make it."""
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "")
    return re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")


def anchors(page: Path) -> set[str]:
    """All anchors of a page; equal headings are numbered from the second on."""
    found: set[str] = set()
    for heading in HEADING.findall(FENCE.sub("", page.read_text())):
        name = plain = anchor(heading)
        number = 0
        while name in found:
            number += 1
            name = f"{plain}-{number}"
        found.add(name)
    return found


def broken_links(page: Path) -> list[str]:
    """Targets of a page's links that lead to no file or no anchor; addresses are not asked."""
    text = FENCE.sub("", page.read_text())
    broken = []
    for target in LINK.findall(CODE.sub("`x`", text)):
        path, _, name = target.partition("#")
        if "://" in path or path.startswith("mailto:"):
            continue
        there = page.parent / path if path else page
        if not there.is_file() or (name and name not in anchors(there)):
            broken.append(target)
    return broken
