"""Writing the network of a training's folder as one file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nasir.core.errors import SettingsError
from nasir.core.registry import registries
from nasir.networks.network import KEY, TrainedNetwork
from nasir.runs.training_folder import TrainingFolder
from nasir.settings.overrides import Settings

OF_A_MACHINE = ("threads",)
"""Settings of a training that do not change what comes out."""


def described(
    training: TrainingFolder,
    path: Path,
    licence: str,
    made: str = "",
    figures: Mapping[str, Any] | None = None,
) -> TrainedNetwork:
    """The network of a training's folder, as the file `path` will describe it.

    `figures` None: those that the training measured on its test pictures.
    """
    if not licence.strip():
        raise SettingsError("say the licence of the weights, and what they were trained on")
    settings = training.settings
    result = training.result
    known = dict(result["metrics"]) if figures is None and result is not None else figures
    return TrainedNetwork(
        path,
        training.found[0],
        training.space,
        training.signature,
        training.task,
        licence.strip(),
        known or {},
        made,
        _recipe(settings, training),
    )


def write_network(network: TrainedNetwork, weights: Path, half: bool = False) -> None:
    """Write the file of a network with the tensors in the file `weights`.

    With `half`, weights are stored as float16, which halves the file. Raises OSError.
    """
    import json

    import torch
    from safetensors.torch import load_file, save

    tensors = load_file(weights)
    if half:
        tensors = {
            name: tensor.to(torch.float16) if tensor.is_floating_point() else tensor
            for name, tensor in tensors.items()
        }
    for name, tensor in tensors.items():
        if not tensor.isfinite().all():
            raise SettingsError(f"{name} is not finite in {'float16' if half else weights}")
    metadata = {KEY: json.dumps(network.metadata, sort_keys=True)}
    network.path.write_bytes(save(tensors, metadata))


def _recipe(settings: Settings, training: TrainingFolder) -> Settings:
    """The settings of a training, but for those of its machine and of where its pictures were."""
    of_pictures = registries["task"].load(settings["task"]["name"]).picture_settings
    task = {name: value for name, value in settings["task"].items() if name not in of_pictures}
    kept = {name: value for name, value in settings.items() if name not in OF_A_MACHINE}
    return kept | {"task": task, "architecture": training.found[0].mapping}
