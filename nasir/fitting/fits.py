"""The fits to several pictures, and what they come to together."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import attrs

from nasir.core.evaluator import Problem
from nasir.core.task import Sample, Task
from nasir.core.trial import Curve, Proposal
from nasir.fitting.fit import FitsApartError, FittedPicture, PreparedFit
from nasir.training.device import usable
from nasir.training.restored import network_weights

if TYPE_CHECKING:
    from nasir.fitting.method import FittingMethod

log = logging.getLogger("nasir")


def fit_pictures(
    method: FittingMethod,
    proposal: Proposal,
    problem: Problem,
    samples: Sequence[Sample],
    seed: int,
) -> list[FittedPicture]:
    """Fit a fresh network to each picture: those of one size at once where `method` does so."""
    fits = _Fits(method, proposal, problem, seed, len(samples))
    if not method.fits_together or len(samples) < 2:
        return fits.in_turn(samples)
    groups: dict[Any, list[int]] = {}
    for place, sample in enumerate(samples):
        shape = method.sized(sample, problem.task).degraded.shape
        groups.setdefault(shape, []).append(place)
    found: dict[int, FittedPicture] = {}
    for places in groups.values():
        group = fits.at_once([samples[place] for place in places])
        found.update(zip(places, group, strict=True))
    return [found[place] for place in range(len(samples))]


class _Fits:
    """The fits of one evaluation to `pictures` pictures; `done` is how many are."""

    def __init__(
        self, method: FittingMethod, proposal: Proposal, problem: Problem, seed: int, pictures: int
    ) -> None:
        self.method, self.problem, self.seed = method, problem, seed
        self.architecture, self.fidelity = proposal.architecture, proposal.fidelity
        self.done, self.pictures = 0, pictures

    def in_turn(self, samples: Sequence[Sample]) -> list[FittedPicture]:
        """Fit to one picture after another."""
        found = []
        for sample in samples:
            started, turn = time.perf_counter(), (self.done, self.pictures)
            one = self.method.fit_picture(
                self.architecture, self.problem, sample, self.seed, self.fidelity, turn
            )
            found.append(attrs.evolve(one, seconds=time.perf_counter() - started))
            self.done += 1
        return found

    def at_once(self, samples: Sequence[Sample]) -> list[FittedPicture]:
        """Fit to pictures of one size at once, as many as there is room for."""
        if len(samples) < 2:
            return self.in_turn(samples)
        try:
            found = self._together(samples)
        except FitsApartError as reason:
            log.info("the pictures are fitted one after another: %s", reason)
            return self.in_turn(samples)
        if isinstance(found, list):
            self.done += len(samples)
            return found
        log.info("%d fits at once are too many for the memory of the device", len(samples))
        parts = [samples[i : i + found] for i in range(0, len(samples), found)]
        return [one for part in parts for one in self.at_once(part)]

    def _together(self, samples: Sequence[Sample]) -> list[FittedPicture] | int:
        """The fits; or how many are to be done at once instead where the memory is too small."""
        import torch

        from nasir.fitting.room import most_at_once
        from nasir.training.randomness import repeatable

        method, task, started = self.method, self.problem.task, time.perf_counter()
        with repeatable(usable(method.device), method.deterministic):
            try:
                first = self._prepared(samples[0], 0)
                request = first.request
                most = most_at_once(first.network, request.input_shape, request.device)
                if most is not None and most < len(samples):
                    return most
                rest = [self._prepared(one, i) for i, one in enumerate(samples[1:], 1)]
                prepared = [first, *rest]
                fits = method.fit_together(prepared, task)
            except torch.OutOfMemoryError:
                return len(samples) // 2
            pairs = zip(fits, prepared, strict=True)
            found = [FittedPicture.of(fit, one, task) for fit, one in pairs]
        share = (time.perf_counter() - started) / len(found)
        return [attrs.evolve(one, seconds=share) for one in found]

    def _prepared(self, sample: Sample, place: int) -> PreparedFit:
        from nasir.fitting.preparation import prepare

        turn = (self.done + place, self.pictures)
        return prepare(
            self.method, self.architecture, self.problem, sample, self.seed, self.fidelity, turn
        )


def best_stop(fits: Sequence[FittedPicture]) -> int:
    """The place among the stopping points where the pictures are best in the mean, or the last."""
    if len({len(one.quality) for one in fits}) > 1:
        return -1  # the fits stopped each by itself
    means = [sum(values) / len(fits) for values in zip(*(f.quality for f in fits), strict=True)]
    if not means or any(map(math.isnan, means)):
        return -1  # the task measures no PSNR
    return max(range(len(means)), key=means.__getitem__)


def curves(fits: Sequence[FittedPicture], task: Task) -> dict[str, Curve]:
    """The PSNR of each picture at each point, by the share of a full fit."""
    found = {}
    for one in fits:
        values = [task.metrics(picture, one.sample).get("psnr") for picture in one.restored]
        points = zip(one.steps, values, strict=True)
        curve = tuple((step / one.fit.full, value) for step, value in points if value is not None)
        if curve:
            found[one.sample.name] = curve
    return found


def weights(fits: Sequence[FittedPicture]) -> dict[str, Any]:
    """The weights of each picture's network, as ``PICTURE/NAME``."""
    return {
        f"{one.sample.name}/{name}": value
        for one in fits
        for name, value in network_weights(one.network).items()
    }
