"""The descent of several fits of one architecture at once.

Their weights are stacked, and one pass of ``torch.func.vmap`` serves them all: a GPU that is idle
for most of a small fit does sixteen in hardly more time. Each fit has its own picture, noise,
stopping rule and statistics of batch normalisation.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state, vmap

from nasir.core.progress import report
from nasir.core.task import Sample, Task
from nasir.fitting.checkpoint import keep_state, kept_outputs, kept_state
from nasir.fitting.descent import DescentSettings, GradientSteps
from nasir.fitting.fit import (
    REPORT_EVERY,
    Fit,
    FitRequest,
    FitsApartError,
    PreparedFit,
    decibels,
)
from nasir.fitting.stopping import StoppingRule
from nasir.training.captured import own_stream
from nasir.training.checkpoint import under
from nasir.training.optimizers import load_optimizer_state, optimizer_state

State = tuple[dict[str, Tensor], dict[str, Any]]
"""The tensors and values of one fit, as those of :class:`~nasir.fitting.descent.Descent`."""


def inputs(fits: Sequence[PreparedFit], scale: float) -> tuple[list[Tensor], list[torch.Generator]]:
    """The fixed input of each fit, and a generator of its noise: those of the fit alone."""
    xs, generators = [], []
    for one in fits:
        device = torch.device(one.request.device)
        torch.set_rng_state(one.random)
        xs.append((torch.rand(one.request.input_shape) * scale).to(device))
        generator = torch.Generator(device)
        if device.type == "cpu":
            generator.set_state(torch.get_rng_state())
        else:
            generator.manual_seed(one.seed)
        generators.append(generator)
    return xs, generators


class Together(GradientSteps):
    """The state of several fits, as :class:`~nasir.fitting.descent.Descent` for one.

    `average` is the averages of outputs, ``(fits, 1, C, H, W)``. `running` are the fits, by
    number, that no rule has ended.
    """

    def __init__(
        self,
        settings: DescentSettings,
        networks: Sequence[nn.Module],
        xs: Sequence[Tensor],
        task: Task,
        samples: Sequence[Sample],
        rules: Sequence[StoppingRule | None],
        generators: Sequence[torch.Generator],
        capture: bool = False,
        must_capture: bool = False,
    ) -> None:
        self.parameters, self.buffers = stack_module_state(list(networks))
        stacked = torch.stack(list(xs))
        super().__init__(
            settings, self.parameters.values(), stacked, capture, must_capture, generators
        )
        self.networks, self.task, self.samples = networks, task, samples
        self.rules, self.generators = rules, generators
        self.noise = torch.empty_like(self.x)
        plan = copy.deepcopy(networks[0]).to("meta")
        self._forward = vmap(lambda p, b, x: functional_call(plan, (p, b), (x,)))
        self.running = list(range(len(networks)))

    def advance(self) -> list[int]:
        """Do one step of all fits; returns those that their rules end with it."""
        try:
            loss = self._descend()
        except (RuntimeError, NotImplementedError) as error:
            if self.step or isinstance(error, torch.OutOfMemoryError):
                raise
            raise FitsApartError(str(error).partition("\n")[0]) from error
        average = self._count(loss)
        ended = []
        for number in self.running:
            rule = self.rules[number]
            if rule and rule.watch(self.step, self._output[number], average[number]):
                ended.append(number)
        return ended

    def _one_step(self) -> Tensor:
        settings = self.settings
        for noise, generator in zip(self.noise, self.generators, strict=True):
            torch.randn(
                noise.shape, generator=generator, out=noise, device=noise.device, dtype=noise.dtype
            )
        x = self.x + settings.input_noise * self.noise
        output = self.precision.output(partial(self._forward, self.parameters, self.buffers), x)
        pairs = zip(output, self.samples, strict=True)
        both = [settings.objective(one, self.task, sample) for one, sample in pairs]
        losses, minimised = (torch.stack(each) for each in zip(*both, strict=True))
        self._follow(minimised.sum(), output)
        return losses.detach()

    def state(self, number: int, ended: bool) -> State:
        """The state of one fit after a step whose loss was looked at; all tensors are copies."""
        assert self.average is not None, "there is no state before the first step"
        rule = self.rules[number]
        kept = self.networks[number].state_dict()
        stacked = {**self.parameters, **self.buffers}
        found = {f"network/{name}": stacked[name][number] for name in kept}
        for name, value in optimizer_state(self.optimizer).items():
            found[f"optimizer/{name}"] = value[number] if value.ndim else value
        found |= {f"good/{i}": value[number] for i, value in enumerate(self.guard.good)}
        if rule is not None:
            found |= {f"rule/{name}": value for name, value in rule.tensors().items()}
        found |= {"average": self.average[number], "generator": self.generators[number].get_state()}
        values = {
            "step": self.step,
            "loss": self.losses.last[number],
            "ended": ended,
            "good_loss": float(self.guard.loss.expand(len(self.networks))[number]),
            "rule": rule.values() if rule is not None else {},
        }
        return {name: value.detach().clone() for name, value in found.items()}, values

    def load(self, states: Sequence[State]) -> None:
        """Continue from states of the same fits after the same step."""
        device, tensors = self.x.device, [one[0] for one in states]
        values = [one[1] for one in states]

        def stacked(prefix: str) -> dict[str, Tensor]:
            parts = [under(one, prefix) for one in tensors]
            return {n: torch.stack([p[n].to(device) for p in parts]) for n in parts[0]}

        with torch.no_grad():
            for name, value in stacked("network/").items():
                (self.parameters if name in self.parameters else self.buffers)[name].copy_(value)
        moments = stacked("optimizer/")
        load_optimizer_state(
            self.optimizer,
            {n: v[0] if n.endswith("/step") else v for n, v in moments.items()},
        )
        good = stacked("good/")
        self.guard.good = [good[str(i)] for i in range(len(good))]
        losses = [one["good_loss"] for one in values]
        self.guard.loss = torch.tensor(losses, dtype=torch.float64, device=device)
        self.average = torch.stack([one["average"].to(device) for one in tensors])
        self.step = values[0]["step"]
        self.losses.resume(self.step, [one["loss"] for one in values])
        for generator, one in zip(self.generators, tensors, strict=True):
            generator.set_state(one["generator"].cpu())
        for rule, one, numbers in zip(self.rules, tensors, values, strict=True):
            if rule is not None:
                moved = {name: t.to(device) for name, t in under(one, "rule/").items()}
                rule.load(moved, numbers["rule"])


def descend_together(
    group: Together, full: int, marks: Sequence[int], requests: Sequence[FitRequest]
) -> list[Fit]:
    """Do the steps of all fits, as :func:`~nasir.fitting.descent.descend` does those of one.

    Each fit has its state from the step at which it ended, and so has its network. Raises
    :class:`~nasir.fitting.fit.FitsApartError` where kept states are of different steps, or the
    network cannot be mapped over stacked weights.
    """
    outputs = _resume(group, full, marks, requests)
    end, many = requests[0].steps(full), len(requests)
    states: dict[int, State] = {}

    def finish(numbers: Sequence[int], ended: bool) -> None:
        group.losses.look()
        for number in numbers:
            states[number] = group.state(number, ended)
            group.networks[number].load_state_dict(under(states[number][0], "network/"))
            group.running.remove(number)
            group.losses.ignored.add(number)

    with own_stream(requests[0].device):
        while group.step < end and group.running:
            ended = group.advance()
            if group.step in marks:
                assert group.average is not None
                for found, average in zip(outputs, group.average.clone(), strict=True):
                    found[group.step] = average
            if ended:
                finish(ended, True)
            if group.step == end or not group.running:
                group.losses.look()
            if group.losses.seen == group.step:
                _progress(group, end, many, requests[0].turn)
        finish(list(group.running), False)
    fits = []
    for number, (request, found) in enumerate(zip(requests, outputs, strict=True)):
        (tensors, values), rule = states[number], group.rules[number]
        if rule is None and values["step"] not in found:
            found[values["step"]] = tensors["average"]
        keep_state(request, lambda number=number: states[number], found)  # type: ignore[misc]
        if rule is not None and rule.picture is not None:
            found[rule.step] = rule.picture
        ran, loss, ended_itself = values["step"], values["loss"], values["ended"]
        fits.append(Fit(found, ran, max(full, end, ran), loss, rule is not None, ended_itself))
    return fits


def _resume(
    group: Together, full: int, marks: Sequence[int], requests: Sequence[FitRequest]
) -> list[dict[int, Tensor]]:
    """Bring fits that have not begun to the states that are kept; returns their outputs."""
    kept = [kept_state(request, full, marks) for request in requests]
    states = [one for one in kept if one is not None]
    if not states:
        return [{} for _ in requests]
    if len(states) < len(kept) or len({v["step"] for _, v in states}) > 1:
        raise FitsApartError("they were left at different steps")
    if any(values["ended"] for _, values in states):
        raise FitsApartError("some have ended before")
    group.load(states)
    return [kept_outputs(tensors, marks, group.x.device) for tensors, _ in states]


def _progress(group: Together, end: int, many: int, turn: tuple[int, int]) -> None:
    """Report the steps of fits whose first is number ``turn[0]`` of ``turn[1]``."""
    if group.step % REPORT_EVERY == 0 or group.step == end or not group.running:
        loss = sum(group.losses.last) / many
        done, pictures = turn
        report(done * end + group.step * many, pictures * end, fit_psnr=decibels(loss))
