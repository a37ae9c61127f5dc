"""Undoing a known forward operator with a trained denoiser as the prior."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
from attrs import validators as must

from nasir.core.component import setting
from nasir.core.errors import SettingsError
from nasir.core.method import Method
from nasir.core.progress import is_over, report
from nasir.core.task import Sample, Task
from nasir.networks.prior import load_prior, prior_setting

if TYPE_CHECKING:
    from torch import Tensor

    from nasir.core.operator import Operator

LEAST_NOISE = 1.0
"""Of 255: what is taken for the noise at least. 8 bits add 0.3, and kernels are hardly exact."""


@attrs.define
class Dpir(Method):
    """Undoes a known linear operator A, such as a blur, with a trained denoiser D as the prior.

    Half-quadratic splitting (DPIR: Zhang, Li, Zuo, Zhang, Van Gool and Timofte 2021, "Plug-and-play
    image restoration with deep denoiser prior", equations 6 and 7): in turn

        x = argmin |A x - y|^2 + a |x - z|^2 with a = weight (sigma / s)^2, and z = D(x + n),

    while s falls geometrically from `first` to the noise sigma of y. Their D is told the level s;
    ours finds the level in the picture, and so noise n from N(0, s^2) is added first. x is found by
    conjugate gradients, from the x before. Pixels that were not observed have no part in the first
    term.
    """

    local = True
    ends_early = True

    network: str | None = prior_setting()
    steps: int = setting(8, "steps, >= 1", must.ge(1))
    first: float = setting(49.0, "s of 255 at the first step, > 0", must.gt(0))
    weight: float = setting(0.23, "of the prior, > 0", must.gt(0))
    sigma: float | None = setting(
        None,
        "standard deviation of the noise, of 255, > 0; none: estimated from the picture, and "
        f"{LEAST_NOISE:g} at least",
        must.optional(must.gt(0)),
    )
    gradients: int = setting(15, "conjugate gradients of a step, >= 1", must.ge(1))
    seed: int = setting(0, "what the noise is drawn from, >= 0", must.ge(0))

    def restore(self, sample: Sample, task: Task) -> Tensor:
        import torch

        from nasir.core.operator import Operator

        operator = sample.forward_operator
        if not (isinstance(operator, Operator) and operator.has_adjoint):
            raise SettingsError(
                "method dpir undoes a linear operator that is known, such as task=deblur: for "
                "noise alone take a network or another method"
            )
        x = task.unrestored(sample)
        denoiser = load_prior(self.network, x.shape[1])
        sigma, generator = self._noise(sample), torch.Generator().manual_seed(self.seed)
        z = x
        with torch.inference_mode():
            for step in range(self.steps):
                if is_over():
                    break
                s = self.first * (sigma / self.first) ** (step / max(1, self.steps - 1))
                x = self._nearer(x, z, sample, operator, self.weight * (sigma / s) ** 2)
                z = denoiser(x + s / 255 * torch.randn(x.shape, generator=generator))
                report(step + 1, self.steps)
        return z.clamp(0, 1)

    def _noise(self, sample: Sample) -> float:
        """The standard deviation of the noise of y, of 255."""
        from nasir.kernels.noise_level import noise_level

        if self.sigma is not None:
            return self.sigma
        return max(LEAST_NOISE, 255 * noise_level(sample.degraded[0].permute(1, 2, 0).numpy()))

    def _nearer(
        self, x: Tensor, z: Tensor, sample: Sample, operator: Operator, prior: float
    ) -> Tensor:
        """`x` after some conjugate gradients towards the least |A x - y|^2 + prior |x - z|^2."""
        observed = 1.0 if sample.mask is None else sample.mask

        def normal(x: Tensor) -> Tensor:
            return operator.adjoint(observed * operator(x)) + prior * x

        residual = operator.adjoint(observed * sample.degraded) + prior * z - normal(x)
        direction, square = residual, residual.square().sum()
        for _ in range(self.gradients):
            if square == 0:
                break
            image = normal(direction)
            length = square / (direction * image).sum()
            x = x + length * direction
            residual = residual - length * image
            before, square = square, residual.square().sum()
            direction = residual + square / before * direction
        return x
