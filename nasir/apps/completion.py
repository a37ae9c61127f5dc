"""What a shell may complete a command line with."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import attrs

from nasir.apps.verbs import PLURALS, RUN, VERBS
from nasir.core.component import settings_of
from nasir.core.errors import NasirError
from nasir.core.import_strings import load, loaded
from nasir.core.registry import KINDS, registries
from nasir.settings.components import chosen_name
from nasir.settings.interfaces import PLACES, component_class
from nasir.settings.reader import VerbSettings
from nasir.settings.run_settings import run_settings_class

JOINTS = ",+"
"""Between the values of a list, and the parts of a strategy or degradation."""


def commands(current: str) -> list[str]:
    """The commands that begin with a word."""
    return _beginning(registries["command"], current)


def words(command: str, parser: ArgumentParser, before: Sequence[str], current: str) -> list[str]:
    """What the `current` word of a command may become, after the words `before` it.

    Nothing is returned for what is a file.
    """
    actions = parser._actions
    if current.startswith("-"):
        return _beginning((o for a in actions for o in a.option_strings), current)
    if command in VERBS:
        cls = run_settings_class() if command == RUN else load(VERBS[command])
        return _setting(cls, before, current)
    if command == "describe":
        names = [*VERBS, *(f"{kind}={name}" for kind in KINDS for name in registries[kind])]
        return _beginning(names, current)
    metavars = {action.metavar for action in actions if not action.option_strings}
    found: list[str] = list(PLURALS.values()) if "KIND" in metavars else []
    if "RUN" in metavars:
        found += _runs()
    return _beginning(found, current)


def _runs() -> list[str]:
    """The folders of the runs here."""
    from nasir.runs.folder import RUNS

    folder = Path(RUNS)
    if not folder.is_dir():
        return []
    from nasir.runs.run import is_shown

    return sorted(str(path) for path in folder.iterdir() if is_shown(path))


def _setting(cls: type[VerbSettings], before: Sequence[str], current: str) -> list[str]:
    key, equals, value = current.partition("=")
    if equals:
        cut = max(map(value.rfind, JOINTS)) + 1
        known = (f"{key}={value[:cut]}{option}" for option in _values(cls, before, key))
        return _beginning(known, current)
    kind, dot, _ = key.partition(".")
    if dot and kind in cls.components:
        fields = (f"{kind}.{field.name}=" for field in _fields(cls, before, kind))
        return _beginning(fields, current)
    own = (f"{field.name}=" for field in settings_of(cls))
    recipes = registries["recipe"] if cls.from_files != () else ()
    kinds = (f"{kind}{end}" for kind in cls.components for end in "=.")
    return _beginning([*kinds, *own, *recipes], current)


def _values(cls: type[VerbSettings], before: Sequence[str], key: str) -> Iterable[str]:
    kind, dot, name = key.partition(".")
    if not dot and kind in (*cls.components, "network"):
        return registries[kind]
    fields = _fields(cls, before, kind) if dot else settings_of(cls)
    field = next((field for field in fields if field.name == (name or kind)), None)
    return () if field is None else _options(field)


def _fields(
    cls: type[VerbSettings], before: Sequence[str], kind: str
) -> Sequence[attrs.Attribute[Any]]:
    """The settings of the component that is chosen before, or by default."""
    named = [word.partition("=")[2] for word in before if word.startswith(f"{kind}=")]
    try:
        name = named[-1] if named else chosen_name(kind, {}, cls.use)
        return settings_of(component_class(kind, name))
    except NasirError:
        return ()


def _options(field: attrs.Attribute[Any]) -> Iterable[str]:
    """The values of a field, where these are few."""
    if field.type is bool:
        return ("true", "false")
    kind = next((k for k, place in PLACES.items() if field.type is loaded(place)), None)
    return registries[kind] if kind else map(str, _listed(field.validator))


def _listed(validator: Any) -> Iterator[Any]:
    """The options in a validator, and in those that it consists of."""
    yield from getattr(validator, "options", ())
    inside = getattr(validator, "validator", None)
    for one in (*getattr(validator, "_validators", ()), *([inside] if inside else [])):
        yield from _listed(one)


def _beginning(names: Iterable[str], current: str) -> list[str]:
    return [name for name in names if name.startswith(current)]
