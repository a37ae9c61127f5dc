"""The words of a run's settings, and the command that repeats it."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from nasir.core.errors import NasirError
from nasir.settings.building import make, settings_of_component
from nasir.settings.components import executor_name
from nasir.settings.overrides import Alternatives, Settings, parse_override
from nasir.settings.run_settings import COMPONENTS, run_settings_class
from nasir.settings.strategy_expressions import JOINED, PARTS, joining

OWN = ("name", "folder")
"""Settings that say where a run is kept, which its repetition is not."""

Words = Iterator[tuple[str, str]]
"""Keys and values as they are typed."""


def command(settings: Settings) -> str | None:
    """``nasir run`` with the words for `settings`, without the run's name and folder.

    Defaults of this installation are left out. The words are read again and compared: None if they
    give other settings (a plugin is missing, or another version has other defaults), or if words
    cannot express the settings.
    """
    from nasir.apps.search.search import plan

    wanted = {key: value for key, value in settings.items() if key not in OWN}
    try:
        words = [f"{key}={value}" for key, value in _words(wanted)]
        plans = plan(words, {})
    except Exception:  # a plugin's component may raise anything
        return None
    if len(plans) != 1:
        return None
    same = _agrees(plans[0].resolved, wanted)
    return " ".join(["nasir run", *map(shlex.quote, words)]) if same else None


def changed(settings: Settings) -> list[str]:
    """The components, and what else differs from the defaults, as words that are typed.

    Components alone where the defaults are not known (a plugin is missing).
    """
    try:
        return [f"{key}={value}" for key, value in _words(settings) if key not in OWN]
    except Exception:  # a plugin's component may raise anything
        named = ((kind, settings.get(kind)) for kind in COMPONENTS)
        return [f"{k}={part.get('name')}" for k, part in named if isinstance(part, Mapping)]


def _agrees(made: Any, wanted: Any) -> bool:
    """Whether `made` has all that is wanted; settings of later versions are at their defaults."""
    if isinstance(wanted, Mapping):
        return isinstance(made, Mapping) and all(
            key in made and _agrees(made[key], value) for key, value in wanted.items()
        )
    return bool(made == wanted)


def _words(settings: Settings) -> Words:
    usual = settings_of_component(run_settings_class()())
    for kind in COMPONENTS:
        fields = settings[kind]
        if kind == "executor" and fields == {"name": _usual_executor(settings)}:
            continue
        yield from _component(kind, kind, fields)
    for key, value in settings.items():
        if key not in COMPONENTS and value != usual.get(key):
            yield key, _value(key, value)


def _usual_executor(settings: Settings) -> str:
    limited = "time_limit" in settings or "memory_limit" in settings
    return executor_name(settings["workers"], limited)


def _component(kind: str, path: str, fields: Mapping[str, Any]) -> Words:
    """The component's name and what differs from its defaults; chains as ``a+b``."""
    name = fields["name"]
    chained = name == joining() or JOINED in name
    names = [part["name"] for part in fields.get(PARTS, ())] if chained else []
    if path == "strategy" and len(set(names)) == len(names) > 1:
        yield path, JOINED.join(names)
        for part in fields[PARTS]:
            yield from _fields(kind, f"{path}.{part['name']}", part)
        others = {key: value for key, value in fields.items() if key != PARTS}
        yield from _fields(kind, path, others)
        return
    yield path, _value(path, name)
    yield from _fields(kind, path, fields)


def _fields(kind: str, path: str, fields: Mapping[str, Any]) -> Words:
    usual = _defaults(kind, fields["name"])
    for name, value in fields.items():
        if name == "name" or (name in usual and usual[name] == value):
            continue
        if isinstance(value, Mapping) and "name" in value:
            yield from _component(kind, f"{path}.{name}", value)
        else:
            yield f"{path}.{name}", _value(f"{path}.{name}", value)


def _defaults(kind: str, name: str) -> Settings:
    """The settings of a component of which nothing is said; empty where something must be."""
    try:
        return settings_of_component(make(kind, name))
    except NasirError:
        return {}


def _value(key: str, value: Any) -> str:
    """The value as it is typed: bare where it is read again as the same, else as TOML."""
    bare = ",".join(map(str, value)) if isinstance(value, list) else str(value)
    try:
        read = parse_override(f"{key}={bare}").value
    except NasirError:
        return _toml(value)
    if isinstance(read, Alternatives):
        read = list(read.values)
    one = [read] if isinstance(value, list) and len(value) == 1 else read
    return bare if repr(one) == repr(value) else _toml(value)


def _toml(value: Any) -> str:
    if isinstance(value, Mapping):
        inside = ", ".join(f"{json.dumps(k)} = {_toml(v)}" for k, v in value.items())
        return f"{{{inside}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, float):
        return repr(value)
    return json.dumps(value, ensure_ascii=False)
