"""A supernet's weights and architecture parameters, descended in turn."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from nasir.core.evaluator import Problem
from nasir.core.progress import report
from nasir.core.seeds import derived_seed
from nasir.core.supernet import Supernet
from nasir.strategies.darts.relaxation import OnePath
from nasir.strategies.darts.settings import DartsSettings
from nasir.training.captured import Captured, own_stream
from nasir.training.checkpoint import under
from nasir.training.device import ALWAYS
from nasir.training.inspected import LOOK_EVERY, LOOK_EVERY_ON_GPU, Losses
from nasir.training.memory import freed_memory_reused
from nasir.training.optimizers import (
    load_optimizer_state,
    optimizer,
    optimizer_state,
    set_learning_rate,
)
from nasir.training.randomness import seed_torch

Batches = Callable[[int], Sequence[Any]]
"""From the number of a step to its batch: tensors, and what is the same at each step."""

FINITE_DIFFERENCE = 0.01
"""Size of the weight change in the finite difference (DARTS, equation 8)."""


class Bilevel(ABC):
    """The state of a search by gradient, and its steps.

    A step depends only on this state, the problem's seed and the step's number, so that a search
    from a saved state gives the same bits. A subclass makes the supernet in :meth:`_make`, with
    the module of all weights (of one or several supernets), and provides batches, their loss and
    the validation metrics.

    On a GPU, the weight step and the first-order architecture step are a CUDA graph each.
    """

    supernet: Supernet
    """What the architecture is derived from."""

    module: nn.Module
    """All that is trained."""

    score_by: str
    """The validation metric that selection by perturbation compares."""

    decay: float = 0.0
    """Weight decay."""

    def __init__(self, settings: DartsSettings, problem: Problem, device: str) -> None:
        self.settings, self.device, self.seed, self.task = (
            settings,
            device,
            problem.seed,
            problem.task,
        )
        seed_torch(derived_seed(problem.seed, "supernet"), device)
        self._make(problem)
        self.captured = settings.captures(device)
        self.architecture = list(self.supernet.architecture_parameters())
        ours = {id(parameter) for parameter in self.architecture}
        self.weights = [p for p in self.module.parameters() if id(p) not in ours]
        self.descent = self._descent()
        self.ascent = optimizer(
            "adam",
            self.architecture,
            settings.arch_lr or self.usual_arch_lr,
            decay=settings.arch_decay,
            betas=(settings.arch_beta, 0.999),
            capturable=self.captured,
        )
        self.best: tuple[int, float] | None = None
        every = LOOK_EVERY if device == "cpu" else LOOK_EVERY_ON_GPU
        self.losses = Losses(every, "the supernet's loss", "strategy.lr")
        self._step_on_weights: Callable[..., Tensor] = self._weight_step
        self._step_on_architecture: Callable[..., Tensor] = self._first_order_step
        if self.captured:
            must = settings.capture == ALWAYS
            self._step_on_weights = Captured(self._weight_step, must)
            self._step_on_architecture = Captured(self._first_order_step, must)

    usual_arch_lr: float
    """The learning rate of the architecture if none is set."""

    @abstractmethod
    def _make(self, problem: Problem) -> None:
        """Make the supernet on the device, and divide the data."""

    @abstractmethod
    def _descent(self) -> torch.optim.Optimizer:
        """The optimizer of the weights."""

    @abstractmethod
    def _rate(self, step: int) -> float:
        """The learning rate of the weights at a step."""

    @abstractmethod
    def _batches(self) -> AbstractContextManager[tuple[Batches, Batches]]:
        """From a step to its batches, for the weights and for the architecture."""

    @abstractmethod
    def _tuning_batches(self) -> AbstractContextManager[Batches]:
        """From a step of tuning to its batch."""

    @abstractmethod
    def _loss_of(self, *batch: Any) -> Tensor:
        """The loss of the mixture on a batch, a scalar."""

    @abstractmethod
    def validate(self) -> dict[str, float]:
        """The mean metrics on the validation data, all options mixed."""

    @abstractmethod
    def score(self, measured: Mapping[str, float]) -> float:
        """The metric by which epochs are compared."""

    def keep(self, problem: Problem) -> None:  # noqa: B027 (not every supernet can be used later)
        """Write the best supernet to the run's folder."""

    def epoch(self, number: int) -> float:
        """Take the steps of epoch `number`, from 0; returns the mean loss of the weight steps."""
        settings = self.settings
        first, last = number * settings.steps, (number + 1) * settings.steps
        searching = number >= settings.warmup
        self.module.train()
        losses, total = self.losses, 0.0
        losses.resume(first, [])
        with freed_memory_reused(), own_stream(self.device), self._batches() as batches:
            for_weights, for_architecture = batches
            for step in range(first, last):
                self._prepare(step)
                batch = for_weights(step)
                if searching:
                    self._architecture_step(batch, for_architecture(step))
                seen = losses.add(step + 1, self._step_on_weights(*batch))
                if step + 1 == last:
                    seen = seen + losses.look()
                for [value] in seen:
                    total += value
                if seen:
                    report(losses.seen - first, settings.steps, loss=losses.last[0])
        return total / settings.steps

    def tune(self, first: int, steps: int) -> None:
        """Weight steps alone, counted from `first`."""
        if not steps:
            return
        self.module.train()
        with self._tuning_batches() as batches:
            for step in range(first, first + steps):
                seed_torch(derived_seed(self.seed, "tuning", step), self.device)
                self._weight_step(*batches(step))  # its mixture changes: it is not captured

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Everything that the next steps depend on: tensors, and JSON values."""
        tensors = {f"supernet.{k}": v for k, v in self.module.state_dict().items()}
        tensors |= {f"descent.{k}": v for k, v in optimizer_state(self.descent).items()}
        tensors |= {f"ascent.{k}": v for k, v in optimizer_state(self.ascent).items()}
        return tensors, {"best": list(self.best) if self.best else None}

    def load(self, tensors: dict[str, Tensor], values: dict[str, Any]) -> None:
        """Restore a state."""
        self.module.load_state_dict(under(tensors, "supernet."))
        load_optimizer_state(self.descent, under(tensors, "descent."))
        load_optimizer_state(self.ascent, under(tensors, "ascent."))
        self.best = tuple(values["best"]) if values["best"] else None

    def _prepare(self, step: int) -> None:
        """Seed the step; set its learning rate and temperature."""
        settings = self.settings
        seed_torch(derived_seed(self.seed, "step", step), self.device)
        steps = settings.epochs * settings.steps
        set_learning_rate(self.descent, self._rate(step))
        if settings.paths == "one":
            share = step / max(1, steps - 1)
            self.supernet.relaxation = OnePath(
                settings.temperature + share * (settings.temperature_end - settings.temperature)
            )

    def _weight_step(self, *batch: Any) -> Tensor:
        """Change the weights by their gradient; the loss before."""
        with _constant(self.architecture):
            value = self._loss_of(*batch)
            self.descent.zero_grad(set_to_none=True)
            value.backward()
        if self.settings.clip:
            torch.nn.utils.clip_grad_norm_(self.weights, self.settings.clip)
        self.descent.step()
        return value.detach()

    def _architecture_step(self, for_weights: Sequence[Any], for_architecture: Any) -> None:
        """Change the architecture parameters by their gradient."""
        if self.settings.order == 1:
            self._step_on_architecture(*for_architecture)
            return
        gradients = self._second_order_gradients(for_weights, for_architecture)
        for parameter, gradient in zip(self.architecture, gradients, strict=True):
            parameter.grad = gradient
        self.ascent.step()

    def _first_order_step(self, *batch: Any) -> Tensor:
        self.ascent.zero_grad(set_to_none=True)
        with _constant(self.weights):
            value = self._architecture_loss(*batch)
            value.backward()
        self.ascent.step()
        return value.detach()

    def _second_order_gradients(
        self, for_weights: Sequence[Any], for_architecture: Sequence[Any]
    ) -> list[Tensor]:
        """The architecture's gradient after one weight step (DARTS, equations 7 and 8)."""
        rate = self.descent.param_groups[0]["lr"]
        before = [w.detach().clone() for w in self.weights]
        generator = torch.get_rng_state()
        gradients = self._gradients(self._loss_of(*for_weights), self.weights)
        with torch.no_grad():
            for w, g in zip(self.weights, gradients, strict=True):
                w.sub_(rate * (g + self.decay * w + self._momentum(w)))
        both = [*self.architecture, *self.weights]
        ahead = self._gradients(self._architecture_loss(*for_architecture), both)
        direct, direction = ahead[: len(self.architecture)], ahead[len(self.architecture) :]
        norm = torch.sqrt(sum((d.square().sum() for d in direction), torch.zeros(())).double())
        reach = FINITE_DIFFERENCE / max(norm.item(), 1e-12)
        sides = []
        for sign in (1, -1):
            with torch.no_grad():
                for w, b, d in zip(self.weights, before, direction, strict=True):
                    w.copy_(b + sign * reach * d)
            torch.set_rng_state(generator)  # the same paths on both sides
            sides.append(self._gradients(self._loss_of(*for_weights), self.architecture))
        with torch.no_grad():
            for w, b in zip(self.weights, before, strict=True):
                w.copy_(b)
        return [
            g - rate * (plus - minus) / (2 * reach)
            for g, plus, minus in zip(direct, *sides, strict=True)
        ]

    def _momentum(self, weight: Tensor) -> Tensor | float:
        """What the momentum of the optimizer adds to the next step of a weight."""
        held = self.descent.state.get(weight, {}).get("momentum_buffer")
        return 0.0 if held is None else self.settings.momentum * held

    def _architecture_loss(self, *batch: Any) -> Tensor:
        """The restoration loss with CLEARER's penalties (equation 2)."""
        penalty = self.supernet.penalty(self.settings.entropy, self.settings.complexity)
        return self._loss_of(*batch) + penalty

    @staticmethod
    def _gradients(value: Tensor, of: Sequence[Tensor]) -> list[Tensor]:
        found = torch.autograd.grad(value, of, allow_unused=True)
        return [torch.zeros_like(p) if g is None else g for p, g in zip(of, found, strict=True)]


@contextmanager
def _constant(parameters: Sequence[Tensor]) -> Iterator[None]:
    """Compute no gradient for `parameters`."""
    for parameter in parameters:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in parameters:
            parameter.requires_grad_(True)
