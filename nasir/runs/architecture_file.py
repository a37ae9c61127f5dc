"""Architectures in files: ``architecture.json`` and the folders of runs."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from nasir.core.architecture import Architecture
from nasir.core.errors import ArchitectureError, SettingsError
from nasir.core.search_space import SearchSpace
from nasir.runs.folder import DESCRIPTION
from nasir.runs.foreign_folders import refuse_links_out
from nasir.settings.building import make

Found = tuple[Architecture, SearchSpace]


def find_architecture(given: str, space: SearchSpace) -> Found:
    """The architecture that `given` names, and its space.

    `given` is the name of a reference architecture of `space`, an ``architecture.json``, or the
    folder of a run, whose best architecture it is; the latter two have the settings of their own
    space. Raises :class:`~nasir.core.errors.SettingsError` for anything else.
    """
    path = Path(given).expanduser() if given not in space.reference() else None
    if path is not None and path.suffix == ".json":
        return described_in(path)
    if path is not None and path.is_dir():
        places = (path / "best" / DESCRIPTION, path / DESCRIPTION)
        described = next((place for place in places if place.is_file()), None)
        if described is None:
            raise SettingsError(
                f"{given} has no {places[0].relative_to(path)}: give the folder of a run that has "
                f"found something, an {DESCRIPTION}, or a reference architecture's name"
            )
        refuse_links_out(path)
        return described_in(described)
    if path is not None:
        check_place(given)
    return space.named(given), space


def check_place(given: str) -> None:
    """Refuse a folder that is not there; a word without a slash may be a name."""
    file = given.endswith(".json")
    if os.sep in given and not file and not os.path.exists(os.path.expanduser(given)):
        raise SettingsError(f"there is no folder or file {given}")


def read_architecture(path: str | Path) -> tuple[Architecture, dict[str, Any]]:
    """The architecture in an ``architecture.json``, and the settings of its space."""
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
        architecture = Architecture.from_mapping(content)
    except OSError as error:
        raise SettingsError(f"cannot read architecture {path}: {error.strerror}") from None
    except (ValueError, RecursionError, ArchitectureError) as error:
        raise SettingsError(f"architecture {path} is damaged: {error}") from None
    settings = content.get("settings", {})
    if not isinstance(settings, dict):
        raise SettingsError(f"architecture {path} is damaged: its settings are no mapping")
    return architecture, {"name": architecture.space} | settings


def check_member(architecture: Architecture, space: SearchSpace) -> None:
    """Refuse an architecture that is not in the space with its present settings."""
    if architecture.space != space.domain.space:
        raise ArchitectureError(
            f"this is an architecture of space {architecture.space!r}, not {space.domain.space!r}"
        )
    if architecture not in space.reference().values():
        space.domain.architecture(architecture.choices)


def described_in(path: str | Path) -> Found:
    """The architecture in an ``architecture.json``, and its space with the settings there."""
    architecture, settings = read_architecture(path)
    space = make("space", settings)
    check_member(architecture, space)
    return architecture, space
