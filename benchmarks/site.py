"""The site that `make docs` built, in Chromium: pages, words, broken links, and what a phone shows.

    python benchmarks/site.py site [--json PATH]

Every page is opened on a screen of 400 pixels. Counted are errors of the console, requests to
other hosts, pages wider than the screen, pictures without a description, pages without a title or
a first heading, and links that lead to no file or no anchor of the site. Other hosts are not asked.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from urllib.parse import unquote, urlsplit

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from apps.report.browser import Browser, program

WIDTH, HEIGHT = 400, 800

FACTS = """({
    words: document.querySelector('article')?.innerText.split(/\\s+/).length ?? 0,
    wide: document.documentElement.scrollWidth > innerWidth,
    bare: [...document.querySelectorAll('img:not([alt])')].length,
    title: document.title !== '' && document.documentElement.lang !== '',
    heading: document.querySelectorAll('h1').length === 1,
    small: [...document.querySelectorAll('article p, article li, article code')]
        .filter(e => e.innerText && parseFloat(getComputedStyle(e).fontSize) < 11).length,
    ids: [...document.querySelectorAll('[id]')].map(e => e.id),
    links: [...document.querySelectorAll('a[href]')].map(e => e.href),
})"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("site", type=Path)
    parser.add_argument("--json")
    arguments = parser.parse_args()
    chromium = program()
    assert chromium, "there is no Chromium"
    root = arguments.site.resolve()
    found, faults = {}, {}
    with tempfile.TemporaryDirectory() as profile:
        browser = Browser(chromium, Path(profile))
        browser.screen(WIDTH, HEIGHT)
        for page in sorted(root.rglob("*.html")):
            if page.relative_to(root).parts[0].startswith("_"):
                continue
            browser.open(page)
            facts = browser.run(FACTS)
            facts |= {"complaints": browser.complaints, "requests": browser.requests}
            found[page] = facts
        browser.close()
    ids = {page: set(facts["ids"]) for page, facts in found.items()}
    for page, facts in found.items():
        broken = [link for link in facts["links"] if not leads(link, ids)]
        flaws = {k: facts[k] for k in ("complaints", "requests", "wide", "bare", "small")}
        flaws |= {"broken": broken, "no title": not facts["title"]}
        flaws["not one heading"] = not facts["heading"] and page.stem not in ("search", "genindex")
        if any(flaws.values()):
            faults[str(page.relative_to(root))] = {k: v for k, v in flaws.items() if v}
    words = sum(facts["words"] for facts in found.values())
    links = sum(len(facts["links"]) for facts in found.values())
    figures = {"pages": len(found), "words": words, "links": links, "faults": faults}
    print(json.dumps(figures, indent=2))
    if arguments.json:
        Path(arguments.json).write_text(json.dumps(figures, indent=2))


def leads(link: str, ids: dict[Path, set[str]]) -> bool:
    """Whether a link leads to a file, and its anchor to an element of the page."""
    parts = urlsplit(link)
    if parts.scheme != "file":
        return True
    there = Path(unquote(parts.path))
    known = ids.get(there)
    return there.is_file() and (not parts.fragment or known is None or parts.fragment in known)


if __name__ == "__main__":
    main()
