from __future__ import annotations

import sys

import pytest
import torch
from torch import nn

from nasir.training.optimizers import (
    KINDS,
    load_optimizer_state,
    optimizer,
    optimizer_state,
    set_learning_rate,
)


def parameters() -> list[nn.Parameter]:
    generator = torch.Generator().manual_seed(0)
    return [nn.Parameter(torch.randn(n, generator=generator)) for n in (3, 5)]


def descend(opt: torch.optim.Optimizer, of: list[nn.Parameter], steps: int) -> None:
    for _ in range(steps):
        opt.zero_grad()
        sum((p**4).sum() for p in of).backward()
        opt.step()


@pytest.mark.parametrize("kind", KINDS)
def test_torchs_compiler_is_not_imported(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch._dynamo", None)  # importing it fails
    of = parameters()
    opt = optimizer(kind, of, 0.1)
    descend(opt, of, 2)
    opt.load_state_dict(opt.state_dict())
    with pytest.raises(ImportError):
        descend(torch.optim.SGD(of, 0.1), of, 1)


@pytest.mark.parametrize(
    ("kind", "reference"),
    [
        ("sgd", lambda p: torch.optim.SGD(p, 0.1, momentum=0.9, weight_decay=0.1)),
        ("adam", lambda p: torch.optim.Adam(p, 0.1, (0.5, 0.99), weight_decay=0.1)),
        ("adamw", lambda p: torch.optim.AdamW(p, 0.1, (0.5, 0.99), weight_decay=0.1)),
    ],
)
def test_steps_equal_those_of_torch(kind: str, reference) -> None:  # type: ignore[no-untyped-def]
    ours, theirs = parameters(), parameters()
    descend(optimizer(kind, ours, 0.1, 0.9, 0.1, (0.5, 0.99)), ours, 5)
    descend(reference(theirs), theirs, 5)
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a, b)


@pytest.mark.parametrize("kind", KINDS)
def test_an_optimizer_continues_from_the_state_of_another_to_the_bit(kind: str) -> None:
    whole = parameters()
    opt = optimizer(kind, whole, 0.1)
    descend(opt, whole, 3)
    again = [nn.Parameter(p.detach().clone()) for p in whole]
    other = optimizer(kind, again, 0.1)
    load_optimizer_state(other, {k: v.clone() for k, v in optimizer_state(opt).items()})
    descend(opt, whole, 4)
    descend(other, again, 4)
    assert all(torch.equal(a, b) for a, b in zip(whole, again, strict=True))


@pytest.mark.parametrize("kind", KINDS)
def test_a_fresh_optimizer_has_no_state(kind: str) -> None:
    opt = optimizer(kind, parameters(), 0.1)
    assert optimizer_state(opt) == {}
    load_optimizer_state(opt, {})


def test_a_learning_rate_applies_from_the_next_step() -> None:
    (p, _) = of = parameters()
    opt = optimizer("sgd", of, 0.1, momentum=0.0)
    set_learning_rate(opt, 0.5)
    expected = p.detach() - 0.5 * 4 * p.detach() ** 3
    descend(opt, of, 1)
    torch.testing.assert_close(p.detach(), expected)


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="no optimizer 'lion'"):
        optimizer("lion", parameters(), 0.1)


@pytest.mark.parametrize("kind", ["sgd", "adam", "adamw"])
def test_a_weight_can_have_its_first_gradient_later_than_others(kind: str) -> None:
    """As where one path of a supernet is walked at a time; what is not walked does not move."""
    first, second = (torch.nn.Parameter(torch.ones(2)) for _ in range(2))
    made = optimizer(kind, [first, second], 0.1, decay=0.1)
    first.grad = torch.ones(2)
    made.step()
    assert torch.equal(second.detach(), torch.ones(2))
    second.grad = torch.ones(2)
    made.step()
    assert (second < 1).all()
