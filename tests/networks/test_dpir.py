"""Known operators undone with a trained denoiser as prior."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from skimage import data
from skimage.restoration import unsupervised_wiener

from nasir.apps.restore.consistency import inconsistency
from nasir.core.errors import SettingsError
from nasir.core.operator import Operator
from nasir.core.progress import ending
from nasir.core.task import Sample
from nasir.networks.dpir import Dpir
from nasir.tasks.deblur import Deblur
from nasir.tasks.physics.convolution import Convolution, motion_kernel

KERNEL = motion_kernel(9, 30)


def blurred(clean: torch.Tensor, sigma: float, border: str = "mirrored") -> Sample:
    """What is seen of `clean` through a moving camera, with noise of `sigma` of 255."""
    operator = Convolution(KERNEL, border, tuple(clean.shape[-2:]), valid=False)
    noise = torch.randn(clean.shape, generator=torch.Generator().manual_seed(0))
    return Sample("a", operator(clean) + sigma / 255 * noise, forward_operator=operator)


def photograph() -> torch.Tensor:
    """Part of a portrait: ``(1, 3, 96, 96)``."""
    return torch.from_numpy(data.astronaut()[80:176, 180:276] / 255).float().permute(2, 0, 1)[None]


def psnr(found: torch.Tensor, clean: torch.Tensor) -> float:
    return -10 * math.log10((found - clean).square().mean().item())


def test_a_blurred_photograph_becomes_sharper_than_by_wiener_filtering():
    clean = photograph()
    sample = blurred(clean, 2.55)
    seen = np.pad(sample.degraded[0].double().numpy(), ((0, 0), (24, 24), (24, 24)), "symmetric")
    wiener = [unsupervised_wiener(one, KERNEL, rng=0, clip=False)[0] for one in seen]
    wiener = torch.from_numpy(np.stack(wiener)[None, :, 24:-24, 24:-24]).float()
    found = psnr(Dpir().restore(sample, Deblur()), clean)
    assert found > psnr(wiener, clean) + 2
    assert found > psnr(sample.degraded, clean) + 6


def test_a_wrong_kernel_costs_decibels_and_shows_when_the_result_is_blurred_again():
    """As docs/restoring.md advises: the right length has the highest figure `degraded again`."""
    clean = photograph()[..., 16:56, 16:56]
    seen = Convolution(motion_kernel(8, 30), "mirrored", tuple(clean.shape[-2:]), valid=False)(
        clean
    )
    found, again = {}, {}
    for length in (8, 10):
        kernel = motion_kernel(length, 30)
        operator = Convolution(kernel, "mirrored", tuple(clean.shape[-2:]), valid=False)
        sample = Sample("a", seen, forward_operator=operator)
        restored = Dpir(sigma=2, steps=3).restore(sample, Deblur())
        found[length] = psnr(restored, clean)
        again[length] = inconsistency(restored[0].permute(1, 2, 0).numpy(), sample)
    assert found[8] > found[10] + 2
    assert again[8] < again[10]


def test_the_data_step_has_the_closed_form_of_periodic_borders():
    """(|K|^2 + a) X = conj(K) Y + a Z of the Fourier transforms (DPIR, equation 9)."""
    clean, z = photograph()[..., :32, :40], torch.rand(1, 3, 32, 40)
    sample, prior = blurred(clean, 5, "periodic"), 0.05
    operator = sample.forward_operator
    assert isinstance(operator, Operator)
    found = Dpir(gradients=100)._nearer(z, z, sample, operator, prior)
    impulse = np.zeros((32, 40))
    height, width = KERNEL.shape
    impulse[:height, :width] = KERNEL
    k = np.fft.fft2(np.roll(impulse, (-(height // 2), -(width // 2)), (0, 1)))
    y, start = (np.fft.fft2(one.numpy()) for one in (sample.degraded, z))
    expected = np.fft.ifft2((k.conj() * y + prior * start) / (abs(k) ** 2 + prior)).real
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_what_was_not_observed_does_not_count_in_the_data_step():
    sample = blurred(photograph()[..., :48, :48], 2)
    y, operator, mask = sample.degraded, sample.forward_operator, torch.ones(1, 1, 48, 48)
    assert isinstance(operator, Operator)
    mask[..., :8] = 0
    samples = [
        sample,
        Sample("a", y, forward_operator=operator, mask=mask),
        Sample("a", torch.where(mask == 0, 0.9, y), forward_operator=operator, mask=mask),
    ]
    whole, *found = (Dpir()._nearer(y, y, one, operator, 0.01) for one in samples)
    assert torch.equal(*found)
    assert not torch.equal(whole, found[0])


def test_when_it_is_ended_early_it_gives_what_it_has():
    sample = blurred(photograph()[..., :48, :48], 2)
    with ending(lambda: True):
        assert torch.equal(Dpir().restore(sample, Deblur()), sample.degraded.clamp(0, 1))


def test_an_operator_that_is_not_known_is_refused():
    with pytest.raises(SettingsError, match="dpir undoes a linear operator that is known"):
        Dpir().restore(Sample("a", torch.rand(1, 3, 32, 32)), Deblur())
