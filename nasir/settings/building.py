"""From settings to components and back, with cattrs."""

from __future__ import annotations

import typing
from collections.abc import Mapping
from typing import Any

import attrs
from cattrs import BaseValidationError, Converter
from cattrs.errors import CattrsError

from nasir.core.component import settings_of
from nasir.core.errors import NasirError, PluginError, SettingsError, unknown_name
from nasir.core.registry import registries
from nasir.core.strategy import Part, Strategy
from nasir.settings.strategy_expressions import expand_expression

NO_VALUE = "none"
"""How a setting that may be empty is set to nothing."""


def make(kind: str, given: str | Mapping[str, Any]) -> Any:
    """The component called by name, or by ``{"name": ..., field: value}``.

    Raises :class:`SettingsError` for an unknown name or field, a wrong type or value.
    """
    fields = {"name": given} if isinstance(given, str) else dict(given)
    if kind == "strategy":
        fields = expand_expression(fields)
    name = fields.pop("name", None)
    if not isinstance(name, str):
        raise SettingsError(f'{kind} wants a name: {kind} = "NAME", known: {_known(kind)}')
    entry = registries[kind].entry(name)
    cls = entry.load()
    if not (isinstance(cls, type) and attrs.has(cls)):
        raise PluginError(
            f"{kind} {name!r} of plugin {entry.owner!r} is no attrs class, as a component must be"
        )
    return structure(cls, fields, kind)


def structure(cls: type, fields: Mapping[str, Any], where: str = "") -> Any:
    """An instance of the attrs class `cls` from its fields; `where` begins the key in errors."""
    names = {field.name: field for field in settings_of(cls)}
    values = {}
    for key, value in fields.items():
        path = f"{where}.{key}" if where else key
        if key not in names:
            raise unknown_name("setting", path, [f"{where}.{n}" if where else n for n in names])
        values[key] = _value(value, names[key], path)
    try:
        return cls(**values)
    except NasirError:
        raise
    except (ValueError, TypeError) as error:
        what = where or cls.__name__
        raise SettingsError(f"{what}: {_plain(error)}") from None


def settings_of_component(component: Any) -> dict[str, Any]:
    """The settings of a component as TOML values; None is left out, or ``none`` if set so."""
    written = {}
    for field in settings_of(type(component)):
        value = getattr(component, field.name)
        if value is not None:
            written[field.name] = plain(value)
        elif field.default is not None:
            written[field.name] = NO_VALUE
    return written


def _value(value: Any, field: attrs.Attribute[Any], path: str) -> Any:
    wanted: Any = field.type
    if isinstance(field.default, Part) and isinstance(value, Mapping):
        value = {"name": field.default.name, **value}
    try:
        return _converter.structure(value, wanted)
    except (SettingsError, ValueError, TypeError, OverflowError, CattrsError) as error:
        raise SettingsError(f"{path}: {_plain(error)}") from None


def _plain(error: BaseException) -> str:
    """The words of an error, without the layers that cattrs and attrs put around them."""
    while isinstance(error, BaseValidationError):
        error = error.exceptions[0]
    return str(error.args[0]) if error.args else type(error).__name__


def _known(kind: str) -> str:
    return ", ".join(registries[kind])


def plain(value: Any) -> Any:
    """A setting's value as TOML has it."""
    if isinstance(value, Part):
        return {"name": value.name, **settings_of_component(value.strategy)}
    if isinstance(value, Mapping):
        return {key: plain(below) for key, below in value.items()}
    if isinstance(value, list | tuple):
        return [plain(below) for below in value]
    return value


def _strict(wanted: type, accepted: tuple[type, ...], name: str) -> Any:
    def structured(value: Any, _: Any) -> Any:
        if type(value) not in accepted:
            raise SettingsError(f"wants {name}, got {value!r}")
        return wanted(value)

    return structured


def _structure_list(value: Any, wanted: Any) -> Any:
    """A tuple or list; one bare value stands for a list of one."""
    container = typing.get_origin(wanted) or wanted
    of = next((a for a in typing.get_args(wanted) if a is not Ellipsis), Any)
    values = value if isinstance(value, list | tuple) else [value]
    return container(_converter.structure(one, of) for one in values)


def _structure_option(value: Any, _: Any) -> Any:
    if not isinstance(value, str | int | float | bool):
        raise SettingsError(f"wants strings, numbers or booleans, got {value!r}")
    return value


def _structure_optional(value: Any, wanted: Any) -> Any:
    if value is None or value == NO_VALUE:
        return None
    of = [arg for arg in typing.get_args(wanted) if arg is not type(None)]
    return _converter.structure(value, of[0])


def is_list_type(annotation: Any) -> bool:
    """Whether a setting of this type takes a list of values."""
    if typing.get_origin(annotation) in (list, tuple):
        return True
    return any(is_list_type(arg) for arg in typing.get_args(annotation) if arg is not type(None))


def _structure_part(value: Any, _: Any) -> Part:
    """A strategy inside another one, from its name, or its name and fields."""
    if isinstance(value, Part):
        return value
    if not isinstance(value, str | Mapping):
        raise SettingsError(f"wants the name of a strategy, got {value!r}")
    pick = expand_expression({"name": value} if isinstance(value, str) else value)
    made = make("strategy", pick)
    if not isinstance(made, Strategy):
        owner = registries["strategy"].entry(pick["name"]).owner
        raise PluginError(f"strategy {pick['name']!r} of plugin {owner!r} is no Strategy")
    return Part(str(pick["name"]), made)


def _is_optional(annotation: Any) -> bool:
    args = typing.get_args(annotation)
    return type(None) in args and len(args) == 2


def _is_option(annotation: Any) -> bool:
    return typing.get_args(annotation) == (str, int, float, bool)


_converter = Converter(forbid_extra_keys=True)
_converter.register_structure_hook(bool, _strict(bool, (bool,), "true or false"))
_converter.register_structure_hook(int, _strict(int, (int,), "an integer"))
_converter.register_structure_hook(float, _strict(float, (int, float), "a number"))
_converter.register_structure_hook(
    str, _strict(str, (str,), "a string, such as '\"text\"' with both quotes")
)
_converter.register_structure_hook(Part, _structure_part)
_converter.register_structure_hook_func(
    lambda annotation: typing.get_origin(annotation) in (list, tuple), _structure_list
)
_converter.register_structure_hook_func(_is_optional, _structure_optional)
_converter.register_structure_hook_func(_is_option, _structure_option)
