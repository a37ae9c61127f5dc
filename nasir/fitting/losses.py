"""The losses of a fit's steps, without waiting for each."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from nasir.core.errors import EvaluationError


class Losses:
    """The losses of the steps, kept on their device and inspected every so many steps.

    A step has a loss, or one for each of several fits. `seen` is the last step that was inspected,
    and `last` its losses; those of the fits in `ignored` may be anything.
    """

    def __init__(self, every: int) -> None:
        self.every, self.seen = every, 0
        self.last: list[float] = [math.nan]
        self.ignored: set[int] = set()
        self._unseen: list[Tensor] = []

    def add(self, step: int, loss: Tensor) -> None:
        """Take the loss or losses of a step, and look where it is time."""
        self._unseen.append(loss)
        if step % self.every == 0:
            self.look()

    def look(self) -> None:
        """Wait for the losses; raises EvaluationError for the first that is not finite."""
        if not self._unseen:
            return
        rows = torch.stack(self._unseen).reshape(len(self._unseen), -1).tolist()
        self._unseen = []
        for row in rows:
            self.seen, self.last = self.seen + 1, row
            for number, loss in enumerate(row):
                if not math.isfinite(loss) and number not in self.ignored:
                    raise EvaluationError(
                        f"the loss is {loss} at step {self.seen}: a lower evaluator.lr may help"
                    )

    def resume(self, step: int, losses: list[float]) -> None:
        """Go on after a step and its losses."""
        self.seen, self.last = step, losses
