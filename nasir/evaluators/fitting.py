"""Fitting one network to one picture (Deep Image Prior; NAS-DIP section 3.1)."""

from __future__ import annotations

import copy
import math
from typing import TYPE_CHECKING

import attrs
import torch
from torch import Tensor, nn

from nasir.core.architecture import Architecture
from nasir.core.errors import EvaluationError
from nasir.core.metrics import psnr
from nasir.core.problem import Problem
from nasir.core.progress import report
from nasir.core.search_space import Signature
from nasir.core.task import Sample

if TYPE_CHECKING:
    from nasir.evaluators.dip import DeepImagePrior

REPORT_EVERY = 5


@attrs.frozen(eq=False)
class Fit:
    """A finished fit: the averaged picture `at` each of some `steps`, and how it was got.

    `psnr` is against the ground truth at the same steps, empty where there is none; `loss` is
    the last one.
    """

    sample: Sample
    network: nn.Module
    input: Tensor
    steps: list[int]
    at: list[Tensor]
    psnr: list[float]
    loss: float


def fit(
    how: DeepImagePrior,
    architecture: Architecture,
    problem: Problem,
    sample: Sample,
    seed: int,
    *,
    steps: int,
    looks: int,
    device: str,
    turn: tuple[int, int],
) -> Fit:
    """Fit `architecture` to `sample` for `steps` steps, and look at it `looks` times on the way.

    All randomness comes from `seed`; torch's global generator is left as it was. `turn` is which
    of how many pictures this is, for the progress that is reported. Raises
    :class:`EvaluationError` where the loss is not finite.
    """
    devices = [torch.device(device)] if device != "cpu" else []
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(seed)
        network, x = _begin(architecture, problem, sample, how.input_scale, device)
        on_device = _moved(sample, device)
        optimizer = torch.optim.Adam(network.parameters(), lr=how.lr, fused=True)
        guard = _Guard(network, how.rollback, how.check_every)
        marks = sorted({max(1, round(steps * (i + 1) / looks)) for i in range(looks)})
        average: Tensor | None = None
        result = Fit(sample, network, x, marks, [], [], math.nan)
        for step in range(1, steps + 1):
            output = network(x + how.input_noise * torch.randn_like(x))
            loss = problem.task.loss(output, on_device)
            value = loss.item()
            if not math.isfinite(value):
                raise EvaluationError(
                    f"the loss is {value} at step {step}: a lower evaluator.lr may help"
                )
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            guard.watch(step, value)
            picture = problem.task.restored(output.detach(), on_device)
            average = picture if average is None else torch.lerp(picture, average, how.averaging)
            if step in marks:
                _look(result, average, on_device)
            if step % REPORT_EVERY == 0 or step == steps:
                _report(turn, step, steps, value)
    return attrs.evolve(result, loss=value)


def cost(one: Fit) -> dict[str, float]:
    """Parameters of the network, and multiply-adds of one forward pass at the picture's size."""
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter, torch.no_grad():
        copy.deepcopy(one.network)(one.input)  # a pass moves the statistics of the norms
    return {
        "parameters": sum(p.numel() for p in one.network.parameters()),
        "multiply_adds": counter.get_total_flops() // 2,
    }


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


def _begin(
    architecture: Architecture, problem: Problem, sample: Sample, scale: float, device: str
) -> tuple[nn.Module, Tensor]:
    """A fresh network and its fixed input, ``(1, C, H, W)`` uniform in [0, scale]."""
    channels = problem.space.input_channels
    task = problem.task
    signature = Signature(channels, task.signature.out_channels)
    network = task.assemble(lambda s: problem.space.build(architecture, s), signature)
    height, width = task.unrestored(sample).shape[-2:]
    x = torch.rand(1, channels, height, width) * scale
    return network.to(device), x.to(device)


def _moved(sample: Sample, device: str) -> Sample:
    clean = None if sample.clean is None else sample.clean.to(device)
    return attrs.evolve(sample, degraded=sample.degraded.to(device), clean=clean)


def _look(result: Fit, average: Tensor, sample: Sample) -> None:
    result.at.append(average.clone().cpu())
    if sample.clean is not None:
        result.psnr.append(psnr(average.clamp(0, 1), sample.clean))


def _report(turn: tuple[int, int], step: int, steps: int, loss: float) -> None:
    number, pictures = turn
    fitted = -10 * math.log10(loss) if loss > 0 else math.inf
    report(number * steps + step, pictures * steps, fit_psnr=fitted)
