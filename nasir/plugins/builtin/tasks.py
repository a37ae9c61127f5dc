"""The tasks that come with nasir."""

from nasir.plugins import hookimpl
from nasir.plugins.hookspecs import Register


@hookimpl
def register_tasks(register: Register) -> None:
    register("denoise", "nasir.tasks.denoise:Denoise", "remove Gaussian noise from photographs")
