"""Settings files: TOML damaged in its bytes, its values, or beyond all measure."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import tomli
import tomli_w

from fuzzing.mutations import altered, damaged
from fuzzing.outcomes import Case
from nasir.apps.search import search as api
from nasir.plugins.builtin.recipes import FOLDER as RECIPES

NESTED = 100_000

OVERDONE = (
    b"a = " + b"[" * NESTED,
    b"a = " + b"[" * NESTED + b"]" * NESTED,
    b"a = " + b"{a = " * NESTED,
    b"a" + b".a" * NESTED + b" = 1",
    b"[a" + b".a" * NESTED + b"]",
    b"seed = " + b"9" * NESTED,
    b"seed = 0x" + b"f" * NESTED,
    b"seed = 1e" + b"9" * 400,
    b"seconds = nan",
    b"seconds = inf",
    b'name = "\\u0000"',
    b'name = "\\ud800"',
    b'name = """' + b"x" * NESTED + b'"""',
    b"a = 1\n" * 3,
    b"\xff\xfes\x00",
    b"\xef\xbb\xbfseed = 1",
    b"seed = 1\x00",
    b"# " + b"x" * NESTED,
    b'folder = "../../outside"',
    b'name = "../outside"',
    b"[space]\n" * 2,
    b"[[space]]\nname = 'toy'",
    b"[strategy]\nname = 'chain'\nparts = [[[[]]]]",
    b"[strategy]\nname = 3",
    b"strategy = 2020-01-01",
)


def case(rng: Random, folder: Path) -> Case:
    """A recipe or the settings of a run, damaged, read as ``nasir run FILE.toml`` does."""
    content = _content(rng)
    file = folder / "mine.toml"
    what = content if len(content) < 400 else content[:100] + b" ..."

    def action() -> None:
        for planned in api.plan([str(file)], {})[:3]:
            planned.resolved  # noqa: B018 (making it is what is tried)

    return Case("settings file", repr(what), action, lambda: file.write_bytes(content))


def _content(rng: Random) -> bytes:
    way = rng.randrange(12)
    if way == 0:
        return rng.choice(OVERDONE)
    content = rng.choice(_recipes())
    if way < 5:
        return damaged(content, rng, rng.choice(_recipes()))
    tree: Any = tomli.loads(content.decode())
    for _ in range(rng.choice((1, 1, 2, 3))):
        tree = altered(tree, rng)
    try:
        return tomli_w.dumps(tree).encode("utf-8", "surrogatepass")
    except (TypeError, AttributeError, ValueError):  # None and mere values are no TOML
        return damaged(content, rng)


def _recipes() -> list[bytes]:
    if not _read:
        _read.extend(path.read_bytes() for path in sorted(RECIPES.glob("*.toml")))
        _read.append(WHOLE)
    return _read


_read: list[bytes] = []

WHOLE = b"""\
seed = 3
trials = 4
workers = 1
objective = ["psnr", "-parameters"]
limit = ["parameters<1e6"]
folder = "runs"
name = "mine"

[space]
name = "nasdip"
depth = 2
width = 4
upsample = ["nearest", "bilinear"]

[strategy]
name = "chain"
parts = ["random", {name = "evolution", population = 4}]

[task]
name = "denoise"
sigma = 15.0

[evaluator]
name = "dip"
iterations = 3

[executor]
name = "inline"
"""
