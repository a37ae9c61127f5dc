"""The interface of a command."""

from __future__ import annotations

from abc import ABC, abstractmethod
from argparse import ArgumentParser, Namespace


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
