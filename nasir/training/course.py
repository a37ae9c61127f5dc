"""The numbers of a training."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import attrs

PRECISIONS = ("auto", "float32", "bfloat16", "float16")


@attrs.frozen
class Course:
    """How a network is trained on patches; `iterations` steps in all.

    The rate goes from `lr` to `lr_end` by `schedule` (constant, cosine, polynomial with `power`).
    `optimizer` is sgd (with `momentum`), adam or adamw (with `betas`), with weight `decay`;
    gradient values are clipped to [-clip, clip], never with 0. `loss` is for
    :func:`nasir.training.losses.loss`, as is `mean_terms`. `ema` is the weight of the past in the
    moving average of the weights; 0: there is none. `precision` is that of the forward pass:
    float32, bfloat16, float16, or auto: bfloat16 on a GPU that has it, else float32. A state to go
    on from is written after `checkpoint_every` seconds, which moves no result.
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
    checkpoint_every: float = 60.0

    def identity(self, **others: Any) -> str:
        """A name for all that the weights follow from: these numbers, and `others` (JSON)."""
        numbers = attrs.asdict(self)
        del numbers["checkpoint_every"]
        text = json.dumps(numbers | others, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()
