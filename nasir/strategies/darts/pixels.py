"""A search by gradient for a deep image prior, on degraded pictures alone.

Each picture has a supernet of its own, which maps a fixed random input to it (Deep Image Prior,
Ulyanov et al. 2018, equation 2); all have the same architecture parameters. As DARTS divides its
training set, the observed pixels of each picture are divided: the weights are fitted to most,
the architecture minimises the loss on others, and a third part chooses the best epoch. No ground
truth is used.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import attrs
import numpy as np
import torch
from torch import Tensor, nn

from nasir.core.errors import PictureError
from nasir.core.evaluator import Problem, means
from nasir.core.search_space import Signature
from nasir.core.seeds import derived_seed
from nasir.core.supernet import Supernet, softmax
from nasir.core.task import Sample
from nasir.core.trial import FULL
from nasir.fitting.descent import DescentSettings
from nasir.fitting.dip import DeepImagePrior
from nasir.fitting.method import FittingMethod
from nasir.strategies.darts.bilevel import Batches, Bilevel
from nasir.training.optimizers import optimizer

ARCH_LR = 0.03
"""The usual learning rate of the architecture, for hundreds of steps, not thousands."""

Parts = tuple[Sample, Sample, Sample]
"""A picture with the pixels for the weights, for the architecture, and for validation."""


class OnPixels(Bilevel):
    """A supernet for each picture, and pixels of it for weights, architecture and validation.

    The weights take the steps of the problem's fitting method, or else of ``dip``: by Adam.
    """

    usual_arch_lr = ARCH_LR
    score_by = "heldout_psnr"

    def _make(self, problem: Problem) -> None:
        self.prior = _descent(problem)
        self.decay = self.prior.weight_decay
        self.parts = [
            tuple(part.to(self.device) for part in parts)
            for parts in divided_pixels(problem, self.settings.held_out)
        ]
        self.supernets: list[Supernet] = []
        channels = problem.space.input_channels
        signature = Signature(channels, problem.task.signature.out_channels)

        def made(signature: Signature) -> Supernet:
            supernet = problem.space.supernet(signature, self.settings.partial).to(self.device)
            if self.supernets:
                _tie(supernet, self.supernets[0])
            self.supernets.append(supernet)
            return supernet

        networks, self.inputs = [], []
        for seen, _, sample in self.parts:
            networks.append(problem.task.assemble(made, signature).to(self.device))
            problem.task.hint(networks[-1], seen)
            size = problem.task.unrestored(sample).shape[-2:]
            x = torch.rand(1, problem.task.networks * channels, *size) * self.prior.input_scale
            self.inputs.append(x.to(self.device))
        self.module = self.networks = nn.ModuleList(networks)
        self.supernet = self.supernets[0]

    def _descent(self) -> torch.optim.Optimizer:
        return optimizer(
            "adam", self.weights, self._rate(0), decay=self.decay, capturable=self.captured
        )

    def _rate(self, step: int) -> float:
        return self.settings.lr or self.prior.lr

    @contextmanager
    def _batches(self) -> Iterator[tuple[Batches, Batches]]:
        yield lambda step: self._part(0), lambda step: self._part(1)

    @contextmanager
    def _tuning_batches(self) -> Iterator[Batches]:
        yield lambda step: self._part(0)

    def _part(self, which: int) -> list[Sample]:
        return [parts[which] for parts in self.parts]

    def _loss_of(self, *batch: Sample) -> Tensor:
        """The mean over the pictures of the task's loss, with new noise on the inputs."""
        self._copy_mixture()
        noise = self.prior.input_noise
        losses = [
            self.task.loss(network(x + noise * torch.randn_like(x)), sample)
            for network, x, sample in zip(self.networks, self.inputs, batch, strict=True)
        ]
        return torch.stack(losses).mean()

    def validate(self) -> dict[str, float]:
        """Mean PSNR on the validation pixels; metrics of whole pictures with ground truth.

        The latter are only reported.
        """
        self.supernet.relaxation = softmax
        self._copy_mixture()
        rows: list[dict[str, float]] = []
        for network, x, sample in zip(self.networks, self.inputs, self._part(2), strict=True):
            with torch.no_grad():
                output = network(x)
                value = self.task.loss(output, sample).item()
                figures = self.task.metrics(self.task.restored(output, sample), sample)
            heldout = -10 * math.log10(value) if value > 0 else math.inf
            rows.append({**figures, "heldout_psnr": heldout})
        return means(rows)

    def score(self, measured: Mapping[str, float]) -> float:
        return measured[self.score_by]

    def _copy_mixture(self) -> None:
        """Give all supernets the mixture of the first."""
        for supernet in self.supernets[1:]:
            supernet.relaxation, supernet.closed = self.supernet.relaxation, self.supernet.closed


def _fitting_method(problem: Problem) -> FittingMethod:
    """The fitting method that evaluates the found architecture, or ``dip`` where none does."""
    evaluator = problem.evaluators.get(FULL)
    return evaluator if isinstance(evaluator, FittingMethod) else DeepImagePrior()


def _descent(problem: Problem) -> DescentSettings:
    """How that method descends, or ``dip`` where it does not."""
    return _fitting_method(problem).descent or DeepImagePrior().descent


def divided_pixels(problem: Problem, share: float) -> list[Parts]:
    """Each picture of the problem three times, with disjoint masks of its observed pixels.

    The share `share` of them is kept out of the fit, half for the architecture and half for
    validation. Raises :class:`~nasir.core.errors.PictureError` if a part would be empty.
    """
    task, side = problem.task, _fitting_method(problem).side
    samples = [task.shrunk(s, side) if side else s for s in task.samples(problem.split)]
    return [_divided(sample, share, problem.seed) for sample in samples]


def _divided(sample: Sample, share: float, seed: int) -> Parts:
    size = sample.degraded.shape[-2:]
    generator = np.random.default_rng(derived_seed(seed, "pixels", sample.name))
    drawn = torch.from_numpy(generator.random(size))[None, None]
    observed = torch.ones(1, 1, *size) if sample.mask is None else sample.mask
    where = drawn >= share, (drawn < share / 2), (drawn < share) & (drawn >= share / 2)
    fitted, descended, validated = (observed * part.to(observed) for part in where)
    if not (fitted.any() and descended.any() and validated.any()):
        raise PictureError(
            f"{sample.name} has too few observed pixels to keep {share} of them out: take a larger "
            "picture, or another strategy.held_out"
        )
    return (
        attrs.evolve(sample, mask=fitted),
        attrs.evolve(sample, mask=descended),
        attrs.evolve(sample, mask=validated),
    )


def _tie(supernet: Supernet, first: Supernet) -> None:
    """Give `supernet` the architecture parameters of `first`: the same tensors, not copies."""
    shared = {id(own): first.logits()[name] for name, own in supernet.logits().items()}
    for module in supernet.modules():
        for name, parameter in module.named_parameters(recurse=False):
            if id(parameter) in shared:
                setattr(module, name, shared[id(parameter)])
