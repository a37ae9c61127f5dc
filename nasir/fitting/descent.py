"""The descent of one fit, step by step."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import attrs
import torch
from torch import Tensor, nn

from nasir.core.task import Sample, Task
from nasir.fitting.checkpoint import keep_state, kept_outputs, kept_state
from nasir.fitting.collapse import Guard
from nasir.fitting.fit import Fit, FitRequest
from nasir.fitting.stopping import StoppingRule
from nasir.training.captured import Captured, own_stream
from nasir.training.checkpoint import under
from nasir.training.inspected import LOOK_EVERY, LOOK_EVERY_ON_GPU, Losses
from nasir.training.optimizers import load_optimizer_state, optimizer, optimizer_state
from nasir.training.precision import Precision


@attrs.frozen
class DescentSettings:
    """How a network is fitted to a picture from a random input.

    `lr` is the learning rate of Adam. The input is uniform in [0, `input_scale`], and perturbed at
    each step by normal noise of standard deviation `input_noise`. `averaging` is the weight of the
    past in the average of outputs. Every `check_every` steps the parameters go back to those of the
    last check where the PSNR against the degraded picture fell by `rollback` dB since; 0: never.
    `precision` is that of the network's passes.
    `total_variation` is the weight of the restored picture's in what is minimised, and
    `weight_decay` that of half the sum of the squared weights, which Adam adds to the gradient.
    """

    lr: float
    input_scale: float
    input_noise: float
    averaging: float
    rollback: float
    check_every: int
    total_variation: float = 0.0
    precision: str = "float32"
    weight_decay: float = 0.0

    def objective(self, output: Tensor, task: Task, sample: Sample) -> tuple[Tensor, Tensor]:
        """The task's loss of an output, and what is minimised: scalars."""
        loss = task.loss(output, sample)
        if not self.total_variation:
            return loss, loss
        picture = task.restored(output, sample)
        return loss, loss + self.total_variation * total_variation(picture)


class GradientSteps:
    """What the steps of one fit and of several at once have in common.

    `average` is the average of the outputs so far, changed in place by each step, and `x` the input
    or inputs. No step waits for a GPU, but one at which the losses are inspected, or a stopping
    rule may end a fit. With `capture`, steps on a GPU are one CUDA graph; with `must_capture`
    anything else is an error.
    """

    def __init__(
        self,
        settings: DescentSettings,
        parameters: Iterable[nn.Parameter],
        x: Tensor,
        capture: bool,
        must_capture: bool,
        generators: Sequence[torch.Generator] = (),
    ) -> None:
        self.settings, self.x, parameters = settings, x, list(parameters)
        on_gpu = x.device.type != "cpu"
        self.captured = capture and on_gpu
        self.precision = Precision(settings.precision, x.device.type)
        self.optimizer = optimizer(
            "adam",
            parameters,
            settings.lr,
            decay=settings.weight_decay,
            capturable=self.captured,
        )
        self.guard = Guard(parameters, settings.rollback, settings.check_every)
        self.losses = Losses(LOOK_EVERY_ON_GPU if on_gpu else LOOK_EVERY)
        self.step = 0
        self.average: Tensor | None = None
        self._output: Tensor
        plain = self._one_step
        self._descend = Captured(plain, must_capture, generators) if self.captured else plain

    def _one_step(self) -> Tensor:
        """Do a step; the loss or losses before it."""
        raise NotImplementedError

    def _follow(self, minimised: Tensor, output: Tensor) -> None:
        """Go along the gradient, and take the output up in the average."""
        self.optimizer.zero_grad(set_to_none=True)
        minimised.backward()
        self.optimizer.step()
        self._output = output.detach()
        if self.average is None:
            self.average = self._output.clone()
        else:
            torch.lerp(self._output, self.average, self.settings.averaging, out=self.average)

    def _count(self, loss: Tensor) -> Tensor:
        """Note that a step is done, and what its loss was; returns the average of outputs."""
        self.step += 1
        self.losses.add(self.step, loss)
        self.guard.watch(self.step, loss)
        assert self.average is not None
        return self.average


