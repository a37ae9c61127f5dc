"""The interface of a command."""

from __future__ import annotations

from abc import ABC, abstractmethod
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nasir.runs.run import Run


def add_run(parser: ArgumentParser) -> None:
    """Add the argument RUN, which may be left out; see :func:`run_of`."""
    what = "a run's folder, or its name in runs/; default: the latest"
    parser.add_argument("folder", metavar="RUN", nargs="?", help=what)


def run_of(arguments: Namespace) -> Run:
    """The run that was named, or the latest one."""
    from nasir.runs.folder import RUNS
    from nasir.runs.listing import latest_run
    from nasir.runs.run import Run

    return latest_run(Path(RUNS)) if arguments.folder is None else Run(arguments.folder)


class Command(ABC):
    """One command of ``nasir``; a plugin adds its own with ``register_commands``."""

    @abstractmethod
    def configure(self, parser: ArgumentParser) -> None:
        """Add arguments to the command's parser."""

    @abstractmethod
    def run(self, arguments: Namespace) -> int:
        """Run the command, print the result, and return the exit code.

        A :class:`~nasir.core.errors.NasirError` is printed in one line and gives exit code 2.
        """
