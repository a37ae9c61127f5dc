"""What people give on a command line: words, settings files, recipes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from nasir.core.errors import SettingsError
from nasir.settings.overrides import Override, overrides_of, parse_override, read_file

RECIPES = Path(__file__).parents[1] / "recipes"
"""Settings of published experiments, one TOML file each."""


def read_overrides(texts: Iterable[str], settings: Mapping[str, Any]) -> list[Override]:
    """The words of `texts`, and after them those of `settings`, whose keys may have dots."""
    words = [word for text in texts for word in read_text(text)]
    return words + [
        Override(tuple(word.key.split(".")), word.value) for word in overrides_of(dict(settings))
    ]


def read_text(text: str) -> list[Override]:
    """``key=value``, or what is in a settings file or a recipe."""
    return [parse_override(text)] if "=" in text else overrides_of(read_file(_file(text)))


def _file(text: str) -> str | Path:
    if text.endswith(".toml"):
        return text
    recipes = {path.stem: path for path in RECIPES.glob("*.toml")}
    if text in recipes:
        return recipes[text]
    names = ", ".join(sorted(recipes))
    raise SettingsError(
        f"{text!r} is neither key=value, nor a settings file NAME.toml, nor a recipe ({names})"
    )