class Descent(GradientSteps):
    """The state of a fit: network, Adam, average of outputs, and stopping rule.

    `ended` is whether `rule` has ended the fit. The noise is drawn from torch's generator of the
    device.
    """

    def __init__(
        self,
        settings: DescentSettings,
        network: nn.Module,
        x: Tensor,
        task: Task,
        sample: Sample,
        rule: StoppingRule | None,
        capture: bool = False,
        must_capture: bool = False,
    ) -> None:
        super().__init__(settings, network.parameters(), x, capture, must_capture)
        self.network, self.task, self.sample, self.rule = network, task, sample, rule
        self.ended = False

    def advance(self) -> Tensor:
        """Do one step; returns the average of outputs.

        Raises :class:`~nasir.core.errors.EvaluationError` where a loss is not finite.
        """
        average = self._count(self._descend())
        if self.rule is not None:
            self.ended = self.rule.watch(self.step, self._output, average)
        return average

    def _one_step(self) -> Tensor:
        settings = self.settings
        x = self.x + settings.input_noise * torch.randn_like(self.x)
        output = self.precision.output(self.network, x)
        loss, minimised = settings.objective(output, self.task, self.sample)
        self._follow(minimised, output)
        return loss.detach()

    def tensors(self) -> dict[str, Tensor]:
        """The state after a step, but for :meth:`values`."""
        assert self.average is not None, "there is no state before the first step"
        found = {f"network/{name}": value for name, value in self.network.state_dict().items()}
        found |= {f"optimizer/{name}": t for name, t in optimizer_state(self.optimizer).items()}
        found |= {f"good/{i}": value for i, value in enumerate(self.guard.good)}
        if self.rule is not None:
            found |= {f"rule/{name}": t for name, t in self.rule.tensors().items()}
        return found | {"average": self.average, "generator": _generator(self.x.device)}

    def values(self) -> dict[str, Any]:
        """The numbers of the state."""
        return {
            "step": self.step,
            "loss": self.losses.last[0],
            "ended": self.ended,
            "good_loss": float(self.guard.loss),
            "rule": self.rule.values() if self.rule is not None else {},
        }

    def load(
        self, tensors: Mapping[str, Tensor], values: Mapping[str, Any], marks: Sequence[int]
    ) -> dict[int, Tensor]:
        """Continue from a state of the same fit; returns its outputs after `marks`."""
        device = self.x.device
        self.network.load_state_dict(under(tensors, "network/"))
        load_optimizer_state(self.optimizer, under(tensors, "optimizer/"))
        good = under(tensors, "good/")
        self.guard.good = [good[str(i)].to(device, copy=True) for i in range(len(good))]
        self.guard.loss = torch.tensor(values["good_loss"], dtype=torch.float64, device=device)
        if self.rule is not None:
            moved = {name: t.to(device) for name, t in under(tensors, "rule/").items()}
            self.rule.load(moved, values["rule"])
        self.average = tensors["average"].to(device, copy=True)
        self.step, self.ended = values["step"], values["ended"]
        self.losses.resume(self.step, [values["loss"]])
        _set_generator(device, tensors["generator"])
        return kept_outputs(tensors, marks, device)


def total_variation(x: Tensor) -> Tensor:
    """The mean absolute differences of neighbours, down and across, added: a scalar."""
    return x.diff(dim=-2).abs().mean() + x.diff(dim=-1).abs().mean()


def descend(descent: Descent, full: int, marks: Sequence[int], request: FitRequest) -> Fit:
    """Do the steps of a fit, of which a full one has `full`, with an output after each of `marks`.

    The fit continues from the state in ``request.checkpoint``, to the same bits as without it, and
    keeps its own there where a longer fit may follow. It ends before where ``request.limits`` are
    reached, with the output so far.
    """
    limits = request.limits
    outputs: dict[int, Tensor] = {}
    found = kept_state(request, full, marks)
    if found is not None:
        outputs = descent.load(*found, () if limits.continues else marks)
    end, losses = _end(descent, full, request), descent.losses
    with own_stream(request.device):
        while descent.step < end and not descent.ended:
            average = descent.advance()
            if descent.step in marks:
                outputs[descent.step] = average.clone()
            if descent.step == end or descent.ended:
                losses.look()
            if losses.seen == descent.step:
                request.progress(descent.step, end, losses.last[0], descent.ended)
            if limits.reached:
                break
        losses.look()
    rule = descent.rule
    if rule is None and descent.step not in outputs:
        assert descent.average is not None
        outputs[descent.step] = descent.average
    keep_state(request, lambda: (descent.tensors(), descent.values()), outputs)
    if rule is not None and rule.picture is not None:
        outputs[rule.step] = rule.picture
    stopped = rule is not None
    return Fit(
        outputs, descent.step, max(full, end, descent.step), losses.last[0], stopped, descent.ended
    )


def _end(descent: Descent, full: int, request: FitRequest) -> int:
    """The step at which the fit ends; one that is extended has `full` more where it had all."""
    end = request.steps(full)
    if request.limits.extends and descent.step >= end and not descent.ended:
        return descent.step + full
    return end


def _generator(device: torch.device) -> Tensor:
    return torch.get_rng_state() if device.type == "cpu" else torch.cuda.get_rng_state(device)


def _set_generator(device: torch.device, state: Tensor) -> None:
    if device.type == "cpu":
        torch.set_rng_state(state)
    else:
        torch.cuda.set_rng_state(state, device)
