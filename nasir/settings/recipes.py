"""What a word of the command line says: ``key=value``, a settings file, or a recipe."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import takewhile
from pathlib import Path
from typing import Any

from nasir.core.errors import PluginError, SettingsError, nearest_name
from nasir.core.registry import registries
from nasir.settings.overrides import Override, overrides_of, parse_override, read_file


def overrides_of_arguments(settings: Mapping[str, Any]) -> list[Override]:
    """The overrides of Python arguments, whose keys may have dots."""
    return [Override(tuple(one.key.split(".")), one.value) for one in overrides_of(dict(settings))]


def overrides_in(text: str) -> list[Override]:
    """The override ``key=value``, or those of a settings file or a recipe."""
    return [parse_override(text)] if "=" in text else overrides_of(read_file(_file(text)))


def check_recipe(name: str, path: Any) -> None:
    """Refuse a recipe that is no file; raises :class:`~nasir.core.errors.PluginError`."""
    if not isinstance(path, str | Path) or not Path(path).is_file():
        raise PluginError(f"the recipe {name!r} needs the path of a TOML file, got {str(path)!r}")


def recipe_comment(path: Path) -> str:
    """The comment at the head of a recipe, in one line."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return " ".join(line.lstrip("# ").strip() for line in takewhile(_is_comment, lines))


def _is_comment(line: str) -> bool:
    return line.startswith("#")


def _file(text: str) -> str | Path:
    if text.endswith(".toml"):
        return text
    recipes = registries["recipe"]
    if text in recipes:
        return Path(recipes[text].target)
    nearest = nearest_name(text, recipes)
    hint = "all: nasir list recipes"
    if Path(text).is_dir():
        hint = f"a folder is given as architecture={text}, or to nasir resume"
    elif nearest:
        hint = f"did you mean {nearest}? {hint}"
    raise SettingsError(
        f"{text!r} is neither key=value, nor a settings file NAME.toml, nor a recipe; {hint}"
    )
