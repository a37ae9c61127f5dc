"""How a network is fitted to one picture."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

import attrs
from attrs import validators as must

from nasir.core.architecture import Architecture
from nasir.core.component import setting
from nasir.core.errors import SettingsError
from nasir.core.evaluator import Evaluation, Evaluator, Problem, means
from nasir.core.search_space import Signature
from nasir.core.task import Sample, Task
from nasir.core.trial import Proposal
from nasir.fitting.fit import Fit, FitLimits, FitRequest, FitsApartError, FittedPicture, PreparedFit
from nasir.fitting.fits import best_stop, curves, fit_pictures, weights
from nasir.training.device import usable
from nasir.training.picture_size import check_size
from nasir.training.restored import (
    by_picture,
    degraded_means,
    metric_names,
    restored_pictures,
)

if TYPE_CHECKING:
    from torch import nn

    from nasir.fitting.descent import DescentSettings


@attrs.define
class FittingMethod(Evaluator):
    """Fits a fresh network to each picture alone, and scores what it restores.

    A subclass gives :meth:`fit`; its fields are further settings. It is an evaluator, and works
    wherever one picture is restored without training data.

    Each picture has a network of its own, with a seed of its own. On the search split the score is
    the mean PSNR in dB against the ground truth, or with ``reward = "heldout"`` on observed pixels
    that were kept out of the fit; where there is neither, it is minus the mean loss.
    """

    stop: str = setting(
        "search",
        "when to stop: where the search pictures are best, or at the end of a fixed fit",
        must.in_(("search", "fixed")),
    )
    stops: int = setting(20, "how many stopping points `search` compares, >= 1", must.ge(1))
    curve: int = setting(
        0,
        "points of the learning curve of each fit, in PSNR; wants evaluator.stop=fixed, >= 0",
        must.ge(0),
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
    deterministic: bool = setting(
        True, "whether a GPU computes the same bits each time, in somewhat slower ways"
    )

    def __attrs_post_init__(self) -> None:
        if self.curve and self.stop != "fixed":
            raise SettingsError("evaluator.curve wants evaluator.stop=fixed")

    @abstractmethod
    def fit(self, network: nn.Module, sample: Sample, task: Task, request: FitRequest) -> Fit:
        """Fit a fresh `network` to `sample`, by ``task.loss``, and return its outputs.

        `network` is in training mode and takes ``request.input_shape``. Network and sample are on
        ``request.device``; the sample has no ground truth, and its mask is 0 at pixels that are
        held out. Random numbers come from torch's global generator, which is seeded for this fit.
        Return an output for each of ``request.marks(steps)``, or the last one alone. Whatever is
        raised makes a failed trial.
        """

    @property
    def fits_together(self) -> bool:
        """Whether :meth:`fit_together` is tried where several pictures are to be fitted."""
        return False

    def fit_together(self, fits: Sequence[PreparedFit], task: Task) -> list[Fit]:
        """As :meth:`fit` for each of several fits of one architecture and input shape, at once.

        Each comes to what it would come to alone, up to roundings, and its network has its weights
        at the end. Raises :class:`~nasir.fitting.fit.FitsApartError` where they must be done one
        after another; what was prepared for them is not used again.
        """
        raise FitsApartError(f"{type(self).__name__} fits one picture after another")

    @property
    def descent(self) -> DescentSettings | None:
        """How it descends from a random input, for a search that fits supernets in the same way.

        None where it does not, as by default.
        """
        return None

    @property
    def stops_by_held_out_pixels(self) -> bool:
        """Whether :meth:`fit` needs held-out pixels to stop by."""
        return False

    @property
    def stops_by_truth(self) -> bool:
        """Whether :meth:`fit` needs the ground truth to stop by."""
        return False

    def at_side(self, side: int) -> FittingMethod:
        return attrs.evolve(self, side=side)

    def signature(self, problem: Problem) -> Signature:
        """Random channels as the space has them go in, at the size of the restored picture."""
        return Signature(problem.space.input_channels, problem.task.signature.out_channels)

    def check(self, problem: Problem) -> None:
        task = problem.task
        if not task.single_pictures:
            raise SettingsError(
                f"{type(self).__name__} fits networks to single pictures, which this task has "
                f"not: take evaluator={task.default_evaluator}"
            )
        searched = task.samples(problem.split)
        for sample in [*searched, *task.samples("test")]:
            check_size(self.sized(sample, task), problem)
        blind = self.reward == "heldout" or problem.split == "test"
        lacking = [sample.name for sample in searched if sample.clean is None]
        if lacking and not blind:
            raise SettingsError(
                f"{lacking[0]} has no ground truth to score a search by: search on clean pictures "
                "and give it as a test picture, or take evaluator.reward=heldout"
            )
        if self.stops_by_truth:
            self._check_truths([*searched, *task.samples("test")])
        usable(self.device)

    def _check_truths(self, samples: Sequence[Sample]) -> None:
        """Refuse pictures whose ground truth a stop would look at and nobody has."""
        blind = next((sample.name for sample in samples if sample.clean is None), None)
        if blind or self.side:
            raise SettingsError(
                f"evaluator.stop={self.stop} needs the ground truth, and "
                f"{blind or 'a shrunk picture'} has none: take evaluator.stop=wmv, or another that "
                "does not"
            )

    def metric_names(self, problem: Problem) -> Collection[str]:
        own = {"heldout_psnr"} if self.holds_out(problem) else set()
        return metric_names(problem.task.samples(problem.split), problem.task) | own

    def evaluate(self, proposal: Proposal, problem: Problem, seed: int) -> Evaluation:
        task, samples = problem.task, problem.task.samples(problem.split)
        fits = fit_pictures(self, proposal, problem, samples, seed)
        searching = problem.split == "search" and self.stop == "search"
        stop = best_stop(fits) if searching else -1
        pictures = by_picture([(one.sample, one.restored[stop]) for one in fits], task)
        figures = {**means(pictures.values()), **fits[0].cost()}
        if any(one.fit.stopped for one in fits):
            figures["stopped_at"] = sum(one.steps[-1] for one in fits) / len(fits)
            figures["iterations"] = sum(one.fit.ran for one in fits) / len(fits)
        if self.holds_out(problem):
            figures["heldout_psnr"] = sum(one.quality[stop] for one in fits) / len(fits)
        if problem.split == "test":
            figures |= degraded_means([one.sample for one in fits], task)
        ends = [(one.sample, one.restored[-1]) for one in fits]
        return Evaluation(
            self._score(figures, problem, sum(one.fit.loss for one in fits) / len(fits)),
            figures,
            pictures,
            curves(fits, task) if self.curve else {},
            restored_pictures(ends) if problem.artifacts else {},
            weights(fits) if problem.artifacts else {},
            {one.sample.name: {"seconds": one.seconds} for one in fits} if problem.timed else {},
            stop=fits[0].steps[stop] / fits[0].fit.full if searching else None,
        )

    def fit_picture(
        self,
        architecture: Architecture,
        problem: Problem,
        sample: Sample,
        seed: int,
        fidelity: float = 1.0,
        turn: tuple[int, int] = (0, 1),
        limits: FitLimits | None = None,
    ) -> FittedPicture:
        """Fit a fresh network to one picture, with a seed made from `seed` and its name.

        torch's global generator is left as it was. `turn` is the picture's number among how many,
        for progress; `limits` may end the fit before its steps are done. Raises what :meth:`fit`
        raises.
        """
        from nasir.fitting.preparation import prepare
        from nasir.training.randomness import repeatable

        with repeatable(usable(self.device), self.deterministic):
            one = prepare(self, architecture, problem, sample, seed, fidelity, turn, limits)
            fit = self.fit(one.network, one.seen, problem.task, one.request)
            return FittedPicture.of(fit, one, problem.task)

    def has_state(
        self, architecture: Architecture, problem: Problem, sample: Sample, seed: int
    ) -> bool:
        """Whether a fit of :meth:`fit_picture` with these arguments was left to be continued."""
        from nasir.fitting.preparation import has_state

        return has_state(self, architecture, problem, sample, seed)

    def _score(self, figures: Mapping[str, float], problem: Problem, loss: float) -> float:
        if self.reward == "heldout" and problem.split == "search":
            return figures["heldout_psnr"]
        return figures.get("psnr", -loss)

    def holds_out(self, problem: Problem) -> bool:
        """Whether pixels are held out: for the reward of a search, or to stop by."""
        rewarding = self.reward == "heldout" and problem.split == "search"
        return rewarding or self.stops_by_held_out_pixels

    def sized(self, sample: Sample, task: Task) -> Sample:
        """`sample` at the size that it is fitted at."""
        return task.shrunk(sample, self.side) if self.side else sample
