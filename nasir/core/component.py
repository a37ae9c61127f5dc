"""Components: attrs classes whose fields are their settings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs


def setting(
    default: Any,
    meaning: str,
    validator: Callable[..., Any] | list[Callable[..., Any]] | None = None,
    converter: Callable[[Any], Any] | None = None,
    type: Any = None,
    open: bool = False,
) -> Any:
    """A field of a component: its default value, what it means, and what it may be.

    `meaning` is one phrase, with unit and range if there is one; ``nasir describe`` prints it.
    `type` is needed without an annotation: for a run setting of a plugin. A field that holds
    a component may be `open`: the settings of that component can then be given without the field's
    name, ``task.sigma`` for ``task.noise.sigma``.
    """
    metadata = {"meaning": meaning} | ({"open": True} if open else {})
    return attrs.field(
        default=default, validator=validator, converter=converter, metadata=metadata, type=type
    )


def settings_of(component: type) -> tuple[attrs.Attribute[Any], ...]:
    """The fields of a component class that a user may set, in order."""
    attrs.resolve_types(component)
    return tuple(field for field in attrs.fields(component) if field.init)
