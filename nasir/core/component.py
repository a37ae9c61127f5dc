"""Components: attrs classes whose fields are their settings."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import attrs


def setting(
    default: Any,
    meaning: str,
    validator: Callable[..., Any] | list[Callable[..., Any]] | None = None,
    converter: Callable[[Any], Any] | None = None,
    type: Any = None,
    open: bool = False,
    files: Callable[[Any], Iterable[Path]] | None = None,
) -> Any:
    """A field of a component: its default value, what it means, and what it may be.

    `meaning` is one phrase, with unit and range if there is one; ``nasir describe`` prints it.
    `type` is needed without an annotation: for a run setting of a plugin. A field that holds
    a component may be `open`: the settings of that component can then be given without the field's
    name, ``task.sigma`` for ``task.noise.sigma``. `files` are the files that a value means, if
    results depend on their content: a run that is resumed is refused where they are others.
    """
    metadata: dict[str, Any] = {"meaning": meaning, "files": files}
    metadata |= {"open": True} if open else {}
    return attrs.field(
        default=default, validator=validator, converter=converter, metadata=metadata, type=type
    )


def settings_of(component: type) -> tuple[attrs.Attribute[Any], ...]:
    """The fields of a component class that a user may set, in order."""
    attrs.resolve_types(component)
    return tuple(field for field in attrs.fields(component) if field.init)


def input_files(component: Any) -> list[Path]:
    """The files that the settings of a component mean (`files` of :func:`setting`)."""
    found: list[Path] = []
    for field in attrs.fields(type(component)) if attrs.has(type(component)) else ():
        files, value = field.metadata.get("files"), getattr(component, field.name, None)
        if files is not None and value:
            found += files(value)
    return found
