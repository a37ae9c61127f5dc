"""A trained supernet in a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from nasir.core.errors import SettingsError
from nasir.core.evaluator import Problem
from nasir.core.supernet import Supernet
from nasir.settings.building import settings_of_component
from nasir.training.checkpoint import load, save

NAME = "supernet.safetensors"


def save_supernet(folder: Path, supernet: Supernet, problem: Problem, partial: int) -> None:
    """Write the weights and architecture parameters of `supernet` to `folder`."""
    save(folder / NAME, dict(supernet.state_dict()), {**_of(problem), "partial": partial})


def find_supernet(path: Path) -> Path:
    """The file of a trained supernet: `path` itself, or the one in a run's folder.

    Raises :class:`~nasir.core.errors.SettingsError` if there is none.
    """
    places = (path, path / NAME, path / "checkpoints" / NAME)
    file = next((place for place in places if place.is_file()), None)
    if file is None:
        raise SettingsError(
            f"there is no trained supernet in {path}: give the folder of a run of strategy=darts, "
            "rsws, enas or spos"
        )
    return file


def load_supernet(path: Path, problem: Problem) -> Supernet:
    """The supernet in a file, or in a run's folder, for the space and task of `problem`.

    Raises :class:`~nasir.core.errors.SettingsError` if there is none, or it is of another space,
    other settings or another number of channels.
    """
    file = find_supernet(path)
    found = load(file)
    if found is None:
        raise SettingsError(f"{file} is damaged: train the supernet again")
    tensors, values = found
    if not isinstance(values, dict) or not {"space", "channels", "partial"} <= values.keys():
        raise SettingsError(f"{file} does not hold a trained supernet")
    if values["space"]["name"] != problem.domain.space:
        raise _of_another(file, values, problem)
    with torch.random.fork_rng(devices=[]):  # the initial weights are overwritten
        supernet = problem.space.supernet(problem.task.signature, values["partial"])
    try:
        supernet.load_state_dict(tensors)
    except RuntimeError:
        raise _of_another(file, values, problem) from None
    return supernet


def _of(problem: Problem) -> dict[str, Any]:
    """The settings that decide a supernet's shape."""
    signature = problem.task.signature
    return {
        "space": {"name": problem.domain.space, **settings_of_component(problem.space)},
        "channels": [signature.in_channels, signature.out_channels, signature.scale],
    }


def _of_another(file: Path, found: dict[str, Any], problem: Problem) -> SettingsError:
    """The error for a supernet that does not fit; it names the settings of its training."""
    wanted = _of(problem)
    if found["channels"] != wanted["channels"]:
        return SettingsError(
            f"the supernet in {file} has channels and scale {found['channels']}, the task has "
            f"{wanted['channels']}"
        )
    theirs, ours = found["space"], wanted["space"]
    differing = [name for name in {**ours, **theirs} if theirs.get(name) != ours.get(name)]
    needed = ", ".join("space" if n == "name" else f"space.{n}={theirs.get(n)}" for n in differing)
    if "name" in differing:
        needed = f"space={theirs['name']}"
    return SettingsError(
        f"the supernet in {file} was trained with other settings of the space: give {needed}"
    )
