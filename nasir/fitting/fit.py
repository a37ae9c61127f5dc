"""Fitting one network to one picture (Deep Image Prior; NAS-DIP section 3.1)."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import attrs
import numpy as np
import torch
from torch import Tensor, nn

from nasir.core.architecture import Architecture
from nasir.core.errors import PictureError
from nasir.core.evaluator import Problem
from nasir.core.progress import report
from nasir.core.search_space import Signature
from nasir.core.seeds import derived_seed
from nasir.core.task import Sample, Task
from nasir.fitting.descent import Descent
from nasir.fitting.stopping import Stopper

if TYPE_CHECKING:
    from nasir.evaluators.dip import DeepImagePrior
    from nasir.fitting.checkpoint import FitCheckpoint

REPORT_EVERY = 5


@attrs.frozen(eq=False)
class Fit:
    """A finished fit: the restored picture `at` each of some `steps`, and how it was got.

    `gauge` tells how good the pictures are, in dB: PSNR against the ground truth, or on the
    pixels that were kept out of the fit; it is empty where there is neither. `ran` counts the
    steps, and `loss` is the last one.
    """

    sample: Sample
    network: nn.Module
    input: Tensor
    steps: list[int]
    at: list[Tensor]
    gauge: list[float]
    ran: int = 0
    loss: float = math.nan


@attrs.frozen
class Course:
    """How a fit goes: at most `steps` steps, looked at after each of `marks`.

    `held_out` is the share of the observed pixels that are kept out of the fit; `stopper` makes
    what ends it early, given the loss on those pixels. `turn` is which of how many pictures this
    is, for the progress that is reported. `checkpoint` is what the fit goes on from, to the same
    bits as without it.
    """

    steps: int
    marks: Sequence[int] = ()
    held_out: float = 0.0
    stopper: Callable[[Callable[[Tensor], float]], Stopper] | None = None
    device: str = "cpu"
    turn: tuple[int, int] = (0, 1)
    checkpoint: FitCheckpoint | None = None


def fit(
    how: DeepImagePrior,
    architecture: Architecture,
    problem: Problem,
    sample: Sample,
    seed: int,
    course: Course,
) -> Fit:
    """Fit `architecture` to `sample`.

    All randomness comes from `seed`, but for the pixels that are kept out, which come from the
    run's; torch's global generator is left as it was. Raises :class:`EvaluationError` where the
    loss is not finite.
    """
    device = course.device
    with torch.random.fork_rng(devices=[torch.device(device)] if device != "cpu" else []):
        torch.manual_seed(seed)
        network, x = _begin(architecture, problem, sample, how.input_scale, device)
        # The same pixels in every trial: what they say of two architectures can be compared.
        pixels = derived_seed(problem.seed, "held out", sample.name)
        seen, unseen = _held_out(sample.to(device), course.held_out, pixels)
        view = _View(problem.task, sample.to(device), unseen)
        stopper = course.stopper(view.unseen_loss) if course.stopper else None
        descent = Descent(how, network, x, problem.task, seen, stopper)
        result = Fit(sample, network, x, [], [], [])
        kept = course.checkpoint
        if kept is not None:
            kept.resume(descent, result, course.steps, course.marks)
        while descent.step < course.steps and not descent.ended:
            average = descent.advance()
            if descent.step in course.marks:
                view.look(result, descent.step, average)
            ended = descent.ended or descent.step == course.steps
            if descent.step % REPORT_EVERY == 0 or ended:
                _report(course, descent.step, descent.loss)
        if kept is not None:
            kept.leave(descent, result)
        if stopper is not None and stopper.picture is not None:
            view.look(result, stopper.step, stopper.picture)
    return attrs.evolve(result, ran=descent.step, loss=descent.loss)


@attrs.frozen(eq=False)
class _View:
    """Looks at averaged outputs, with the pixels that the fit does not see or the ground truth."""

    task: Task
    sample: Sample
    unseen: Sample | None

    def unseen_loss(self, average: Tensor) -> float:
        assert self.unseen is not None, "no pixels are kept out of this fit"
        return self.task.loss(average, self.unseen).item()

    def look(self, result: Fit, step: int, average: Tensor) -> None:
        picture = self.task.restored(average, self.sample)
        result.steps.append(step)
        result.at.append(picture.clone().cpu())
        if self.unseen is not None:
            result.gauge.append(_decibels(self.unseen_loss(average)))
        elif self.sample.clean is not None:
            result.gauge.append(self.task.metrics(picture, self.sample).get("psnr", math.nan))


def cost(one: Fit) -> dict[str, float]:
    """Parameters of the network, and multiply-adds of one forward pass at the picture's size."""
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter, torch.no_grad():
        copy.deepcopy(one.network)(one.input)  # a pass moves the statistics of the norms
    return {
        "parameters": sum(p.numel() for p in one.network.parameters()),
        "multiply_adds": counter.get_total_flops() // 2,
    }


def _begin(
    architecture: Architecture, problem: Problem, sample: Sample, scale: float, device: str
) -> tuple[nn.Module, Tensor]:
    """A fresh network and its fixed input, ``(1, C, H, W)`` uniform in [0, scale]."""
    task, channels = problem.task, problem.space.input_channels
    signature = Signature(channels, task.signature.out_channels)
    network = task.assemble(lambda s: problem.space.build(architecture, s), signature)
    height, width = task.unrestored(sample).shape[-2:]
    x = torch.rand(1, task.networks * channels, height, width) * scale
    return network.to(device), x.to(device)


def _held_out(sample: Sample, share: float, seed: int) -> tuple[Sample, Sample | None]:
    """The sample without a random share of its observed pixels, and with these alone."""
    if share == 0:
        return sample, None
    size = sample.degraded.shape[-2:]
    generator = np.random.default_rng(seed)
    kept = torch.from_numpy(generator.random(size) >= share).to(sample.degraded)[None, None]
    observed = kept.new_ones(1, 1, *size) if sample.mask is None else sample.mask
    inside, outside = observed * kept, observed * (1 - kept)
    if not (inside.any() and outside.any()):
        raise PictureError(
            f"{sample.name} has too few observed pixels to keep {share} of them out: use "
            "evaluator.reward=psnr and another evaluator.stop"
        )
    return attrs.evolve(sample, mask=inside), attrs.evolve(sample, mask=outside)


def _report(course: Course, step: int, loss: float) -> None:
    number, pictures = course.turn
    done, total = number * course.steps + step, pictures * course.steps
    report(done, total, fit_psnr=_decibels(loss))


def _decibels(loss: float) -> float:
    return -10 * math.log10(loss) if loss > 0 else math.inf
