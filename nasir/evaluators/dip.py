"""Judge an architecture as a deep image prior: fit it, untrained, to each picture alone."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import attrs
from attrs import validators as must

from nasir.core.component import setting
from nasir.core.errors import SettingsError
from nasir.core.evaluator import Evaluation, Evaluator, Problem, means
from nasir.core.search_space import Signature
from nasir.core.seeds import derived_seed
from nasir.core.task import Sample, Task
from nasir.core.trial import Proposal
from nasir.evaluators.cyclegan.evaluator import UnpairedTask
from nasir.evaluators.results import (
    metric_names,
    picture_artifacts,
    picture_figures,
    weight_artifacts,
)
from nasir.evaluators.size import check_size
from nasir.training.device import usable

if TYPE_CHECKING:
    from torch import Tensor

    from nasir.fitting.fit import Fit
    from nasir.fitting.stopping import Stopper

AUTOMATIC = ("wmv", "emv", "heldout")
"""The ways to stop each fit by itself."""


@attrs.define
class DeepImagePrior(Evaluator):
    """Fits the network to the degraded picture and scores what it restores by PSNR.

    The network maps a fixed uniform input, perturbed anew at each step, to the picture; its
    outputs are averaged over the steps. The fit sees the degraded picture only. On the search
    split the ground truth gives the reward and, with ``stop = "search"``, the step at which all
    pictures together are restored best (NAS-DIP section 3.1, t*), which the test split then uses.
    The score is the mean PSNR in dB; where there is no ground truth, minus the mean loss.

    With ``reward = "heldout"`` a share of the observed pixels is kept out of each fit of a
    search, and the PSNR on them takes the ground truth's place, in the score and in the stop.

    A fit of fidelity f is the full fit, left after the share f of its steps. A longer fit with the
    same seed goes on from where it was left, by what is kept among the checkpoints of a run, and
    comes to the same bits as without that.
    """

    iterations: int = setting(100, "steps of a full fit, >= 1", must.ge(1))
    lr: float = setting(0.01, "learning rate of Adam, > 0", must.gt(0))
    input_scale: float = setting(0.1, "the fixed input is uniform in [0, this]", must.gt(0))
    input_noise: float = setting(
        1 / 30, "standard deviation of what perturbs the input each step, >= 0", must.ge(0)
    )
    averaging: float = setting(
        0.9, "weight of the past in the average of outputs, in [0, 1)", [must.ge(0), must.lt(1)]
    )
    rollback: float = setting(
        5.0, "dB of PSNR against the degraded picture that make a collapse; 0: never", must.ge(0)
    )
    check_every: int = setting(50, "steps between looks for a collapse, >= 1", must.ge(1))
    stop: str = setting(
        "search",
        "when to stop: where the search pictures are best; at the fixed iterations; or each "
        "picture by itself, by windowed (wmv) or exponential (emv) variance or by heldout pixels",
        must.in_(("search", "fixed", *AUTOMATIC)),
    )
    stops: int = setting(20, "how many stopping points `search` compares, >= 1", must.ge(1))
    curve: int = setting(
        0,
        "points of each fit at which its PSNR is told, as psnr@SHARE:PICTURE; wants "
        "evaluator.stop=fixed, >= 0",
        must.ge(0),
    )
    window: int | None = setting(
        None,
        "outputs in the variance of wmv, >= 2; none: 100, or a tenth of fewer than 1000 iterations",
        must.optional(must.ge(2)),
    )
    forgetting: float = setting(
        0.1, "weight of the newest output in emv, in (0, 1)", [must.gt(0), must.lt(1)]
    )
    patience: int | None = setting(
        None,
        "steps without a new minimum after which wmv, emv and heldout stop, >= 1; none: 1000, or a "
        "third of fewer than 3000 iterations",
        must.optional(must.ge(1)),
    )
    reward: str = setting(
        "psnr",
        "what scores a search: psnr against ground truth, or on heldout pixels without any",
        must.in_(("psnr", "heldout")),
    )
    held_out: float = setting(
        0.1,
        "share of the observed pixels that heldout keeps out of a fit, in (0, 1)",
        [must.gt(0), must.lt(1)],
    )
    side: int = setting(
        0,
        "fit to pictures shrunk until their short side has so many pixels; 0: as they are",
        must.ge(0),
    )
    device: str = setting("auto", "cpu, cuda, or auto: a GPU where there is one")

    def __attrs_post_init__(self) -> None:
        if self.curve and self.stop != "fixed":
            raise SettingsError("evaluator.curve wants evaluator.stop=fixed")

    def signature(self, problem: Problem) -> Signature:
        """Random channels as the space has them go in."""
        return Signature(problem.space.input_channels, problem.task.signature.out_channels)

    def check(self, problem: Problem) -> None:
        if isinstance(problem.task, UnpairedTask):
            raise SettingsError(
                "evaluator dip wants a task on single pictures: take evaluator=cyclegan"
            )
        searched = problem.task.samples(problem.split)
        for sample in [*searched, *problem.task.samples("test")]:
            check_size(self._sized(sample, problem), problem)
        blind = self.reward == "heldout" or problem.split == "test"
        lacking = [sample.name for sample in searched if sample.clean is None]
        if lacking and not blind:
            raise SettingsError(
                f"{lacking[0]} has no ground truth to score a search by: search on clean pictures "
                "and give it as a test picture, or take evaluator.reward=heldout"
            )
        usable(self.device)

    def metric_names(self, problem: Problem) -> Collection[str]:
        own = {"heldout_psnr"} if self._holds_out(problem) else set()
        return metric_names(problem.task.samples(problem.split), problem.task) | own

    def evaluate(self, proposal: Proposal, problem: Problem, seed: int) -> Evaluation:
        from nasir.fitting.fit import cost

        samples = [self._sized(sample, problem) for sample in problem.task.samples(problem.split)]
        looking = problem.split == "search" and self.stop == "search"
        fits = [
            self._fit(proposal, problem, sample, seed, (i, len(samples)))
            for i, sample in enumerate(samples)
        ]
        stop = _best_stop(fits) if looking else -1
        metrics = means([problem.task.metrics(f.at[stop], f.sample) for f in fits])
        figures = {**metrics, **cost(fits[0])}
        if looking:
            figures["stop"] = fits[0].steps[stop] / self.iterations
        if self.stop in AUTOMATIC:
            figures["stopped_at"] = sum(fit.steps[-1] for fit in fits) / len(fits)
            figures["iterations"] = sum(fit.ran for fit in fits) / len(fits)
        if self._holds_out(problem):
            figures["heldout_psnr"] = sum(fit.gauge[stop] for fit in fits) / len(fits)
        if problem.split == "test":
            figures |= picture_figures(_results(fits), problem.task)
        if self.curve:
            figures |= _curves(fits, problem.task, self.iterations)
        score = self._score(figures, problem, sum(fit.loss for fit in fits) / len(fits))
        return Evaluation(score, figures, _artifacts(fits) if problem.artifacts else {})

    def _score(self, figures: Mapping[str, float], problem: Problem, loss: float) -> float:
        if self.reward == "heldout" and problem.split == "search":
            return figures["heldout_psnr"]
        return figures.get("psnr", -loss)

    def _fit(
        self, proposal: Proposal, problem: Problem, sample: Sample, seed: int, turn: tuple[int, int]
    ) -> Fit:
        """Fit a fresh network to one picture, with its own seed."""
        from nasir.fitting.checkpoint import FitCheckpoint
        from nasir.fitting.fit import Course, fit

        architecture, own_seed = proposal.architecture, derived_seed(seed, sample.name)
        automatic, device = self.stop in AUTOMATIC, usable(self.device)
        # what is judged with artifacts is the last of its kind: nobody goes on from it
        promised = proposal.fidelity < 1 and not problem.artifacts
        course = Course(
            steps=max(1, round(self.iterations * proposal.fidelity)),
            marks=[] if automatic else self._marks(proposal.fidelity, problem),
            held_out=self.held_out if self._holds_out(problem) else 0.0,
            stopper=partial(self.stopper, self.iterations) if automatic else None,
            device=device,
            turn=turn,
            checkpoint=FitCheckpoint.of(
                self, architecture, problem, sample, own_seed, device, promised
            ),
        )
        return fit(self, architecture, problem, sample, own_seed, course)

    def _marks(self, fidelity: float, problem: Problem) -> list[int]:
        """When a fit is looked at: whenever a full one would be, and at the end."""
        looks = self.curve or 1
        if problem.split == "search" and self.stop == "search":
            looks = self.stops
        steps = max(1, round(self.iterations * fidelity))
        full = {max(1, round(self.iterations * (i + 1) / looks)) for i in range(looks)}
        return sorted({mark for mark in full if mark < steps} | {steps})

    def stopper(self, steps: int, unseen_loss: Callable[[Tensor], float]) -> Stopper:
        """What stops a fit by itself, where a full one has at most so many steps."""
        from nasir.fitting import stopping

        patience = self.patience or max(1, min(1000, steps // 3))
        if self.stop == "heldout":
            return stopping.HeldOut(unseen_loss, patience)
        if self.stop == "emv":
            return stopping.MovingVariance(self.forgetting, patience)
        window = self.window or max(2, min(100, steps // 10))
        return stopping.WindowedVariance(window, patience)

    def _holds_out(self, problem: Problem) -> bool:
        """Whether pixels are kept out: for the reward of a search, or to stop by."""
        rewarding = self.reward == "heldout" and problem.split == "search"
        return rewarding or self.stop == "heldout"

    def _sized(self, sample: Sample, problem: Problem) -> Sample:
        return problem.task.shrunk(sample, self.side) if self.side else sample


def _best_stop(fits: Sequence[Fit]) -> int:
    """The place among the stopping points where the pictures are best in the mean, or the last."""
    gauges = [sum(p) / len(p) for p in zip(*(f.gauge for f in fits), strict=True)]
    if any(map(math.isnan, gauges)):
        return -1  # the task measures no PSNR
    return max(range(len(gauges)), key=gauges.__getitem__)


def _results(fits: Sequence[Fit]) -> list[tuple[Sample, Tensor]]:
    """What each fit has come to in the end."""
    return [(one.sample, one.at[-1]) for one in fits]


def _curves(fits: Sequence[Fit], task: Task, iterations: int) -> dict[str, float]:
    """The PSNR of each picture at each point that was looked at, by the share of a full fit."""
    figures = {}
    for one in fits:
        for step, picture in zip(one.steps, one.at, strict=True):
            value = task.metrics(picture, one.sample).get("psnr")
            if value is not None:
                figures[f"psnr@{step / iterations:.3g}:{one.sample.name}"] = value
    return figures


def _artifacts(fits: Sequence[Fit]) -> dict[str, Any]:
    """Clean, degraded and restored pictures, and the weights of each fit."""
    artifacts = picture_artifacts(_results(fits))
    for one in fits:
        artifacts |= weight_artifacts(one.network, one.sample.name)
    return artifacts
