"""From settings to components and back, with cattrs, which is imported at the first value."""

from __future__ import annotations

import re
import typing
from collections.abc import Mapping
from datetime import date, time
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import attrs

from nasir.core.component import settings_of
from nasir.core.errors import NasirError, SettingsError, as_given, unknown_name
from nasir.core.import_strings import import_string
from nasir.core.registry import registries
from nasir.settings.interfaces import (
    COMPOSITIONS,
    INTERFACES,
    component_class,
    held_type,
    kind_of,
    name_of,
    split_name,
)
from nasir.settings.nested import expand_short, short_names, spread
from nasir.settings.strategy_expressions import expand_expression

if TYPE_CHECKING:
    from cattrs import Converter

NO_VALUE = "none"
"""How a setting that may be empty is set to nothing."""


def make(kind: str, given: Any, **fields: Any) -> Any:
    """The component of a name, of ``{"name": ..., field: value}``, or `given` itself if it is one.

    ``make("space", "nasdip", depth=3)``. A name is a registered one, or an import string
    ``module:Class``. Raises :class:`SettingsError` for an unknown name or field, a wrong type or
    value, and for an object of another kind.
    """
    if not isinstance(given, str | Mapping):
        return _instance(kind, given, fields)
    fields = ({"name": given} if isinstance(given, str) else dict(given)) | fields
    return _from_fields(kind, fields, kind)


def _from_fields(kind: str, fields: Mapping[str, Any], where: str) -> Any:
    fields = expand_expression(fields) if kind == "strategy" else dict(fields)
    name = fields.pop("name", None)
    if not isinstance(name, str):
        raise SettingsError(f'{where} wants a name: {where} = "NAME", known: {_known(kind)}')
    return _named(kind, name, fields, where)


def _named(kind: str, name: str, fields: Mapping[str, Any], where: str) -> Any:
    """The component called `name`, or those that ``+`` joins in it."""
    parts = split_name(kind, name)
    if len(parts) == 1:
        return structure(component_class(kind, name), fields, where)
    picks = spread(kind, parts, fields, where)
    return COMPOSITIONS[kind](tuple(_named(kind, p, picks[p], f"{where}.{p}") for p in parts))


def _instance(kind: str, component: Any, fields: Mapping[str, Any]) -> Any:
    interface = INTERFACES[kind]
    if isinstance(component, type) and issubclass(component, interface):
        raise SettingsError(f"{kind} wants an instance, not a class: write {component.__name__}()")
    if not isinstance(component, interface):
        raise SettingsError(
            f"{kind} wants a name, a mapping or an instance of {interface.__name__}, "
            f"got {as_given(component)}"
        )
    if not attrs.has(type(component)):
        name = type(component).__name__
        raise SettingsError(f"{kind} {name} is no attrs class: write @attrs.define above {name}")
    for field in fields:
        raise SettingsError(
            f"{kind}.{field} cannot be set: {kind} is an instance of {type(component).__name__} "
            "already; set it there"
        )
    return component


def structure(cls: type, fields: Mapping[str, Any], where: str = "") -> Any:
    """An instance of the attrs class `cls` from its fields; `where` begins the key in errors."""
    if missing := sorted(getattr(cls, "__abstractmethods__", ())):
        raise SettingsError(f"{where} {import_string(cls)} lacks {', '.join(missing)}: define them")
    names = {field.name: field for field in settings_of(cls)}
    values = {}
    fields = expand_short(cls, fields, where)
    for key, value in fields.items():
        path = f"{where}.{key}" if where else key
        if key not in names:
            short = (short_names(f, fields.get(f.name)) for f in names.values())
            known = sorted({*names}.union(*short))
            raise unknown_name("setting", path, [f"{where}.{n}" if where else n for n in known])
        values[key] = _value(value, names[key], path)
    try:
        return cls(**values)
    except NasirError:
        raise
    except (ValueError, TypeError) as error:
        raise SettingsError(f"{where}: {_plain(error)}" if where else _plain(error)) from None


def settings_of_component(component: Any) -> dict[str, Any]:
    """The settings of a component as TOML values; None is left out, or ``none`` if set so."""
    written = {}
    for field in settings_of(type(component)):
        value = getattr(component, field.name)
        if value is not None:
            try:
                written[field.name] = plain(value)
            except SettingsError as error:
                owner = type(component).__name__
                raise SettingsError(f"{field.name} of {owner}: {error}") from None
        elif field.default is not None:
            written[field.name] = NO_VALUE
    return written


