"""The trained networks that come with nasir: the files of ``nasir/networks``."""

from pathlib import Path

from nasir.plugins import hookimpl
from nasir.plugins.hookspecs import Register

FOLDER = Path(__file__).parents[2] / "networks"


@hookimpl
def register_networks(register: Register) -> None:
    for path in sorted(FOLDER.glob("*.safetensors")):
        register(path.stem, path, "")
