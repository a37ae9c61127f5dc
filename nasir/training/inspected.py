"""The losses of steps, without waiting for the device at each."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from nasir.core.errors import EvaluationError
from nasir.core.turns import hand_over

LOOK_EVERY, LOOK_EVERY_ON_GPU = 1, 50
"""Steps between inspections of the losses; each waits for the device."""


class Losses:
    """The losses of the steps, kept on their device and inspected every so many steps.

    A step has a loss, or one for each of several fits. `seen` is the last step that was inspected,
    and `last` its losses; those of the fits in `ignored` may be anything. A loss that is not finite
    is reported as `of`, with the setting of the learning rate.
    """

    def __init__(
        self, every: int, of: str = "the loss", learning_rate: str = "evaluator.lr"
    ) -> None:
        self.every, self.seen = every, 0
        self.last: list[float] = [math.nan]
        self.ignored: set[int] = set()
        self._unseen: list[Tensor] = []
        self._of, self._learning_rate = of, learning_rate

    def add(self, step: int, loss: Tensor) -> list[list[float]]:
        """Take the loss or losses of a step, and look where it is time; returns what was seen."""
        self._unseen.append(loss)
        return self.look() if step % self.every == 0 else []

    def look(self) -> list[list[float]]:
        """Wait for the losses, and return those of each step that had not been inspected.

        Raises :class:`~nasir.core.errors.EvaluationError` for the first that is not finite.
        """
        if not self._unseen:
            return []
        hand_over()
        rows: list[list[float]]
        rows = torch.stack(self._unseen).reshape(len(self._unseen), -1).tolist()
        self._unseen = []
        for row in rows:
            self.seen, self.last = self.seen + 1, row
            for number, loss in enumerate(row):
                if not math.isfinite(loss) and number not in self.ignored:
                    raise EvaluationError(
                        f"{self._of} is {loss} at step {self.seen}: a lower {self._learning_rate} "
                        "may help"
                    )
        return rows

    def resume(self, step: int, losses: list[float]) -> None:
        """Go on after a step and its losses."""
        self.seen, self.last = step, losses
