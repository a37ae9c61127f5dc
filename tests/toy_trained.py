"""Trainings that are over in a second: one convolution, small pictures that come with it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from PIL import Image
from skimage import data

import nasir
from nasir.apps.train.training import Training
from nasir.core.architecture import Architecture
from nasir.plugins.manager import plugins

SETTINGS = (
    "task=denoise",
    "evaluator.iterations=50",
    "evaluator.batch=2",
    "evaluator.patch=12",
    "evaluator.ema=0.9",
    "evaluator.device=cpu",
    "threads=1",
)
"""Of a training, besides architecture and pictures."""


def described(folder: Path, kernel: int = 3) -> Path:
    """A file with an architecture of the space toy."""
    choices = {"operation": "conv", "kernel": kernel, "dilation": 1, "skip": False}
    path = folder / f"kernel{kernel}.json"
    path.write_text(json.dumps(Architecture("toy", choices).mapping))
    return path


def pictures(folder: Path, colour: bool = False) -> list[str]:
    """Words for three pictures to train on and two to test on, of 24 x 30 pixels."""
    source = data.astronaut() if colour else data.camera()
    for number, name in enumerate(("train/a", "train/b", "train/c", "test/d", "test/e")):
        path = folder / f"{name}.png"
        path.parent.mkdir(exist_ok=True)
        part = source[40 * number : 40 * number + 24, 200:230]
        Image.fromarray(np.ascontiguousarray(part)).save(path)
    return [f"images={folder / 'train'}", f"test_images={folder / 'test'}"]


def words(folder: Path, *more: str, colour: bool = False) -> list[str]:
    """A whole training."""
    plugins()
    given = [f"architecture={described(folder)}", *pictures(folder, colour)]
    return [*given, *SETTINGS, *more]


def trained(folder: Path, *more: str, colour: bool = False, output: str = "toy") -> Training:
    """A finished training in ``folder/output``."""
    return nasir.train(*words(folder, *more, colour=colour), output=folder / output)


def bits(training: Training) -> tuple[object, ...]:
    """What must be the same however often a training was killed."""
    mean = dict(training.result["metrics"])
    del mean["seconds"]
    files = [
        (training.folder / name).read_bytes() for name in ("weights.safetensors", "training.csv")
    ]
    return (*files, mean, training.result["by_picture"])
