"""What a fit begins with: a fresh network, and the part of the picture that it may see."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import torch

from nasir.core.architecture import Architecture
from nasir.core.evaluator import Problem
from nasir.core.seeds import derived_seed
from nasir.core.task import Sample
from nasir.fitting.checkpoint import FitCheckpoint
from nasir.fitting.fit import FitLimits, FitRequest, PreparedFit
from nasir.fitting.held_out import divide_pixels
from nasir.training.device import usable

if TYPE_CHECKING:
    from nasir.fitting.method import FittingMethod

CHANGING = ("iterations",)
"""Settings that may change when a fit to a person's picture is continued."""


def prepare(
    method: FittingMethod,
    architecture: Architecture,
    problem: Problem,
    sample: Sample,
    seed: int,
    fidelity: float = 1.0,
    turn: tuple[int, int] = (0, 1),
    limits: FitLimits | None = None,
) -> PreparedFit:
    """Seed torch's generators from `seed` and the picture's name, and draw a network.

    The arguments are those of :meth:`~nasir.fitting.method.FittingMethod.fit_picture`.
    """
    task, device = problem.task, usable(method.device)
    sample, seed = method.sized(sample, task), derived_seed(seed, sample.name)
    torch.manual_seed(seed)
    network = task.assemble(
        lambda signature: problem.space.build(architecture, signature),
        method.signature(problem),
    ).to(device)
    seen, unseen = _divided(method, sample.to(device), problem)
    task.hint(network, seen)
    limits = limits or FitLimits()
    request = FitRequest(
        _input_shape(method, sample, problem),
        fidelity,
        _points(method, problem),
        unseen,
        sample.to(device) if method.stops_by_truth else None,
        device,
        turn,
        FitCheckpoint.of(
            method,
            architecture,
            problem,
            sample,
            seed,
            device,
            # an evaluation with artifacts is the last of its kind: no fit continues it
            promised=fidelity < 1 and not problem.artifacts,
            without=CHANGING if limits.resumable else (),
        ),
        limits,
    )
    return PreparedFit(network, sample, seen, request, seed, torch.get_rng_state())


def has_state(
    method: FittingMethod, architecture: Architecture, problem: Problem, sample: Sample, seed: int
) -> bool:
    """Whether a fit with these arguments was left to be continued."""
    sample, seed = method.sized(sample, problem.task), derived_seed(seed, sample.name)
    kept = FitCheckpoint.of(
        *(method, architecture, problem, sample, seed, usable(method.device)), True, CHANGING
    )
    return kept is not None and kept.load() is not None


def _input_shape(
    method: FittingMethod, sample: Sample, problem: Problem
) -> tuple[int, int, int, int]:
    signature, restored = method.signature(problem), problem.task.unrestored(sample)
    height, width = (side // signature.scale for side in restored.shape[-2:])
    return 1, problem.task.networks * signature.in_channels, height, width


def _points(method: FittingMethod, problem: Problem) -> int:
    """At how many points of a full fit an output is wanted."""
    if problem.split == "search" and method.stop == "search":
        return method.stops
    return method.curve or 1


def _divided(
    method: FittingMethod, sample: Sample, problem: Problem
) -> tuple[Sample, Sample | None]:
    """What a fit sees, without ground truth, and the held-out pixels where there are any."""
    seen = attrs.evolve(sample, clean=None)
    if not method.holds_out(problem):
        return seen, None
    # the same pixels in every trial, so that the rewards of two architectures compare
    seed = derived_seed(problem.seed, "held out", sample.name)
    return divide_pixels(seen, method.held_out, seed)
