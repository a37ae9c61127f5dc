"""One option of each row, drawn, with gradients."""

from __future__ import annotations

import torch
from torch import Tensor


class OnePath:
    """Draws one option of each row and weighs it 1, all others exactly 0 (GDAS, section 3.2).

    The forward pass has the drawn one-hot rows h, the backward pass the gradient of the Gumbel
    softmax s at `temperature`: h - s + s, where the first s is held. Draws from torch's global
    generator.
    """

    def __init__(self, temperature: float) -> None:
        self.temperature = temperature

    def __call__(self, logits: Tensor) -> Tensor:
        """From logits ``(rows, options)`` to weights of that shape."""
        gumbel = -torch.empty_like(logits).exponential_().log()
        soft = torch.softmax((torch.log_softmax(logits, -1) + gumbel) / self.temperature, -1)
        hard = torch.zeros_like(soft).scatter_(-1, soft.argmax(-1, keepdim=True), 1.0)
        return hard - soft.detach() + soft
