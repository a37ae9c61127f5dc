"""The trained networks that come with nasir: the files of ``nasir/networks``."""

from nasir.core.packaged import packaged
from nasir.plugins import hookimpl
from nasir.plugins.hookspecs import Register

FOLDER = packaged("networks")


@hookimpl
def register_networks(register: Register) -> None:
    for path in sorted(FOLDER.glob("*.safetensors")):
        register(path.stem, path, "")
