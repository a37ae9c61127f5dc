"""What every supernet has from its base."""

from __future__ import annotations

import math

import pytest
import torch
from toy_supernet import ToySpace, ToySupernet

from nasir.core.search_space import Signature


@pytest.fixture
def supernet() -> ToySupernet:
    torch.manual_seed(0)
    return ToySpace().supernet(Signature(1, 1))


def test_the_weights_of_a_row_are_its_softmax(supernet: ToySupernet) -> None:
    with torch.no_grad():
        supernet.table.copy_(torch.tensor([[0.0, 1.0, 2.0], [3.0, 0.0, 0.0]]))
    expected = [math.e**i / (1 + math.e + math.e**2) for i in range(3)]
    assert supernet.weights_of("ops")[0].tolist() == pytest.approx(expected)


def test_a_closed_option_has_no_weight_and_the_others_all(supernet: ToySupernet) -> None:
    supernet.close({"ops": torch.tensor([[True, False, False], [True, True, False]])})
    assert supernet.weights_of("ops").tolist() == [[0.0, 0.5, 0.5], [0.0, 0.0, 1.0]]


def test_the_entropy_is_that_of_equation_4(supernet: ToySupernet) -> None:
    """For three equal options -(1/3 log 1/3 + 2/3 log 2/3) each; zero if all is decided."""
    expected = -(math.log(1 / 3) / 3 + 2 * math.log(2 / 3) / 3)
    assert supernet.entropy().item() == pytest.approx(expected)
    supernet.close({"ops": torch.tensor([[True, True, False], [True, False, True]])})
    assert supernet.entropy().item() == 0.0
    (gradient,) = torch.autograd.grad(supernet.entropy(), [supernet.table])
    assert not gradient.any()  # a log a has none at 0


def test_gradient_of_the_entropy_sharpens_the_weights(supernet: ToySupernet) -> None:
    with torch.no_grad():
        supernet.table.copy_(torch.tensor([[0.1, 0.0, 0.0], [0.0, 0.0, 0.1]]))
    for _ in range(200):
        (gradient,) = torch.autograd.grad(supernet.entropy(), [supernet.table])
        with torch.no_grad():
            supernet.table.sub_(5 * gradient)
    assert supernet.weights_of("ops")[0, 0] > 0.9
    assert supernet.weights_of("ops")[1, 2] > 0.9


def test_the_penalty_adds_up_and_is_zero_without_weights(supernet: ToySupernet) -> None:
    assert supernet.penalty(0.0, 0.0).item() == 0.0
    expected = 0.5 * supernet.entropy().item()
    assert supernet.penalty(0.5, 2.0).item() == pytest.approx(expected)


def test_weights_and_architecture_share_no_parameter(supernet: ToySupernet) -> None:
    weights = {id(p) for p in supernet.weight_parameters()}
    architecture = {id(p) for p in supernet.architecture_parameters()}
    assert architecture == {id(supernet.table)}
    assert weights | architecture == {id(p) for p in supernet.parameters()}
    assert not weights & architecture
