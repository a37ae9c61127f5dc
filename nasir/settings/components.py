"""Which components settings choose, and what is chosen where they say nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, TypeVar, Union

import attrs

from nasir.core.component import settings_of
from nasir.core.errors import SettingsError
from nasir.core.registry import registries
from nasir.settings.building import NO_VALUE, is_list_type, make
from nasir.settings.interfaces import INTERFACES, component_class, kind_of, name_of
from nasir.settings.nested import field_at
from nasir.settings.overrides import Override, Settings, merge, overrides_of, with_fields
from nasir.settings.strategy_expressions import JOINED, joining, parts_of

T = TypeVar("T")

Choice = Union[str, Mapping[str, Any], T]  # noqa: UP007 (mypy takes no | here)
"""A component as Python arguments give it: its name, a mapping with its name, or itself."""

SUITED = ("search", "evaluate")
"""The uses in which task and space say which evaluator suits them."""

LIMITS = ("time_limit", "memory_limit")
"""Settings of a run that only an executor with processes can keep."""


def make_components(kinds: Iterable[str], settings: Settings, use: str) -> dict[str, Any]:
    """The component of each kind that `settings` choose, with what suits the `use` by default.

    All names are looked up before anything is imported, so that a misspelt one costs no time.
    Raises :class:`~nasir.core.errors.NasirError` for unknown names and fields, and wrong values.
    """
    for kind in kinds:
        for name in _names(kind, settings):
            registries[kind].entry(name)
    return {kind: make(kind, _completed(kind, settings, use)) for kind in kinds}


def lay_over(usual: Settings, chosen: Settings) -> Settings:
    """`chosen` settings over `usual` ones; a short name replaces what it is short for.

    With the usual ``task.noise.sigma=25``, ``task.sigma=10`` is the noise's.
    """
    left = {kind: _unreplaced(kind, value, chosen.get(kind)) for kind, value in usual.items()}
    return merge([*overrides_of(left), *overrides_of(chosen)], {})


def _unreplaced(kind: str, usual: Any, chosen: Any) -> Any:
    """What is left of the usual settings of a component where short names replace some."""
    if not (isinstance(usual, Mapping) and isinstance(chosen, Mapping) and "name" in usual):
        return usual
    own = {field.name for field in settings_of(component_class(kind, usual["name"]))}
    short = chosen.keys() - own - {"name"}

    def left(part: Any) -> Any:
        if not isinstance(part, Mapping):
            return part
        return {name: left(value) for name, value in part.items() if name not in short}

    return {name: left(value) for name, value in usual.items()}


def chosen_name(kind: str, settings: Settings, use: str) -> str:
    """The name of the component that `settings` choose, or that is taken by default."""
    chosen = settings.get(kind, {})
    if not isinstance(chosen, Mapping):
        return name_of(chosen)
    if "name" in chosen:
        return str(chosen["name"])
    name = _default(kind, settings, use)
    if name is None:
        known = ", ".join(registries[kind])
        raise SettingsError(f"say which {kind}: {kind}=NAME, known: {known or 'none'}")
    return name


def about_pictures(
    settings: Settings,
    use: str,
    pictures: Sequence[str],
    test_pictures: Sequence[str] = (),
    degraded: bool = False,
    asked: Collection[str] = (),
) -> Settings:
    """The settings with a task that is about the given pictures, if there are any.

    `degraded` says that they are degraded already. `asked` names settings of the task that the
    user has set: they stay as they are.
    """
    if not pictures and not test_pictures:
        return settings
    task: Any = chosen_class("task", settings, use)
    given = task.given(pictures, test_pictures, degraded) if kind_of(task) == "task" else {}
    fields = {name: value for name, value in given.items() if name not in asked}
    chosen: Any = settings.get("task", {})
    if not isinstance(chosen, Mapping):
        return {**settings, "task": attrs.evolve(chosen, **fields)}
    return with_fields(settings, "task", fields)


def executor_name(workers: int, limited: bool = False) -> str:
    """The executor for so many workers, or for evaluations with limits."""
    use = "one_worker" if workers == 1 and not limited else "many_workers"
    return chosen_name("executor", {}, use)


def takes_list(verb: type, override: Override, settings: Settings) -> bool:
    """Whether the setting of an override is a list; `settings` say which components are meant."""
    kind, *field = override.path
    if kind in INTERFACES:
        if not field:
            return False
        *inside, last = field
        outer = chosen_class(kind, settings, "search")
        if not attrs.has(outer):  # a number, which building refuses
            return False
        if found := field_at(outer, field, settings.get(kind, {})):
            return is_list_type(found.type)
        cls = _inner_class(kind, inside, settings) if inside else outer
    else:
        cls, last = verb, kind
    types = {field.name: field.type for field in settings_of(cls)} if cls else {}
    return is_list_type(types.get(last))


def _completed(kind: str, settings: Settings, use: str) -> Any:
    """The choice of a component with its name, and the settings that suit the use."""
    chosen = settings.get(kind, {})
    if not isinstance(chosen, Mapping):
        return chosen
    name = chosen_name(kind, settings, use)
    cls: Any = chosen_class(kind, settings, use)
    suits = kind_of(cls) in ("space", "task", "evaluator")
    suited = cls.settings_for(use) if suits else {}
    by_task = _of_task(cls, settings, use) if kind == "evaluator" else {}
    return {**suited, **by_task, "name": name, **chosen}


def _of_task(cls: type, settings: Settings, use: str) -> Mapping[str, Any]:
    """The settings of an evaluator that suit the task whose picture a person restores."""
    if use != "restore":
        return {}
    task = chosen_class("task", settings, use)
    has = {field.name for field in settings_of(cls)}
    return {k: v for k, v in getattr(task, "fitting", {}).items() if k in has}


def _default(kind: str, settings: Settings, use: str) -> str | None:
    if kind == "executor" and use == "search":
        limited = any(settings.get(name, NO_VALUE) not in (None, NO_VALUE) for name in LIMITS)
        return executor_name(settings.get("workers", 1), limited)
    if kind == "evaluator" and use in SUITED:
        for part in ("task", "space"):
            cls = chosen_class(part, settings, use)
            if suited := getattr(cls, "default_evaluator", None):
                return str(suited)
    return registries[kind].default(use)


def chosen_class(kind: str, settings: Settings, use: str) -> type:
    """The class of the component that `settings` choose, or that is taken by default."""
    chosen = settings.get(kind, {})
    if not isinstance(chosen, Mapping):
        return type(make(kind, chosen))
    name = chosen_name(kind, settings, use)
    return component_class(kind, joining() if JOINED in name else name)


def _inner_class(kind: str, path: Sequence[str], settings: Settings) -> type | None:
    """The class of a component inside another: by its own name, or by the field that holds it."""
    held: Any = settings.get(kind, {})
    for step in path:
        held = held.get(step, {}) if isinstance(held, Mapping) else {}
    name = held.get("name", path[-1]) if isinstance(held, Mapping) else held
    return registries[kind].load(name) if name in registries[kind] else None


def check_names(kinds: Iterable[str], settings: Settings) -> None:
    """Refuse names of components that nothing has, before anything is made."""
    for kind in kinds:
        for name in _names(kind, settings):
            registries[kind].entry(name)


def _names(kind: str, settings: Settings) -> list[str]:
    """The components of a kind that are chosen by name."""
    chosen = settings.get(kind, {})
    name = chosen.get("name") if isinstance(chosen, Mapping) else None
    if name is None:
        return []
    return parts_of(str(name)) if kind == "strategy" else [name]
