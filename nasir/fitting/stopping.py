"""When to stop a fit without ground truth."""

from __future__ import annotations

import math
import sys
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from nasir.core.errors import EvaluationError
from nasir.core.task import Sample, Task


class StoppingRule(ABC):
    """Watches a fit, keeps the best output so far, and ends the fit when none better is expected.

    The fit ends when the measure has not fallen for `patience` steps.
    """

    def __init__(self, patience: int) -> None:
        self.patience = patience
        self.step = 0
        self.least = math.inf
        self.picture: Tensor | None = None

    @abstractmethod
    def measure(self, output: Tensor, average: Tensor) -> float:
        """What is least where the fit should stop; infinite where that is not known yet."""

    def watch(self, step: int, output: Tensor, average: Tensor) -> bool:
        """Measure the network's output and the average of outputs; whether to stop."""
        value = self.measure(output, average)
        if value < self.least or self.picture is None:
            self.least, self.step, self.picture = value, step, average.clone()
        if self.least == math.inf:
            self.step = step
            self.picture = average.clone()
        return step - self.step >= self.patience

    def tensors(self) -> dict[str, Tensor]:
        """The state after a step, but for :meth:`values`."""
        assert self.picture is not None, "there is no state before the first step"
        return {"picture": self.picture}

    def values(self) -> dict[str, float]:
        """The numbers of the state."""
        return {"step": self.step, "least": self.least}

    def load(self, tensors: Mapping[str, Tensor], values: Mapping[str, float]) -> None:
        """Continue from a state of a rule with the same settings."""
        self.picture = tensors["picture"]
        self.step, self.least = int(values["step"]), values["least"]


class WindowedVariance(StoppingRule):
    """ES-WMV (Wang et al., "Early Stopping for Deep Image Prior", arXiv 2112.06074, algorithm 1).

    Measures the variance of the last `window` outputs, summed over their pixels: it falls while
    the fit nears the picture and rises when it takes up the noise.
    """

    def __init__(self, window: int, patience: int) -> None:
        super().__init__(patience)
        self.window = window
        self._outputs: deque[Tensor] = deque()
        self._sum: Tensor | None = None
        self._squares = 0.0

    def measure(self, output: Tensor, average: Tensor) -> float:
        x = output.clone()
        self._outputs.append(x)
        self._sum = x.double() if self._sum is None else self._sum + x
        self._squares += _norm(x)
        if len(self._outputs) > self.window:
            oldest = self._outputs.popleft()
            self._sum -= oldest
            self._squares -= _norm(oldest)
        if len(self._outputs) < self.window:
            return math.inf
        return self._squares / self.window - _norm(self._sum / self.window)

    def tensors(self) -> dict[str, Tensor]:
        assert self._sum is not None, "there is no state before the first step"
        window = {"outputs": torch.stack(list(self._outputs)), "sum": self._sum}
        return super().tensors() | window

    def values(self) -> dict[str, float]:
        return super().values() | {"squares": self._squares}

    def load(self, tensors: Mapping[str, Tensor], values: Mapping[str, float]) -> None:
        super().load(tensors, values)
        self._outputs = deque(tensors["outputs"].unbind())
        self._sum, self._squares = tensors["sum"], values["squares"]


class MovingVariance(StoppingRule):
    """ES-EMV (same paper): the exponential moving variance of the outputs, summed over pixels.

    It needs the memory of one picture. `forgetting` is the weight alpha of the newest output. Mean
    and variance start at zero, so that the first outputs, if they are dark, vary least of all: in
    the first `burn_in` steps (the authors: 100) there is no minimum.
    """

    def __init__(self, forgetting: float, patience: int, burn_in: int = 0) -> None:
        super().__init__(patience)
        self.forgetting, self.burn_in = forgetting, burn_in
        self._measured = 0
        self._mean: Tensor | None = None
        self._variance = 0.0

    def measure(self, output: Tensor, average: Tensor) -> float:
        if self._mean is None:
            self._mean = output.new_zeros(output.shape).double()
        difference = output - self._mean
        alpha = self.forgetting
        self._variance = (1 - alpha) * (self._variance + alpha * _norm(difference))
        self._mean += alpha * difference
        self._measured += 1
        return self._variance if self._measured > self.burn_in else math.inf

    def tensors(self) -> dict[str, Tensor]:
        assert self._mean is not None, "there is no state before the first step"
        return super().tensors() | {"mean": self._mean}

    def values(self) -> dict[str, float]:
        return super().values() | {"variance": self._variance, "measured": self._measured}

    def load(self, tensors: Mapping[str, Tensor], values: Mapping[str, float]) -> None:
        super().load(tensors, values)
        self._mean, self._variance = tensors["mean"], values["variance"]
        self._measured = int(values["measured"])


class HeldOut(StoppingRule):
    """Measures the loss of the averaged output on pixels that were kept out of the fit."""

    def __init__(self, loss: Callable[[Tensor], float], patience: int) -> None:
        super().__init__(patience)
        self.loss = loss

    def measure(self, output: Tensor, average: Tensor) -> float:
        return self.loss(average)


class Oracle(StoppingRule):
    """Keeps the average of outputs that is nearest to the ground truth, and ends no fit.

    No rule can do better; results of it say how much is lost by stopping at another step. They are
    the marked rows of tables (NAS-DIP, table 1a; ISNAS-DIP, table 2).
    """

    def __init__(self, task: Task, truth: Sample) -> None:
        super().__init__(sys.maxsize)
        self.task, self.truth = task, truth

    def measure(self, output: Tensor, average: Tensor) -> float:
        figures = self.task.metrics(self.task.restored(average, self.truth), self.truth)
        if "psnr" not in figures:
            raise EvaluationError(
                "evaluator.stop=oracle wants a task that measures PSNR: take another stop"
            )
        return -figures["psnr"]


class Plateau(StoppingRule):
    """Ends the fit where it no longer nears what was observed: for pictures without noise.

    It keeps the newest average of outputs, and ends when the PSNR of that against the observed
    picture has not risen by `rise` dB for `patience` steps.
    """

    def __init__(self, loss: Callable[[Tensor], float], rise: float, patience: int) -> None:
        super().__init__(patience)
        self.loss, self.factor = loss, 10 ** (-rise / 10)
        self._risen = 0

    def measure(self, output: Tensor, average: Tensor) -> float:
        return self.loss(average)

    def watch(self, step: int, output: Tensor, average: Tensor) -> bool:
        value = self.measure(output, average)
        if value < self.least * self.factor or self.picture is None:
            self.least, self._risen = value, step
        self.step, self.picture = step, average.clone()
        return step - self._risen >= self.patience

    def values(self) -> dict[str, float]:
        return super().values() | {"risen": self._risen}

    def load(self, tensors: Mapping[str, Tensor], values: Mapping[str, float]) -> None:
        super().load(tensors, values)
        self._risen = int(values["risen"])


def _norm(x: Tensor) -> float:
    return x.double().square().sum().item()
