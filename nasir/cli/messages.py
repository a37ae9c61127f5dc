"""The message of an error on the command line."""

from __future__ import annotations

import re
import shutil
import sys
import textwrap
import traceback
from argparse import ArgumentParser

from nasir.apps.formatting import visible
from nasir.core.errors import NasirError, PluginError, bounded


def as_options(message: str, parser: ArgumentParser) -> str:
    """A message that names arguments of Python, ``force=True``, with the options of a command."""
    for action in parser._actions:
        if action.option_strings:
            is_flag = action.nargs == 0
            given = rf"(?<![\w.-]){action.dest}=" + (r"True\b" if is_flag else r"(?=\S)")
            option = action.option_strings[0] + ("" if is_flag else " ")
            message = re.sub(given, option, message)
    return message


def fault_of_plugin(error: BaseException) -> str | None:
    """A line about an exception that a component of a plugin raised; None: nasir's own did.

    None, too, where the environment asks for tracebacks.
    """
    from nasir.core.import_strings import import_string
    from nasir.plugins.manager import STRICT, is_strict
    from nasir.settings.interfaces import kind_of

    found = None
    if is_strict():
        return None
    for frame, line in traceback.walk_tb(error.__traceback__):
        cls = type(frame.f_locals.get("self"))
        kind = kind_of(cls)
        if kind is not None and not cls.__module__.startswith("nasir."):
            code = frame.f_code
            found = (
                f"{kind} {import_string(cls)}: {code.co_name}() raised {type(error).__name__}: "
                f"{error} ({code.co_filename}, line {line}); with {STRICT}=1 its traceback is shown"
            )
    return found and bounded(found)


def print_cause_if_strict(error: NasirError) -> None:
    """Print the traceback of what a plugin raised, where the environment asks for it."""
    from nasir.plugins.manager import is_strict

    if isinstance(error, PluginError) and error.__cause__ is not None and is_strict():
        traceback.print_exception(error.__cause__)


def print_error(message: str) -> None:
    """Print a message in one line, or on a terminal in as many as it takes without broken words."""
    line = f"nasir: {visible(' '.join(message.split()))}"
    if sys.stderr.isatty():
        width = shutil.get_terminal_size().columns
        line = textwrap.fill(
            line, width, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False
        )
    print(line, file=sys.stderr)
