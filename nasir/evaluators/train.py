"""Evaluate an architecture by training it on pairs of degraded and clean patches."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
from attrs import validators as must

from nasir.core.component import setting
from nasir.core.evaluator import Evaluation, Evaluator, Problem, means
from nasir.core.progress import report
from nasir.core.seeds import derived_seed
from nasir.core.task import Patches, Sample, Task
from nasir.core.trial import Proposal
from nasir.settings.building import settings_of_component
from nasir.training import optimizers, schedules
from nasir.training.checkpoint import unfinished
from nasir.training.checks import check_output_shape, check_sides, check_training
from nasir.training.device import ALWAYS, AUTO, WHEN, usable
from nasir.training.division import validation_and_training
from nasir.training.evaluator import TrainingEvaluator, TrainingRequest
from nasir.training.hyperparameters import PRECISIONS, Hyperparameters, two_shares
from nasir.training.losses import is_loss
from nasir.training.picture_size import check_size
from nasir.training.restored import (
    by_picture,
    degraded_means,
    metric_names,
    network_weights,
    restored_pictures,
)
from nasir.training.weights import find_weights, fresh_network, load_weights, name_or_path

if TYPE_CHECKING:
    from torch import Tensor, nn

OWN, FULL_TRAINING = "own", "full"


@attrs.define
class Train(TrainingEvaluator):
    """Trains the network on patches and scores what it restores of whole pictures by PSNR.

    Split ``search`` trains on a part of the training pictures and is evaluated on the others, the
    same in every trial; ``test`` trains on all of them and is evaluated on the test pictures. The
    score is the mean PSNR in dB, and minus the training loss where there is no ground truth.

    A fidelity below 1 is a shorter training. With ``schedule_of = "own"`` it has a
    whole schedule of the learning rate, because a network stopped at a large rate predicts little;
    a promoted training begins anew. With ``"full"`` it is the full training, stopped early: a
    promoted one continues from the checkpoint of the run, with the same bits as without it.
    """

    restoring_settings = frozenset(("device", "ensemble"))

    iterations: int = setting(200, "steps of a full training, >= 1", must.ge(1))
    batch: int = setting(4, "patches in a step, >= 1", must.ge(1))
    patch: int = setting(32, "side of a degraded patch in pixels, >= 1", must.ge(1))
    loss: str = setting(
        "mse",
        "mse, l1, log_ssim (>= 11 pixels), or a weighted sum such as mse+0.6*log_ssim",
        is_loss,
    )
    mean_terms: bool = setting(
        False, "whether the loss is divided by its number of terms, as HiNAS's program does"
    )
    optimizer: str = setting("adam", "sgd, adam or adamw", must.in_(optimizers.KINDS))
    lr: float = setting(1e-3, "first learning rate, > 0", must.gt(0))
    lr_end: float = setting(0.0, "learning rate of the end, >= 0", must.ge(0))
    schedule: str = setting(
        "cosine", "how the rate goes: constant, cosine or polynomial", must.in_(schedules.KINDS)
    )
    schedule_of: str = setting(
        OWN,
        "whose rates a fidelity below 1 has: its own down to lr_end, or the full training's so far",
        must.in_((OWN, FULL_TRAINING)),
    )
    power: float = setting(0.9, "exponent of the polynomial schedule, > 0", must.gt(0))
    momentum: float = setting(0.9, "momentum of sgd, in [0, 1)", [must.ge(0), must.lt(1)])
    decay: float = setting(0.0, "weight decay, >= 0", must.ge(0))
    betas: tuple[float, float] = setting(
        (0.9, 0.999), "the weights of the past in adam and adamw, each in [0, 1)", two_shares
    )
    clip: float = setting(0.0, "gradient values are clipped to [-this, this]; 0: never", must.ge(0))
    ema: float = setting(
        0.0,
        "weight of the past in the average of weights to evaluate, in [0, 1); 0: the last ones",
        [must.ge(0), must.lt(1)],
    )
    validation: float = setting(
        0.02, "share of pictures to evaluate a search on, in (0, 1)", [must.gt(0), must.lt(1)]
    )
    crop: int = setting(
        128, "evaluate a search on the middle of so many pixels a side; 0: whole", must.ge(0)
    )
    tile: int = setting(
        0, "restore in adjacent patches of so many pixels; 0: whole pictures", must.ge(0)
    )
    ensemble: bool = setting(False, "whether to restore the mean over 8 flips and rotations")
    weights: str | None = setting(
        None,
        "trained weights to evaluate, a safetensors file, the folder of a training or a network's "
        "name; none: train",
        converter=name_or_path,
        files=lambda given: [find_weights(given)],
    )
    start: str | None = setting(
        None,
        "trained weights that a training starts from, given as those to evaluate; none: fresh ones",
        converter=name_or_path,
        files=lambda given: [find_weights(given)],
    )
    precision: str = setting(
        "auto",
        "of the forward pass: float32, bfloat16, float16, or auto: bfloat16 on a GPU",
        must.in_(PRECISIONS),
    )
    warm_up: int = setting(0, "steps in which the learning rate rises from 0, >= 0", must.ge(0))
    resident: str = setting(
        "auto",
        "whether the pictures are held on the device and batches are made there: always, never, or "
        "auto: on a GPU",
        must.in_(WHEN),
    )
    versions: int = setting(
        8,
        "degraded versions of each picture that are held, >= 1, where a degradation cannot be "
        "drawn for each patch on the device",
        must.ge(1),
    )
    capture: str = setting(
        "auto",
        "whether steps are captured as a CUDA graph: always, never, or auto: where they can be",
        must.in_(WHEN),
    )
    compile: bool = setting(
        False, "whether torch.compile makes the network's kernels first, in up to minutes"
    )
    device: str = setting("auto", "cpu, cuda, or auto: a GPU where there is one")
    checkpoint_every: float = setting(
        60.0, "seconds between states that a killed training goes on from, > 0", must.gt(0)
    )

    @classmethod
    def settings_for(cls, use: str) -> Mapping[str, Any]:
        """A training for good is measured on whole pictures, as it is evaluated in the end."""
        return {"crop": 0} if use == "train" else {}

    def check(self, problem: Problem) -> None:
        device = usable(self.device)
        if self.weights is None:
            self.hyperparameters(1.0).captures(device)
        for given in (self.weights, self.start):
            if given is not None:
                find_weights(given)
        if self.weights is None or problem.split == "search":
            learnt_from = [self._learnt_from(problem)]
            check_training(problem, self.patch, self.loss, learnt_from, room="evaluator")
        for sample in [*self._samples(problem), *problem.task.samples("test")]:
            check_size(sample, problem)
        check_sides(problem, tile=self.tile, patch=0 if self.weights else self.patch)
        check_output_shape(problem, self.patch)

    def metric_names(self, problem: Problem) -> Collection[str]:
        return metric_names(self._samples(problem), problem.task) | {"train_loss"}

    def evaluate(self, proposal: Proposal, problem: Problem, seed: int) -> Evaluation:
        promoted = self.schedule_of == FULL_TRAINING
        with unfinished(problem, proposal, seed, promoted) as checkpoint:
            network, losses = self._trained(proposal, problem, seed, checkpoint)
            samples = self._samples(problem)
            results = [(s, self.restore(network, s, problem.task)) for s in samples]
        costs = self._costs(network, problem) if problem.timed else {}
        pictures = by_picture(results, problem.task)
        figures = means(pictures.values())
        figures["parameters"] = sum(p.numel() for p in network.parameters())
        figures["steps"] = len(losses)
        last = losses[-max(1, len(losses) // 10) :]
        if last:
            figures["train_loss"] = sum(last) / len(last)
        if problem.split == "test":
            figures |= degraded_means([sample for sample, _ in results], problem.task)
        score = figures.get("psnr", -figures.get("train_loss", 0.0))
        if not problem.artifacts:
            return Evaluation(score, figures, pictures, costs=costs)
        restored, weights = restored_pictures(results), network_weights(network)
        return Evaluation(score, figures, pictures, {}, restored, weights, costs)

    def smaller(self) -> Evaluator | None:
        """With half the batch, or on the CPU: at once where nothing is trained in batches."""
        return Evaluator.smaller(self) if self.weights is None else self.on_cpu()

    @property
    def full_steps(self) -> int:
        return self.iterations

    @property
    def has_weights(self) -> bool:
        return self.weights is not None

    def with_weights(self, path: Path) -> Train:
        return attrs.evolve(self, weights=str(path))

    def train(self, network: nn.Module, patches: Patches, request: TrainingRequest) -> nn.Module:
        from nasir.training.trainer import train

        if self.start is not None:
            load_weights(network, self.start)
        trained = train(
            network,
            patches,
            self.hyperparameters(1.0),
            request.seed,
            usable(self.device),
            request.checkpoint,
            request.on_step,
            about=request.identity,
        )
        return trained.final()

    def restore(self, network: nn.Module, sample: Sample, task: Task) -> Tensor:
        from nasir.training.restoring import restore

        network = network.to(usable(self.device))
        return restore(network, sample, task, self.tile, self.ensemble)

    def validation_samples(self, patches: Patches) -> Sequence[Sample]:
        from nasir.training.validation import validation_samples

        return validation_samples(patches, self.crop)

    def hyperparameters(self, fidelity: float) -> Hyperparameters:
        """The training at a fidelity, in (0, 1]; one with the full schedule may be left early."""
        numbers = {field.name: getattr(self, field.name) for field in attrs.fields(Hyperparameters)}
        on_gpu = usable(self.device) != "cpu"
        numbers["resident"] = self.resident == ALWAYS or (self.resident == AUTO and on_gpu)
        if self.schedule_of == OWN:
            numbers["iterations"] = self.steps(fidelity)
        return Hyperparameters(**numbers)

    def steps(self, fidelity: float) -> int:
        """How many steps a training of a fidelity in (0, 1] does."""
        return max(1, round(self.iterations * fidelity))

    def _trained(
        self, proposal: Proposal, problem: Problem, seed: int, checkpoint: Path | None
    ) -> tuple[nn.Module, list[float]]:
        """The network with its weights, and the losses of its training."""
        device = usable(self.device)
        network = fresh_network(proposal.architecture, problem, seed)
        if self.weights is not None:
            load_weights(network, self.weights)
            return network.to(device), []
        if self.start is not None:
            load_weights(network, self.start)
        from nasir.training.trainer import train

        steps = self.steps(proposal.fidelity)
        trained = train(
            network,
            self._learnt_from(problem),
            self.hyperparameters(proposal.fidelity),
            derived_seed(seed, "training"),
            device,
            checkpoint,
            lambda step, loss: report(step, steps, loss=loss),
            about=_description(proposal, problem) + (f" from {self.start}" if self.start else ""),
            steps=steps,
        )
        return trained.final(), trained.losses

    def _costs(self, network: nn.Module, problem: Problem) -> dict[str, dict[str, float]]:
        """What restoring each picture takes of the network, once it is warm."""
        from nasir.training.timing import cost_of

        restore, device = partial(self.restore, network, task=problem.task), usable(self.device)
        return {s.name: cost_of(partial(restore, s), device) for s in self._samples(problem)}

    def _parts(self, problem: Problem) -> tuple[Patches, Patches]:
        """The training pictures that a search is evaluated on, and those that it learns from."""
        return validation_and_training(problem.task, self.validation, problem.seed)

    def _learnt_from(self, problem: Problem) -> Patches:
        return self._parts(problem)[1] if problem.split == "search" else problem.task.patches()

    def _samples(self, problem: Problem) -> Sequence[Sample]:
        if problem.split == "test":
            return problem.task.samples("test")
        return self.validation_samples(self._parts(problem)[0])


def _description(proposal: Proposal, problem: Problem) -> str:
    """What the weights follow from besides hyperparameters, seed and pictures, in words."""
    parts = [settings_of_component(part) for part in (problem.space, problem.task)]
    return f"{proposal.architecture.json} {problem.split} {parts}"
