"""Weights of networks: fresh ones, and trained ones in a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from nasir.core.errors import SettingsError
from nasir.core.registry import registries
from nasir.settings.paths import whole_path

if TYPE_CHECKING:
    from torch import nn

    from nasir.core.architecture import Architecture
    from nasir.core.evaluator import Problem

NAME = "weights.safetensors"


def name_or_path(given: str | None) -> str | None:
    """A converter: the name of a registered network, or a path as ``whole_path`` makes it."""
    return given if given in registries["network"] else whole_path(given)


def find_weights(given: str | Path) -> Path:
    """The file of weights: that of the registered network `given`, or else `given` itself, or the
    one in the folder `given` or in its ``best``.

    Raises :class:`~nasir.core.errors.SettingsError` if there is none.
    """
    if str(given) in registries["network"]:
        return Path(registries["network"][str(given)].target)
    path = Path(given).expanduser()
    found = next((p for p in (path, path / NAME, path / "best" / NAME) if p.is_file()), None)
    if found is None:
        raise SettingsError(
            f"there are no weights in {given}: give a safetensors file, the folder of a training, "
            "or a network's name (nasir list networks)"
        )
    return found


def parts_of_weights(path: Path) -> list[str]:
    """What weights ``PART/NAME`` are of, such as pictures; empty for those of one network.

    Raises :class:`~nasir.core.errors.SettingsError` for a file that cannot be read.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "np") as file:
            names = list(file.keys())
    except (OSError, SafetensorError, ValueError) as error:
        raise SettingsError(f"weights {path} cannot be read: {error}") from None
    return sorted({name.rpartition("/")[0] for name in names} - {""})


def load_weights(network: nn.Module, given: str | Path, prefix: str = "") -> None:
    """Load the weights that :func:`find_weights` finds into `network`: those with the `prefix`.

    Raises :class:`~nasir.core.errors.SettingsError` if they are damaged or of another network.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    from nasir.core.hints import give_kept

    path = find_weights(given)
    try:
        tensors = {
            name.removeprefix(prefix): tensor
            for name, tensor in load_file(path).items()
            if name.startswith(prefix)
        }
    except (OSError, SafetensorError, ValueError, KeyError, TypeError) as error:
        raise SettingsError(f"weights {path} cannot be read: {error}") from None
    give_kept(network, tensors)
    state = network.state_dict()
    wrong = sorted(
        name
        for name in {*tensors, *state}
        if name not in tensors or name not in state or tensors[name].shape != state[name].shape
    )
    if wrong:
        raise SettingsError(
            f"weights {path} are of another network, which differs in {wrong[0]} and "
            f"{len(wrong) - 1} others: give the architecture that they were trained for"
        )
    for name, tensor in tensors.items():
        if not tensor.isfinite().all():
            raise SettingsError(f"weights {path} are damaged: {name} is not finite")
    network.load_state_dict(tensors)


def fresh_network(architecture: Architecture, problem: Problem, seed: int) -> nn.Module:
    """The network before its first step, with weights from `seed`."""
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return problem.space.build(architecture, problem.task.signature)
