"""Any recipe at a size that takes minutes on two cores."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from nasir.apps.formatting import as_typed
from nasir.apps.search import search as api
from nasir.settings.overrides import Settings

MOST: Mapping[str, int] = {
    "iterations": 10,
    "epochs": 3,
    "steps": 2,
    "warmup": 1,
    "warm_up": 2,
    "keep_from": 1,
    "batch": 2,
    "patch": 24,
    "width": 16,
    "search_width": 8,
    "discriminator_width": 8,
    "channels": 8,
    "layers": 3,
    "nodes": 2,
    "cells": 2,
    "pool": 3,
    "keep": 2,
    "candidates": 2,
    "size": 48,
    "side": 32,
    "crop": 32,
    "places": 16,
    "search": 1,
    "validation": 1,
    "most_blocks": 2,
    "evaluate_every": 10,
}
"""Settings of any component that cost time, and the most that each has: sides suit any scale."""

WHOLE = ("size", "crop")
"""Settings of which 0 is the most."""

WITHOUT_PICTURES: Mapping[str, Sequence[str]] = {
    "validation_images": ("validation_images=[]", "validation=1"),
    "pairs": ("pairs=none",),
}
"""Settings that name parts of the user's folders, and what replaces them where none is given."""

TRIALS, MANY = 4, 12
"""Trials of a search that would have more than so many; those with stages have few by then."""


def small_words(words: Sequence[str]) -> list[str]:
    """The words that make the run of `words` small: whatever costs time is cut.

    If `words` give no pictures, those that come with nasir serve.
    """
    (planned,) = api.plan(words, {})
    settings = planned.resolved
    small = [*_cut(settings, ()), "limit=[]"]
    if not settings["task"].get("images"):
        small += ["task.picture=0"] if settings["task"].get("search") == 0 else []
        small += [
            f"task.{w}"
            for k in WITHOUT_PICTURES
            if _named(settings["task"].get(k))
            for w in WITHOUT_PICTURES[k]
        ]
    (cut,) = api.plan([*words, *small], {})
    return [*small, f"trials={TRIALS}"] if cut.trials > MANY else small


def _cut(settings: Settings, path: tuple[str, ...]) -> Iterator[str]:
    for name, value in settings.items():
        here = (*path, name)
        if name == "epochs" and value and "iterations" in settings:
            yield f"{'.'.join(here)}=0"  # passes over all pictures, in place of steps
        elif isinstance(value, dict):
            yield from _cut(value, here)
        elif name in MOST and _is_larger(name, value):
            yield f"{'.'.join(here)}={as_typed(MOST[name])}"


def _named(value: Any) -> bool:
    return bool(value) and value != "none"


def _is_larger(name: str, value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int):
        return False
    return value > MOST[name] or (value == 0 and name in WHOLE)
