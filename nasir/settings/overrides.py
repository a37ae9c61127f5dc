"""The settings language: TOML files and ``key=value`` words."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import attrs
import tomli

from nasir.core.errors import SettingsError
from nasir.settings.interfaces import INTERFACES

Settings = dict[str, Any]
"""Settings as nested mappings; a component is ``{"name": ..., field: value}``."""

LONGEST_RANGE = 10_000

DEEPEST = 20
"""Levels of settings in settings; strategies that hold strategies have a few."""

MOST_RUNS = 1000
"""Runs that a sweep makes: each is planned before the first begins."""

LARGEST = 2**1000
"""Whole numbers from here on are refused: not all are floating-point numbers, or can be written."""

_RANGE = re.compile(r"(-?\d{1,18})\.\.(-?\d{1,18})")
_NUMBER = re.compile(r"[+-]?(\d+\.|\.\d+)([eE][+-]?\d+)?")
"""Numbers that TOML does not read, such as .5 and 5."""

_KEY = re.compile(r"[A-Za-z_][\w-]*(\.[\w-]+)*")


@attrs.frozen
class Alternatives:
    """Several values for one key: a list where the setting is one, else a sweep."""

    values: tuple[Any, ...]


@attrs.frozen
class Override:
    """One ``key=value``: `path` is the key at its dots."""

    path: tuple[str, ...]
    value: Any

    @property
    def key(self) -> str:
        return ".".join(self.path)


def is_override(text: str) -> bool:
    """Whether a word is ``key=value``, rather than the name of something."""
    key, equals, _ = text.partition("=")
    return bool(equals and _KEY.fullmatch(key))


def parse_override(text: str) -> Override:
    """Read ``key=value``; the value is TOML, a bare word a string, a comma list alternatives."""
    key, equals, value = text.partition("=")
    if not equals or not _KEY.fullmatch(key):
        raise SettingsError(f"cannot read {text!r}: write key=value, such as space.depth=4")
    if not text.isascii() and text.encode("utf-8", "replace").decode() != text:
        raise SettingsError(f"{text!r} is no text in UTF-8: give files names that are")
    if not value:
        raise SettingsError(f"{key}= has no value: write {key}=VALUE, or {key}='\"\"' for empty")
    if key.count(".") >= DEEPEST:
        raise SettingsError(f"{key:.60}... has more than {DEEPEST} steps: no setting is so deep")
    span = _RANGE.fullmatch(value)
    if span:
        first, last = int(span[1]), int(span[2])
        if last < first:
            raise SettingsError(f"{key}={value} counts down: write {key}={last}..{first}")
        if last - first >= LONGEST_RANGE:
            raise SettingsError(f"{key}={value} is more than {LONGEST_RANGE} values: take fewer")
        return Override(tuple(key.split(".")), Alternatives(tuple(range(first, last + 1))))
    parts = _split(value)
    values = tuple(_parse_value(key, part) for part in parts)
    return Override(tuple(key.split(".")), values[0] if len(values) == 1 else Alternatives(values))


def read_file(path: str | Path) -> Settings:
    """The settings in a TOML file."""
    try:
        tree = tomli.loads(Path(path).read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise SettingsError(f"cannot read settings file {path}: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise SettingsError(f"settings file {path} is damaged: {error}") from None
    if _is_deeper(tree, DEEPEST):
        raise SettingsError(f"settings file {path} nests more than {DEEPEST} levels deep")
    if _largest(tree) >= LARGEST:
        raise SettingsError(f"settings file {path} has a number of hundreds of digits: correct it")
    return tree


def overrides_of(settings: Settings) -> list[Override]:
    """Settings as overrides, names of components first, so that files and words merge alike."""
    overrides = []
    for key, value in settings.items():
        if key in INTERFACES and isinstance(value, Mapping):
            fields = dict(value)
            if "name" in fields:
                overrides.append(Override((key,), fields.pop("name")))
            overrides.extend(Override((key, field), given) for field, given in fields.items())
        else:
            overrides.append(Override((key,), value))
    return overrides


def merge(overrides: Iterable[Override], defaults: Settings) -> Settings:
    """Put overrides on `defaults` in order, later wins.

    Choosing another component than before drops the fields that were given for the earlier one.
    """
    settings: Settings = {k: dict(v) if isinstance(v, dict) else v for k, v in defaults.items()}
    for override in overrides:
        key, *field = override.path
        if not field and key in INTERFACES:
            settings[key] = _chosen(key, settings.get(key, {}), override.value)
        elif not field:
            settings[key] = override.value
        elif key not in INTERFACES:
            raise SettingsError(f"{override.key}: {key!r} has no fields; set {key}=VALUE")
        elif isinstance(settings.setdefault(key, {}), dict):
            _set(settings[key], tuple(field), override.value)
        else:
            name = type(settings[key]).__name__
            raise SettingsError(
                f"{override.key} cannot be set: {key} is an instance of {name} already; set it "
                "there"
            )
    return settings


def with_fields(settings: Settings, kind: str, fields: Mapping[str, Any]) -> Settings:
    """Settings with more fields of a component; refuses one that is made already."""
    return merge((Override((kind, name), value) for name, value in fields.items()), settings)


def _chosen(kind: str, before: Any, value: Any) -> Any:
    """The choice of a component: a mapping with its name, or a component itself."""
    if isinstance(value, Mapping):
        return dict(value)
    if not isinstance(value, str):
        return value  # a component, or what building refuses
    same = isinstance(before, dict) and before.get("name", value) == value
    return {**before, "name": value} if same else {"name": value}


def expand(
    words: Sequence[Override], is_list: Callable[[Override, Settings], bool]
) -> list[list[Override]]:
    """All combinations of the words that sweep, the last one turning fastest.

    `is_list` says whether a setting is itself a list, which takes a comma list as its value; it
    gets the first combination as a tree, to know which components are meant.
    """
    words = _without_overruled(words)
    first = [attrs.evolve(word, value=_first(word.value)) for word in words]
    tree = merge(first, {})
    choices: list[tuple[Override, ...]] = []
    for word in words:
        if not isinstance(word.value, Alternatives):
            choices.append((word,))
        elif is_list(word, tree):
            choices.append((attrs.evolve(word, value=list(word.value.values)),))
        else:
            choices.append(tuple(attrs.evolve(word, value=v) for v in word.value.values))
    runs = math.prod(map(len, choices))
    if runs > MOST_RUNS:
        raise SettingsError(f"these words make {runs} runs: sweep over at most {MOST_RUNS} at once")
    return [list(combination) for combination in product(*choices)]


def _without_overruled(words: Sequence[Override]) -> list[Override]:
    """The words without those that sweep a key which a later word sets."""
    last = {word.path: number for number, word in enumerate(words)}
    return [
        word
        for number, word in enumerate(words)
        if number == last[word.path] or not isinstance(word.value, Alternatives)
    ]


def _is_deeper(value: Any, levels: int) -> bool:
    """Whether more than so many mappings and lists are in each other; asked level by level."""
    here = [value]
    for _ in range(levels + 1):
        below = (one.values() if isinstance(one, dict) else one for one in here)
        here = [inner for outer in below for inner in outer if isinstance(inner, dict | list)]
    return bool(here)


def _largest(value: Any) -> int:
    """The magnitude of the largest whole number that is anywhere in `value`."""
    if isinstance(value, dict | list):
        return max(map(_largest, value.values() if isinstance(value, dict) else value), default=0)
    return abs(value) if type(value) is int else 0


def _first(value: Any) -> Any:
    return value.values[0] if isinstance(value, Alternatives) else value


def _set(tree: Settings, path: tuple[str, ...], value: Any) -> None:
    *parents, last = path
    for parent in parents:
        below = tree.get(parent)
        if isinstance(below, dict):
            tree[parent] = dict(below)  # it may be another run's of the same sweep, too
        else:
            tree[parent] = {"name": below} if isinstance(below, str) else {}
        tree = tree[parent]
    held = tree.get(last)
    if isinstance(value, str) and isinstance(held, dict) and held.get("name", value) == value:
        value = {**held, "name": value}  # the fields of a component may come before its name
    tree[last] = value


def _split(text: str) -> list[str]:
    """Split at the commas that no bracket and no quote encloses."""
    parts, start, depth, quote = [], 0, 0, ""
    escaped = False
    for i, character in enumerate(text):
        if escaped:
            escaped = False
        elif quote:
            escaped = character == "\\" and quote == '"'
            quote = "" if character == quote else quote
        elif character in "\"'":
            quote = character
        elif character in "[{":
            depth += 1
        elif character in "]}":
            depth -= 1
        elif character == "," and depth == 0:
            parts.append(text[start:i])
            start = i + 1
    return [*parts, text[start:]]


def _parse_value(key: str, text: str) -> Any:
    if not text:
        raise SettingsError(f"{key}= has an empty place in its comma list")
    try:
        read = tomli.loads(f"value = {text}\n")
    except (ValueError, RecursionError) as error:
        if text[0] in "[{\"'":
            raise SettingsError(f"{key}={text} is not TOML: {error}") from None
        return float(text) if _NUMBER.fullmatch(text) else text
    if set(read) != {"value"}:
        raise SettingsError(f"{key}= has a second line: write each setting as a word of its own")
    if _largest(read) >= LARGEST:
        raise SettingsError(f"{key}={text:.20}... has hundreds of digits: take a smaller number")
    return read["value"]
