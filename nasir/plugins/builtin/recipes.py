"""Recipes: settings of published experiments, one TOML file each."""

from pathlib import Path

from nasir.plugins import hookimpl
from nasir.plugins.hookspecs import Register

FOLDER = Path(__file__).parents[2] / "recipes"


@hookimpl
def register_recipes(register: Register) -> None:
    for path in sorted(FOLDER.glob("*.toml")):
        register(path.stem, path, "")
