"""Recipes: settings of published experiments, one TOML file each."""

from nasir.core.packaged import packaged
from nasir.plugins import hookimpl
from nasir.plugins.hookspecs import Register

FOLDER = packaged("recipes")


@hookimpl
def register_recipes(register: Register) -> None:
    for path in sorted(FOLDER.glob("*.toml")):
        register(path.stem, path, "")