def _value(value: Any, field: attrs.Attribute[Any], path: str) -> Any:
    from cattrs.errors import BaseValidationError, StructureHandlerNotFoundError

    of_cattrs = (BaseValidationError, StructureHandlerNotFoundError)
    wanted: Any = field.type
    if isinstance(value, Mapping) and kind_of(type(field.default)):
        value = {"name": name_of(field.default), **value}
    kind = kind_of(held_type(wanted))
    if kind is not None and isinstance(value, Mapping):
        value = _from_fields(kind, value, path)
    try:
        return _converter().structure(value, wanted)
    except (SettingsError, ValueError, TypeError, OverflowError, *of_cattrs) as error:
        raise SettingsError(f"{path}: {_plain(error)}") from None


def _plain(error: BaseException) -> str:
    """The words of an error, without the layers that cattrs and attrs put around them."""
    from cattrs import BaseValidationError

    while isinstance(error, BaseValidationError):
        error = error.exceptions[0]
    return str(error.args[0]) if error.args else type(error).__name__


def _known(kind: str) -> str:
    return ", ".join(registries[kind])


def plain(value: Any) -> Any:
    """A setting's value as TOML has it."""
    if type(value) in COMPOSITIONS.values():
        parts = {name_of(part): settings_of_component(part) for part in value.parts}
        return {"name": name_of(value), **parts}
    if kind_of(type(value)):
        return {"name": name_of(value), **settings_of_component(value)}
    if isinstance(value, Mapping):
        return {key: plain(below) for key, below in value.items()}
    if isinstance(value, list | tuple):
        return [plain(below) for below in value]
    if value is not None and not isinstance(value, str | int | float | bool):
        raise SettingsError(
            f"{value!r:.60} cannot be written to a settings file: take strings, numbers, lists of "
            "them, or components"
        )
    return value


def _strict(wanted: type, accepted: tuple[type, ...], name: str) -> Any:
    def structured(value: Any, _: Any) -> Any:
        if type(value) not in accepted:
            raise SettingsError(f"wants {name}, got {as_given(value)}")
        return wanted(value)

    return structured


def _structure_text(value: Any, _: Any) -> str:
    """A string; a word of the command line that looks like something else is one all the same."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int | float | date | time):
        return str(value)
    raise SettingsError(f"wants a string, got {as_given(value)}")


def _structure_list(value: Any, wanted: Any) -> Any:
    """A tuple or list; a single value is a list of one."""
    container = typing.get_origin(wanted) or wanted
    of = next((a for a in typing.get_args(wanted) if a is not Ellipsis), Any)
    values = value if isinstance(value, list | tuple) else [value]
    return container(_converter().structure(one, of) for one in values)


def _structure_option(value: Any, _: Any) -> Any:
    if not isinstance(value, str | int | float | bool):
        raise SettingsError(f"wants strings, numbers or booleans, got {as_given(value)}")
    return value


def _structure_literal(value: Any, wanted: Any) -> Any:
    options = typing.get_args(wanted)
    if value not in options:
        raise SettingsError(f"wants one of {', '.join(map(str, options))}, got {value!r}")
    return value


def _structure_optional(value: Any, wanted: Any) -> Any:
    if value is None or value == NO_VALUE:
        return None
    of = [arg for arg in typing.get_args(wanted) if arg is not type(None)]
    return _converter().structure(value, of[0])


def is_list_type(annotation: Any) -> bool:
    """Whether a setting of this type takes a list of values."""
    if typing.get_origin(annotation) in (list, tuple):
        return True
    return any(is_list_type(arg) for arg in typing.get_args(annotation) if arg is not type(None))


def _structure_component(value: Any, wanted: Any) -> Any:
    """A component in a field of another one, from its name, its name and fields, or itself."""
    kind = str(kind_of(wanted))
    made = make(kind, value)
    if not isinstance(made, wanted):
        words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", wanted.__name__).lower()
        raise SettingsError(f"{kind} {name_of(made)!r} is no {words}")
    return made


def _is_optional(annotation: Any) -> bool:
    args = typing.get_args(annotation)
    return type(None) in args and len(args) == 2


def _is_option(annotation: Any) -> bool:
    return typing.get_args(annotation) == (str, int, float, bool)


@lru_cache(maxsize=1)
def _converter() -> Converter:
    from cattrs import Converter

    converter = Converter(forbid_extra_keys=True)
    converter.register_structure_hook(bool, _strict(bool, (bool,), "true or false"))
    converter.register_structure_hook(int, _strict(int, (int,), "an integer"))
    converter.register_structure_hook(float, _strict(float, (int, float), "a number"))
    converter.register_structure_hook(str, _structure_text)
    converter.register_structure_hook_func(
        lambda annotation: typing.get_origin(annotation) in (list, tuple), _structure_list
    )
    converter.register_structure_hook_func(lambda a: kind_of(a) is not None, _structure_component)
    converter.register_structure_hook_func(
        lambda annotation: typing.get_origin(annotation) is typing.Literal, _structure_literal
    )
    converter.register_structure_hook_func(_is_optional, _structure_optional)
    converter.register_structure_hook_func(_is_option, _structure_option)
    return converter
