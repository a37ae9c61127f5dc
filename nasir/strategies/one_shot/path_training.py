"""The weights of a supernet, trained by one path a step."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from nasir.core.architecture import Architecture
from nasir.core.errors import EvaluationError
from nasir.core.evaluator import Problem
from nasir.core.progress import report
from nasir.core.seeds import derived_seed
from nasir.strategies.one_shot.settings import OneShotSettings
from nasir.training.checkpoint import under
from nasir.training.division import validation_and_training
from nasir.training.feed import Feed
from nasir.training.losses import loss
from nasir.training.memory import freed_memory_reused
from nasir.training.optimizers import (
    load_optimizer_state,
    optimizer,
    optimizer_state,
    set_learning_rate,
)
from nasir.training.randomness import seed_torch
from nasir.training.schedules import learning_rate

SUPERNET, DESCENT = "supernet.", "descent."


class PathTraining:
    """The state of a training by paths, and its steps.

    A step depends only on this state, the problem's seed, the step's number and its path. The
    validation pictures of the evaluator of paths are not used.
    """

    def __init__(self, settings: OneShotSettings, problem: Problem, device: str) -> None:
        self.settings, self.device, self.seed = settings, device, problem.seed
        seed_torch(derived_seed(problem.seed, "supernet"), device)
        self.supernet = problem.space.supernet(problem.task.signature).to(device)
        for parameter in self.supernet.architecture_parameters():
            parameter.requires_grad_(False)
        self.weights = list(self.supernet.weight_parameters())
        self.loss = loss(settings.loss)
        self.descent = optimizer(
            "sgd", self.weights, settings.lr, settings.momentum, settings.decay
        )
        _, self.patches = validation_and_training(problem.task, settings.validation, problem.seed)

    def epoch(self, number: int, paths: Sequence[Architecture]) -> float:
        """Epoch `number`, from 0: a step on each of `paths`; returns the steps' mean loss."""
        settings, total = self.settings, 0.0
        self.supernet.train()
        seed = derived_seed(self.seed, "weight patches")
        with (
            freed_memory_reused(),
            Feed(self.patches, seed, settings.batch, settings.patch) as feed,
        ):
            for done, path in enumerate(paths):
                step = number * settings.steps + done
                degraded, clean = feed.batch(step)
                value = self.step(step, path, degraded.to(self.device), clean.to(self.device))
                if not math.isfinite(value):
                    raise EvaluationError(
                        f"the supernet's loss is {value} at step {step + 1}: a lower strategy.lr "
                        "may help"
                    )
                total += value
                report(done + 1, len(paths), loss=value)
        return total / len(paths)

    def step(self, number: int, path: Architecture, degraded: Tensor, clean: Tensor) -> float:
        """Take a step on the loss of one path; returns the loss. Other weights do not change."""
        settings = self.settings
        seed_torch(derived_seed(self.seed, "step", number), self.device)
        rate = learning_rate(
            "cosine", number, settings.epochs * settings.steps, settings.lr, settings.lr_end
        )
        set_learning_rate(self.descent, rate)
        self.descent.zero_grad(set_to_none=True)
        value = self.loss(self.supernet(degraded, path), clean)
        if value.requires_grad:  # it has none if the path has no weights
            value.backward()
        trained = _trained(self.weights)
        if settings.clip:
            torch.nn.utils.clip_grad_norm_(trained, settings.clip)
        self.descent.step()
        return float(value.item())

    def state(self) -> dict[str, Tensor]:
        """Everything that the next steps depend on."""
        tensors = {SUPERNET + k: v for k, v in self.supernet.state_dict().items()}
        return tensors | {DESCENT + k: v for k, v in optimizer_state(self.descent).items()}

    def load(self, tensors: dict[str, Tensor]) -> None:
        """Restore a state."""
        self.supernet.load_state_dict(under(tensors, SUPERNET))
        load_optimizer_state(self.descent, under(tensors, DESCENT))


def _trained(weights: Sequence[nn.Parameter]) -> list[nn.Parameter]:
    """The weights with a gradient; a gradient of zeros, as off a path, is removed.

    Momentum and decay would change those weights otherwise.
    """
    reached = [weight for weight in weights if weight.grad is not None]
    if not reached:
        return []
    moved = torch.stack([w.grad.count_nonzero() for w in reached if w.grad is not None]).tolist()
    for weight, nonzero in zip(reached, moved, strict=True):
        if not nonzero:
            weight.grad = None
    return [weight for weight in reached if weight.grad is not None]
