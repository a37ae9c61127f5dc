"""Removing noise."""

from __future__ import annotations

import attrs

from nasir.core.component import setting
from nasir.core.degradation import Degradation
from nasir.core.errors import SettingsError
from nasir.tasks.degradations.gaussian import Gaussian
from nasir.tasks.paired_task import PairedTask


@attrs.define(slots=False)
class Denoise(PairedTask):
    """Remove noise from photographs.

    The degraded picture y is the clean one x with `noise`: white Gaussian noise of ``task.sigma``,
    photon noise with ``task.noise=poisson task.peak=30``, the noise of a camera with
    ``task.noise=camera``, or any other that is registered. The loss of a fit is the mean squared
    error to y (Deep Image Prior, equation 2 with A the identity).

    With ``degraded = true``, `images` and `test_images` are noisy already and have no ground truth:
    the search is on photographs with `noise`, and yours are restored at the end.
    """

    noise: Degradation = setting(
        Gaussian(),
        "gaussian, poisson, camera or another noise; a+b: one after the other",
        open=True,
    )

    def degrading(self) -> Degradation:
        return only_noise(self.noise, "noise")


def only_noise(degradation: Degradation, field: str) -> Degradation:
    """Refuse a degradation with a forward operator in a field that takes noise alone."""
    if degradation.operators:
        name = type(degradation.operators[0]).__name__
        raise SettingsError(
            f"task.{field} takes noise, and {name} is a forward operator: take task=degraded "
            "task.degradation=..., which takes both"
        )
    return degradation
