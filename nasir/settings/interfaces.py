"""The interfaces of components: what each kind must be, and what it is called in settings."""

from __future__ import annotations

import typing
from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from nasir.core.degradation import Composition
from nasir.core.errors import PluginError, SettingsError
from nasir.core.import_strings import import_string, load, loaded
from nasir.core.registry import registries

PLACES = {
    "space": "nasir.core.search_space:SearchSpace",
    "strategy": "nasir.core.strategy:Strategy",
    "task": "nasir.core.task:Task",
    "degradation": "nasir.core.degradation:Degradation",
    "evaluator": "nasir.core.evaluator:Evaluator",
    "executor": "nasir.core.executor:ExecutorFactory",
    "method": "nasir.core.method:Method",
    "proxy": "nasir.core.proxy:Proxy",
}
"""The import string of each interface."""


class Interfaces(Mapping[str, type]):
    """What a component of a kind must be; each is imported when it is looked up."""

    def __getitem__(self, kind: str) -> type:
        found: type = load(PLACES[kind])
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(PLACES)

    def __len__(self) -> int:
        return len(PLACES)

    def __contains__(self, kind: object) -> bool:
        return kind in PLACES


INTERFACES = Interfaces()
"""A field of one of these types, or of a subclass, holds a component."""

JOINED = "+"

COMPOSITIONS: Mapping[str, type] = {"degradation": Composition}
"""What ``a+b`` makes of components of a kind, from a tuple of them."""


def component_class(kind: str, name: str) -> type:
    """The class of a registered component, or of an import string; refuses one of another kind."""
    entry = registries[kind].entry(name)
    cls = entry.load()
    if not (isinstance(cls, type) and attrs.has(cls)):
        raise PluginError(f"{kind} {entry.origin} is no attrs class, as a component must be")
    interface = INTERFACES.get(kind, object)
    if not issubclass(cls, interface):
        raise PluginError(f"{kind} {entry.origin} is no {interface.__name__}")
    return cls


def name_of(component: Any) -> str:
    """The name of a component in settings."""
    if type(component) in COMPOSITIONS.values():
        return JOINED.join(map(name_of, component.parts))
    kind = kind_of(type(component))
    return registries[kind].name_of(type(component)) if kind else import_string(type(component))


def kind_of(annotation: Any) -> str | None:
    """The kind of the components of a class or interface; None if they are no components."""
    if not isinstance(annotation, type) or typing.get_origin(annotation):
        return None  # Python 3.10 takes tuple[str, ...] for a class
    for kind, place in PLACES.items():
        cls = loaded(place)  # what is not imported has no subclasses
        if cls is not None and issubclass(annotation, cls):
            return kind
    return None


def parts_of(component: Any) -> Iterator[Any]:
    """A component, and those in its fields."""
    if kind_of(type(component)) is None:
        return
    yield component
    for field in attrs.fields(type(component)) if attrs.has(type(component)) else ():
        value = getattr(component, field.name, None)
        for held in value if isinstance(value, list | tuple) else (value,):
            yield from parts_of(held)


def held_type(annotation: Any) -> Any:
    """The type of a setting, without ``| None``."""
    args = typing.get_args(annotation)
    held = [arg for arg in args if arg is not type(None)]
    return held[0] if len(held) == 1 and len(args) == 2 else annotation


def split_name(kind: str, name: str) -> list[str]:
    """The parts of ``a+b`` if components of this kind can be joined; each is there once."""
    if kind not in COMPOSITIONS:
        return [name]
    parts = name.split(JOINED)
    if not all(parts):
        raise SettingsError(f"{kind}={name} lacks a part: write FIRST{JOINED}SECOND")
    if twice := next((part for part in parts if parts.count(part) > 1), None):
        raise SettingsError(f"{kind}={name} has {twice} twice: take it once")
    return parts
