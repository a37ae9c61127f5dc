"""Damage: to bytes, to text, and to data such as JSON has."""

from __future__ import annotations

import json
import math
from random import Random
from typing import Any

TEXTS = (
    "",
    " ",
    ".",
    "..",
    "/",
    "../../outside",
    "/etc/passwd",
    "~",
    "~nobody_of_that_name/x",
    "none",
    "nan",
    "true",
    "a b",
    "a\nb",
    "a\tb",
    "a\x00b",
    "\x1b[31mred",
    "\ud800",
    "\U0001f600",
    "é",
    "%s%n{}",
    "<script>alert(1)</script>",
    "';--",
    "x" * 300,
    "x" * 5000,
)

NUMBERS = (
    0,
    1,
    -1,
    2,
    255,
    2**31,
    -(2**31) - 1,
    2**63,
    2**64,
    10**30,
    10**400,
    0.0,
    -0.0,
    0.5,
    1e-320,
    1e300,
    -1e300,
    math.inf,
    -math.inf,
    math.nan,
)

Rng = Random


def damaged(content: bytes, rng: Rng, other: bytes = b"") -> bytes:
    """`content` with one to four pieces of damage; blocks may come from `other`."""
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        content = rng.choice(_DAMAGES)(content, rng, other or content)
    return content


def _flip(content: bytes, rng: Rng, other: bytes) -> bytes:
    if not content:
        return content
    changed = bytearray(content)
    for _ in range(rng.choice((1, 1, 2, 8))):
        changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def _overwrite(content: bytes, rng: Rng, other: bytes) -> bytes:
    start = _place(content, rng)
    written = bytes(rng.randrange(256) for _ in range(rng.choice((1, 2, 4, 16))))
    return content[:start] + written + content[start + len(written) :]


def _truncate(content: bytes, rng: Rng, other: bytes) -> bytes:
    return content[: _place(content, rng)]


def _cut(content: bytes, rng: Rng, other: bytes) -> bytes:
    start = _place(content, rng)
    return content[:start] + content[start + _length(content, rng) :]


def _duplicate(content: bytes, rng: Rng, other: bytes) -> bytes:
    start = _place(content, rng)
    return content[: start + _length(content, rng)] + content[start:]


def _splice(content: bytes, rng: Rng, other: bytes) -> bytes:
    start, source = _place(content, rng), _place(other, rng)
    block = other[source : source + _length(other, rng)]
    return content[:start] + block + content[start + len(block) :]


def _constant(content: bytes, rng: Rng, other: bytes) -> bytes:
    start, length = _place(content, rng), _length(content, rng)
    return content[:start] + rng.choice((b"\0", b"\xff", b"A")) * length + content[start + length :]


def _nothing(content: bytes, rng: Rng, other: bytes) -> bytes:
    return rng.choice((b"", b"\0", b"{}", b"[]", b"null", b"\xff\xfe", b"\n"))


_DAMAGES = (
    *(_flip, _flip, _flip, _overwrite, _overwrite, _truncate, _cut, _duplicate, _splice),
    *(_constant, _nothing),
)


def _place(content: bytes, rng: Rng) -> int:
    """Anywhere, more often near the beginning, where headers are."""
    if not content:
        return 0
    return rng.randrange(min(len(content), rng.choice((64, len(content), len(content)))))


def _length(content: bytes, rng: Rng) -> int:
    return min(len(content), rng.choice((1, 2, 4, 16, 64, 512, 4096)))


def value(rng: Rng, depth: int = 2) -> Any:
    """Any value that JSON can say, NaN and infinities too."""
    kind = rng.randrange(8 if depth else 5)
    if kind == 0:
        return rng.choice(TEXTS)
    if kind in (1, 2):
        return rng.choice(NUMBERS)
    if kind in (3, 4):
        return rng.choice((None, True, False))
    if kind == 5:
        return [value(rng, depth - 1) for _ in range(rng.randrange(3))]
    return {rng.choice(TEXTS): value(rng, depth - 1) for _ in range(rng.randrange(3))}


def altered(content: Any, rng: Rng) -> Any:
    """Data with one place changed: a value replaced, a key lost, renamed or added."""
    if isinstance(content, dict) and content and rng.randrange(8):
        key = rng.choice(sorted(content, key=repr))
        changed = dict(content)
        way = rng.randrange(8)
        if way == 0:
            del changed[key]
        elif way == 1:
            changed[rng.choice(TEXTS)] = changed.pop(key)
        elif way == 2:
            changed[rng.choice(TEXTS)] = value(rng)
        else:
            changed[key] = altered(changed[key], rng)
        return changed
    if isinstance(content, list) and content and rng.randrange(8):
        changed = list(content)
        place = rng.randrange(len(changed))
        way = rng.randrange(6)
        if way == 0:
            del changed[place]
        elif way == 1:
            changed.insert(place, value(rng))
        else:
            changed[place] = altered(changed[place], rng)
        return changed
    return value(rng)


def as_json(content: Any) -> str:
    """Data as JSON, with the NaN and infinities that Python writes."""
    try:
        return json.dumps(content)
    except ValueError:  # an integer of more digits than Python spells
        return json.dumps(content, default=str)


def damaged_json(text: str, rng: Rng) -> bytes:
    """JSON with its data altered, its bytes damaged, or nested beyond all measure."""
    way = rng.randrange(10)
    if way == 0:
        return rng.choice((b"[", b'{"a":')) * 100_000
    if way == 1:
        return (b"[" * 50_000) + (b"]" * 50_000)
    if way < 5:
        return damaged(text.encode(), rng)
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):  # it was damaged before
        return damaged(text.encode(), rng)
    for _ in range(rng.choice((1, 1, 2, 3))):
        content = altered(content, rng)
    return as_json(content).encode("utf-8", "surrogatepass")
