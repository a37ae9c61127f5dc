"""CLEARER: its search space."""

from nasir.plugins import hookimpl
from nasir.plugins.hookspecs import Register


@hookimpl
def register_search_spaces(register: Register) -> None:
    register(
        "clearer",
        "nasir.search_spaces.clearer.space:Clearer",
        "parallel or fusion module in each column of a multi-scale network (CLEARER)",
    )
