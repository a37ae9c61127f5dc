"""Checks of a training before its first step."""

from __future__ import annotations

from collections.abc import Sequence

from nasir.core.errors import SettingsError
from nasir.core.evaluator import Problem
from nasir.core.task import Patches
from nasir.training.losses import terms
from nasir.training.weights import fresh_network

WINDOW = 11
"""Side of SSIM's window, in pixels."""


def check_training(
    problem: Problem, patch: int, loss: str, trained_on: Sequence[Patches], room: str = "strategy"
) -> None:
    """Refuse patches that are too large or too small.

    A patch must fit into every picture of `trained_on`, and SSIM's window into every patch. `room`
    is the settings' prefix in messages. Raises :class:`~nasir.core.errors.SettingsError`.
    """
    side = min(patches.largest_side for patches in trained_on)
    if patch > side:
        raise SettingsError(
            f"{room}.patch={patch} is larger than the smallest training picture: take {side} or "
            "less, or leave that picture out"
        )
    needs_ssim = any(name == "log_ssim" for _, name in terms(loss))
    if needs_ssim and patch * problem.task.signature.scale < WINDOW:
        raise SettingsError(
            f"{room}.patch={patch} is too small for log_ssim, whose window has {WINDOW} x {WINDOW} "
            f"pixels: take {-(-WINDOW // problem.task.signature.scale)} or more"
        )


def check_sides(problem: Problem, **sides: int) -> None:
    """Refuse sides of patches, by setting, that are too small for the space's networks; 0: none."""
    smallest = problem.space.smallest_side
    for name, side in sides.items():
        if 0 < side < smallest:
            raise SettingsError(
                f"evaluator.{name}={side} is too small for the space's networks: take {smallest} "
                "or more, or a lower depth of the space"
            )


def check_output_shape(problem: Problem, patch: int) -> None:
    """Refuse a space whose networks give another size than the task wants."""
    import numpy as np
    import torch

    wanted = problem.task.signature
    network = fresh_network(problem.domain.sample(np.random.default_rng(0)), problem, 0).eval()
    side = max(patch, problem.space.smallest_side)
    with torch.no_grad():
        found = tuple(network(torch.zeros(1, wanted.in_channels, side, side)).shape)
    size = wanted.scale * side
    if found != (1, wanted.out_channels, size, size):
        raise SettingsError(
            f"networks of space {problem.domain.space} give {found[1]} channels of {found[-2]} x "
            f"{found[-1]} pixels for {side} x {side}, the task wants {wanted.out_channels} of "
            f"{size} x {size}: choose a space that does scale {wanted.scale}"
        )
