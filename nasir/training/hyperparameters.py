"""The hyperparameters of a training."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import attrs

from nasir.core.errors import SettingsError
from nasir.training.device import ALWAYS, NEVER

PRECISIONS = ("auto", "float32", "bfloat16", "float16")


def two_shares(component: object, field: attrs.Attribute[Any], betas: tuple[float, float]) -> None:
    """A validator: two numbers in [0, 1)."""
    if len(betas) != 2 or not all(0 <= beta < 1 for beta in betas):
        raise ValueError(f"{field.name!r} must be two numbers in [0, 1): {betas}")


@attrs.frozen
class Hyperparameters:
    """How a network is trained on patches, in `iterations` steps.

    - `batch` pairs of patches a step, whose degraded side has `patch` pixels.
    - `loss` and `mean_terms` as in :func:`nasir.training.losses.loss`.
    - `optimizer`: sgd (with `momentum`), adam or adamw (with `betas`); weight `decay`.
    - The learning rate changes from `lr` to `lr_end` by `schedule`: constant, cosine, or
      polynomial with `power`.
    - Gradient values are clipped to [-clip, clip]; 0: not clipped.
    - `ema`: the weight of the past in the moving average of the weights; 0: no average.
    - `precision` of the forward pass: float32, bfloat16, float16, or auto, which is bfloat16 on a
      GPU that supports it, else float32.
    - `warm_up`: steps in which the learning rate rises from 0.
    - `resident`: whether pictures are held on the device, and batches made there; `versions`
      degraded ones of each picture, where degradations cannot be drawn there.
    - `capture`: whether steps are captured as a CUDA graph: auto, always, never; changes roundings
      at most.
    - `compile`: whether the network is compiled by torch.compile; changes roundings at most.
    - `checkpoint_every`: seconds between checkpoints; does not change the result.
    """

    iterations: int
    batch: int
    patch: int
    loss: str = "mse"
    mean_terms: bool = False
    optimizer: str = "adam"
    lr: float = 1e-3
    lr_end: float = 0.0
    schedule: str = "cosine"
    power: float = 0.9
    momentum: float = 0.9
    decay: float = 0.0
    betas: tuple[float, float] = (0.9, 0.999)
    clip: float = 0.0
    ema: float = 0.0
    precision: str = "auto"
    warm_up: int = 0
    resident: bool = False
    versions: int = 8
    capture: str = NEVER
    compile: bool = False
    checkpoint_every: float = 60.0

    def captures(self, device: str) -> bool:
        """Whether steps on `device` are captured as a CUDA graph.

        Raises :class:`~nasir.core.errors.SettingsError` where they always are to be, and cannot.
        """
        on_gpu = device.startswith("cuda")
        if not on_gpu and self.capture == ALWAYS:
            raise SettingsError(
                f"evaluator.capture=always: steps on the device {device} cannot be captured as a "
                "CUDA graph; take evaluator.capture=auto"
            )
        return on_gpu and self.capture != NEVER

    def identity(self, **others: Any) -> str:
        """A hash of everything that decides the weights: these values, and `others` (JSON)."""
        numbers = attrs.asdict(self)
        for name in ("checkpoint_every", "capture", "compile"):
            del numbers[name]
        text = json.dumps(numbers | others, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()
