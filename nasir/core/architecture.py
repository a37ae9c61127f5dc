"""A point of a search space."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cached_property
from textwrap import shorten
from types import MappingProxyType
from typing import Any

import attrs

from nasir.core.errors import ArchitectureError
from nasir.core.html_view import HtmlView

SHOWN = 80
"""Characters of the choices in ``repr``."""

Value = str | int | float | bool
"""An option of a decision."""


def _frozen(choices: Mapping[str, Value]) -> Mapping[str, Value]:
    return MappingProxyType(dict(choices))


@attrs.frozen(eq=False, repr=False)
class Architecture(HtmlView):
    """The chosen option of every decision that applies: frozen, hashable, with a canonical JSON.

    `choices` has the active decisions only, so that two architectures are equal exactly when
    the same network is built from them.
    """

    html_view = "nasir.apps.report.notebook:architecture_view"

    space: str
    choices: Mapping[str, Value] = attrs.field(converter=_frozen)

    @cached_property
    def json(self) -> str:
        """The canonical form: sorted keys, no spaces."""
        return json.dumps(self.mapping, sort_keys=True, separators=(",", ":"))

    @property
    def mapping(self) -> dict[str, Any]:
        """``{"space": name, "choices": {decision: option}}``, in the order of the decisions."""
        return {"space": self.space, "choices": dict(self.choices)}

    @cached_property
    def id(self) -> str:
        """Ten hexadecimal digits made from the canonical form."""
        import hashlib  # which loads OpenSSL

        return hashlib.sha256(self.json.encode()).hexdigest()[:10]

    @classmethod
    def from_json(cls, text: str) -> Architecture:
        """The architecture whose JSON is `text`; refuses anything else."""
        try:
            content = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ArchitectureError(f"this is not the JSON of an architecture: {error}") from None
        return cls.from_mapping(content)

    @classmethod
    def from_mapping(cls, content: Any) -> Architecture:
        """The architecture in ``{"space": name, "choices": {decision: option}}``."""
        space = content.get("space") if isinstance(content, dict) else None
        choices = content.get("choices") if isinstance(content, dict) else None
        if not isinstance(space, str) or not isinstance(choices, dict):
            raise ArchitectureError(
                'an architecture is {"space": name, "choices": {decision: option}}'
            )
        for name, value in choices.items():
            if not isinstance(value, str | int | float | bool):
                raise ArchitectureError(
                    f"decision {name!r} chooses {value!r}; an option is a string, number or boolean"
                )
        return cls(space, choices)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Architecture):
            return NotImplemented
        return self.json == other.json

    def __hash__(self) -> int:
        return hash(self.json)

    def __repr__(self) -> str:
        return (
            f"Architecture({self.space} {self.id}: {shorten(str(self), SHOWN, placeholder='...')})"
        )

    def __str__(self) -> str:
        return " ".join(f"{name}={value}" for name, value in self.choices.items())

    def __reduce__(self) -> tuple[Any, ...]:
        return Architecture, (self.space, dict(self.choices))
