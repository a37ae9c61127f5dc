"""The message of an error on the command line."""

from __future__ import annotations

import re
import shutil
import sys
import textwrap
from argparse import ArgumentParser

from nasir.apps.formatting import visible


def as_options(message: str, parser: ArgumentParser) -> str:
    """A message that names arguments of Python, ``force=True``, with the options of a command."""
    for action in parser._actions:
        if action.option_strings:
            is_flag = action.nargs == 0
            given = rf"(?<![\w.-]){action.dest}=" + (r"True\b" if is_flag else r"(?=\S)")
            option = action.option_strings[0] + ("" if is_flag else " ")
            message = re.sub(given, option, message)
    return message


def print_error(message: str) -> None:
    """Print a message in one line, or on a terminal in as many as it takes without broken words."""
    line = f"nasir: {visible(' '.join(message.split()))}"
    if sys.stderr.isatty():
        width = shutil.get_terminal_size().columns
        line = textwrap.fill(
            line, width, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False
        )
    print(line, file=sys.stderr)
