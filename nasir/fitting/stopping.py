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

    The fit ends when the measure has not fallen for `patience` steps. All is kept on the device of
    the outputs, and read from there only at a step at which the fit may end: that is `patience`
    steps after the last minimum that was read.
    """

    def __init__(self, patience: int) -> None:
        self.patience = patience
        self.picture: Tensor | None = None
        self._least = torch.tensor(math.inf, dtype=torch.float64)
        self._step = torch.tensor(0)
        self._may_end = patience

    @abstractmethod
    def measure(self, output: Tensor, average: Tensor) -> Tensor | float:
        """What is least where the fit should stop, a scalar; infinite where that is not known yet.

        A tensor on the device of `output` keeps the fit from waiting for the device.
        """

    def watch(self, step: int, output: Tensor, average: Tensor) -> bool:
        """Measure the network's output and the average of outputs; whether to stop."""
        value = torch.as_tensor(
            self.measure(output, average), dtype=torch.float64, device=average.device
        )
        if self.picture is None:
            self.picture = average.clone()
            self._least, self._step = self._least.to(value.device), self._step.to(value.device)
        self._note(step, value, average, self.picture)
        return self._ends(step)

    def _note(self, step: int, value: Tensor, average: Tensor, picture: Tensor) -> None:
        """Keep the average of outputs where it is the best so far, or none is known to be."""
        best = (value < self._least) | self._least.isinf()
        self._least = torch.where(best, value, self._least)
        self._step = torch.where(best, step, self._step)
        torch.where(best, average, picture, out=picture)

    def _ends(self, step: int) -> bool:
        if step < self._may_end:
            return False
        self._may_end = self._last_minimum() + self.patience
        return step >= self._may_end

    def _last_minimum(self) -> int:
        return self.step

    @property
    def step(self) -> int:
        """The step of the output that is kept, 0 before the first."""
        return int(self._step)

    @property
    def least(self) -> float:
        """The least measure so far."""
        return float(self._least)

    def tensors(self) -> dict[str, Tensor]:
        """The state after a step, but for :meth:`values`."""
        assert self.picture is not None, "there is no state before the first step"
        return {"picture": self.picture}

    def values(self) -> dict[str, float]:
        """The numbers of the state."""
        return {"step": self.step, "least": self.least}

    def load(self, tensors: Mapping[str, Tensor], values: Mapping[str, float]) -> None:
        """Continue from a state of a rule with the same settings."""
        self.picture = tensors["picture"].clone()
        self._step = torch.tensor(int(values["step"]), device=self.picture.device)
        self._least = _number(values["least"], self.picture)
        self._may_end = 0


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
        self._squares: Tensor | float = 0.0

    def measure(self, output: Tensor, average: Tensor) -> Tensor | float:
        x = output.clone()
        self._outputs.append(x)
        self._sum = x.double() if self._sum is None else self._sum + x
        self._squares = self._squares + _norm(x)
        if len(self._outputs) > self.window:
            oldest = self._outputs.popleft()
            self._sum -= oldest
            self._squares = self._squares - _norm(oldest)
        if len(self._outputs) < self.window:
            return math.inf
        return self._squares / self.window - _norm(self._sum / self.window)

    def tensors(self) -> dict[str, Tensor]:
        assert self._sum is not None, "there is no state before the first step"
        window = {"outputs": torch.stack(list(self._outputs)), "sum": self._sum}
        return super().tensors() | window

    def values(self) -> dict[str, float]:
        return super().values() | {"squares": float(self._squares)}

    def load(self, tensors: Mapping[str, Tensor], values: Mapping[str, float]) -> None:
        super().load(tensors, values)
        self._outputs = deque(tensors["outputs"].unbind())
        self._sum = tensors["sum"].clone()
        self._squares = _number(values["squares"], self._sum)


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
        self._variance: Tensor | float = 0.0

    def measure(self, output: Tensor, average: Tensor) -> Tensor | float:
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
        return super().values() | {"variance": float(self._variance), "measured": self._measured}

    def load(self, tensors: Mapping[str, Tensor], values: Mapping[str, float]) -> None:
        super().load(tensors, values)
        self._mean = tensors["mean"].clone()
        self._variance = _number(values["variance"], self._mean)
        self._measured = int(values["measured"])


class HeldOut(StoppingRule):
    """Measures the loss of the averaged output on pixels that were kept out of the fit."""

    def __init__(self, loss: Callable[[Tensor], Tensor | float], patience: int) -> None:
        super().__init__(patience)
        self.loss = loss

    def measure(self, output: Tensor, average: Tensor) -> Tensor | float:
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

    def __init__(
        self, loss: Callable[[Tensor], Tensor | float], rise: float, patience: int
    ) -> None:
        super().__init__(patience)
        self.loss, self.factor = loss, 10 ** (-rise / 10)
        self._risen = torch.tensor(0)

    def measure(self, output: Tensor, average: Tensor) -> Tensor | float:
        return self.loss(average)

    def _note(self, step: int, value: Tensor, average: Tensor, picture: Tensor) -> None:
        rose = value < self._least * self.factor
        self._least = torch.where(rose, value, self._least)
        self._risen = torch.where(rose, step, self._risen.to(value.device))
        self._step = torch.full_like(self._step, step)
        picture.copy_(average)

    def _last_minimum(self) -> int:
        return int(self._risen)

    def values(self) -> dict[str, float]:
        return super().values() | {"risen": int(self._risen)}

    def load(self, tensors: Mapping[str, Tensor], values: Mapping[str, float]) -> None:
        super().load(tensors, values)
        self._risen = torch.tensor(int(values["risen"]), device=self._step.device)


def _norm(x: Tensor) -> Tensor:
    return x.double().square().sum()


def _number(value: float, like: Tensor) -> Tensor:
    return torch.tensor(value, dtype=torch.float64, device=like.device)
