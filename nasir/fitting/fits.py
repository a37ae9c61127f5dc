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
from nasir.fitting.fit import FitsApartError, FittedPicture
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
    """Fit a fresh network to each picture: all at once where `method` does so, else in turn."""
    if method.fits_together and len(samples) > 1:
        try:
            return _together(method, proposal, problem, samples, seed)
        except FitsApartError as reason:
            log.info("the pictures are fitted one after another: %s", reason)
    architecture, fidelity = proposal.architecture, proposal.fidelity
    fits = []
    for i, sample in enumerate(samples):
        started, turn = time.perf_counter(), (i, len(samples))
        one = method.fit_picture(architecture, problem, sample, seed, fidelity, turn)
        fits.append(attrs.evolve(one, seconds=time.perf_counter() - started))
    return fits


def _together(
    method: FittingMethod,
    proposal: Proposal,
    problem: Problem,
    samples: Sequence[Sample],
    seed: int,
) -> list[FittedPicture]:
    """Fit to all pictures of one size at once; to half of them where the memory is too small."""
    import torch

    from nasir.fitting.preparation import prepare
    from nasir.training.randomness import repeatable

    architecture, fidelity = proposal.architecture, proposal.fidelity
    started = time.perf_counter()
    with repeatable(usable(method.device), method.deterministic):
        prepared = [
            prepare(method, architecture, problem, sample, seed, fidelity, (i, len(samples)))
            for i, sample in enumerate(samples)
        ]
        if len({one.request.input_shape for one in prepared}) > 1:
            raise FitsApartError("they differ in size")
        try:
            fits = method.fit_together(prepared, problem.task)
        except torch.OutOfMemoryError:
            fits = None
        if fits is not None:
            pairs = zip(fits, prepared, strict=True)
            found = [FittedPicture.of(fit, one, problem.task) for fit, one in pairs]
            share = (time.perf_counter() - started) / len(found)
            return [attrs.evolve(one, seconds=share) for one in found]
    del prepared
    half = len(samples) // 2
    if half < 2:
        raise FitsApartError("the memory of the device is too small")
    log.info("the memory of the device is too small for %d fits at once", len(samples))
    parts = (samples[:half], samples[half:])
    return [one for part in parts for one in fit_pictures(method, proposal, problem, part, seed)]


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
