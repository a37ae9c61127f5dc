"""Mixed precision."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn


class Precision:
    """Forward passes in a precision, and optimiser steps along their gradients.

    `asked` is float32, bfloat16, float16 or auto. Loss and weights are float32. With float16 the
    loss is scaled, so that small gradients do not vanish, and a step whose gradients overflow is
    skipped.
    """

    def __init__(self, asked: str, device: str) -> None:
        self.kind = torch.device(device).type
        self.dtype: torch.dtype = getattr(torch, _chosen(asked, self.kind))
        self.scaler = torch.amp.GradScaler(self.kind, enabled=self.dtype is torch.float16)

    def output(self, network: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
        """The network's output for `x`, in float32."""
        with torch.autocast(self.kind, self.dtype, enabled=self.dtype is not torch.float32):
            output = network(x)
        return output.float()

    def descend(
        self,
        loss: Tensor,
        optimizer: torch.optim.Optimizer,
        parameters: Sequence[nn.Parameter],
        clip: float,
    ) -> None:
        """One step along the gradient of `loss`, its values clipped to [-clip, clip] unless 0."""
        optimizer.zero_grad(set_to_none=True)
        self.scaler.scale(loss).backward()
        if clip:
            self.scaler.unscale_(optimizer)
            nn.utils.clip_grad_value_(parameters, clip)
        self.scaler.step(optimizer)
        self.scaler.update()


def _chosen(asked: str, kind: str) -> str:
    if asked != "auto":
        return asked
    return "bfloat16" if kind == "cuda" and torch.cuda.is_bf16_supported() else "float32"
