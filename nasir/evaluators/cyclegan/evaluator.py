"""Evaluate an architecture as the generators of an unpaired translation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import attrs
from attrs import validators as must

from nasir.core.component import setting
from nasir.core.errors import PictureError, SettingsError
from nasir.core.evaluator import Evaluation, Evaluator, Problem, means
from nasir.core.seeds import derived_seed
from nasir.core.task import Sample, Split
from nasir.core.trial import Proposal
from nasir.settings.paths import one_file, whole_path
from nasir.training.device import usable
from nasir.training.restored import by_picture, degraded_means, restored_pictures

if TYPE_CHECKING:
    from torch import Tensor, nn


@runtime_checkable
class UnpairedTask(Protocol):
    """What a task has, besides what all have, to be evaluated by :class:`CycleGan`.

    Its assembled module has two networks by name, ``generators["AtoB"]`` and ``["BtoA"]``.
    """

    direction: str
    """AtoB or BtoA: which one is evaluated."""

    def domains(self, split: Split) -> tuple[list[Tensor], list[Tensor]]:
        """Pictures of A and of B to learn from, ``(1, 3, S, S)`` in [0, 1], all of one size."""

    def unseen(self, split: Split) -> tuple[Sequence[Sample], Sequence[Sample]]:
        """Pictures of A and of B to evaluate on."""


@attrs.define
class CycleGan(Evaluator):
    """Trains two generators of the architecture, A to B and back, and scores what they translate.

    CycleGAN (Zhu et al. 2017) as in NAS-DIP section 4.5: least-squares adversarial losses by
    PatchGANs with a pool of earlier pictures, cycle consistency and identity losses; Adam, whose
    learning rate falls to zero over the second half. The paper has 200 epochs with batches of one
    and instance normalisation; batch normalisation, which spaces may have, wants larger ones.

    The score, on pictures that were not learnt from and in the task's direction, is the mean PSNR
    in dB to the counterparts where the task knows them, else minus the FID where `weights` are
    given, else minus the cycle loss: the mean absolute difference, in [0, 1], of pictures from
    what both generators one after another make of them. That a translation can be undone does not
    say that it looks like the other domain: compare architectures by FID where you can. Split
    ``search`` is scored on training pictures that were kept out, ``test`` after training on all.
    """

    iterations: int = setting(200, "steps of a full training, >= 1", must.ge(1))
    epochs: int = setting(
        0,
        "passes over the larger domain, in place of `iterations`; 0: iterations; the paper has 200",
        must.ge(0),
    )
    batch: int = setting(4, "pictures of each domain in a step, >= 1", must.ge(1))
    lr: float = setting(2e-4, "learning rate of Adam, > 0", must.gt(0))
    lambda_cycle: float = setting(10.0, "weight of the cycle consistency loss, >= 0", must.ge(0))
    lambda_identity: float = setting(
        0.5, "weight of the identity loss, of lambda_cycle, >= 0", must.ge(0)
    )
    pool: int = setting(50, "made pictures that a discriminator may see again, >= 0", must.ge(0))
    discriminator_width: int = setting(
        32, "channels of the discriminators' first layer, >= 1; the paper has 64", must.ge(1)
    )
    score: str = setting(
        "auto",
        "what scores: psnr, fid, cycle, or auto: the first of these that can be had",
        must.in_(("auto", "psnr", "fid", "cycle")),
    )
    weights: str | None = setting(
        None,
        "file of torch-fidelity's Inception weights, for FID (extra nasir[fid]); none: no FID",
        converter=whole_path,
        files=one_file,
    )
    device: str = setting("auto", "cpu, cuda, or auto: a GPU where there is one")

    def check(self, problem: Problem) -> None:
        task = problem.task
        if not isinstance(task, UnpairedTask):
            raise SettingsError(
                f"evaluator cyclegan wants task translate, or another with two domains: "
                f"{type(task).__name__} has none"
            )
        for split in dict.fromkeys((problem.split, "test")):
            self._check_pictures(task, problem, split)
        usable(self.device)
        if self.score == "fid" and self.weights is None:
            raise SettingsError(
                "evaluator.score=fid wants evaluator.weights=FILE, with torch-fidelity's Inception "
                "weights: nothing is downloaded"
            )
        if self.weights is not None:
            from nasir.evaluators.cyclegan.fid import inception

            inception(self.weights)

    def _check_pictures(self, task: UnpairedTask, problem: Problem, split: Split) -> None:
        smallest = problem.space.smallest_side
        unseen = task.unseen(split)
        for sample in (sample for domain in unseen for sample in domain):
            height, width = sample.degraded.shape[-2:]
            if min(height, width) < smallest:
                raise PictureError(
                    f"{sample.name} is {height} x {width} pixels large, the space needs {smallest} "
                    f"x {smallest} at least: take task.size={smallest}, or a lower depth"
                )
        if self.score == "psnr" and any(s.clean is None for s in problem.task.samples(split)):
            raise SettingsError(
                "evaluator.score=psnr wants to know how the pictures look in the other domain, "
                "which nobody does: take fid, with evaluator.weights=FILE, or cycle"
            )
        if self.weights is not None and min(map(len, unseen)) < 2:
            raise PictureError(
                f"FID wants two pictures of each domain at least, and the {split} split has "
                f"{len(unseen[0])} and {len(unseen[1])}: give more, or leave evaluator.weights out"
            )

    def evaluate(self, proposal: Proposal, problem: Problem, seed: int) -> Evaluation:
        from nasir.evaluators.cyclegan.translation import Translation

        task, split = problem.task, problem.split
        assert isinstance(task, UnpairedTask)
        translation = Translation.of(self._trained(proposal, problem, seed), *task.unseen(split))
        pairs = list(
            zip(problem.task.samples(split), translation.made[task.direction], strict=True)
        )
        pictures = by_picture(pairs, task)
        figures = {**means(pictures.values()), **translation.losses()}
        figures["parameters"] = translation.parameters()
        if self.weights is not None:
            figures |= translation.distances(self.weights)
        if split == "test":
            figures |= degraded_means([sample for sample, _ in pairs], task)
        score = self._score(figures, task.direction)
        if not problem.artifacts:
            return Evaluation(score, figures, pictures)
        restored, weights = restored_pictures(pairs), translation.weights()
        return Evaluation(score, figures, pictures, restored=restored, weights=weights)

    def _trained(self, proposal: Proposal, problem: Problem, seed: int) -> Mapping[str, nn.Module]:
        """Two generators, trained on the pictures that those of the split learn from."""
        import torch

        from nasir.evaluators.cyclegan.adversarial import AdversarialSettings, train

        task, device = problem.task, usable(self.device)
        assert isinstance(task, UnpairedTask)
        a, b = (torch.cat(pictures).to(device) for pictures in task.domains(problem.split))
        steps = max(1, round(self.full_steps(max(len(a), len(b))) * proposal.fidelity))
        how = AdversarialSettings(
            *(self.lr, self.batch, self.pool, self.discriminator_width),
            *(self.lambda_cycle, self.lambda_identity),
        )
        with torch.random.fork_rng(devices=[torch.device(device)] if device != "cpu" else []):
            torch.manual_seed(seed)
            build = partial(problem.space.build, proposal.architecture)
            assembled: Any = task.assemble(build, problem.task.signature).to(device)
            train(how, assembled.generators, (a, b), steps, derived_seed(seed, "pictures"))
        generators: Mapping[str, nn.Module] = assembled.generators
        return generators

    def full_steps(self, pictures: int) -> int:
        """The steps of a full training, where the larger domain has so many pictures."""
        return self.epochs * -(-pictures // self.batch) if self.epochs else self.iterations

    def _score(self, figures: Mapping[str, float], direction: str) -> float:
        fid = f"fid_{direction}"
        if self.score in ("auto", "psnr") and "psnr" in figures:
            return figures["psnr"]
        if self.score in ("auto", "fid") and fid in figures:
            return -figures[fid]
        return -figures["cycle_loss"]
