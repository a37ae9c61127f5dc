"""NASWOT against NumPy on codes that are known."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nasir.proxies.activations import ActivationKernel, in_common
from nasir.proxies.inputs import minibatch, shuffled
from nasir.proxies.naswot import NasWot

CODES = np.array([[1, 1, 0, 0, 1], [1, 0, 1, 0, 1], [0, 0, 1, 1, 1]], bool)

ACTIVATIONS = {
    "ReLU": nn.ReLU(),
    "in place": nn.ReLU(inplace=True),
    "LeakyReLU": nn.LeakyReLU(0.2),
    "LeakyReLU in place": nn.LeakyReLU(0.2, inplace=True),
    "PReLU": nn.PReLU(),
    "SELU": nn.SELU(),
    "ELU in place": nn.ELU(inplace=True),
    "CELU": nn.CELU(),
    "ReLU6": nn.ReLU6(),
    "RReLU": nn.RReLU(),
    "GELU": nn.GELU(),
    "SiLU": nn.SiLU(),
    "function": F.relu,
    "function in place": F.relu_,
    "method": Tensor.relu,
    "method in place": Tensor.relu_,
    "leaky function": F.leaky_relu,
}


def kernel_of(codes: np.ndarray) -> np.ndarray:
    """N_A minus the Hamming distance of each pair, as it is written in the paper."""
    n = len(codes)
    return np.array(
        [[codes.shape[1] - np.sum(codes[i] != codes[j]) for j in range(n)] for i in range(n)], float
    )


def test_by_hand():
    """Distances 2, 4 and 2 of five units: det [[5, 3, 1], [3, 5, 3], [1, 3, 5]] = 48."""
    kernel = in_common(torch.from_numpy(CODES)).numpy()
    assert kernel.tolist() == [[5, 3, 1], [3, 5, 3], [1, 3, 5]]
    assert np.linalg.det(kernel) == pytest.approx(48)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_the_units_of_every_rectifier_are_counted_once(name: str):
    values = torch.from_numpy(np.where(CODES, 0.7, -0.3)).float()
    with ActivationKernel(3) as seen, torch.no_grad():
        ACTIVATIONS[name](values.clone())
    assert np.array_equal(seen.agreements.numpy(), kernel_of(CODES))


def test_a_sigmoid_has_no_units_that_are_on_or_off():
    with ActivationKernel(3) as seen, torch.no_grad():
        nn.Sigmoid()(torch.from_numpy(CODES).float() - 0.5)
    assert not seen.agreements.any()


def test_the_value_is_the_log_determinant_of_all_units_together(probe_of):
    torch.manual_seed(0)
    convs = [nn.Conv2d(2, 6, 3, padding=1), nn.Conv2d(6, 4, 3, padding=1)]
    network = nn.Sequential(convs[0], nn.ReLU(inplace=True), convs[1], nn.SELU(), nn.Sigmoid())
    probe = probe_of(network, torch.rand(1, 2, 8, 9) - 0.5, seed=4)
    batch = minibatch(probe, 5, 32)
    with torch.no_grad():
        first = convs[0](batch)
        second = convs[1](first.relu())
    codes = np.concatenate([(y > 0).flatten(1).numpy() for y in (first, second)], axis=1)
    expected = np.linalg.slogdet(kernel_of(codes)).logabsdet
    assert NasWot(inputs=5).value(probe) == pytest.approx(expected, rel=1e-9)


def test_inputs_with_one_response_have_no_determinant(probe_of):
    network = nn.Sequential(nn.Conv2d(1, 2, 1), nn.ReLU())
    assert NasWot().value(probe_of(network, torch.ones(1, 1, 6, 6))) == -math.inf
    assert NasWot().value(probe_of(nn.Conv2d(1, 2, 1), torch.rand(1, 1, 6, 6))) == -math.inf


def test_the_scale_of_weights_before_a_rectifier_does_not_matter(probe_of):
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(2, 6, 3, bias=False), nn.ReLU(), nn.Conv2d(6, 1, 1))
    x = torch.rand(1, 2, 8, 9) - 0.5
    before = NasWot().value(probe_of(network, x))
    with torch.no_grad():
        network[0].weight.mul_(8)
    assert NasWot().value(probe_of(network, x)) == before


def test_a_shuffled_input_has_the_same_pixels_whole():
    x = torch.arange(60.0).view(1, 2, 5, 6)
    y = shuffled(x, 5, 6, torch.Generator().manual_seed(1))
    assert y.shape == x.shape
    assert torch.equal(y[:, 1] - y[:, 0], torch.full((1, 5, 6), 30.0)), "channels stay together"
    assert not torch.equal(x, y)
    assert torch.equal(y.flatten().sort().values, x.flatten())


@pytest.mark.parametrize(
    ("side", "smallest", "size"), [(32, 1, (20, 24)), (8, 1, (8, 8)), (8, 16, (16, 16))]
)
def test_a_minibatch_is_as_small_as_asked_and_as_large_as_needed(
    probe_of, side: int, smallest: int, size: tuple[int, int]
):
    probe = probe_of(nn.Conv2d(2, 2, 1), torch.rand(1, 2, 20, 24), smallest_side=smallest)
    batch = minibatch(probe, 3, side)
    assert batch.shape == (3, 2, *size)
    assert len({tuple(one.flatten().tolist()) for one in batch}) == 3
    assert set(batch[:, 0].flatten().tolist()) <= set(probe.input[0, 0].flatten().tolist())
