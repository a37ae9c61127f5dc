"""Registered names, each with a line about it."""

from __future__ import annotations

import re
from pathlib import Path

from nasir.core.errors import SettingsError
from nasir.core.registry import Entry, registries
from nasir.settings.recipes import recipe_comment

FILES = ("network", "recipe")
"""Kinds whose entries are files."""


def registered(kind: str) -> list[dict[str, str]]:
    """The registered names of a kind, each with its summary and owner."""
    return [
        {"name": name, "summary": summary(kind, entry), "owner": entry.owner}
        for name, entry in registries[kind].items()
    ]


def summary(kind: str, entry: Entry) -> str:
    """A line about an entry: its own, or for a recipe or network what the file says."""
    if kind not in FILES or entry.summary:
        return entry.summary
    if kind == "network":
        return _network_summary(Path(entry.target))
    return re.split(r"\.\s+(?=[A-Z])", recipe_comment(Path(entry.target)))[0].rstrip(".")


def _network_summary(path: Path) -> str:
    """What a network restores; why that cannot be read, where it cannot."""
    from nasir.networks.network import read_network

    try:
        return read_network(path).summary
    except SettingsError as error:
        return str(error)
