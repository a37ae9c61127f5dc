"""What is asked of one fit, and what comes of it."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

import attrs

from nasir.core.cost import multiply_adds, number_of_parameters
from nasir.core.progress import report
from nasir.core.task import Sample, Task
from nasir.training.device import device_of

if TYPE_CHECKING:
    from torch import Tensor, nn

    from nasir.fitting.checkpoint import FitCheckpoint
    from nasir.fitting.interruption import Interruption

REPORT_EVERY = 5


@attrs.frozen
class FitLimits:
    """What may end a fit before its steps are done, so that the best so far is its result.

    `deadline` is a time of the monotonic clock; at least one step is done. `interruption` notes
    Ctrl-C; None: it is ignored. `resumable`: where the fit was not ended by a rule, its state is
    kept. `continues`: it goes on from such a state; `extends`: with as many steps again where all
    are done.
    """

    deadline: float = math.inf
    interruption: Interruption | None = None
    resumable: bool = False
    continues: bool = False
    extends: bool = False

    @property
    def reached(self) -> bool:
        """Whether a fit is to end now."""
        interrupted = self.interruption is not None and self.interruption.happened
        return interrupted or time.monotonic() >= self.deadline


@attrs.frozen
class FitRequest:
    """How far a fit goes, and what it may use.

    `input_shape` is the shape ``(1, C, H, W)`` of what the network takes. `fidelity` is the share
    of the full fit to do, in (0, 1]. `points` is the number of evenly spaced points of a full fit
    at which an output is wanted; see :meth:`marks`. `unseen` is the sample with the held-out
    pixels alone in its mask, to measure the fit by; None: no pixels are held out. `truth` is the
    sample with its ground truth, for a method that stops by it; None for all others. `turn` is the
    number of this picture, from 0, and the number of all. `checkpoint` keeps the state of a fit
    that a longer one may continue, and `limits` says what else ends it; a method may ignore both.
    """

    input_shape: tuple[int, int, int, int]
    fidelity: float = 1.0
    points: int = 1
    unseen: Sample | None = None
    truth: Sample | None = None
    device: str = "cpu"
    turn: tuple[int, int] = (0, 1)
    checkpoint: FitCheckpoint | None = None
    limits: FitLimits = FitLimits()

    def steps(self, full: int) -> int:
        """The steps of this fit, at least one, where a full one has `full`."""
        return max(1, round(full * self.fidelity))

    def marks(self, full: int) -> list[int]:
        """The steps after which an output is wanted, ascending; the last is the end of this fit.

        They are those of a full fit of `full` steps, as far as this one goes.
        """
        end = self.steps(full)
        marks = {max(1, round(full * (i + 1) / self.points)) for i in range(self.points)}
        return sorted({mark for mark in marks if mark < end} | {end})

    def progress(self, step: int, steps: int, loss: float, ended: bool = False) -> None:
        """Report that `step` of `steps` are done, now and then and when the fit has ended."""
        if step % REPORT_EVERY == 0 or step == steps or ended:
            number, pictures = self.turn
            report(number * steps + step, pictures * steps, fit_psnr=decibels(loss))


@attrs.frozen(eq=False)
class Fit:
    """The result of one fit.

    `outputs` are the network's outputs by step, ascending; the last one is the result. `ran` is
    the number of steps done, `full` that of a full fit, and `loss` the last one. `stopped` is True
    where a stopping rule chose the last output, and `ended` where it ended the fit: otherwise more
    steps might give a better result.
    """

    outputs: Mapping[int, Tensor] = attrs.field(validator=attrs.validators.min_len(1))
    ran: int = 1
    full: int = 1
    loss: float = math.nan
    stopped: bool = False
    ended: bool = False


class FitsApartError(Exception):
    """Several fits cannot be done at once; the message says why."""


@attrs.frozen(eq=False)
class PreparedFit:
    """A fresh network, and the picture that it is to be fitted to.

    `sample` is the picture with all that is known of it, on the CPU, and `seen` what the fit may
    see, on its device. `seed` is that of this fit, and `random` the state of torch's generator of
    the CPU after the network was drawn.
    """

    network: nn.Module
    sample: Sample
    seen: Sample
    request: FitRequest
    seed: int
    random: Tensor


@attrs.frozen(eq=False)
class FittedPicture:
    """A picture, the network that was fitted to it, and how it was restored.

    `restored` are the pictures ``(1, C, H, W)`` on the CPU, one for each output of `fit`. `quality`
    is that of each in dB: PSNR on the held-out pixels, or else against the ground truth; empty
    where there is neither, NaN where the task measures no PSNR. `seconds` is what it took,
    of several fits at once an equal share each.
    """

    sample: Sample
    network: nn.Module
    input_shape: tuple[int, int, int, int]
    fit: Fit
    restored: list[Tensor]
    quality: list[float]
    seconds: float = 0.0

    @classmethod
    def of(cls, fit: Fit, prepared: PreparedFit, task: Task) -> FittedPicture:
        """What became of a picture in a fit to the part of it that the fit may see."""
        sample, request = prepared.sample, prepared.request
        whole = sample.to(request.device)
        outputs = [output.detach() for output in fit.outputs.values()]
        pictures = [task.restored(output, whole) for output in outputs]
        quality: list[float] = []
        if request.unseen is not None:
            quality = [decibels(task.loss(one, request.unseen).item()) for one in outputs]
        elif sample.clean is not None:
            quality = [task.metrics(picture, whole).get("psnr", math.nan) for picture in pictures]
        if math.isnan(fit.loss):
            fit = attrs.evolve(fit, loss=task.loss(outputs[-1], prepared.seen).item())
        restored = [picture.clone().cpu() for picture in pictures]
        return cls(sample, prepared.network, request.input_shape, fit, restored, quality)

    @property
    def steps(self) -> list[int]:
        """The steps of the restored pictures."""
        return list(self.fit.outputs)

    def cost(self) -> dict[str, float]:
        """Parameters of the network, and multiply-adds of one pass at the picture's size."""
        import torch

        x = torch.zeros(self.input_shape, device=device_of(self.network))
        return {
            "parameters": number_of_parameters(self.network),
            "multiply_adds": multiply_adds(self.network, x),
        }


def decibels(loss: float) -> float:
    """The PSNR of a mean squared error, for a peak of 1."""
    return -10 * math.log10(loss) if loss > 0 else math.inf
