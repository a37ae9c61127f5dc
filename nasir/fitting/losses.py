"""The losses of a fit's steps, without waiting for each."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from nasir.core.errors import EvaluationError


class Losses:
    """The losses of the steps, kept on their device and looked at every so many steps.

    `seen` is the last step that was looked at, and `last` its loss.
    """

    def __init__(self, every: int) -> None:
        self.every, self.seen, self.last = every, 0, math.nan
        self._unseen: list[Tensor] = []

    def add(self, step: int, loss: Tensor) -> None:
        """Take the loss of a step, and look where it is time."""
        self._unseen.append(loss)
        if step % self.every == 0:
            self.look()

    def look(self) -> None:
        """Wait for the losses; raises EvaluationError for the first that is not finite."""
        if not self._unseen:
            return
        found = [self._unseen[0].item()] if self.every == 1 else torch.stack(self._unseen).tolist()
        self._unseen = []
        for loss in found:
            self.seen, self.last = self.seen + 1, loss
            if not math.isfinite(loss):
                raise EvaluationError(
                    f"the loss is {loss} at step {self.seen}: a lower evaluator.lr may help"
                )

    def resume(self, step: int, loss: float) -> None:
        """Go on after a step and its loss."""
        self.seen, self.last = step, loss
