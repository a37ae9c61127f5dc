"""Training two generators against two discriminators (CycleGAN, Zhu et al., ICCV 2017)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import attrs
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nasir.core.errors import EvaluationError
from nasir.core.progress import report
from nasir.core.seeds import derived_seed
from nasir.evaluators.cyclegan.discriminator import ReplayPool, patch_gan
from nasir.training.optimizers import without_dynamo

BETAS = (0.5, 0.999)
REPORT_EVERY = 5


@attrs.frozen
class AdversarialSettings:
    """Of the training: learning rate, pictures a step, replay pool, discriminators, loss weights.

    `pool` is the number of made pictures that a discriminator may see again. `lambda_identity` is
    a share of `lambda_cycle`.
    """

    lr: float
    batch: int
    pool: int
    discriminator_width: int
    lambda_cycle: float
    lambda_identity: float


def train(
    how: AdversarialSettings,
    generators: Mapping[str, nn.Module],
    domains: tuple[Tensor, Tensor],
    steps: int,
    seed: int,
) -> None:
    """Train the generators ``AtoB`` and ``BtoA`` where they are, on pictures of A and of B.

    `domains` are ``(n, 3, S, S)`` in [0, 1], on the generators' device. Discriminators are drawn
    from torch's global generator, all else from `seed`. Raises :class:`EvaluationError` where a
    loss is not finite.
    """
    a, b = (_Domain(how, x, steps, derived_seed(seed, i)) for i, x in enumerate(domains))
    weights = [p for network in generators.values() for p in network.parameters()]
    optimizer, schedule = _adam(weights, how.lr, steps)
    for step in range(1, steps + 1):
        real_a, real_b = a.batch(), b.batch()
        made = Made.of(generators, real_a, real_b)
        adversarial = least_squares(a.discriminate(made.a), 1) + least_squares(
            b.discriminate(made.b), 1
        )
        cycle = how.lambda_cycle * made.cycle_loss
        loss = adversarial + cycle + how.lambda_identity * how.lambda_cycle * made.identity_loss
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        schedule.step()
        discriminators = a.learn(real_a, made.a.detach()) + b.learn(real_b, made.b.detach())
        _check(step, generators=loss.item(), discriminators=discriminators.item())
        if step % REPORT_EVERY == 0 or step == steps:
            report(step, steps, cycle_loss=made.cycle_loss.item())


@attrs.frozen(eq=False)
class Made:
    """What the generators make of a batch of each domain, and how far that is from it.

    `a` and `b` are made pictures of the domains A and B. The losses are mean absolute differences
    of pictures in [-1, 1], as the paper's networks have them, summed over both directions.
    """

    a: Tensor
    b: Tensor
    cycle_loss: Tensor
    identity_loss: Tensor

    @classmethod
    def of(cls, generators: Mapping[str, nn.Module], a: Tensor, b: Tensor) -> Made:
        """G and F of equations 1 and 2, and of the identity loss in section 5.2."""
        to_b, to_a = generators["AtoB"], generators["BtoA"]
        made_a, made_b = to_a(b), to_b(a)
        cycle = _difference(to_a(made_b), a) + _difference(to_b(made_a), b)
        identity = _difference(to_a(a), a) + _difference(to_b(b), b)
        return cls(made_a, made_b, cycle, identity)


def least_squares(scores: Tensor, target: float) -> Tensor:
    """The adversarial loss (Mao et al. 2017): E[(D(x) - target)^2]."""
    return (scores - target).square().mean()


class _Domain:
    """The real pictures of a domain, and the discriminator that knows them from made ones."""

    def __init__(self, how: AdversarialSettings, pictures: Tensor, steps: int, seed: int) -> None:
        self.pictures, self.size = pictures, how.batch
        self.random = np.random.default_rng(seed)
        self.waiting: list[int] = []
        self.pool = ReplayPool(how.pool, self.random)
        side = pictures.shape[-1]
        self.discriminator = patch_gan(how.discriminator_width, side).to(pictures.device)
        self.optimizer, self.schedule = _adam(self.discriminator.parameters(), how.lr, steps)

    def batch(self) -> Tensor:
        """The next pictures of a random order, each mirrored or not."""
        while len(self.waiting) < self.size:
            self.waiting += self.random.permutation(len(self.pictures)).tolist()
        chosen, self.waiting = self.waiting[: self.size], self.waiting[self.size :]
        mirrored = self.random.random(self.size) < 0.5
        pictures = zip(self.pictures[chosen], mirrored, strict=True)
        return torch.stack([x.flip(-1) if flip else x for x, flip in pictures])

    def discriminate(self, pictures: Tensor) -> Tensor:
        scores: Tensor = self.discriminator(2 * pictures - 1)
        return scores

    def learn(self, real: Tensor, made: Tensor) -> Tensor:
        """A step of the discriminator, with half the loss so that it is the slower to learn."""
        shown = self.pool.swapped(made)
        loss = least_squares(self.discriminate(real), 1) + least_squares(
            self.discriminate(shown), 0
        )
        self.optimizer.zero_grad(set_to_none=True)
        (loss / 2).backward()
        self.optimizer.step()
        self.schedule.step()
        return loss.detach()


def _difference(x: Tensor, y: Tensor) -> Tensor:
    """The mean absolute difference of pictures in [0, 1], were they in [-1, 1]."""
    return 2 * F.l1_loss(x, y)


def _adam(
    parameters: Iterable[nn.Parameter], lr: float, steps: int
) -> tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.LambdaLR]:
    """Adam with a learning rate that falls to zero, linearly, over the second half."""
    optimizer = without_dynamo(torch.optim.Adam)(parameters, lr=lr, betas=BETAS)
    half = steps / 2

    def share(done: int) -> float:
        return 1 - max(0.0, done - half) / max(half, 1)

    return optimizer, torch.optim.lr_scheduler.LambdaLR(optimizer, share)


def _check(step: int, **losses: float) -> None:
    for whose, value in losses.items():
        if not math.isfinite(value):
            raise EvaluationError(
                f"the loss of the {whose} is {value} at step {step}: a lower evaluator.lr may help"
            )
