"""The tasks that come with nasir."""

from nasir.plugins import hookimpl
from nasir.plugins.hookspecs import Register


@hookimpl
def register_tasks(register: Register) -> None:
    register("denoise", "nasir.tasks.denoise:Denoise", "remove noise from photographs")
    register("sr", "nasir.tasks.super_resolution:SuperResolution", "enlarge photographs")
    register("inpaint", "nasir.tasks.inpaint:Inpaint", "fill in missing pixels")
