"""Settings that hold components, such as the noise of a task.

``task.noise.peak=30`` sets a field of the component in ``task.noise``, and if that field is
``open`` (:func:`~nasir.core.component.setting`), ``task.peak=30`` is short for it. Of components
that ``+`` joins, ``task.noise.poisson.peak=30`` sets a field of one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from nasir.core.component import settings_of
from nasir.core.errors import SettingsError
from nasir.core.registry import IMPORT_STRING, registries
from nasir.settings.interfaces import held_type, kind_of, name_of, split_name


def spread(kind: str, names: Sequence[str], fields: Mapping[str, Any], where: str) -> Any:
    """The fields of each part of ``a+b``: under its name, or in short where one part has it."""
    owners = {name: _field_names(kind, name) for name in names}
    picks: dict[str, dict[str, Any]] = {name: {} for name in names}
    for key, value in fields.items():
        if key in picks:
            if not isinstance(value, Mapping):
                raise SettingsError(f"{where}.{key} is a {kind}: set {where}.{key}.FIELD=VALUE")
            picks[key] |= value
            continue
        having = [name for name in names if key in owners[name]]
        if len(having) != 1:
            raise _unclear(f"{where}.{key}", where, having)
        _put(picks[having[0]], key, value, where, having[0])
    return picks


def expand_short(cls: type, fields: Mapping[str, Any], where: str) -> dict[str, Any]:
    """`fields` with those that a component in an open field has, moved into that component."""
    own = {field.name: field for field in settings_of(cls)}
    expanded = {key: value for key, value in fields.items() if key in own}
    for key, value in fields.items():
        if key in own:
            continue
        having = [f for f in own.values() if key in short_names(f, expanded.get(f.name))]
        if not having:
            expanded[key] = value
        elif len(having) > 1:
            raise _unclear(_at(where, key), where, [field.name for field in having])
        else:
            (field,) = having
            given = expanded.get(field.name)
            if given is not None and not isinstance(given, str | Mapping):
                raise SettingsError(
                    f"{_at(where, key)} cannot be set: {_at(where, field.name)} is an instance "
                    "already; set it there"
                )
            named = {"name": given} if isinstance(given, str) else dict(given or {})
            _put(named, key, value, where, field.name)
            expanded[field.name] = named
    return expanded


def short_names(field: attrs.Attribute[Any], given: Any) -> set[str]:
    """The settings that an open field adds to those of its component's owner."""
    kind = kind_of(held_type(field.type))
    if kind is None or not field.metadata.get("open"):
        return set()
    return {name for part in _parts(field, kind, given) for name in _field_names(kind, part)}


def field_at(cls: type, path: Sequence[str], fields: Any) -> attrs.Attribute[Any] | None:
    """The field that `path` leads to from `cls`, with the components that `fields` pick."""
    own = {field.name: field for field in settings_of(cls)}
    given = fields if isinstance(fields, Mapping) else {}
    first, *rest = path
    if first in own:
        if not rest:
            return own[first]
        return _inside(own[first], rest, given.get(first))
    inside = (_inside(f, path, given.get(f.name)) for f in own.values() if f.metadata.get("open"))
    return next(filter(None, inside), None)


def _inside(
    field: attrs.Attribute[Any], path: Sequence[str], given: Any
) -> attrs.Attribute[Any] | None:
    kind = kind_of(held_type(field.type))
    if kind is None or not path:
        return None
    parts = _parts(field, kind, given)
    if len(parts) > 1 and path[0] in parts:
        parts, path = [path[0]], path[1:]
    for part in parts:
        cls = _class_of(kind, part)
        found = field_at(cls, path, given) if cls and path else None
        if found is not None:
            return found
    return None


def _parts(field: attrs.Attribute[Any], kind: str, given: Any) -> list[str]:
    """The names of what `given` picks, or else of the field's default."""
    picked = given.get("name", field.default) if isinstance(given, Mapping) else given
    picked = field.default if picked is None else picked
    if isinstance(picked, str):
        return split_name(kind, picked)
    return split_name(kind, name_of(picked)) if kind_of(type(picked)) == kind else []


def _field_names(kind: str, name: str) -> list[str]:
    cls = _class_of(kind, name)
    return [field.name for field in settings_of(cls)] if cls else []


def _class_of(kind: str, name: str) -> type | None:
    """The class of a registered name or import string; None for any other name."""
    if name not in registries[kind] and not IMPORT_STRING.fullmatch(name):
        return None
    cls = registries[kind].load(name)
    return cls if isinstance(cls, type) and attrs.has(cls) else None


def _put(fields: dict[str, Any], key: str, value: Any, where: str, part: str) -> None:
    if key in fields:
        raise SettingsError(
            f"{_at(where, key)} is short for {_at(where, part)}.{key}, which is set too: leave "
            "one out"
        )
    fields[key] = value


def _unclear(path: str, where: str, having: Sequence[str]) -> SettingsError:
    key = path.rpartition(".")[2]
    if not having:
        return SettingsError(f"unknown setting {path!r}: no part of {where} has {key}")
    both = " and ".join(f"{_at(where, part)}.{key}" for part in having)
    return SettingsError(f"{path} is unclear: write one of {both}")


def _at(where: str, key: str) -> str:
    return f"{where}.{key}" if where else key
