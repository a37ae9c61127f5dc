"""A search by gradient on pairs of degraded and clean patches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor

from nasir.core.evaluator import Problem
from nasir.core.seeds import derived_seed
from nasir.core.supernet import softmax
from nasir.core.task import Patches
from nasir.strategies.darts.bilevel import Batches, Bilevel
from nasir.strategies.darts.settings import DartsSettings
from nasir.training.division import divided, validation_and_training
from nasir.training.feed import Feed
from nasir.training.losses import loss
from nasir.training.optimizers import optimizer
from nasir.training.schedules import learning_rate
from nasir.training.supernet_file import save_supernet
from nasir.training.validation import mean_metrics, validation_samples

LR, ARCH_LR = 0.025, 1e-3
"""The usual learning rates of the weights, at the start, and of the architecture (HiNAS)."""

Pair = tuple[Tensor, Tensor]


def divided_patches(settings: DartsSettings, problem: Problem) -> tuple[Patches, Patches, Patches]:
    """The pictures of validation, of the weight steps, and of the architecture steps."""
    share, task = settings.architecture_share, problem.task
    seed = derived_seed(problem.seed, "validation")
    if not share:
        validation, weights = validation_and_training(task, settings.validation, problem.seed)
        return validation, weights, validation
    kept = task.validation_patches()
    if kept is not None:
        weights, architecture = divided(task.patches(), (1 - share, share), seed)
        return kept, weights, architecture
    rest = 1 - settings.validation
    shares = (settings.validation, rest * (1 - share), rest * share)
    validation, weights, architecture = divided(task.patches(), shares, seed)
    return validation, weights, architecture


class OnPatches(Bilevel):
    """One supernet; weights, architecture and validation each have pictures of their own.

    The weights take steps of SGD, at a learning rate that falls by cosine.
    """

    usual_arch_lr = ARCH_LR
    score_by = "psnr"

    def _make(self, problem: Problem) -> None:
        settings = self.settings
        supernet = problem.space.supernet(problem.task.signature, settings.partial)
        self.supernet = self.module = supernet.to(self.device)
        self.loss, self.decay = loss(settings.loss), settings.decay
        parts = divided_patches(settings, problem)
        self.validation, self.for_weights, self.for_architecture = parts

    def _descent(self) -> torch.optim.Optimizer:
        momentum, captured = self.settings.momentum, self.captured
        return optimizer(
            "sgd", self.weights, self._rate(0), momentum, self.decay, capturable=captured
        )

    def _rate(self, step: int) -> float:
        settings = self.settings
        return learning_rate(
            "cosine", step, settings.epochs * settings.steps, settings.lr or LR, settings.lr_end
        )

    @contextmanager
    def _batches(self) -> Iterator[tuple[Batches, Batches]]:
        with (
            self._fed(self.for_weights, "weight patches") as for_weights,
            self._fed(self.for_architecture, "architecture patches") as for_architecture,
        ):
            yield for_weights, for_architecture

    @contextmanager
    def _tuning_batches(self) -> Iterator[Batches]:
        with self._fed(self.for_weights, "tuning patches") as batches:
            yield batches

    @contextmanager
    def _fed(self, patches: Patches, name: str) -> Iterator[Batches]:
        seed = derived_seed(self.seed, name)
        with Feed(patches, seed, self.settings.batch, self.settings.patch) as feed:
            yield lambda step: self._moved(feed.batch(step))

    def _moved(self, pair: Pair) -> Pair:
        return pair[0].to(self.device), pair[1].to(self.device)

    def _loss_of(self, degraded: Tensor, clean: Tensor) -> Tensor:
        return self.loss(self.supernet(degraded), clean)

    def validate(self) -> dict[str, float]:
        """The supernet's mean metrics on the validation pictures, all options mixed."""
        self.supernet.relaxation = softmax
        samples = validation_samples(self.validation, self.settings.crop)
        return mean_metrics(self.supernet, samples, self.task, self.settings.tile)

    def score(self, measured: Mapping[str, float]) -> float:
        if self.settings.criterion == "psnr+ssim":
            return measured["ssim"] + measured["psnr"] / 100
        return measured[self.settings.criterion]

    def keep(self, problem: Problem) -> None:
        """Write the supernet, from which paths can be evaluated."""
        if problem.checkpoints is not None:
            save_supernet(problem.checkpoints, self.supernet, problem, self.settings.partial)
