"""The executors that come with nasir."""

from nasir.plugins import hookimpl
from nasir.plugins.hookspecs import Register


@hookimpl
def register_executors(register: Register) -> None:
    register("inline", "nasir.executors.inline:Inline", "one evaluation after another, here")
    register("process", "nasir.executors.process:Process", "worker processes on this machine")
