from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.optim.lr_scheduler import CosineAnnealingLR, PolynomialLR

from nasir.training.schedules import KINDS, learning_rate


def of_torch(scheduler: type, steps: int, **settings: float) -> list[float]:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.05)
    schedule = scheduler(optimizer, steps, **settings)
    rates = []
    for _ in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    return rates


def test_cosine_equals_that_of_torch() -> None:
    expected = of_torch(CosineAnnealingLR, 20, eta_min=0.001)
    found = [learning_rate("cosine", step, 20, 0.05, 0.001) for step in range(20)]
    assert found == pytest.approx(expected)


def test_polynomial_equals_that_of_torch() -> None:
    expected = of_torch(PolynomialLR, 20, power=0.9)
    assert [learning_rate("polynomial", i, 20, 0.05, 0.0) for i in range(20)] == pytest.approx(
        expected
    )


@given(st.sampled_from(KINDS), st.integers(1, 50), st.floats(0.1, 3))
def test_the_rate_starts_at_the_first_and_falls_to_the_last(
    kind: str, steps: int, power: float
) -> None:
    rates = [learning_rate(kind, i, steps, 0.1, 0.01, power) for i in range(steps + 1)]
    assert rates[0] == pytest.approx(0.1)
    assert rates[-1] == pytest.approx(0.1 if kind == "constant" else 0.01)
    assert rates == sorted(rates, reverse=True)


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="no schedule 'step'"):
        learning_rate("step", 0, 1, 0.1, 0.0)
