"""Runs whose folder or pictures were moved."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from nasir.core.errors import SettingsError
from nasir.runs.folder import Folder
from nasir.runs.inputs import FOLDER, recorded
from nasir.settings.overrides import Settings
from nasir.settings.paths import whole_path


def moved(settings: Settings, run: Folder, images: Sequence[str]) -> Settings:
    """The settings of a run with the paths where things are now.

    `images` replaces the pictures that were given. Where the run's folder was moved, other paths
    that no longer exist are sought at the same place beside it. Whether what is there is the same
    is not checked here (:func:`~nasir.runs.inputs.compare`).
    """
    if images:
        if not settings["task"].get("images"):
            raise SettingsError(f"{run.folder} was given no images: leave images=FILES out")
        task = {**settings["task"], "images": [whole_path(image) for image in images]}
        settings = {**settings, "task": task}
    before, now = recorded(run).get(FOLDER), run.folder.resolve()
    if not isinstance(before, str) or before == str(now):
        return settings
    old, new = _apart(Path(before), now)
    return {key: _replaced(value, str(old), str(new)) for key, value in settings.items()}


def _apart(before: Path, now: Path) -> tuple[Path, Path]:
    """Two paths without what they end in alike."""
    while before.name == now.name and before.name:
        before, now = before.parent, now.parent
    return before, now


def _replaced(value: Any, old: str, new: str) -> Any:
    if isinstance(value, Mapping):
        return {key: _replaced(one, old, new) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_replaced(one, old, new) for one in value]
    inside = isinstance(value, str) and value.startswith(old + os.sep)
    if not inside or os.path.exists(value):
        return value
    there = new + value[len(old) :]
    return there if os.path.exists(there) else value
