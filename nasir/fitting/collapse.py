"""What a fit does when it collapses."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import Tensor


class Guard:
    """Brings the parameters back where the fit collapsed since the last look.

    The parameters of several fits may be stacked along their first dimension: then the loss has
    that dimension, too, and each fit is brought back by itself.
    """

    def __init__(self, parameters: Iterable[Tensor], decibels: float, every: int) -> None:
        self.parameters, self.every = list(parameters), every
        self.factor = 10 ** (decibels / 10) if decibels else math.inf
        self.loss = torch.tensor(math.inf, dtype=torch.float64)
        self.good: list[Tensor] = []

    @torch.no_grad()
    def watch(self, step: int, loss: Tensor) -> None:
        """Every so many steps: keep the parameters, or go back where the PSNR fell too far.

        With a mean squared error, PSNR against the degraded picture falls by d dB where the loss
        grows by 10^(d / 10). Nothing waits for the device.
        """
        if step % self.every or self.factor == math.inf:
            return
        if not self.good:
            self.good = [parameter.clone() for parameter in self.parameters]
        loss = loss.double()
        collapsed = loss > self.loss.to(loss.device) * self.factor
        self.loss = torch.where(collapsed, self.loss.to(loss.device), loss)
        for parameter, good in zip(self.parameters, self.good, strict=True):
            which = collapsed.reshape(collapsed.shape + (1,) * (good.ndim - collapsed.ndim))
            torch.where(which, good, parameter, out=good)
            parameter.copy_(good)
