"""The executors that come with nasir."""

from nasir.plugins import hookimpl
from nasir.plugins.hookspecs import Register


@hookimpl
def register_executors(register: Register) -> None:
    register(
        "inline",
        "nasir.executors.inline:Inline",
        "one evaluation after another, here",
        ("one_worker",),
    )
    register(
        "process",
        "nasir.executors.process:Process",
        "worker processes on this machine",
        ("many_workers",),
    )
    register(
        "streams",
        "nasir.executors.streams:Streams",
        "evaluations in turn in this process, at once on one GPU",
    )
    register("ray", "nasir.executors.ray:Ray", "the machines of a Ray cluster")
    register("dask", "nasir.executors.dask:Dask", "the workers of a Dask cluster")
