"""One path a step (GDAS)."""

from __future__ import annotations

import pytest
import torch

from nasir.strategies.darts.relaxation import OnePath


def test_each_row_has_one_weight_of_one_and_exact_zeros() -> None:
    torch.manual_seed(0)
    weights = OnePath(0.5)(torch.randn(200, 5))
    assert ((weights != 0).sum(-1) == 1).all()
    torch.testing.assert_close(weights.sum(-1), torch.ones(200))


def test_options_are_drawn_as_often_as_the_softmax_says() -> None:
    torch.manual_seed(0)
    logits = torch.tensor([0.0, 1.0, 2.0])
    drawn = OnePath(1.0)(logits.expand(20000, 3)).argmax(-1)
    frequency = torch.bincount(drawn, minlength=3) / 20000
    torch.testing.assert_close(frequency, torch.softmax(logits, -1), atol=0.01, rtol=0)


@pytest.mark.parametrize("temperature", [0.5, 3.0])
def test_the_gradient_is_that_of_the_gumbel_softmax(temperature: float) -> None:
    logits = torch.randn(4, 3, dtype=torch.float64, requires_grad=True)
    direction = torch.randn(4, 3, dtype=torch.float64)
    torch.manual_seed(1)
    (OnePath(temperature)(logits) * direction).sum().backward()
    torch.manual_seed(1)
    gumbel = -torch.empty(4, 3, dtype=torch.float64).exponential_().log()
    s = torch.softmax((torch.log_softmax(logits.detach(), -1) + gumbel) / temperature, -1)
    of_softmax = s * (direction - (s * direction).sum(-1, keepdim=True)) / temperature
    p = torch.softmax(logits.detach(), -1)
    expected = of_softmax - p * of_softmax.sum(-1, keepdim=True)
    torch.testing.assert_close(logits.grad, expected)


def test_a_closed_option_is_never_drawn() -> None:
    torch.manual_seed(0)
    logits = torch.zeros(100, 3).masked_fill(torch.tensor([False, True, False]), -torch.inf)
    assert not OnePath(1.0)(logits)[:, 1].any()
