from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.stats import poisson

from nasir.tasks.degradations.gaussian import Gaussian
from nasir.tasks.degradations.poisson import Poisson
from nasir.tasks.physics.stabilising import Anscombe

PHOTONS = (2.0, 5.0, 20.0, 100.0)


def expected(photons: float, sigma: float, of: Anscombe) -> tuple[float, float]:
    """Mean and variance of the transform of `photons` at one photon a unit, by summation.

    The added Gaussian noise has `sigma` photons.
    """
    k = np.arange(poisson.ppf(1 - 1e-12, photons) + 1)
    nodes, weights = np.polynomial.hermite_e.hermegauss(40)
    chances = poisson.pmf(k, photons)[:, None] * (weights / weights.sum())
    values = of.forward(torch.from_numpy(k[:, None] + sigma * nodes)).numpy()
    mean = float((chances * values).sum())
    return mean, float((chances * values**2).sum() - mean**2)


@pytest.mark.parametrize("sigma", [0.0, 1.0])
@pytest.mark.parametrize("photons", PHOTONS)
def test_the_inverse_is_unbiased(photons: float, sigma: float) -> None:
    of = Anscombe(1.0, sigma**2)
    mean, _ = expected(photons, sigma, of)
    found = float(of.inverse(torch.tensor(mean, dtype=torch.float64)))
    assert found == pytest.approx(photons, rel=0.01)


@pytest.mark.parametrize("photons", PHOTONS[1:])
def test_the_noise_becomes_white(photons: float) -> None:
    _, variance = expected(photons, 0.0, Anscombe(1.0))
    assert variance == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize("peak", [2, 30])
def test_a_denoiser_is_given_noise_of_a_level_that_it_takes(peak: int) -> None:
    y = Poisson(peak=peak).degrade_batch(torch.full((1, 1, 200, 200), 0.8), generator())
    seen: list[torch.Tensor] = []

    def denoise(x: torch.Tensor) -> torch.Tensor:
        seen.append(x)
        return x.mean().expand(x.shape)

    restored = Anscombe(1 / peak)(denoise, y)
    # rounded off: where photons are few the transform is only nearly normal
    assert float(seen[0].std()) < 1.05 * 55 / 255
    assert 0 <= float(seen[0].min()) <= float(seen[0].max()) < 2
    assert float(restored.mean()) == pytest.approx(0.8, abs=0.02)


def test_the_variance_of_noises_adds_up() -> None:
    assert (Poisson(peak=20) + Gaussian(sigma=51)).variance() == pytest.approx((0.05, 0.04))


def test_batches_have_the_moments_of_the_distribution_and_a_peak_for_each_patch() -> None:
    clean = torch.full((40, 1, 60, 60), 0.5)
    noise = Poisson(peaks=(5, 500))
    noisy = noise.degrade_batch(clean, generator())
    assert torch.equal(noisy, noise.degrade_batch(clean, generator()))
    torch.testing.assert_close(noisy.mean(), torch.tensor(0.5), atol=5e-3, rtol=0)
    variances = noisy.var(dim=(1, 2, 3))
    near = [(variances / (0.5 / peak) - 1).abs() < 0.15 for peak in (5, 500)]
    assert (near[0] ^ near[1]).all()
    assert 5 <= int(near[0].sum()) <= 35
    rng = np.random.default_rng(0)
    assert {noise.varied(rng).peak for _ in range(20)} == {5.0, 500.0}


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)
