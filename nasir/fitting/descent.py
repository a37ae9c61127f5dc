"""The descent of one fit, step by step."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from nasir.core.errors import EvaluationError
from nasir.core.task import Sample, Task
from nasir.fitting.stopping import Stopper
from nasir.training.optimizers import load_optimizer_state, optimizer_state

if TYPE_CHECKING:
    from nasir.evaluators.dip import DeepImagePrior


class Descent:
    """All that the next steps of a fit depend on: what Adam, the average and the stopper know.

    `average` is the average of the outputs so far and `loss` that of the last step; `ended` tells
    whether `stopper` has ended the fit. The noise is drawn from torch's generator of the device.
    """

    def __init__(
        self,
        how: DeepImagePrior,
        network: nn.Module,
        x: Tensor,
        task: Task,
        sample: Sample,
        stopper: Stopper | None,
    ) -> None:
        self.how, self.network, self.x = how, network, x
        self.task, self.sample, self.stopper = task, sample, stopper
        self.optimizer = torch.optim.Adam(network.parameters(), lr=how.lr, fused=True)
        self.guard = _Guard(network, how.rollback, how.check_every)
        self.step, self.loss, self.ended = 0, math.nan, False
        self.average: Tensor | None = None

    def advance(self) -> Tensor:
        """Do one step; returns the average of outputs.

        Raises :class:`~nasir.core.errors.EvaluationError` where the loss is not finite.
        """
        how = self.how
        output = self.network(self.x + how.input_noise * torch.randn_like(self.x))
        loss = self.task.loss(output, self.sample)
        self.step += 1
        self.loss = loss.item()
        if not math.isfinite(self.loss):
            raise EvaluationError(
                f"the loss is {self.loss} at step {self.step}: a lower evaluator.lr may help"
            )
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        self.guard.watch(self.step, self.loss)
        output, past = output.detach(), self.average
        self.average = output if past is None else torch.lerp(output, past, how.averaging)
        if self.stopper is not None:
            self.ended = self.stopper.watch(self.step, output, self.average)
        return self.average

    def tensors(self) -> dict[str, Tensor]:
        """The state after a step, but for :meth:`values`."""
        assert self.average is not None, "there is no state before the first step"
        found = {f"network/{name}": value for name, value in self.network.state_dict().items()}
        found |= {f"optimizer/{name}": t for name, t in optimizer_state(self.optimizer).items()}
        found |= {f"good/{i}": value for i, value in enumerate(self.guard.good)}
        if self.stopper is not None:
            found |= {f"stopper/{name}": t for name, t in self.stopper.tensors().items()}
        return found | {"average": self.average, "generator": _generator(self.x.device)}

    def values(self) -> dict[str, Any]:
        """The numbers of the state."""
        return {
            "step": self.step,
            "loss": self.loss,
            "ended": self.ended,
            "good_loss": self.guard.loss,
            "stopper": self.stopper.values() if self.stopper is not None else {},
        }

    def load(self, tensors: Mapping[str, Tensor], values: Mapping[str, Any]) -> None:
        """Go on from a state of the same fit."""
        device = self.x.device
        self.network.load_state_dict(under(tensors, "network/"))
        load_optimizer_state(self.optimizer, under(tensors, "optimizer/"))
        good = under(tensors, "good/")
        self.guard.good = [good[str(i)].to(device) for i in range(len(good))]
        self.guard.loss = values["good_loss"]
        if self.stopper is not None:
            moved = {name: t.to(device) for name, t in under(tensors, "stopper/").items()}
            self.stopper.load(moved, values["stopper"])
        self.average = tensors["average"].to(device)
        self.step, self.loss, self.ended = values["step"], values["loss"], values["ended"]
        _set_generator(device, tensors["generator"])


class _Guard:
    """Brings the parameters back where the fit collapsed since the last look."""

    def __init__(self, network: nn.Module, decibels: float, every: int) -> None:
        self.network, self.every = network, every
        self.factor = 10 ** (decibels / 10) if decibels else math.inf
        self.loss = math.inf
        self.good: list[Tensor] = []

    def watch(self, step: int, loss: float) -> None:
        """Every so many steps: keep the parameters, or go back where the PSNR fell too far.

        With a mean squared error, PSNR against the degraded picture falls by d dB where the loss
        grows by 10^(d / 10).
        """
        if step % self.every or self.factor == math.inf:
            return
        if loss > self.loss * self.factor:
            with torch.no_grad():
                for parameter, good in zip(self.network.parameters(), self.good, strict=True):
                    parameter.copy_(good)
            return
        self.loss = loss
        self.good = [p.detach().clone() for p in self.network.parameters()]


def under(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The tensors whose names begin with `prefix`, by the rest of them."""
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}


def _generator(device: torch.device) -> Tensor:
    return torch.get_rng_state() if device.type == "cpu" else torch.cuda.get_rng_state(device)


def _set_generator(device: torch.device, state: Tensor) -> None:
    if device.type == "cpu":
        torch.set_rng_state(state)
    else:
        torch.cuda.set_rng_state(state, device)
