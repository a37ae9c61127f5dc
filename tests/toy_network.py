"""Networks that are trained in a second: small residual U-Nets, as files."""

from __future__ import annotations

from pathlib import Path

import toy_trained

import nasir
from nasir.apps.train.training import Training
from nasir.networks.network import TrainedNetwork, read_network

SMALL = {"shuffle": 1, "scales": 1, "width": 16, "growth": 1.0, "block": "residual"}


def training(folder: Path, *more: str, colour: bool = True) -> Training:
    """A training of a small U-Net of a few steps, for noise of sigma 10 to 50."""
    folder.mkdir(exist_ok=True)
    architecture = nasir.Architecture("unet", {**SMALL, "blocks.0": 1, "blocks.1": 1})
    path = folder / "architecture.json"
    path.write_text(architecture.json)
    words = [
        f"architecture={path}",
        *toy_trained.pictures(folder, colour),
        *toy_trained.SETTINGS,
        "evaluator.patch=16",
    ]
    levels = () if any(word.startswith("task") for word in more) else ("task.sigmas=0,25,55",)
    return nasir.train(*words, *levels, *more, output=folder / "trained")


def network(folder: Path, *more: str, name: str = "toy", colour: bool = True) -> TrainedNetwork:
    """The file ``NAME.safetensors`` of such a training in `folder`."""
    trained = training(folder, *more, colour=colour)
    done = nasir.export(trained.folder, folder / f"{name}.safetensors", licence="MIT, own pictures")
    return read_network(done.file)
